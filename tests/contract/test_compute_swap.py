"""One line of the manifest is another compute, which writes other files with the same rows in them."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance
from duckdb_extensions import import_extension  # type: ignore[import-untyped]

from drivers.lakehouse import last_compressions
from drivers.product import SMALL
from floe_complete.compiling import compile_product
from foundation.cache import ROOT
from standins.loopback.lake import Lake


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory, lake: Lake) -> Iterator[Path]:
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    folder = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**lake.environment, "FLOE_SCRATCH": str(folder)}.items():
            environment.setenv(name, value)
        yield folder


def run_with(compute: str, place: Path, *, incremental: bool = False) -> None:
    """Compile the small product for a manifest with this compute, and run it."""
    shutil.copytree(SMALL / "web-visits", place / "web-visits")
    manifest = (ROOT / "demo" / "manifest.yaml").read_text()
    (place / "manifest.yaml").write_text(manifest.replace("type: duckdb-iceberg", f"type: {compute}"))
    if incremental:
        project = place / "web-visits" / "dbt_project.yml"
        project.write_text(project.read_text().replace("materialized: table", "materialized: incremental"))
    compile_product(place / "web-visits")
    defs: Any = runpy.run_path(str(place / "web-visits" / "definitions.py"))["defs"]
    done = defs.resolve_job_def("web_visits").execute_in_process(
        instance=DagsterInstance.ephemeral(), raise_on_error=False
    )
    assert done.success


@pytest.mark.usefixtures("scratch")
def test_each_compute_writes_files_of_its_own(lake: Lake, tmp_path: Path) -> None:
    def codecs() -> frozenset[str]:
        return last_compressions(lake.catalog.load_table(("web_visits", "mart_page_visits")))

    def rows() -> list[dict[str, Any]]:
        found = lake.catalog.load_table(("web_visits", "mart_page_visits")).scan().to_arrow().to_pylist()
        return sorted(found, key=lambda row: str(row["page"]))

    run_with("duckdb-iceberg", tmp_path / "one")
    before = rows()
    assert codecs() == {"ZSTD"}
    run_with("duckdb-iceberg-portable", tmp_path / "two")
    assert (rows(), codecs()) == (before, frozenset({"SNAPPY"}))
    for name in ("stg_page_views", "mart_page_visits"):
        lake.catalog.drop_table(("web_visits", name))
    run_with("duckdb-iceberg-portable", tmp_path / "three", incremental=True)
    assert (rows(), codecs()) == (before, frozenset({"SNAPPY"}))
