"""A second run of customer-360 over keys that are new, changed, unchanged and withdrawn."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from dagster import Definitions, ExecuteInProcessResult
from duckdb_extensions import import_extension  # type: ignore[import-untyped]

from drivers import customer_360, seeds
from drivers.rows import Rows
from drivers.seeds import Seed
from floe_additions.orchestrator.product import Product
from tests import demo_product
from tests.contract.test_pipeline import JOB, Lake, lake, launch

__all__ = ["lake"]

SOURCE, MODEL = "raw_transactions", "stg_transactions"


@pytest.fixture(scope="module")
def product() -> Product:
    return demo_product.built()


@pytest.fixture(scope="module")
def seed_files(product: Product) -> dict[str, Seed]:
    return {file.stem: seeds.read(file) for file in (product.folder / "seeds").glob("*.csv")}


@pytest.fixture(scope="module")
def dagster(lake: Lake, product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Definitions]:
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    surroundings = {**lake.environment, "FLOE_SCRATCH": str(tmp_path_factory.mktemp("scratch"))}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in surroundings.items():
            environment.setenv(name, value)
        loaded = runpy.run_path(str(product.folder / "definitions.py"))["defs"]
        assert isinstance(loaded, Definitions)
        yield loaded


@pytest.fixture(scope="module")
def first_run(dagster: Definitions) -> ExecuteInProcessResult:
    return launch(dagster, SOURCE, MODEL)


def found(lake: Lake, table: str) -> Rows:
    return Rows.of(table, lake.catalog.load_table((JOB, table)).scan().to_arrow().to_pylist())


def differences(lake: Lake, rows: dict[str, Seed]) -> dict[str, list[str]]:
    expected = customer_360.expected(rows)
    return {name: expected[name].differences(found(lake, name)) for name in (SOURCE, MODEL)}


NONE: dict[str, list[str]] = {SOURCE: [], MODEL: []}


def added(lake: Lake, table: str, since: int | None) -> int:
    """How many rows the commits after a snapshot wrote into a table."""
    loaded = lake.catalog.load_table((JOB, table))
    snapshot, rows = loaded.current_snapshot(), 0
    while snapshot is not None and snapshot.snapshot_id != since:
        rows += int((snapshot.summary or {}).get("added-records", "0") if snapshot.summary else 0)
        parent = snapshot.parent_snapshot_id
        snapshot = loaded.snapshot_by_id(parent) if parent is not None else None
    return rows


def test_new_and_changed_keys_are_merged_and_no_other_is_written(
    lake: Lake, dagster: Definitions, seed_files: dict[str, Seed], first_run: ExecuteInProcessResult
) -> None:
    assert first_run.success
    held = lake.catalog.load_table((JOB, MODEL)).metadata.current_snapshot_id
    raw = lake.catalog.load_table((JOB, SOURCE))
    before = raw.metadata.current_snapshot_id
    seed = seed_files[SOURCE]
    sound = [row for row in seed.rows if all(value is not None for value in row.values())]
    some: dict[str, Any] = dict(next(row for row in sound if row["quantity"] > 0))
    arrived = [
        {**some, "transaction_id": 999_999_999},
        {**some, "status": "refunded", "loaded_at": datetime(2031, 1, 1)},  # noqa: DTZ001
    ]
    raw.append(pa.Table.from_pylist(arrived, schema=raw.schema().as_arrow()))
    assert launch(dagster, MODEL).success
    changed = replace(seed, rows=(*seed.rows, *arrived))
    assert differences(lake, {**seed_files, SOURCE: changed}) == NONE
    assert added(lake, MODEL, held) == 2
    assert before is not None
    lake.catalog.load_table((JOB, SOURCE)).manage_snapshots().rollback_to_snapshot(before).commit()


def test_what_the_source_withdrew_is_gone_after_the_next_run(
    lake: Lake, dagster: Definitions, seed_files: dict[str, Seed], first_run: ExecuteInProcessResult
) -> None:
    assert first_run.success
    assert launch(dagster, MODEL).success
    assert differences(lake, seed_files) == NONE


def test_a_run_over_the_same_seeds_writes_no_row_of_the_incremental_model(
    lake: Lake, dagster: Definitions, seed_files: dict[str, Seed], first_run: ExecuteInProcessResult
) -> None:
    assert first_run.success
    table = lake.catalog.load_table((JOB, MODEL))
    before, snapshots = table.metadata.current_snapshot_id, len(table.snapshots())
    assert launch(dagster, SOURCE, MODEL).success
    assert differences(lake, seed_files) == NONE
    after = table.refresh()
    print(
        "SNAPSHOTS",
        snapshots,
        len(after.snapshots()),
        [(s.summary.operation if s.summary else None) for s in after.snapshots()],
    )
    assert added(lake, MODEL, before) == 0
