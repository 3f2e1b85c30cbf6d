"""A product that runs by itself, with processes only: what its sensors and its schedule begin, and when."""

from __future__ import annotations

import json
import runpy
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from dagster import (
    DagsterInstance,
    Definitions,
    RunRequest,
    ScheduleDefinition,
    SensorDefinition,
    build_sensor_context,
)
from duckdb_extensions import import_extension  # type: ignore[import-untyped]

from drivers.deliveries import EDITED
from drivers.product import SMALL
from drivers.sources import SOURCES
from floe_complete.compiling import compile_product
from foundation.cache import ROOT
from standins.loopback.lake import Lake
from standins.loopback.processes import free_port
from standins.loopback.stack import Target

SCANS = SOURCES["scans"]


class _WebServer(BaseHTTPRequestHandler):
    """Dagster's web server, as far as it is asked whether it serves."""

    def do_POST(self) -> None:
        told = {"data": {"version": "1", "instance": {"daemonHealth": {"allDaemonStatuses": []}}}}
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_said: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def environment(
    lake: Lake, target: Target, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[pytest.MonkeyPatch]:
    """What a pod's environment says, with a web server of Dagster's in it."""
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    server = HTTPServer(("127.0.0.1", 0), _WebServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = {
        "FLOE_SCRATCH": str(tmp_path_factory.mktemp("scratch")),
        "FLOE_AUTOMATION": "on",
        "DAGSTER_URL": f"http://127.0.0.1:{server.server_port}",
        "S3_ENDPOINT": target.store_endpoint,
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {**lake.environment, **here}.items():
            patched.setenv(name, value)
        yield patched
    server.shutdown()


@pytest.fixture(scope="module")
def parcel_search(environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert environment
    place = tmp_path_factory.mktemp("team")
    folder = shutil.copytree(SMALL / "parcel-search", place / "parcel-search")
    shutil.copy(ROOT / "demo" / "manifest.yaml", place)
    compile_product(folder)
    return folder


def definitions(folder: Path) -> Definitions:
    return cast(Definitions, runpy.run_path(str(folder / "definitions.py"))["defs"])


class Sensor:
    """A sensor of the product, looking again and again as the daemon has it look."""

    def __init__(self, name: str, folder: Path, instance: DagsterInstance) -> None:
        self._sensor: SensorDefinition = definitions(folder).resolve_sensor_def(f"parcel_search_{name}")
        self._instance = instance
        self._cursor: str | None = None

    def looks(self) -> str | list[RunRequest]:
        """Why it begins no run, or what it begins."""
        told = self._sensor.evaluate_tick(
            build_sensor_context(instance=self._instance, cursor=self._cursor, sensor_name=self._sensor.name)
        )
        self._cursor = told.cursor
        return str(told.skip_message) if told.skip_message else list(told.run_requests or ())


def deliver(lake: Lake, **changed: object) -> None:
    fields = {"long": pa.int64(), "string": pa.string(), "timestamp": pa.timestamp("us")}
    schema = pa.schema([(name, fields[kind]) for name, kind in SCANS.schema.items()])
    lake.catalog.create_namespace_if_not_exists("deliveries")
    table = lake.catalog.create_table_if_not_exists(SCANS.table, schema)
    table.append(pa.Table.from_pylist([SCANS.another_row(changed)], schema=schema))


def tags(told: str | list[RunRequest]) -> list[tuple[str | None, dict[str, str]]]:
    assert isinstance(told, list), told
    ours = [{key: value for key, value in one.tags.items() if key.startswith("floe/")} for one in told]
    return [(one.run_key, theirs) for one, theirs in zip(told, ours, strict=True)]


def test_a_product_runs_first_when_all_is_there_then_when_data_comes(
    lake: Lake, parcel_search: Path, environment: pytest.MonkeyPatch
) -> None:
    with DagsterInstance.ephemeral() as instance:
        first_run, new_data = (Sensor(name, parcel_search, instance) for name in ("first_run", "new_data"))
        assert first_run.looks() == "nothing was delivered yet to deliveries.scans"
        deliver(lake, parcel=1, depot="Bern")

        with environment.context() as one_is_down:
            one_is_down.setenv("S3_ENDPOINT", f"http://127.0.0.1:{free_port()}")
            assert first_run.looks() == "storage minio: nobody answers (Connection refused)"
        with environment.context() as others_are_down:
            nobody = f"http://127.0.0.1:{free_port()}"
            others_are_down.setenv("POLARIS_OAUTH2_SERVER_URI", nobody)
            others_are_down.setenv("DAGSTER_URL", nobody)
            assert first_run.looks() == (
                "catalog polaris: nobody answers (Connection refused);"
                " orchestrator dagster-iceberg: nobody answers (Connection refused)"
            )
        with environment.context() as catalog_is_down:
            catalog_is_down.setenv("POLARIS_URI", f"http://127.0.0.1:{free_port()}")
            assert str(new_data.looks()).startswith("the catalog does not tell of deliveries.scans (")

        assert new_data.looks() == "the next change begins a run"
        ours = {"floe/automated": "parcel-search"}
        assert tags(first_run.looks()) == [("first", ours)]
        assert first_run.looks() == "the first run was begun"
        assert new_data.looks() == "no source has changed"

        deliver(lake, parcel=1, depot="Chur")
        snapshot = lake.catalog.load_table(SCANS.table).metadata.current_snapshot_id
        assert tags(new_data.looks()) == [(f"deliveries.scans at {snapshot}", ours)]
        assert new_data.looks() == "no source has changed"

        done = (
            definitions(parcel_search).resolve_job_def("parcel_search").execute_in_process(instance=instance)
        )
        assert done.success
        mart = lake.catalog.load_table(("parcel_search", "mart_parcels")).scan().to_arrow().to_pylist()
        assert [(row["parcel"], row["depot"]) for row in mart] == [(1, "Bern")]
        assert Sensor("first_run", parcel_search, instance).looks() == "it has run before"


def test_the_schedule_is_that_of_floe_yaml_or_every_ten_minutes(
    parcel_search: Path, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def deployed(folder: Path) -> dict[str, Any]:
        schedules = definitions(folder).resolve_all_job_defs() and definitions(folder).schedules
        every = cast("list[ScheduleDefinition]", list(schedules or ()))
        (schedule,) = [one for one in every if one.name == "parcel_search_schedule"]
        sensors = cast("list[SensorDefinition]", list(definitions(folder).sensors or ()))
        return {
            "cron": schedule.cron_schedule,
            "zone": schedule.execution_timezone,
            "status": schedule.default_status.value,
            "sensors": {one.default_status.value for one in sensors},
        }

    silent = {"cron": "*/10 * * * *", "zone": "UTC", "status": "RUNNING", "sensors": {"RUNNING"}}
    assert deployed(parcel_search) == silent
    said = shutil.copytree(parcel_search, tmp_path / "parcel-search")
    spec, text = said / "floe.yaml", (parcel_search / "floe.yaml").read_text()
    spec.write_text(text + EDITED["parcel-search"]["to run every minute"] + "  timezone: Europe/Zurich\n")
    assert deployed(said) == {**silent, "cron": "* * * * *", "zone": "Europe/Zurich"}
    spec.write_text(f"{text}schedule: {{enabled: false}}\n")
    assert deployed(said) == {**silent, "status": "STOPPED"}
    with environment.context() as by_hand:
        by_hand.delenv("FLOE_AUTOMATION")
        assert deployed(parcel_search) == {**silent, "status": "STOPPED", "sensors": {"STOPPED"}}
