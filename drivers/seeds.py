"""A product's seeds as files, read without any of the machinery that loads them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from demo import seeds as generator

Value = str | int | Decimal | bool | datetime | date | None

_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], Value]], ...] = (
    ("whole number", re.compile(r"[+-]?\d+"), int),
    ("decimal number", re.compile(r"[+-]?\d+\.\d+"), Decimal),
    ("truth value", re.compile(r"true|false"), lambda text: text == "true"),
    ("moment", re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"), datetime.fromisoformat),
    ("day", re.compile(r"\d{4}-\d\d-\d\d"), date.fromisoformat),
)

_ICEBERG_KINDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"int|long"), "whole number"),
    # Money is counted exactly, and a seed's moments have no zone.
    (re.compile(r"decimal\(.*\)"), "decimal number"),
    (re.compile(r"boolean"), "truth value"),
    (re.compile(r"timestamp"), "moment"),
    (re.compile(r"date"), "day"),
    (re.compile(r"string"), "text"),
)


@dataclass(frozen=True)
class Seed:
    """One CSV file: its columns with the kind of their values, and its rows."""

    name: str
    kinds: Mapping[str, str]
    rows: tuple[Mapping[str, Value], ...]


def of_product(product: str, folder: Path) -> dict[str, Seed]:
    """The seeds of a demo product, generated into `folder` at the scale of this run."""
    generator.write(product, folder, scale=None)
    return {file.stem: read(file) for file in sorted(folder.glob("*.csv"))}


def read(file: Path) -> Seed:
    """A CSV file with every value in the kind of its column; an empty field is None."""
    with file.open(newline="", encoding="utf-8") as lines:
        raw = list(csv.DictReader(lines))
    columns = list(raw[0]) if raw else []
    kinds = {column: _kind([row[column] for row in raw if row[column]]) for column in columns}
    convert = {name: make for name, _, make in _KINDS}
    rows = tuple(
        {
            column: convert.get(kinds[column], str)(text) if (text := row[column]) else None
            for column in columns
        }
        for row in raw
    )
    return Seed(file.stem, kinds, rows)


def value_of(text: str) -> Value:
    """What a text says, as a column would hold it."""
    return {name: make for name, _, make in _KINDS}.get(_kind([text]), str)(text)


def kind_of(iceberg_type: str) -> str:
    """The kind of value that a column of an Iceberg type holds; the type itself if it is none of them."""
    return next((kind for pattern, kind in _ICEBERG_KINDS if pattern.fullmatch(iceberg_type)), iceberg_type)


def _kind(texts: list[str]) -> str:
    fitting = (
        name for name, pattern, _ in _KINDS if texts and all(pattern.fullmatch(text) for text in texts)
    )
    return next(fitting, "text")
