"""Words about compiling: what a team has, what they type, and what is there afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers import compilations
from drivers.compilations import Compilation
from drivers.floe import Floe, Outcome
from reports import evidence

if TYPE_CHECKING:
    from steps.early import Early

NEEDED = frozenset(
    {"compiled_artifacts.json", "definitions.py", "profiles.yml"}
    | {"target/manifest.json", "target/partial_parse.msgpack"}
)
"""What a run reads in a product's folder, beside the macros of its compute."""


@pytest.fixture(scope="module")
def installation() -> Floe:
    """The floe that teams compile with."""
    return Floe.installed()


@given("every product of the demo is compiled", target_fixture="demo")
def demo_is_compiled(early: Early) -> dict[str, Compilation]:
    evidence.touched("floe")
    return early.demo()


@given(
    "customer-360 compiled for one moment in two places, by two processes with other seeds and time zones",
    target_fixture="both",
)
def compiled_twice(early: Early) -> tuple[Compilation, Compilation]:
    evidence.touched("floe")
    return early.twice()


@given(parse("a team's {product} with {change}"), target_fixture="written")
def team_has(product: str, change: str) -> tuple[str, str]:
    return product, change


@when("the team compiles it", target_fixture="compilation")
def team_compiles(early: Early, written: tuple[str, str]) -> Compilation:
    evidence.touched("floe")
    return early.changed(*written)


@when(parse("a data engineer types the compile command of {product}"), target_fixture="typed")
def command_is_typed(installation: Floe, early: Early, tmp_path: Path, product: str) -> Outcome:
    if installation.completed:
        evidence.touched("floe")
        return early.demo()[product].outcome
    return compilations.typed(installation, tmp_path, product)


@then("what a run needs is there")
def what_a_run_needs(typed: Outcome) -> None:
    made = frozenset(path.partition("/")[2] for path in typed.made)
    assert NEEDED & made == NEEDED


@then("each is what its floe.yaml and manifest.yaml say, in the contract of this floe")
def compiled_as_written(installation: Floe, demo: dict[str, Compilation]) -> None:
    contract = compilations.contract_of(installation)
    evidence.component("compiled artifacts contract", contract)
    expected = {
        product: {**compilations.said_by_the_files(one.project, product), "contract": contract}
        for product, one in demo.items()
    }
    there = {product: compilations.said_by_the_artifact(one.artifact) for product, one in demo.items()}
    assert there == expected


@then("floe's own log tells these stages, each complete before the next begins")
def stages_in_order(demo: dict[str, Compilation], datatable: list[list[str]]) -> None:
    expected = [(what, row[0]) for row in datatable for what in ("begun", "complete")]
    told = {product: compilations.stages_logged(one) for product, one in demo.items()}
    assert told == dict.fromkeys(demo, expected)


@then(parse("it stops at {stage}, says so, and nothing is written"))
def stops_at(compilation: Compilation, stage: str) -> None:
    told = compilations.stages_told(compilation.outcome)
    expected = {"refused": True, "stages": compilations.until(stage), "written": frozenset()}
    assert {
        "refused": compilation.outcome.code == 2,
        "stages": told,
        "written": frozenset(compilation.made),
    } == expected


@then("this applies to it")
def this_applies(compilation: Compilation, datatable: list[list[str]]) -> None:
    expected = {what: value for what, value, _ in datatable[1:]}
    applies = compilation.artifact.applies
    assert {what: applies.get(what) for what in expected} == expected


@then("it is refused, and what is wrong is named")
def refused_by_name(compilation: Compilation, datatable: list[list[str]]) -> None:
    rows = datatable[1:]
    expected = dict(zip(compilations.places(compilation, rows), (row[3] for row in rows), strict=True))
    assert compilations.wrong(compilation, rows) == expected
    outcome = compilation.outcome
    assert (outcome.code, compilation.made, outcome.gone) == (2, {}, frozenset())


@then("it keeps what it promised its readers, and promises this")
def promises_this(compilation: Compilation, datatable: list[list[str]]) -> None:
    expected = {(table, column): kind for table, column, kind in datatable[1:]}
    assert compilations.promised_anew(compilation) == expected


@then("dbt finds each profile valid and parses the product with it")
def dbt_accepts(early: Early, demo: dict[str, Compilation]) -> None:
    assert early.judged() == dict.fromkeys(demo, compilations.ACCEPTED)


@then("each profile reads every credential from its surroundings, and no file holds one")
def no_credential(demo: dict[str, Compilation]) -> None:
    there = {
        product: (
            compilations.credentials_held(yaml.safe_load(one.file("profiles.yml"))),
            compilations.leaks(one.outcome.made),
        )
        for product, one in demo.items()
    }
    assert there == {product: ({}, frozenset()) for product in demo}


@then("Dagster loads each from the workspace as a code location of its own")
def dagster_loads(early: Early, demo: dict[str, Compilation]) -> None:
    assert early.locations() == frozenset(demo)


@then("both made the same files, byte for byte")
def same_bytes(both: tuple[Compilation, Compilation]) -> None:
    one, other = both
    assert compilations.digests(one.made) == compilations.digests(other.made)


@then("these fields differ between the compilations of customer-360 and no other")
def only_the_clock(
    demo: dict[str, Compilation], both: tuple[Compilation, Compilation], datatable: list[list[str]]
) -> None:
    expected = frozenset((file, field) for file, field in datatable[1:])
    assert compilations.differences(demo["customer-360"].made, both[0].made) == expected
