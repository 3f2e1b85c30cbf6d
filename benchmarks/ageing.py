"""The figures of tables that age, with upkeep and without: kept as YAML, told as tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Final, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    model_validator,
)

from benchmarks import kept
from benchmarks.pages import row
from foundation.errors import UserError

Way = Literal["without", "with"]
WAYS: Final[tuple[Way, ...]] = ("without", "with")

Measure = Literal["objects", "bytes", "query_ms"]
MEASURES: Final[dict[Measure, str]] = {"objects": "objects", "bytes": "bytes", "query_ms": "query time"}

BOUNDED: Final = 1.25
"""What a figure may have grown by between the second and the last quarter of the runs.

One that grows evenly from nothing has 2.33, one that stays within a band 1; the rest is for chance.
"""

FEWEST, MOST, STEP = 20, 1000, 20
"""How many runs can be simulated; in twenties, so that the quarters are whole."""

QUERY_EVERY: Final = 5
"""The query is timed after the first run and after each whose number this divides: it takes the longest."""


def queried_runs(runs: int) -> list[int]:
    """The numbers of the runs after which the query is timed."""
    return [run for run in range(1, runs + 1) if is_queried(run)]


def is_queried(run: int) -> bool:
    """Whether the query is timed after this run."""
    return run == 1 or run % QUERY_EVERY == 0


class Series(BaseModel):
    """One table on one way.

    Attributes:
        way: without or with upkeep.
        table: its name in the product's namespace.
        objects: under the table's place in the bucket, after each run.
        bytes: of them, after each run.
        snapshots: that the table keeps, after each run.
        rows: that the query counted, after each of queried_runs.
        query_ms: what it took, median of three, in milliseconds, after each of queried_runs.
        upkeep_ms: what each upkeep of this table took, in milliseconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    way: Way
    table: str
    objects: list[NonNegativeInt]
    bytes: list[NonNegativeInt]
    snapshots: list[NonNegativeInt]
    rows: list[NonNegativeInt]
    query_ms: list[PositiveFloat]
    upkeep_ms: list[PositiveFloat]

    def points(self, measure: Measure) -> Mapping[int, float]:
        """The figure by the number of the run that it was measured after."""
        if measure == "query_ms":
            return dict(zip(queried_runs(len(self.objects)), self.query_ms, strict=True))
        return dict(enumerate(self.objects if measure == "objects" else self.bytes, start=1))

    def growth(self, measure: Measure) -> float:
        """The median of the last quarter of the runs as a multiple of that of the second."""
        quarter = len(self.objects) // 4
        points = self.points(measure)

        def median(after: int) -> float:
            return statistics.median(value for run, value in points.items() if after < run <= after + quarter)

        return median(3 * quarter) / median(quarter)

    def bounded(self, measure: Measure) -> bool:
        """Whether the figure stays where it was once the first quarter of the runs is over."""
        return self.growth(measure) <= BOUNDED


