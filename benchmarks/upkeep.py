"""Tables that a product writes again and again, with upkeep and without, on the same servers."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlparse

from benchmarks import ageing
from benchmarks.ageing import WAYS, Ageing, Series, Way
from benchmarks.recording import EXTENSIONS, Recording, Task
from benchmarks.throughput import alone, fresh_lake, machine, manifest_for
from drivers.product import SMALL
from floe_additions.maintenance.policy import SNAPSHOTS, UNUSED_MINUTES, Kept, tables_of
from floe_additions.maintenance.upkeep import keep_up
from floe_complete.compiling import compile_product
from foundation.errors import PlatformError
from foundation.progress import phase, say
from standins.loopback.lake import Lake
from standins.loopback.servers import own_folder, serving
from standins.loopback.stack import Target

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PRODUCT: Final = "cold-chain"
MINUTES: Final = 10
"""Simulated, from one run to the next: what the platform's schedules say unless a product says otherwise."""

UPKEEP_AFTER: Final = timedelta(minutes=5)
"""How long after a run the platform's schedule of the upkeep comes."""

BY_DBT: Final = 2
"""So many runs are dbt's own: the one that makes the tables, and the one whose statements the others send."""

CLOCK: Final = "current_timestamp"
"""What the product's SQL calls the present."""

QUERIES: Final = 3
BUILD_SECONDS: Final = 300.0


def measure(runs: int, every: int, file: Path) -> Ageing:
    """Run the product so often on either way, measure after each run, and keep the figures in the file.

    Args:
        runs: how many; see ageing.runs_from.
        every: the upkeep follows each run whose number this divides.
        file: takes the figures in the place of those that were in it, so far, after every twentieth run.

    Raises:
        PlatformError: a server, dbt, a statement or a query failed, or rows are missing.
    """
    # The catalog deletes old metadata files with each commit; PyIceberg tries the same after it, and warns.
    logging.getLogger("pyiceberg.catalog").setLevel(logging.ERROR)
    with phase("servers on loopback"), own_folder("floe-benchmark-") as place, serving(place) as target:
        began, load = datetime.now(UTC), os.getloadavg()[0]
        with _connections() as connect, phase(f"{PRODUCT}, {runs} runs each way"):
            sides = [_Side.begin(way, place, target, connect) for way in WAYS]
            for run in range(1, runs + 1):
                moment = began + (run - 1) * timedelta(minutes=MINUTES)
                for side in sides:
                    side.run(run, moment)
                    if side.way == "with" and run % every == 0:
                        side.keep_up(moment + UPKEEP_AFTER)
                    side.measure(run)
                if run % ageing.STEP == 0:
                    found = _so_far(sides, run, every, load)
                    ageing.save(found, file)
                    say(f"run {run}: {'; '.join(side.told() for side in sides)}")
    return found


def _so_far(sides: Sequence[_Side], run: int, every: int, load: float) -> Ageing:
    """All figures, as those of a simulation that ends with this run."""
    return Ageing.model_validate(
        {
            **machine(),
            "measured": datetime.now(UTC).date(),
            "load": (round(load, 1), round(os.getloadavg()[0], 1)),
            "product": PRODUCT,
            "runs": run,
            "every": every,
            "minutes": MINUTES,
            "series": [series for side in sides for series in side.series()],
        }
    )


def at(moment: datetime, statements: Sequence[str]) -> list[str]:
    """The statements as if they were sent at another moment.

    Raises:
        PlatformError: none of them asks for the present, so that rows would not age.
    """
    present = f"timestamptz '{moment.astimezone(UTC).isoformat(sep=' ')}'"
    moved = [statement.replace(CLOCK, present) for statement in statements]
    if moved == list(statements):
        raise PlatformError(f"no statement of {PRODUCT} says {CLOCK}: its rows would not age")
    return moved


def query(table: str) -> str:
    """The query that is timed: it reads every row of the table and every column."""
    return (
        "select room, count(*), min(celsius), max(celsius), max(measured_at) "  # noqa: S608 - our own name
        f"from {table} group by room order by room"
    )


def all_there(table: str, *, run: int, rows: int, first: int) -> None:
    """A table that gets the same number of rows in each run, and from which none is removed, has them all.

    Raises:
        PlatformError: it has not; then the figures are those of some other table.
    """
    if rows != run * first:
        raise PlatformError(f"{table}: {rows} rows after {run} runs of {first} rows each")


