"""Many writers of one table, and its upkeep: with dbt, PyIceberg and the object store, without a cluster."""

from __future__ import annotations

import runpy
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from dagster import DagsterInstance, Definitions, ExecuteInProcessResult
from duckdb_extensions import import_extension  # type: ignore[import-untyped]
from pydantic import SecretStr
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import DecimalType, NestedField, StringType, TimestampType

import drivers.lakehouse
from drivers.dagster import Materialization, Run
from drivers.lakehouse import Lakehouse
from drivers.product import SMALL
from drivers.writers import Race, write
from floe_additions.maintenance import storage, upkeep
from floe_additions.maintenance.policy import SMALL_FILES, Kept, Retention, RetentionError
from floe_additions.maintenance.rewrite import rewrite
from floe_additions.maintenance.upkeep import keep_up
from floe_complete.compiling import compile_product
from foundation.cache import ROOT
from standins.loopback.lake import Lake
from standins.loopback.stack import Target
from tests.contract.in_process import figures

SLUG, TABLE = "cold_chain", "stg_readings"
BY_HAND = "by_hand"
SCHEMA = Schema(
    NestedField(1, "room", StringType()),
    NestedField(2, "celsius", DecimalType(4, 1)),
    NestedField(3, "measured_at", TimestampType()),
)
HOUR = Retention(column="measured_at", hours=1)
AT_ONCE = timedelta(0)


@pytest.fixture(scope="module")
def dagster(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Definitions]:
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    place = tmp_path_factory.mktemp("team")
    shutil.copytree(SMALL / "cold-chain", place / "cold-chain")
    shutil.copy(ROOT / "demo" / "manifest.yaml", place)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**lake.environment, "FLOE_SCRATCH": str(place / "scratch")}.items():
            environment.setenv(name, value)
        compile_product(place / "cold-chain")
        loaded = runpy.run_path(str(place / "cold-chain" / "definitions.py"))["defs"]
        assert isinstance(loaded, Definitions)
        yield loaded


def launch(
    dagster: Definitions, job: str = SLUG, config: dict[str, Any] | None = None
) -> ExecuteInProcessResult:
    ops = {"ops": {f"maintenance__{SLUG}": {"config": config}}} if config else None
    return dagster.resolve_job_def(job).execute_in_process(
        instance=DagsterInstance.ephemeral(), run_config=ops, raise_on_error=False
    )


@pytest.fixture
def way(lake: Lake, target: Target, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Lakehouse]:
    """The way of one more client, as the scenarios' drivers go it."""
    monkeypatch.setattr(drivers.lakehouse, "CATALOG", lake.environment["POLARIS_WAREHOUSE"])
    catalog, store = (
        SimpleNamespace(address=lambda at=at: at) for at in (_host(target.url), _host(target.store_endpoint))
    )
    keys = (SecretStr(lake.environment[name]) for name in ("POLARIS_CLIENT_ID", "POLARIS_CLIENT_SECRET"))
    client_id, secret = keys
    return lambda: Lakehouse(catalog, store, client_id, secret)  # type: ignore[arg-type]


def _host(url: str) -> str:
    return url.partition("://")[2]


@pytest.fixture
def table(lake: Lake) -> Iterator[Table]:
    """A table of one commit, written and read by PyIceberg alone."""
    lake.catalog.create_namespace_if_not_exists(SLUG)
    made = lake.catalog.create_table((SLUG, BY_HAND), schema=SCHEMA)
    made.append(reading(made, "first"))
    yield made
    lake.catalog.drop_table((SLUG, BY_HAND))


def reading(table: Table, room: str, minutes: float = 0) -> pa.Table:
    moment = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=minutes)
    row = {"room": room, "celsius": Decimal("3.0"), "measured_at": moment}
    return pa.Table.from_pylist([row], schema=table.schema().as_arrow())


def rows(table: Table) -> list[tuple[object, ...]]:
    found = table.refresh().scan().to_arrow().to_pylist()
    return sorted((row["room"], row["celsius"], row["measured_at"]) for row in found)


