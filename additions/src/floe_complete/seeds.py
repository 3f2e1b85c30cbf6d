"""A product's seed files, held against what its properties say of them: before a pipeline starts.

Every CSV file is UTF-8, has the columns that `column_types` names, a value of that type or nothing in each,
as many values on each line as there are columns, an end behind its last line, and no key twice. A key is a
column with a `unique` test, or what `config.meta.key` lists. DuckDB reads the file, as the run will: a
million rows take a few seconds. Where something is wrong the file is read again to find the lines.
"""

from __future__ import annotations

import codecs
import csv
import heapq
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from floe_complete import checks
from floe_complete.document import meant, shown
from floe_complete.problems import Problem
from floe_complete.wording import found

if TYPE_CHECKING:
    import duckdb

SHOWN = 10
"""Problems that are told of one file; the rest is counted."""

_CHUNK = 1 << 20
_LOOKED_AT = 10_000
"""Different wrong values, or keys, that are looked for in a file to find their lines."""
_REJECTS = 1_000
"""Lines that cannot be read, of one file, that DuckDB keeps."""
_MEMORY = "512MB"
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TYPE = re.compile(r"[A-Za-z]\w*(?: [A-Za-z]+)*(?:\(\s*\d+\s*(?:,\s*\d+\s*)?\))?")
_DECIMAL = re.compile(r"(?:decimal|numeric)(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?")
_WHOLE = {
    "tinyint": 8,
    "smallint": 16,
    "integer": 32,
    "int": 32,
    "bigint": 64,
    "hugeint": 128,
}
_TEXTS = frozenset({"varchar", "text", "string", "char"})
_EXAMPLES = {
    "date": "a day, such as 2025-11-28",
    "timestamp": "a moment, such as 2025-11-28 17:30:00",
    "boolean": "true or false",
}
_REMEDY = "correct it where the file is made, or leave the field empty if there is no value"


class _Lenient(BaseModel):
    """What of a properties file matters here; all else in it is dbt's to judge."""

    model_config = ConfigDict(extra="ignore")


class _Meta(_Lenient):
    key: list[str] = Field(default_factory=list)


class _Config(_Lenient):
    enabled: bool = True
    delimiter: str = ","
    column_types: dict[str, str] = Field(default_factory=dict)
    meta: _Meta = Field(default_factory=_Meta)


class _Column(_Lenient):
    name: str
    data_tests: list[str | dict[str, Any]] = Field(default_factory=list)
    tests: list[str | dict[str, Any]] = Field(default_factory=list)


class _Seed(_Lenient):
    """A seed as its properties describe it."""

    name: str
    config: _Config = Field(default_factory=_Config)
    columns: list[_Column] = Field(default_factory=list)

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """What no two rows may have in common."""
        single = [(one.name,) for one in self.columns if "unique" in (*one.data_tests, *one.tests)]
        return [*single, *([tuple(self.config.meta.key)] if self.config.meta.key else [])]


def problems(folder: Path) -> Iterator[Problem]:
    """All that is wrong with the seed files of a product; at most SHOWN of each and a count of the rest.

    Raises:
        RefusedError: there is no dbt project.
    """
    files, described = checks.seeds(folder)
    known = {seed.name: seed for seed in map(_described, described) if seed}
    for file in files:
        seed = known.get(file.stem, _Seed(name=file.stem))
        if seed.config.enabled:
            yield from _bounded(file, _File(file, seed).problems())


def _described(said: Mapping[str, Any]) -> _Seed | None:
    try:
        return _Seed.model_validate(said)
    except ValidationError:
        return None  # dbt says what is wrong with it


def _bounded(file: Path, wrong: Iterator[Problem]) -> Iterator[Problem]:
    yield from islice(wrong, SHOWN)
    if rest := sum(1 for _ in wrong):
        yield Problem(shown(file), "", f"{rest} more mistakes", "a file without one", stage="VALIDATE")


