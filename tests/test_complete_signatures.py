"""Whether a method can stand where its contract's is expected: each difference told, what fits left alone."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from floe_complete.signatures import differences


class Contract:
    """What is promised."""

    @property
    def kind(self) -> str:
        return ""

    def ask(self, question: str, seconds: float = 1.0) -> list[str]:
        raise NotImplementedError

    def either(self, given: Optional[int]) -> int | str:  # noqa: UP045 - the older spelling is read as well
        raise NotImplementedError

    async def later(self) -> None:
        raise NotImplementedError


class Fits:
    @property
    def kind(self) -> str:
        return "fits"

    def ask(self, question: str, seconds: float = 1.0, *, more: bool = False) -> list[str]:
        raise NotImplementedError

    def either(self, given: int | None) -> int:
        raise NotImplementedError

    async def later(self) -> None: ...


class Anything:
    kind = property(lambda _: "anything")

    def ask(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def either(self, given):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201, RUF100
        raise NotImplementedError

    async def later(self) -> None: ...


@pytest.mark.parametrize("plugin", [Fits, Anything, Contract])
@pytest.mark.parametrize("name", ["kind", "ask", "either", "later"])
def test_what_fits_is_left_alone(plugin: type, name: str) -> None:
    assert differences(Contract, plugin, name) == []


class Renames:
    def ask(self, query: str, seconds: float = 1.0) -> list[str]:
        raise NotImplementedError


class Lacks:
    def ask(self, question: str) -> list[str]:
        raise NotImplementedError


class Swaps:
    def ask(self, seconds: float = 1.0, question: str = "") -> list[str]:
        raise NotImplementedError


class Needs:
    def ask(self, question: str, seconds: float = 1.0, *, dialect: str) -> list[str]:
        raise NotImplementedError


class Narrows:
    def ask(self, question: bytes, seconds: float = 1.0) -> list[str]:
        raise NotImplementedError


class Waits:
    def ask(self, question: str, seconds: float = 2.0) -> list[str]:
        raise NotImplementedError


class Demands:
    def ask(self, question: str, seconds: float) -> list[str]:
        raise NotImplementedError


class ByName:
    def ask(self, *, question: str, seconds: float = 1.0) -> list[str]:
        raise NotImplementedError


class Answers:
    def ask(self, question: str, seconds: float = 1.0) -> str:
        raise NotImplementedError


class Hurries:
    async def ask(self, question: str, seconds: float = 1.0) -> list[str]:
        raise NotImplementedError


class IsNone:
    ask = 7


@pytest.mark.parametrize(
    ("plugin", "told"),
    [
        (Renames, ["ask: question of the contract is called query"]),
        (Lacks, ["ask: has no parameter seconds"]),
        (Needs, ["ask: needs dialect, which the contract does not have"]),
        (Narrows, ["ask: question takes bytes, str in the contract"]),
        (Waits, ["ask: seconds is 2.0 by default, is 1.0 by default in the contract"]),
        (Demands, ["ask: seconds has no default, is 1.0 by default in the contract"]),
        (Answers, ["ask: returns str, list[str] in the contract"]),
        (Hurries, ["ask: is async"]),
        (IsNone, ["ask: is no method"]),
    ],
)
def test_a_difference_is_told_by_name(plugin: type, told: list[str]) -> None:
    assert differences(Contract, plugin, "ask") == told


def test_parameters_in_another_place_are_told() -> None:
    told = differences(Contract, Swaps, "ask")
    assert [one for one in told if "another place" in one] == [
        "ask: question stands in another place than in the contract",
        "ask: seconds stands in another place than in the contract",
    ]


def test_a_parameter_that_is_taken_by_name_only_is_told() -> None:
    assert "ask: question is keyword-only, positional or keyword in the contract" in differences(
        Contract, ByName, "ask"
    )


def test_a_property_that_is_a_method_is_told() -> None:
    class Method:
        def kind(self) -> str:
            return ""

    assert differences(Contract, Method, "kind") == ["kind: is a method, a property in the contract"]


def test_a_property_of_another_type_is_told() -> None:
    class Number:
        @property
        def kind(self) -> int:
            return 0

    assert differences(Contract, Number, "kind") == ["kind: returns int, str in the contract"]


def test_what_must_be_awaited_and_is_not_is_told() -> None:
    class AtOnce:
        def later(self) -> None: ...

    assert differences(Contract, AtOnce, "later") == ["later: is not async"]


def test_an_answer_may_be_narrower_and_no_wider_than_its_contract() -> None:
    class Wider:
        def either(self, given: int | None) -> int | str | None:
            raise NotImplementedError

    assert differences(Contract, Wider, "either") == [
        "either: returns int | str | None, int | str in the contract"
    ]
