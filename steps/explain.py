"""How a comparison that failed is told: in words, with the first few differences."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.rows import Rows


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """What is there stands on the left, what was expected on the right of every comparison."""
    if op != "==":
        return None
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        names = sorted({*left, *right}, key=str)
        told = [
            line for name in names if left.get(name) != right.get(name) for line in _told(name, left, right)
        ]
    elif isinstance(left, frozenset) and isinstance(right, frozenset):
        told = _names(left, right)
    elif isinstance(left, str) and isinstance(right, str):
        told = [f"expected {right}", f"there is {left}"]
    else:
        return None
    return ["there is not what was expected:", *told]


def _names(there: frozenset[object], expected: frozenset[object]) -> list[str]:
    missing = [f"missing: {name}" for name in sorted(expected - there, key=str)]
    return missing + [f"not expected: {name}" for name in sorted(there - expected, key=str)]


def _told(name: object, there: Mapping[object, object], expected: Mapping[object, object]) -> list[str]:
    is_there, is_expected = there.get(name), expected.get(name)
    if isinstance(is_there, Rows) and isinstance(is_expected, Rows):
        return is_expected.differences(is_there)
    if isinstance(is_there, frozenset) and isinstance(is_expected, frozenset):
        return [f"{name}: {line}" for line in _names(is_there, is_expected)]
    if name not in expected:
        return [f"{name}: {is_there}"]
    if name not in there:
        return [f"{name}: not there, expected {is_expected}"]
    return [f"{name}: expected {is_expected}", f"{' ' * len(str(name))}  there is {is_there}"]
