"""What a product's tables promise to their readers, and what a change to a model would break of it.

`tables.json` lies beside floe.yaml and is committed with it: the columns of every table, with their types.
A compilation compares what the models make now, as DuckDB tells it, with what is promised there. What is new
is written down; what would break a reader is refused before anything runs. There is no option to let it pass:
who means it takes the line out of the file, for a reviewer to see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from floe_complete.document import shown
from floe_complete.problems import Problem, RefusedError

if TYPE_CHECKING:
    from floe_complete.dbt_child import Table

FILE = "tables.json"

Columns = Mapping[str, str]
"""The type of each column, in the order of the table."""

_REMEDY = f"keep it; where nobody can have read it yet, take it out of {FILE}"
_WIDER: Mapping[str, str] = {"INTEGER": "BIGINT", "FLOAT": "DOUBLE"}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def promised(folder: Path) -> dict[str, dict[str, str]]:
    """What a product's folder promises: of every table its columns; nothing where there is no record.

    Raises:
        RefusedError: the record cannot be read.
    """
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - slow

    file = folder / FILE
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as unread:
        raise RefusedError([_unreadable(file, unread.strerror or type(unread).__name__)]) from unread
    try:
        return TypeAdapter(dict[str, dict[str, str]]).validate_json(content)
    except ValidationError as invalid:
        (first, *_) = invalid.errors(include_url=False)
        place = ".".join(map(str, first["loc"]))
        raise RefusedError(
            [_unreadable(file, f"{place}: {first['msg']}" if place else first["msg"])]
        ) from None


def broken(folder: Path, tables: Mapping[str, Table]) -> Iterator[Problem]:
    """Each promise that a product's tables, as its models make them now, do not keep.

    A column may be added, and a type may widen as Iceberg widens it under its readers: a whole number
    from 32 to 64 bits, a floating one likewise, a decimal in the digits before its point.

    Raises:
        RefusedError: the record of what is promised cannot be read.
    """
    for name, columns in promised(folder).items():
        if name not in tables:
            yield Problem(
                shown(folder / FILE),
                name,
                "the table is dropped",
                "a model or seed of this name",
                _REMEDY,
                "GENERATE",
            )
            continue
        file, made = tables[name]["file"], tables[name]["columns"]
        for column, change in _changes(columns, made):
            yield Problem(
                shown(folder / file),
                f"{name}.{column}",
                f"the column {change}",
                f"{column} as {columns[column]}, which {FILE} promises its readers",
                _REMEDY,
                "GENERATE",
                _line(folder / file, column) if column in made else 0,
            )


def write(folder: Path, tables: Mapping[str, Table]) -> None:
    """Write down what tables promise from now on: the same bytes for the same tables."""
    record = {name: tables[name]["columns"] for name in sorted(tables)}
    (folder / FILE).write_text(f"{json.dumps(record, indent=2)}\n", encoding="utf-8")


def widens(old: str, new: str) -> bool:
    """Whether Iceberg changes one type into another in place, every value kept; in the words of DuckDB."""
    if _WIDER.get(old) == new:
        return True
    before, after = _DECIMAL.fullmatch(old), _DECIMAL.fullmatch(new)
    if not (before and after):
        return False
    return int(after[1]) > int(before[1]) and after[2] == before[2]


def _changes(columns: Columns, made: Columns) -> Iterator[tuple[str, str]]:
    added = [column for column in made if column not in columns]
    for column, kind in columns.items():
        if column not in made:
            renamed = [one for one in added if _in_place_of(column, one, columns, made)]
            yield column, f"is renamed to {renamed[0]}" if len(renamed) == 1 else "is dropped"
        elif made[column] != kind and not widens(kind, made[column]):
            narrowed = "is narrowed" if widens(made[column], kind) else "changes"
            yield column, f"{narrowed} from {kind} to {made[column]}"


def _in_place_of(old: str, new: str, columns: Columns, made: Columns) -> bool:
    """Whether a new column stands where a lost one stood, and is of its type."""
    there = columns[old] == made[new]
    return there and _kept_before(old, columns, made) == _kept_before(new, made, columns)


def _kept_before(column: str, columns: Columns, other: Columns) -> str | None:
    """The last column before this one that both tables have."""
    before = list(columns)[: list(columns).index(column)]
    return next((one for one in reversed(before) if one in other), None)


def _line(file: Path, column: str) -> int:
    """The one line of a model that names a column; 0 where none does, or several do."""
    if file.suffix != ".sql":
        return 0
    text = file.read_text(encoding="utf-8", errors="replace")
    named = re.compile(rf"\b{re.escape(column)}\b")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if named.search(line)]
    return lines[0] if len(lines) == 1 else 0


def _unreadable(file: Path, said: str) -> Problem:
    return Problem(
        shown(file),
        "",
        f"cannot be read: {said}",
        'columns by table, such as {"sales": {"sale_id": "BIGINT"}}',
        "take it from version control",
        "GENERATE",
    )
