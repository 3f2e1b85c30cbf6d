"""The figures of the throughput benchmark: kept as YAML, told as a table. Nothing here measures."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from benchmarks import kept
from benchmarks.pages import row

Way = Literal["floe", "duckdb", "pyiceberg"]
WAYS: tuple[Way, ...] = ("floe", "duckdb", "pyiceberg")


class Sample(BaseModel):
    """One way, gone once.

    Attributes:
        seconds: from the beginning to the last table.
        nodes_seconds: of floe alone: from the start of dbt's first node to the end of its last.
        rows: the rows of each table that was written.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: float = Field(gt=0)
    nodes_seconds: float | None = Field(default=None, gt=0)
    rows: dict[str, int]


class Case(BaseModel):
    """One product at one scale: the median of what was measured, in seconds.

    Attributes:
        product: as in floe.yaml.
        scale: times the rows of the demo.
        seed_rows: rows of all seed files together.
        table_rows: rows of all tables that each way wrote, the seeds' among them.
        seed_bytes: size of all seed files together.
        floe: a run in one process, as the orchestrator begins and ends it, dbt's own start included.
        floe_nodes: the part of it between the start of the first dbt node and the end of the last.
        duckdb: DuckDB alone writing Parquet.
        pyiceberg: PyIceberg appending.
        repetitions: of each way, in turn.
        load: of the machine in the minute before.
        measured: the day.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: str
    scale: float = Field(gt=0)
    seed_rows: int = Field(gt=0)
    table_rows: int = Field(gt=0)
    seed_bytes: int = Field(gt=0)
    floe: float = Field(gt=0)
    floe_nodes: float = Field(gt=0)
    duckdb: float = Field(gt=0)
    pyiceberg: float = Field(gt=0)
    repetitions: int = Field(ge=1)
    load: float = Field(ge=0)
    measured: date

    def rate(self, seconds: float) -> float:
        """Seed rows that arrived in all tables, a second."""
        return self.seed_rows / seconds

    @property
    def rates(self) -> dict[str, float]:
        """Rows per second of each way, by the words of the table and the plot."""
        return {
            "floe, a run": self.rate(self.floe),
            "floe, its dbt nodes": self.rate(self.floe_nodes),
            "DuckDB alone, Parquet": self.rate(self.duckdb),
            "PyIceberg, appending": self.rate(self.pyiceberg),
        }


class Results(BaseModel):
    """All that was measured, and on what machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cores: int = Field(gt=0)
    memory_gib: float = Field(gt=0)
    versions: dict[str, str]
    cases: list[Case]

    def with_case(self, case: Case) -> Results:
        """The same with one case more, or measured anew."""
        key = (case.product, case.scale)
        others = [one for one in self.cases if (one.product, one.scale) != key]
        cases = sorted([*others, case], key=lambda one: (one.product, one.scale))
        return self.model_copy(update={"cases": cases})


def case_of(
    product: str,
    scale: float,
    *,
    seeds: Mapping[str, int],
    seed_bytes: int,
    samples: Mapping[Way, Sequence[Sample]],
    load: float,
    measured: date,
) -> Case:
    """Median of the samples; they must have written the same rows, else there is nothing to compare.

    Raises:
        ValueError: two samples did not write the same rows into the same tables.
    """
    written = [(way, sample.rows) for way in WAYS for sample in samples[way]]
    first = written[0][1]
    for way, rows in written:
        if rows != first:
            told = ", ".join(
                f"{table}: {rows.get(table)} instead of {first.get(table)}"
                for table in sorted({*rows, *first})
                if rows.get(table) != first.get(table)
            )
            raise ValueError(f"{way} wrote other rows than {written[0][0]}: {told}")
    if missing := {table: rows for table, rows in seeds.items() if first.get(table) != rows}:
        raise ValueError(f"seed rows did not all arrive; expected {missing}, written {first}")
    nodes = [sample.nodes_seconds for sample in samples["floe"] if sample.nodes_seconds]
    return Case(
        product=product,
        scale=scale,
        seed_rows=sum(seeds.values()),
        table_rows=sum(first.values()),
        seed_bytes=seed_bytes,
        floe=_median(sample.seconds for sample in samples["floe"]),
        floe_nodes=_median(nodes),
        duckdb=_median(sample.seconds for sample in samples["duckdb"]),
        pyiceberg=_median(sample.seconds for sample in samples["pyiceberg"]),
        repetitions=len(samples["floe"]),
        load=round(load, 1),
        measured=measured,
    )


def _median(seconds: Iterable[float]) -> float:
    return round(statistics.median(seconds), 3)


def load(file: Path) -> Results | None:
    """What was measured before; None when nothing was.

    Raises:
        UserError: the file is not one of these; with the field.
    """
    return kept.read(file, Results)


def save(results: Results, file: Path) -> None:
    """Keep what was measured."""
    text = yaml.safe_dump(results.model_dump(mode="json"), sort_keys=False, width=110)
    file.write_text(text, encoding="utf-8")


def table(results: Results) -> str:
    """The results as Markdown: seconds and rows per second of each way, and their ratios."""
    head = (
        "product",
        "scale",
        "seed rows",
        "a run (s)",
        "its dbt nodes (s)",
        "DuckDB (s)",
        "PyIceberg (s)",
        "a run (rows/s)",
        "DuckDB (rows/s)",
        "PyIceberg (rows/s)",
        "run : DuckDB",
        "nodes : DuckDB",
        "nodes : PyIceberg",
    )
    lines = [row(head), row(["---", *["---:"] * (len(head) - 1)])]
    lines += [
        row(
            (
                case.product,
                f"{case.scale:g}",
                f"{case.seed_rows:,}",
                *(_seconds(one) for one in (case.floe, case.floe_nodes, case.duckdb, case.pyiceberg)),
                *(f"{case.rate(one):,.0f}" for one in (case.floe, case.duckdb, case.pyiceberg)),
                ratio(case.duckdb, case.floe),
                ratio(case.duckdb, case.floe_nodes),
                ratio(case.pyiceberg, case.floe_nodes),
            )
        )
        for case in results.cases
    ]
    loads = [case.load for case in results.cases]
    days = sorted({case.measured.isoformat() for case in results.cases})
    said = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    machine = (
        f"Measured {' and '.join(days)} on {results.cores} cores and {results.memory_gib:.0f} GiB; "
        f"load average before a case {min(loads):.1f} to {max(loads):.1f}, "
        f"median of {_repetitions(results.cases)}. {said}."
    )
    return "\n".join([*lines, "", machine])


def ratio(reference: float, ours: float) -> str:
    """Our speed as a part of the reference's, both given in seconds: 0.50 is half as fast."""
    return f"{reference / ours:.2f}"


def _repetitions(cases: Sequence[Case]) -> str:
    numbers = sorted({case.repetitions for case in cases})
    return " or ".join(f"{number} at scale {_scales(cases, number)}" for number in reversed(numbers))


def _scales(cases: Sequence[Case], repetitions: int) -> str:
    scales = sorted({case.scale for case in cases if case.repetitions == repetitions})
    return ", ".join(f"{scale:g}" for scale in scales)


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"
