"""iot-telemetry on a real catalog: its first run, its second, rows that come late, and its tests alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
from dagster import AssetCheckKey, DagsterInstance, Definitions, ExecuteInProcessResult
from pyiceberg.expressions import EqualTo

from drivers import iot_telemetry
from drivers.rows import Rows
from drivers.seeds import Seed
from floe_additions.orchestrator.product import Product
from standins.loopback.lake import Lake
from tests.contract.in_process import checks, launch

PRODUCT = "iot-telemetry"
JOB = "iot_telemetry"


def launch_tests(dagster: Definitions) -> ExecuteInProcessResult:
    """Every test and no table, as Dagster does when only checks are selected."""
    every: set[AssetCheckKey] = set(dagster.resolve_asset_graph().asset_check_keys)
    job = dagster.resolve_job_def(JOB).get_subset(asset_selection=set(), asset_check_selection=every)
    return job.execute_in_process(instance=DagsterInstance.ephemeral(), raise_on_error=False)


def found(lake: Lake, table: str) -> Rows:
    return Rows.of(table, lake.catalog.load_table((JOB, table)).scan().to_arrow().to_pylist())


def differences(lake: Lake, seed_files: dict[str, Seed]) -> dict[str, list[str]]:
    expected = iot_telemetry.expected(seed_files)
    return {name: lines for name, rows in expected.items() if (lines := rows.differences(found(lake, name)))}


def test_every_table_is_what_the_rules_say(
    lake: Lake, dagster: Definitions, seed_files: dict[str, Seed], first_run: ExecuteInProcessResult
) -> None:
    every = {key.name for key in dagster.resolve_asset_graph().asset_check_keys}
    assert (first_run.success, checks(first_run)) == (True, dict.fromkeys(every, True))
    assert differences(lake, seed_files) == {}


def test_a_second_run_gives_the_same_rows(
    lake: Lake, dagster: Definitions, seed_files: dict[str, Seed], first_run: ExecuteInProcessResult
) -> None:
    assert first_run.success
    assert launch(dagster, JOB).success
    assert differences(lake, seed_files) == {}


def test_new_and_corrected_readings_are_merged_whenever_they_were_loaded(
    lake: Lake, dagster: Definitions, seed_files: dict[str, Seed], first_run: ExecuteInProcessResult
) -> None:
    assert first_run.success
    raw = lake.catalog.load_table((JOB, "raw_readings"))
    known = found(lake, "stg_readings")
    some: dict[str, Any] = dict(seed_files["raw_readings"].rows[5])
    arrived = [
        # A reading that is new, though it was loaded before most that are known.
        {**some, "reading_id": 5},
        # A correction of one that is known.
        {**some, "value": some["value"] + 1, "loaded_at": some["loaded_at"].replace(year=2026)},
    ]
    raw.append(pa.Table.from_pylist(arrived, schema=raw.schema().as_arrow()))
    models = [name for name in iot_telemetry.expected(seed_files) if not name.startswith("raw_")]
    assert launch(dagster, JOB, *models).success
    more = {
        **seed_files,
        "raw_readings": Seed("raw_readings", {}, (*seed_files["raw_readings"].rows, *arrived)),
    }
    assert differences(lake, more) == {}
    assert len(found(lake, "stg_readings")) == len(known) + 1


def test_the_tests_alone_find_what_was_put_into_a_table(
    lake: Lake, dagster: Definitions, first_run: ExecuteInProcessResult
) -> None:
    """In two tables, one computed from the other: a test that fails keeps no other from running."""
    assert first_run.success
    before = lake.catalog.load_table((JOB, "stg_readings")).current_snapshot()
    for table, changed in (
        ("raw_maintenance_log", {"priority": "whenever"}),
        ("mart_equipment_health", {"maintenance_alert": "pray"}),
    ):
        there = lake.catalog.load_table((JOB, table))
        row = {**there.scan(limit=1).to_arrow().to_pylist()[0], **changed}
        key = there.schema().fields[0].name
        arrow = pa.Table.from_pylist([row], schema=there.schema().as_arrow())
        there.overwrite(arrow, overwrite_filter=EqualTo(term=key, value=row[key]))
    result = launch_tests(dagster)
    failed = {name.partition("__")[0] for name, passed in checks(result).items() if not passed}
    every = {key.name for key in dagster.resolve_asset_graph().asset_check_keys}
    assert (result.success, failed, set(checks(result))) == (
        False,
        {
            "accepted_values_raw_maintenance_log_priority",
            "accepted_values_mart_equipment_health_maintenance_alert",
        },
        every,
    )
    assert lake.catalog.load_table((JOB, "stg_readings")).current_snapshot() == before


def test_exact_types_reach_iceberg(lake: Lake, first_run: ExecuteInProcessResult) -> None:
    assert first_run.success
    types = {
        "stg_readings": {"value": "decimal(10, 2)"},
        "int_sensor_metrics": {"mean_value": "decimal(10, 2)", "largest_deviation": "decimal(10, 2)"},
        "mart_equipment_health": {"out_of_tolerance_share": "decimal(10, 4)", "downtime_minutes": "long"},
    }
    schemas = {table: lake.catalog.load_table((JOB, table)).schema() for table in types}
    assert {
        table: {name: str(schemas[table].find_type(name)) for name in columns}
        for table, columns in types.items()
    } == types


def test_what_was_planted_is_no_seed(product: Product, lake: Lake, first_run: ExecuteInProcessResult) -> None:
    assert first_run.success
    assert (product.folder / "seeds" / "planted_anomalies.tsv").is_file()
    assert "planted_anomalies" not in {name for _, name in lake.catalog.list_tables(JOB)}


def test_nothing_is_left_in_the_folder(product: Product, first_run: ExecuteInProcessResult) -> None:
    assert first_run.success
    made = {path.name for path in Path(product.folder / "target").iterdir()}
    assert made == {"manifest.json", "partial_parse.msgpack"}
