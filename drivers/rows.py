"""Rows of a table, to be compared whole: what was expected with what was there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

Value = object
Row = Mapping[str, Value]

SHOWN = 5
"""Differences told in a message; the rest is counted."""


@dataclass(frozen=True)
class Rows:
    """The rows of a table in no order, each as often as it is there."""

    table: str
    rows: tuple[tuple[tuple[str, str], ...], ...]

    @classmethod
    def of(cls, table: str, rows: Iterable[Row]) -> Rows:
        """The rows in a form in which equal values are equal, whoever delivered them."""
        return cls(
            table, tuple(sorted(tuple((name, canonical(row[name])) for name in sorted(row)) for row in rows))
        )

    def only(self, columns: Iterable[str]) -> Rows:
        """The same rows with some of their columns."""
        wanted = frozenset(columns)
        kept = (tuple(cell for cell in row if cell[0] in wanted) for row in self.rows)
        return Rows(self.table, tuple(sorted(kept)))

    def __len__(self) -> int:
        return len(self.rows)

    def differences(self, other: Rows) -> list[str]:
        """What `other`, which should be these rows, lacks and has too much, in words."""
        missing, extra = _surplus(self.rows, other.rows), _surplus(other.rows, self.rows)
        if not missing and not extra:
            return []
        shared = [name for name, _ in (missing or extra)[0]]
        key = next((name for name in shared if name.endswith("_id")), shared[0])
        by_key = {dict(row)[key]: row for row in extra if key in dict(row)}
        expected, there_are = f"{len(missing)} of {len(self)}", f"{len(extra)} of {len(other)}"
        lines = [f"{other.table}: {expected} expected rows are missing, {there_are} are not expected"]
        for row in missing[:SHOWN]:
            there = by_key.get(dict(row)[key])
            lines.append(
                f"  {key} {dict(row)[key]}: "
                + (_changes(row, there) if there else f"expected {_words(row)}, not there")
            )
        unexpected = [row for row in extra if dict(row).get(key) not in {dict(one)[key] for one in missing}]
        lines += [
            f"  {key} {dict(row).get(key)}: not expected, there is {_words(row)}"
            for row in unexpected[:SHOWN]
        ]
        told = min(len(missing), SHOWN) + min(len(unexpected), SHOWN)
        if len(missing) + len(unexpected) > told:
            lines.append(f"  and {len(missing) + len(unexpected) - told} more")
        return lines


def canonical(value: Value) -> str:
    """A value as text: the same for equal values of different carriers (2 and 2.00, date and text)."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() | int() | Decimal():
            number = Decimal(str(value))
            return "0" if number == 0 else f"{number.normalize():f}"
        case datetime():
            return value.replace(tzinfo=None).isoformat(sep=" ")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _surplus(
    these: Sequence[tuple[tuple[str, str], ...]], those: Sequence[tuple[tuple[str, str], ...]]
) -> list[tuple[tuple[str, str], ...]]:
    """What is in `these` more often than in `those`."""
    left: dict[tuple[tuple[str, str], ...], int] = {}
    for row in those:
        left[row] = left.get(row, 0) + 1
    found = []
    for row in these:
        if left.get(row, 0):
            left[row] -= 1
        else:
            found.append(row)
    return found


def _changes(expected: Sequence[tuple[str, str]], there: Sequence[tuple[str, str]]) -> str:
    was, now = dict(expected), dict(there)
    told = [
        f"{name} should be {was.get(name, 'absent')}, is {now.get(name, 'absent')}"
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    ]
    return "; ".join(told)


def _words(row: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={value}" for name, value in row)