def test_the_upkeep_leaves_the_last_hour_six_snapshots_and_what_they_use(lake: Lake, table: Table) -> None:
    for minutes in (10, 50, 70, 110, 20, 30, 40, 100, 5, 15, *range(21, 29)):
        table.append(reading(table, f"{minutes} minutes ago", minutes))
    with table.io.new_output(f"{table.location()}/data/of-a-killed-writer.parquet").create() as file:
        file.write(b"not committed")
    before, size = rows(table), sum(one.size for one in storage.objects(table))
    began_with = table.metadata.current_snapshot_id
    seen, over = [], threading.Event()

    def read() -> None:
        while not over.is_set():
            seen.append(str(rows(lake.catalog.load_table((SLUG, BY_HAND)))))

    reader = threading.Thread(target=read)
    reader.start()
    keep_up(lake.catalog, Kept(SLUG, BY_HAND, HOUR), snapshots=6, unused_for=AT_ONCE)
    over.set()
    reader.join()
    left = [row for row in before if not str(row[0]).startswith(("70 ", "100 ", "110 "))]
    assert rows(table) == left
    assert len(table.snapshots()) == 6
    assert {one.path for one in storage.objects(table)} - storage.used(table) == set()
    assert sum(one.size for one in storage.objects(table)) < size
    assert set(seen) <= {str(before), str(left)}
    late = table.scan(snapshot_id=began_with).to_arrow().to_pylist()
    assert sorted((row["room"], row["celsius"], row["measured_at"]) for row in late) == before


def test_ages_are_counted_from_the_moment_that_is_given(table: Table, lake: Lake) -> None:
    table.append(reading(table, "to come", minutes=-30))
    later = datetime.now(UTC) + timedelta(minutes=75)
    done = keep_up(lake.catalog, Kept(SLUG, BY_HAND, HOUR), snapshots=6, unused_for=AT_ONCE, now=later)
    assert (done.rows_removed, [row[0] for row in rows(table)]) == (1, ["to come"])


def test_a_rewrite_never_undoes_another_writer(table: Table, lake: Lake) -> None:
    """It lost: what the other wrote stays, and a rewrite of the table as it is now keeps it too."""
    for at in range(10):
        table.append(reading(table, f"small {at}"))
    stale = lake.catalog.load_table((SLUG, BY_HAND))
    table.append(reading(table, "the other"))
    with pytest.raises(CommitFailedException):
        rewrite(stale, None, datetime.now(UTC))
    before = rows(table)
    assert rewrite(lake.catalog.load_table((SLUG, BY_HAND)), None, datetime.now(UTC)).files_replaced > 8
    assert (rows(table), len(list(table.scan().plan_files()))) == (before, 1)


def test_objects_of_a_writer_that_is_about_to_commit_are_left(table: Table, lake: Lake) -> None:
    young = table.location() + "/data/not-committed-yet.parquet"
    with table.io.new_output(young).create() as file:
        file.write(b"soon")
    keep_up(lake.catalog, Kept(SLUG, BY_HAND, None), snapshots=6, unused_for=timedelta(minutes=60))
    assert table.io.new_input(young).exists()
    keep_up(lake.catalog, Kept(SLUG, BY_HAND, None), snapshots=6, unused_for=AT_ONCE)
    assert not table.io.new_input(young).exists()


def test_a_table_that_needs_nothing_is_not_written(table: Table, lake: Lake) -> None:
    keep_up(
        lake.catalog,
        Kept(SLUG, BY_HAND, HOUR),
        snapshots=6,
        unused_for=AT_ONCE,
    )
    before = table.refresh().metadata_location
    done = keep_up(
        lake.catalog,
        Kept(SLUG, BY_HAND, HOUR),
        snapshots=6,
        unused_for=AT_ONCE,
    )
    assert (done.rows_removed, done.files_replaced, done.snapshots_removed, done.objects_removed) == (
        0,
        0,
        0,
        0,
    )
    assert table.refresh().metadata_location == before