class Ageing(BaseModel):
    """A product that ran again and again, twice: without upkeep and with it.

    Attributes:
        cores: of the machine.
        memory_gib: of the machine.
        versions: of what did the work.
        measured: the day.
        load: average of the machine in the minute before the first run and before the last.
        product: as in floe.yaml.
        runs: how many, each way.
        every: the upkeep follows each run whose number this divides.
        minutes: simulated, between one run and the next.
        series: each table, each way.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cores: int = Field(gt=0)
    memory_gib: float = Field(gt=0)
    versions: dict[str, str]
    measured: date
    load: tuple[float, float]
    product: str
    runs: int = Field(ge=FEWEST, le=MOST, multiple_of=STEP)
    every: int = Field(ge=1)
    minutes: int = Field(ge=1)
    series: list[Series] = Field(min_length=2)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        due = (*[self.runs] * 3, *[len(queried_runs(self.runs))] * 2)
        for one in self.series:
            told = (
                *(len(figures) for figures in (one.objects, one.bytes, one.snapshots, one.rows)),
                len(one.query_ms),
            )
            if told != due:
                raise ValueError(f"{one.table} {one.way} upkeep has {told} figures instead of {due}")
        pairs = sorted((one.table, one.way) for one in self.series)
        if pairs != sorted((table, way) for table in self.tables for way in WAYS):
            raise ValueError("a table was not measured once each way")
        return self

    @property
    def tables(self) -> list[str]:
        """The tables that were measured, in order."""
        return list(dict.fromkeys(one.table for one in self.series))

    def of(self, table: str, way: Way) -> Series:
        """The figures of one table on one way."""
        return next(one for one in self.series if (one.table, one.way) == (table, way))


def runs_from(text: str) -> int:
    """How many runs are asked for.

    Raises:
        UserError: no number, or one out of range.
    """
    remedy = f"{FEWEST} to {MOST}, in steps of {STEP}"
    if not text.isascii() or not text.isdigit():
        raise UserError(f"--runs {text}: is no whole number", remedy=remedy)
    runs = int(text)
    if not FEWEST <= runs <= MOST or runs % STEP:
        raise UserError(f"--runs {text}: is out of range", remedy=remedy)
    return runs


def every_from(text: str, runs: int) -> int:
    """After how many runs the upkeep is asked for.

    Raises:
        UserError: no number, or so large that a quarter of the runs would see no upkeep.
    """
    remedy = f"1 to {runs // 4}, a quarter of the runs"
    if not text.isascii() or not text.isdigit():
        raise UserError(f"--every {text}: is no whole number", remedy=remedy)
    every = int(text)
    if not 1 <= every <= runs // 4:
        raise UserError(f"--every {text}: is out of range", remedy=remedy)
    return every


def load(file: Path) -> Ageing | None:
    """What was measured before; None when nothing was.

    Raises:
        UserError: the file is not one of these; with the field.
    """
    return kept.read(file, Ageing)


def save(ageing: Ageing, file: Path) -> None:
    """Keep what was measured; a list of figures is a few lines of text."""
    text = yaml.safe_dump(ageing.model_dump(mode="json"), sort_keys=False, width=110, default_flow_style=None)
    file.write_text(text, encoding="utf-8")


def report(ageing: Ageing) -> str:
    """In Markdown: the conclusion, the plot, what it was drawn from, and the figures at five runs."""
    return "\n\n".join((conclusion(ageing), _PLOT, _growths(ageing), _figures(ageing), _measured(ageing)))


_PLOT: Final = "![Objects, bytes and query time over the runs](upkeep.svg)"


def conclusion(ageing: Ageing) -> str:
    """What the figures say: which of them stay bounded, with upkeep and without."""
    return " ".join(_verdict(ageing, way) for way in reversed(WAYS))


def _verdict(ageing: Ageing, way: Way) -> str:
    growing = [
        f"{MEASURES[measure]} of {one.table}"
        for one in ageing.series
        if one.way == way
        for measure in MEASURES
        if not one.bounded(measure)
    ]
    all_of_them = len(MEASURES) * len(ageing.tables)
    if not growing:
        said = "objects, bytes and query time of every table are bounded"
    elif len(growing) == all_of_them:
        said = "objects, bytes and query time of every table grow"
    else:
        said = f"{', '.join(growing)} grow; what else was measured is bounded"
    return f"**{way.capitalize()} upkeep, {said}.**"


def _growths(ageing: Ageing) -> str:
    lines = [row(("table", "figure", "without upkeep", "with upkeep")), row(("---", "---", "---:", "---:"))]
    lines += [
        row((table, told, *(_growth(ageing.of(table, way), measure) for way in WAYS)))
        for table in ageing.tables
        for measure, told in MEASURES.items()
    ]
    quarter = ageing.runs // 4
    words = (
        f"Growth: the median of runs {3 * quarter + 1} to {ageing.runs} as a multiple of that of runs "
        f"{quarter + 1} to {2 * quarter}. Up to {BOUNDED} a figure counts as bounded; one that grows evenly "
        "from nothing has 2.33."
    )
    return "\n".join([words, "", *lines])


def _growth(series: Series, measure: Measure) -> str:
    return f"{series.growth(measure):.2f}, {'bounded' if series.bounded(measure) else 'grows'}"


def shown_runs(runs: int) -> list[int]:
    """The runs that the page's table shows: the first and the end of each quarter."""
    return [1, *(runs * quarter // 4 for quarter in range(1, 5))]


def _figures(ageing: Ageing) -> str:
    head = ["table", "run", *(f"{name} {way}" for name in _COLUMNS for way in WAYS)]
    lines = [row(head), row(["---", *["---:"] * (len(head) - 1)])]
    for table in ageing.tables:
        series = [ageing.of(table, way) for way in WAYS]
        lines += [
            row([table, str(run), *(tell(one, run) for tell in _COLUMNS.values() for one in series)])
            for run in shown_runs(ageing.runs)
        ]
    return "\n".join(lines)


def _rows(series: Series, run: int) -> str:
    return f"{series.rows[queried_runs(len(series.objects)).index(run)]:,}"


_COLUMNS: Final[Mapping[str, Callable[[Series, int], str]]] = {
    "objects": lambda one, run: f"{one.objects[run - 1]:,}",
    "KiB": lambda one, run: f"{one.bytes[run - 1] / 1024:,.0f}",
    "snapshots": lambda one, run: f"{one.snapshots[run - 1]:,}",
    "rows": _rows,
    "query ms": lambda one, run: f"{one.points('query_ms')[run]:,.0f}",
}


def _measured(ageing: Ageing) -> str:
    took = "; ".join(
        f"of {one.table} {statistics.median(one.upkeep_ms):,.0f} ms (median), "
        f"{max(one.upkeep_ms):,.0f} ms at most"
        for one in ageing.series
        if one.upkeep_ms
    )
    said = ", ".join(f"{name} {version}" for name, version in ageing.versions.items())
    begun, ended = ageing.load
    often = "every run" if ageing.every == 1 else f"every {ageing.every} runs"
    return (
        f"{ageing.product}, {ageing.runs} runs each way, {ageing.minutes} simulated minutes apart; "
        f"upkeep after {often}. An upkeep took: {took or 'none was due'}. "
        f"Measured {ageing.measured.isoformat()} on {ageing.cores} cores and {ageing.memory_gib:.0f} GiB; "
        f"load average {begun:.1f} before and {ended:.1f} at the end. {said}."
    )
