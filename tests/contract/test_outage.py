"""A catalog that goes away: before a run, in the middle of one, and for good."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from dagster import DagsterEventType, DagsterInstance, Definitions, ExecuteInProcessResult
from dagster._core.events.log import EventLogEntry
from duckdb_extensions import import_extension  # type: ignore[import-untyped]

from drivers import wait
from drivers.product import SMALL
from floe_additions.orchestrator.outage import PATIENCE_TAG
from floe_complete.compiling import compile_product
from foundation.cache import ROOT
from standins.loopback.lake import Lake
from standins.loopback.stack import StandIn

SLOW = "(select max(a.range + b.range) as spent from range(60000) as a, range(60000) as b) as slow"
"""What keeps two cores busy for seconds."""


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory, lake: Lake) -> Iterator[Definitions]:
    """web-visits, whose second model takes a while."""
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    place = tmp_path_factory.mktemp("visits")
    shutil.copy(ROOT / "demo" / "manifest.yaml", place)
    folder = shutil.copytree(SMALL / "web-visits", place / "web-visits")
    model = folder / "models" / "mart_page_visits.sql"
    model.write_text(model.read_text().replace("group by page", f"cross join {SLOW} group by page"))
    compile_product(folder)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**lake.environment, "FLOE_SCRATCH": str(place / "scratch")}.items():
            environment.setenv(name, value)
        loaded = runpy.run_path(str(folder / "definitions.py"))["defs"]
        assert isinstance(loaded, Definitions)
        yield loaded


@dataclass
class Running:
    """A run in a thread of its own."""

    instance: DagsterInstance
    future: Future[ExecuteInProcessResult]

    def until(self, seen: Callable[[EventLogEntry], bool], what: str) -> None:
        """Wait for one of its events."""
        wait.until(
            lambda: any(map(seen, self._log())) or self.future.done(), bool, what=what, within=60, every=0.05
        )

    def _log(self) -> list[EventLogEntry]:
        return [entry for run in self.instance.get_runs() for entry in self.instance.all_logs(run.run_id)]

    @property
    def said(self) -> list[str]:
        """Every message that the run logged about the catalog."""
        return [entry.user_message for entry in self._log() if "the catalog" in entry.user_message]


@pytest.fixture
def begun(visits: Definitions, tmp_path: Path) -> Iterator[Callable[[float], Running]]:
    with ThreadPoolExecutor(1) as threads, DagsterInstance.local_temp(str(tmp_path)) as instance:

        def begin(patience: float) -> Running:
            job = visits.resolve_job_def("web_visits")
            return Running(
                instance,
                threads.submit(
                    job.execute_in_process,
                    instance=instance,
                    tags={PATIENCE_TAG: str(patience)},
                    raise_on_error=False,
                ),
            )

        yield begin


@pytest.fixture
def away(stand_in: StandIn) -> Iterator[StandIn]:
    """The catalog, which the test takes away and which is there again afterwards."""
    yield stand_in
    stand_in.kill()
    stand_in.start()
    stand_in.becomes_ready()


def waits(entry: EventLogEntry) -> bool:
    return "waiting for the catalog" in entry.user_message


def has_made_a_table(entry: EventLogEntry) -> bool:
    return entry.is_dagster_event and entry.dagster_event_type is DagsterEventType.ASSET_MATERIALIZATION


def made(result: ExecuteInProcessResult) -> list[str]:
    """The tables it made, each as often as it did."""
    events = (e.step_materialization_data for e in result.all_events if e.is_step_materialization)
    return sorted(event.materialization.asset_key.path[-1] for event in events)


def test_a_run_that_finds_no_catalog_waits_for_it(begun: Callable[[float], Running], away: StandIn) -> None:
    away.kill()
    running = begun(60)
    running.until(waits, "a run that waits")
    away.start()
    away.becomes_ready()
    result = running.future.result(60)
    assert (result.success, made(result)) == (True, ["mart_page_visits", "stg_page_views"])
    assert running.said[-1].startswith("the catalog answers again after ")


def test_a_run_that_loses_the_catalog_repeats_only_what_was_lost(
    begun: Callable[[float], Running], away: StandIn
) -> None:
    running = begun(60)
    running.until(has_made_a_table, "the first table of the run")
    away.kill()
    running.until(waits, "a run that waits")
    away.start()
    away.becomes_ready()
    result = running.future.result(60)
    assert (result.success, made(result)) == (True, ["mart_page_visits", "stg_page_views"])
    assert running.said[-1].startswith("the catalog answers again after ")


def test_a_run_without_a_catalog_fails_once_its_patience_is_over(
    begun: Callable[[float], Running], away: StandIn, lake: Lake
) -> None:
    away.kill()
    result = begun(2).future.result(60)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    uri = lake.environment["POLARIS_URI"]
    said = f"the catalog {uri} did not answer within the 2 s that a run waits for it: nobody answers"
    assert said in str(failure.step_failure_data.error)
    assert (result.success, made(result)) == (False, [])