class _Connections:
    """Opens DuckDB connections that reach a lake as a run does."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    def to(self, lake: Lake) -> DuckDBPyConnection:
        """A connection of its own; each transaction asks the catalog and the store anew."""
        import duckdb  # noqa: PLC0415 - the other commands need none of it
        from duckdb_extensions import import_extension  # type: ignore[import-untyped]  # noqa: PLC0415

        for extension in EXTENSIONS:
            import_extension(extension)
        env = lake.environment
        opened = self._stack.enter_context(
            duckdb.connect(
                # What one run reads, the next one has not: each is a process of its own.
                config={"memory_limit": "512MB", "threads": "4", "enable_external_file_cache": "false"}
            )
        )
        for extension in EXTENSIONS:
            opened.execute(f"load {extension}")
        opened.execute(
            "create secret polaris (type iceberg, client_id ?, client_secret ?, oauth2_server_uri ?, "
            "oauth2_scope 'PRINCIPAL_ROLE:ALL')",
            [env["POLARIS_CLIENT_ID"], env["POLARIS_CLIENT_SECRET"], env["POLARIS_OAUTH2_SERVER_URI"]],
        )
        warehouse = env["POLARIS_WAREHOUSE"]
        opened.execute(
            f"attach '{warehouse}' as {warehouse} "
            f"(type iceberg, endpoint '{env['POLARIS_URI']}', secret polaris)"
        )
        return opened


@contextlib.contextmanager
def _connections() -> Iterator[_Connections]:
    with contextlib.ExitStack() as stack:
        yield _Connections(stack)


@dataclass
class _Measured:
    """The figures of one table so far."""

    objects: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    snapshots: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    query_ms: list[float] = field(default_factory=list)
    upkeep_ms: list[float] = field(default_factory=list)


class _Side:
    """One of the two ways: a lake of its own, in which the product runs."""

    def __init__(self, way: Way, lake: Lake, target: Target, folder: Path, connect: _Connections) -> None:
        self.way = way
        self._lake, self._target, self._folder = lake, target, folder
        self._store = target.store()
        self._writer, self._reader = connect.to(lake), connect.to(lake)
        self._tables = {kept.name: kept for kept in tables_of(folder / "target" / "manifest.json")}
        self._measured = {name: _Measured() for name in self._tables}
        self._statements: list[str] = []

    @classmethod
    def begin(cls, way: Way, place: Path, target: Target, connect: _Connections) -> _Side:
        """A lake, and the product compiled for it."""
        work = place / way
        work.mkdir()
        lake = fresh_lake(target, secrets.token_hex(4))
        (work / "manifest.yaml").write_text(manifest_for(lake, target), encoding="utf-8")
        made = shutil.ignore_patterns("target", "logs", "floe_macros", "definitions.py", "profiles.yml")
        folder = shutil.copytree(SMALL / PRODUCT, work / PRODUCT, ignore=made)
        compile_product(folder)
        return cls(way, lake, target, folder, connect)

    def run(self, number: int, moment: datetime) -> None:
        """Have the product run: by dbt itself at first, later by the statements that dbt sent."""
        if number <= BY_DBT:
            self._statements = _recorded(self._folder, self._lake).statements
            return
        for statement in at(moment, self._statements):
            self._writer.execute(statement)

    def keep_up(self, moment: datetime) -> None:
        """The upkeep of each table, as the platform does it unless a launch says otherwise."""
        for name, kept in self._tables.items():
            began = time.perf_counter()
            keep_up(
                self._lake.catalog,
                kept,
                snapshots=SNAPSHOTS,
                unused_for=timedelta(minutes=UNUSED_MINUTES),
                now=moment,
            )
            self._measured[name].upkeep_ms.append(_milliseconds(began))

    def measure(self, run: int) -> None:
        """Look at each table as it is now.

        Raises:
            PlatformError: rows are missing where none is ever removed.
        """
        for name, kept in self._tables.items():
            table = self._lake.catalog.load_table((kept.namespace, name))
            sizes = list(self._sizes(table.location()))
            found = self._measured[name]
            found.objects.append(len(sizes))
            found.bytes.append(sum(sizes))
            found.snapshots.append(len(table.snapshots()))
            if ageing.is_queried(run):
                rows, took = self._queried(kept)
                found.rows.append(rows)
                found.query_ms.append(took)
                if self.way == "without" and kept.retention:
                    all_there(name, run=run, rows=rows, first=found.rows[0])

    def told(self) -> str:
        """The latest figures, for a person who waits."""
        sums = [
            sum(values[-1] for values in figures)
            for figures in (
                [one.objects for one in self._measured.values()],
                [one.bytes for one in self._measured.values()],
                [one.query_ms for one in self._measured.values()],
            )
        ]
        return f"{self.way} {sums[0]:,} objects, {sums[1] / 1024:,.0f} KiB, {sums[2]:,.0f} ms"

    def series(self) -> list[Series]:
        """All figures."""
        return [
            Series(way=self.way, table=name, **vars(found)) for name, found in sorted(self._measured.items())
        ]

    def _sizes(self, location: str) -> Iterator[int]:
        """Of every object under a place, as the store itself says."""
        place = urlparse(location)
        pages = self._store.get_paginator("list_objects_v2").paginate(
            Bucket=place.netloc, Prefix=f"{place.path.strip('/')}/"
        )
        for page in pages:
            yield from (one["Size"] for one in page.get("Contents", ()))

    def _queried(self, kept: Kept) -> tuple[int, float]:
        """The rows that the query counts, and the median of its milliseconds."""
        asked = query(f"{self._lake.environment['POLARIS_WAREHOUSE']}.{kept.namespace}.{kept.name}")
        took, rows = [], 0
        for _ in range(QUERIES):
            began = time.perf_counter()
            answer = self._reader.execute(asked).fetchall()
            took.append(_milliseconds(began))
            rows = sum(int(counted) for _, counted, *_ in answer)
        return rows, round(statistics.median(took), 1)


def _milliseconds(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


def _recorded(folder: Path, lake: Lake) -> Recording:
    """A run of dbt in a process of its own, which is told the credentials in its environment."""
    scratch = folder.parent / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    task = Task(folder=folder, scratch=scratch, answer=scratch / "recording.json")
    alone("benchmarks.recording", task.model_dump_json(), lake, scratch, BUILD_SECONDS)
    return Recording.model_validate_json(task.answer.read_bytes())