@pytest.mark.parametrize(
    ("column", "words"),
    [("seen_at", "no such column"), ("celsius", "which is decimal\\(4, 1\\) and no timestamp")],
)
@pytest.mark.usefixtures("table")
def test_a_retention_that_does_not_fit_the_table_is_refused(lake: Lake, column: str, words: str) -> None:
    with pytest.raises(RetentionError, match=f"retention is by {column}.*{words}"):
        keep_up(
            lake.catalog,
            Kept(SLUG, BY_HAND, Retention(column=column, hours=1)),
            snapshots=6,
            unused_for=AT_ONCE,
        )


def test_old_metadata_files_do_not_pile_up(table: Table, lake: Lake) -> None:
    keep_up(lake.catalog, Kept(SLUG, BY_HAND, None), snapshots=6, unused_for=AT_ONCE)
    for at in range(upkeep.METADATA_FILES + 6):
        table.append(reading(table, f"one more {at}"))
    keep_up(lake.catalog, Kept(SLUG, BY_HAND, None), snapshots=6, unused_for=AT_ONCE)
    files = [one for one in storage.objects(table) if one.path.endswith(".metadata.json")]
    assert len(files) <= upkeep.METADATA_FILES + 1


def test_the_job_of_a_product_keeps_up_what_dbt_wrote_and_dbt_writes_on(
    lake: Lake, dagster: Definitions
) -> None:
    for _ in range(2):
        assert launch(dagster).success
    mart = lake.catalog.load_table((SLUG, "mart_cold_rooms"))
    for _ in range(SMALL_FILES):
        mart.append(reading(mart, "attic"))
    done = launch(dagster, f"{SLUG}_maintenance", {"unused_minutes": 0, "snapshots": 2})
    assert done.success
    assert (len(mart.refresh().snapshots()), len(rows(mart))) == (2, 4 + SMALL_FILES)
    assert [(len(task.delete_files), task.file.record_count) for task in mart.scan().plan_files()] == [
        (0, 4 + SMALL_FILES)
    ]
    again = launch(dagster)
    assert again.success
    told = figures(again)
    assert {name: told[name]["row_count"] for name in told} == {TABLE: 12, "mart_cold_rooms": 4}
    assert len(rows(mart)) == 4


def test_the_scheduled_upkeep_leaves_what_a_writer_has_not_committed_yet(
    lake: Lake, dagster: Definitions
) -> None:
    assert launch(dagster).success
    readings = lake.catalog.load_table((SLUG, TABLE))
    young = readings.location() + "/data/not-committed-yet.parquet"
    with readings.io.new_output(young).create() as file:
        file.write(b"soon")
    schedule = dagster.resolve_schedule_def(f"{SLUG}_maintenance_schedule")
    assert launch(dagster, schedule.job_name).success
    assert readings.io.new_input(young).exists()


def test_no_commit_is_lost_when_writers_and_runs_meet(
    dagster: Definitions, way: Callable[[], Lakehouse]
) -> None:
    lakehouse, name = way(), f"{SLUG}.{TABLE}"
    assert launch(dagster).success
    before = lakehouse.rows(name)
    with ThreadPoolExecutor(2) as runs:
        running = [runs.submit(launch, dagster) for _ in range(2)]
        written = write([way] * 5, name, 50, 2)
        ended = [as_recorded(one.result()) for one in running]
    race = Race(
        written, ended, before, lakehouse.rows(name), lakehouse.history(name), lakehouse.snapshots(name)
    )
    print([run.verdict for run in ended], len(written.refused))
    assert race.found == race.due
    assert len(written.accepted) == 50


def as_recorded(result: ExecuteInProcessResult) -> Run:
    """A run as the driver gives it, as far as it matters here."""
    errors = [str(one.step_failure_data.error) for one in result.all_events if one.is_step_failure]
    keys = [one.asset_key for one in result.all_events if one.is_step_materialization]
    tables = {key.path[-1]: Materialization(key.path[-1], {}) for key in keys if key}
    status = "SUCCESS" if result.success else "FAILURE"
    return Run(result.run_id, "cold-chain", status, tables, {}, [], {}, errors, [])
