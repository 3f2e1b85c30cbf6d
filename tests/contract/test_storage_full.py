"""An object store that takes no more data: what the run says, and what becomes of the tables."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance, ExecuteInProcessResult
from duckdb_extensions import import_extension  # type: ignore[import-untyped]
from pydantic import SecretStr

from drivers.object_store import ObjectStore
from drivers.product import SMALL
from floe_complete.compiling import compile_product
from foundation.cache import ROOT
from standins.loopback.lake import Lake
from standins.loopback.stack import Target


@pytest.fixture
def store(target: Target) -> Iterator[ObjectStore]:
    address = target.store_endpoint.removeprefix("http://")
    made = ObjectStore(lambda: address, SecretStr(target.store_key), target.store_secret)
    yield made
    made.close()


@pytest.fixture
def launch(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], ExecuteInProcessResult]:
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    for name, value in {**lake.environment, "FLOE_SCRATCH": str(tmp_path / "scratch")}.items():
        monkeypatch.setenv(name, value)
    shutil.copy(ROOT / "demo" / "manifest.yaml", tmp_path)
    folder = shutil.copytree(SMALL / "web-visits", tmp_path / "web-visits")
    compile_product(folder)
    defs = runpy.run_path(str(folder / "definitions.py"))["defs"]
    job = defs.resolve_job_def("web_visits")

    def run() -> ExecuteInProcessResult:
        result: ExecuteInProcessResult = job.execute_in_process(
            instance=DagsterInstance.ephemeral(), raise_on_error=False
        )
        return result

    return run


def snapshots(lake: Lake) -> dict[str, int | None]:
    if not lake.catalog.namespace_exists("web_visits"):
        return {}
    tables = {name[-1]: lake.catalog.load_table(name) for name in lake.catalog.list_tables("web_visits")}
    return {name: table.metadata.current_snapshot_id for name, table in tables.items()}


def test_a_run_says_that_the_bucket_is_full_and_no_table_moves(
    lake: Lake, store: ObjectStore, run: str, launch: Callable[[], ExecuteInProcessResult]
) -> None:
    bucket = f"lake-{run}"
    expected = (
        "the object store takes no more data for web_visits.stg_page_views: "
        f"the bucket {bucket} has used up its quota (HTTP 400, XMinioAdminBucketQuotaExceeded)"
    )

    def full() -> tuple[bool, bool]:
        store.limit(bucket, 1)
        result = launch()
        store.limit(bucket, None)
        (failure,) = [event for event in result.all_events if event.is_step_failure]
        error = failure.step_failure_data.error
        assert error is not None
        return result.success, expected in str(error.cause)

    at_first = snapshots(lake)
    assert (full(), snapshots(lake)) == ((False, True), at_first)
    assert launch().success
    before = snapshots(lake)
    assert (full(), snapshots(lake)) == ((False, True), before)
    assert launch().success