@dataclass(frozen=True)
class _File:
    """One seed file."""

    path: Path
    seed: _Seed

    def problems(self) -> Iterator[Problem]:
        """What is wrong with it: what keeps it from being read alone, else all."""
        unreadable = list(self._text())
        if unreadable:
            yield from unreadable
            return
        if not self._header:
            yield self._problem(1, "", "is empty", self._columns or "a header, and a line for each row")
            return
        yield from self._names()
        if strange := list(self._strange_types()):
            yield from strange
            return
        yield from self._rows()

    # ---- as bytes

    def _text(self) -> Iterator[Problem]:
        """What is no text in UTF-8."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        done = line = 0
        with self.path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                control = _CONTROL.search(chunk)
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as broken:
                    # What was left of the chunk before stands in front of this one.
                    at = done + broken.start - (len(broken.object) - len(chunk))
                    yield self._undecodable(at)
                    return
                if control:
                    number = line + chunk.count(b"\n", 0, control.start()) + 1
                    yield self._problem(
                        number,
                        self._column_at(done + control.start()),
                        "is not text: a control character",
                        "text in UTF-8",
                    )
                    return
                done += len(chunk)
                line += chunk.count(b"\n")
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as broken:
            yield self._undecodable(done - len(broken.object) + broken.start)

    def _undecodable(self, at: int) -> Problem:
        with self.path.open("rb") as file:
            begins = file.read(2)
        utf16 = begins in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        said = "is UTF-16" if utf16 else f"byte {at + 1} is not UTF-8"
        (line,) = self._lines_at([at])
        column = "" if utf16 else self._column_at(at)
        return self._problem(line, column, said, "text in UTF-8", "save it as UTF-8")

    def _lines_at(self, places: Iterable[int]) -> list[int]:
        """The lines of bytes, which come in their order; that of what follows, where a byte ends a line."""
        lines, found_there = 1, []
        with self.path.open("rb") as file:
            for at in places:
                while (left := at - file.tell()) > 0 and (chunk := file.read(min(left, _CHUNK))):
                    lines += chunk.count(b"\n")
                while (byte := file.read(1)) in {b"\r", b"\n"}:
                    lines += byte == b"\n"
                file.seek(-len(byte), os.SEEK_CUR)
                found_there.append(lines)
        return found_there

    def _column_at(self, at: int) -> str:
        """The column of a byte, by the values before it on its line."""
        with self.path.open("rb") as file:
            start = max(0, at - _CHUNK)
            file.seek(start)
            before = file.read(at - start).rpartition(b"\n")[2].decode("utf-8", "replace")
        values = next(csv.reader([before], delimiter=self.seed.config.delimiter), [""])
        return self._header[len(values) - 1] if 0 < len(values) <= len(self._header) else ""

    # ---- its header

    @cached_property
    def _header(self) -> list[str]:
        with self.path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
            return next(csv.reader(lines, delimiter=self.seed.config.delimiter), [])

    @property
    def _types(self) -> dict[str, str]:
        return self.seed.config.column_types

    @property
    def _columns(self) -> str:
        return f"the columns {', '.join(self._types)}" if self._types else ""

    def _names(self) -> Iterator[Problem]:
        if not self._types:
            return
        missing = [name for name in self._types if name not in self._header]
        for position, name in enumerate(self._header):
            if name in self._header[:position]:
                yield self._problem(1, name, "is there twice", "every column once")
            elif name not in self._types:
                near = meant(name, missing)
                # What is misspelt is not missing as well.
                missing = [one for one in missing if f"did you mean {one}?" != near]
                said = "there is no such column" if name else f"column {position + 1} has no name"
                remedy = near or "remove it, or give it a type in column_types"
                yield self._problem(1, name, said, self._columns, remedy)
        for name in missing:
            yield self._problem(1, name, "the column is missing", self._columns)

    # ---- its rows

    def _strange_types(self) -> Iterator[Problem]:
        """Types that are none: what a column holds cannot be judged by them."""
        import duckdb  # noqa: PLC0415 - slow

        for name, kind in self._types.items():
            said = f'"{kind}" is no type of DuckDB'
            try:
                if _TYPE.fullmatch(kind.strip()):
                    duckdb.execute(f"select try_cast(null as {kind})")
                    continue
            except duckdb.Error:
                pass
            yield self._problem(0, name, said, "a type such as bigint, decimal(18, 2), varchar or timestamp")

    def _rows(self) -> Iterator[Problem]:
        import duckdb  # noqa: PLC0415 - slow

        with duckdb.connect(":memory:", config={"memory_limit": _MEMORY}) as engine:
            try:
                counts = self._scan(engine)
                broken = list(self._broken(engine))
                wrong = {
                    column: self._wrong_texts(engine, column)
                    for column, count in zip(self._judged, counts, strict=True)
                    if count
                }
                repeated = {key: texts for key in self._keys if (texts := self._repeated(engine, key))}
            except duckdb.Error as refused:
                yield self._unreadable(str(refused))
                return
        there = self._found(wrong, repeated) if wrong or repeated else iter(())
        yield from heapq.merge(broken, there, key=lambda one: one.line)

    @cached_property
    def _judged(self) -> list[str]:
        """The columns whose values are held against a type."""
        known = (name for name in self._types if name in self._header)
        return [name for name in known if _name(self._types[name]) not in _TEXTS]

    @property
    def _keys(self) -> list[tuple[str, ...]]:
        return [key for key in self.seed.keys if set(key) <= set(self._header)]

    def _scan(self, engine: duckdb.DuckDBPyConnection) -> Sequence[int]:
        """Read it once: how many values of each judged column are wrong; lines that break stay in DuckDB."""
        read = [f"count({self._at(name)})" for name in self._header]
        wrong = [f"count(*) filter (where {self._is_wrong(name)})" for name in self._judged]
        counted = engine.execute(
            f"select {', '.join([*wrong, *read])} from {self._source(rejects=True)}"  # noqa: S608 - quoted
        ).fetchall()
        # All of it is fetched: DuckDB tells of the lines that broke when it is done.
        return counted[0][: len(wrong)]

    def _source(self, *, rejects: bool = False) -> str:
        """The file to DuckDB: texts by position, no guess at anything, lines that break left out."""
        columns = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(self._header)))
        path, delimiter = _quoted(str(self.path)), _quoted(self.seed.config.delimiter)
        leave = f"store_rejects = true, rejects_limit = {_REJECTS}" if rejects else "ignore_errors = true"
        return (
            f"read_csv({path}, header = true, delim = {delimiter}, quote = '\"', escape = '\"', nullstr = '',"
            f" strict_mode = true, auto_detect = false, columns = {{{columns}}}, {leave})"
        )

    def _at(self, column: str) -> str:
        return f"c{self._header.index(column)}"

    def _is_wrong(self, column: str) -> str:
        """The condition under which a value is none of the column's type, or would be rounded to be one."""
        kind, place = self._types[column], self._at(column)
        condition = f"try_cast({place} as {kind}) is null"
        if _name(kind) in _WHOLE:
            condition += f" or not regexp_full_match(trim({place}), '[+-]?[0-9]+')"
        elif decimal := _DECIMAL.fullmatch(kind.strip().lower()):
            condition += f" or regexp_matches({place}, '\\.[0-9]{{{_places(decimal)}}}[0-9]*[1-9]')"
        return f"{place} is not null and ({condition})"

    def _wrong_texts(self, engine: duckdb.DuckDBPyConnection, column: str) -> frozenset[str]:
        rows = engine.execute(
            f"select distinct {self._at(column)} from {self._source()} "  # noqa: S608 - quoted
            f"where {self._is_wrong(column)} limit {_LOOKED_AT}"
        ).fetchall()
        return frozenset(text for (text,) in rows)

    def _repeated(self, engine: duckdb.DuckDBPyConnection, key: Sequence[str]) -> frozenset[tuple[str, ...]]:
        """The keys that several rows have; a row that leaves a part of it empty has none."""
        places = [self._at(name) for name in key]
        there = " and ".join(f"{place} is not null" for place in places)
        return frozenset(
            engine.execute(
                f"select {', '.join(places)} from {self._source()} where {there} "  # noqa: S608 - quoted
                f"group by {', '.join(places)} having count(*) > 1 limit {_LOOKED_AT}"
            ).fetchall()
        )

    def _broken(self, engine: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
        """Lines with another number of values than there are columns, and a last line that was cut off."""
        cut = self._without_end()
        rejected = engine.execute(
            "select line_byte_position, column_idx, error_type, csv_line from reject_errors "
            "qualify row_number() over (partition by line_byte_position order by column_idx) = 1 "
            "order by line_byte_position"
        ).fetchall()
        expected = f"{len(self._header)} values, one a column"
        # DuckDB counts bytes from 1.
        lines = self._lines_at(at - 1 for at, *_ in rejected)
        for line, (_, column, kind, text) in zip(lines, rejected, strict=True):
            values = len(next(csv.reader([text.strip("\r\n")], delimiter=self.seed.config.delimiter), []))
            if kind == "UNQUOTED VALUE":
                name = self._header[column - 1] if 0 < column <= len(self._header) else ""
                said = "a quote is not where a value begins or ends, or is not closed"
                yield self._problem(line, name, said, "a quote at the end of the value")
            elif values > len(self._header):
                remedy = "put quotes around a value with a comma in it"
                yield self._problem(line, "", f"{values} values", expected, remedy)
            elif cut and line == cut:
                cut = 0
                said = f"the file is cut off here, after {values} of {len(self._header)} values"
                yield self._problem(line, self._header[values - 1], said, expected, "deliver the whole file")
            else:
                yield self._problem(line, self._header[values], f"only {values} values", expected)
        if cut:
            yield self._problem(
                cut,
                self._header[-1],
                "the line has no end, as if the file were cut off here",
                "an end of line behind the last value",
                "deliver the whole file, or end its last line if it is whole",
            )

    def _without_end(self) -> int:
        """The number of the last line where it has no end, else 0."""
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 1))
            return 0 if file.read(1) in {b"\n", b"\r", b""} else self._lines_at([size])[0]

    def _found(
        self,
        wrong: Mapping[str, frozenset[str]],
        repeated: Mapping[tuple[str, ...], frozenset[tuple[str, ...]]],
    ) -> Iterator[Problem]:
        """The lines of what is wrong; the file is read again, by Python, which counts lines."""
        places = {name: self._header.index(name) for name in self._header}
        first: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
        with self.path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, delimiter=self.seed.config.delimiter, strict=False)
            next(rows)
            line = rows.line_num
            for row in rows:
                begun, line = line + 1, rows.line_num
                if len(row) != len(self._header):
                    continue
                for name, none in wrong.items():
                    if (text := row[places[name]]) in none:
                        kind = self._types[name]
                        said = f"{found(text, (name,))} is not of type {kind}"
                        yield self._problem(begun, name, said, _belongs(kind), _REMEDY)
                for key, texts in repeated.items():
                    values = tuple(row[places[name]] for name in key)
                    if values in texts:
                        earlier = first.setdefault((key, values), begun)
                        if earlier != begun:
                            yield self._twice(begun, key, values, earlier)

    def _twice(self, line: int, key: Sequence[str], values: Sequence[str], earlier: int) -> Problem:
        said = ", ".join(found(text, (name,)) for name, text in zip(key, values, strict=True))
        return self._problem(
            line,
            key[0],
            f"{said} is already on line {earlier}",
            f"every {' with '.join(key)} once",
            "keep one of them",
        )

    def _unreadable(self, said: str) -> Problem:
        """What DuckDB cannot read at all; mostly lines that end in different ways."""
        if line := self._other_end():
            return self._problem(line, "", "the line ends otherwise than the first", "one kind of line end")
        plain = " ".join(said.splitlines()[0].split()).replace(str(self.path), shown(self.path))
        return self._problem(0, "", plain, "a CSV file that DuckDB can read")

    def _other_end(self) -> int:
        """The first line that does not end as the header does; 0 if all do."""
        with self.path.open("rb") as file:
            ending = file.readline().endswith(b"\r\n")
            return next(
                (number for number, line in enumerate(file, 2) if line.endswith(b"\r\n") != ending), 0
            )

    def _problem(self, line: int, column: str, said: str, expected: str, remedy: str = "") -> Problem:
        return Problem(shown(self.path), column, said, expected, remedy, "VALIDATE", line)


def _name(kind: str) -> str:
    """A type without what stands in its brackets."""
    return kind.partition("(")[0].strip().lower()


def _places(decimal: re.Match[str]) -> int:
    """The decimals of a decimal type; DuckDB's own are 3, and 0 where only a width is given."""
    width, places = decimal.groups()
    return int(places or 0) if width else 3


def _belongs(kind: str) -> str:
    """What belongs into a column of a type, in words."""
    if bits := _WHOLE.get(_name(kind)):
        return f"a whole number from {-(2 ** (bits - 1))} to {2 ** (bits - 1) - 1}"
    if decimal := _DECIMAL.fullmatch(kind.strip().lower()):
        places = _places(decimal)
        return f"a number with at most {int(decimal.group(1) or 18) - places} digits and {places} decimals"
    return _EXAMPLES.get(_name(kind), f"a value of type {kind}")


def _quoted(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
