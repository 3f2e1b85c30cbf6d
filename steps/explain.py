"""How a comparison that failed is told: in words, with the first few differences."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.rows import Rows


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Tables are told by their differing rows, mappings by their differing entries."""
    if op != "==" or not isinstance(left, Mapping) or not isinstance(right, Mapping):
        return None
    names = sorted({*left, *right}, key=str)
    return ["there is not what was expected:"] + [
        line for name in names if left.get(name) != right.get(name) for line in _told(name, left, right)
    ]


def _told(name: object, there: Mapping[object, object], expected: Mapping[object, object]) -> list[str]:
    is_there, is_expected = there.get(name), expected.get(name)
    if isinstance(is_there, Rows) and isinstance(is_expected, Rows):
        return is_expected.differences(is_there)
    if name not in expected:
        return [f"{name}: {is_there}"]
    if name not in there:
        return [f"{name}: not there, expected {is_expected}"]
    return [f"{name}: expected {is_expected}", f"{' ' * len(str(name))}  there is {is_there}"]
