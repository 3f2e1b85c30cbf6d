"""A second run of customer-360's incremental model, over keys that are new, changed, known and withdrawn."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from duckdb_extensions import import_extension  # type: ignore[import-untyped]

from drivers import customer_360, seeds
from drivers.rows import Rows
from drivers.seeds import Seed
from floe_additions.orchestrator.product import Product
from standins.loopback.lake import Lake
from tests import demo_product
from tests.contract.test_pipeline import JOB

SOURCE, MODEL = "raw_transactions", "stg_transactions"

Build = Callable[..., None]


@pytest.fixture(scope="module")
def product() -> Product:
    return demo_product.built()


@pytest.fixture(scope="module")
def seed_files(product: Product) -> dict[str, Seed]:
    return {file.stem: seeds.read(file) for file in (product.folder / "seeds").glob("*.csv")}


@pytest.fixture(scope="module")
def build(lake: Lake, product: Product, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """dbt alone, without the tests of the model: they are those of a whole run."""
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    place = tmp_path_factory.mktemp("dbt")
    dbt = Path(sys.executable).parent / "dbt"
    folders: list[str | Path] = [
        "--project-dir",
        product.folder,
        "--profiles-dir",
        product.write_profiles(place / "profiles"),
    ]
    words = ["build", "--exclude-resource-type", "test", *folders, "--target-path", place / "target"]

    def run(*nodes: str) -> None:
        done = subprocess.run(
            [dbt, *words, "--select", *nodes],
            env={**os.environ, **lake.environment, "FLOE_SCRATCH": str(place)},
            cwd=place,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    run(SOURCE, MODEL)
    return run


def found(lake: Lake, table: str) -> Rows:
    return Rows.of(table, lake.catalog.load_table((JOB, table)).scan().to_arrow().to_pylist())


def differences(lake: Lake, rows: dict[str, Seed]) -> list[str]:
    return customer_360.expected(rows)[MODEL].differences(found(lake, MODEL))


def snapshot(lake: Lake, table: str) -> int:
    current: int | None = lake.catalog.load_table((JOB, table)).metadata.current_snapshot_id
    assert current is not None
    return current


def added(lake: Lake, since: int) -> int:
    """How many rows the commits after a snapshot wrote into the model's table."""
    loaded = lake.catalog.load_table((JOB, MODEL))
    current, rows = loaded.current_snapshot(), 0
    while current is not None and current.snapshot_id != since:
        rows += int(current.summary.additional_properties.get("added-records", "0")) if current.summary else 0
        current = loaded.snapshot_by_id(current.parent_snapshot_id or 0)
    return rows


def test_keys_that_are_new_or_changed_are_merged_and_what_is_withdrawn_goes(
    lake: Lake, build: Build, seed_files: dict[str, Seed]
) -> None:
    assert differences(lake, seed_files) == []
    held, before = snapshot(lake, MODEL), snapshot(lake, SOURCE)
    seed = seed_files[SOURCE]
    sound = [row for row in seed.rows if all(value is not None for value in row.values())]
    some: dict[str, Any] = dict(next(row for row in sound if row["quantity"] > 0))  # type: ignore[operator]
    arrived = [
        {**some, "transaction_id": 999_999_999},
        {**some, "status": "refunded", "loaded_at": datetime(2031, 1, 1)},  # noqa: DTZ001
    ]
    raw = lake.catalog.load_table((JOB, SOURCE))
    raw.append(pa.Table.from_pylist(arrived, schema=raw.schema().as_arrow()))
    build(MODEL)
    changed = {**seed_files, SOURCE: replace(seed, rows=(*seed.rows, *arrived))}
    assert (differences(lake, changed), added(lake, held)) == ([], 2)
    lake.catalog.load_table((JOB, SOURCE)).manage_snapshots().rollback_to_snapshot(before).commit()
    build(MODEL)
    assert differences(lake, seed_files) == []


def test_over_the_same_seeds_no_row_is_written(lake: Lake, build: Build, seed_files: dict[str, Seed]) -> None:
    before = snapshot(lake, MODEL)
    build(SOURCE, MODEL)
    assert (differences(lake, seed_files), added(lake, before)) == ([], 0)
