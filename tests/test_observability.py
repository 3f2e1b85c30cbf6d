"""What telemetry is made of, without a platform: contexts, losses, queues, a launch's trace, log lines."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import attr
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.test_utils import create_run_for_test
from dagster_k8s import K8sRunLauncher
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import RunEvent, RunState
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from floe_additions.observability import launch, lineage, logs, lost, telemetry, worker
from floe_additions.observability.context import (
    TRACEPARENT_TAG,
    TRACEPARENT_VARIABLE,
    Destinations,
    Losses,
    Place,
    handed_over,
    place_in,
    without_sql,
)
from floe_additions.observability.trace import CUT_OFF, RunTrace

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CONTEXT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (CONTEXT, Place(TRACE, SPAN)),
        (f"{CONTEXT}-", None),
        ("", None),
        (None, None),
    ],
)
def test_a_context_is_what_the_standard_says(said: str | None, place: Place | None) -> None:
    assert place_in(said) == place


def test_the_environment_comes_before_the_tag() -> None:
    other = CONTEXT.replace("b7", "c8")
    assert handed_over({TRACEPARENT_TAG: CONTEXT}, {TRACEPARENT_VARIABLE: other}) == other
    assert handed_over({TRACEPARENT_TAG: CONTEXT}, {TRACEPARENT_VARIABLE: "nonsense"}) == CONTEXT
    assert handed_over({}, {}) is None


def test_no_address_sends_nothing_and_a_wrong_one_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert (Destinations.of({}).any, caplog.text) == (False, "")
    assert Destinations.of({"OTEL_EXPORTER_OTLP_ENDPOINT": "otel-collector:4317"}).any is False
    assert "no telemetry is sent" in caplog.text
    assert "otlp" in caplog.text


def test_an_error_is_told_without_the_statement() -> None:
    said = """Runtime Error in model stg (models/stg.sql)
  Binder Error: Referenced column "unit_prise" not found in FROM clause!

  LINE 12:     select unit_prise * quantity as amount
                      ^
  compiled code at target/run/stg.sql
  and what comes after it"""
    assert without_sql(said) == (
        "Runtime Error in model stg (models/stg.sql) Binder Error: Referenced column "
        '"unit_prise" not found in FROM clause! and what comes after it'
    )


def test_what_did_not_arrive_is_counted_with_its_first_reason() -> None:
    losses = Losses()
    losses.made("spans", 5)
    losses.arrived("spans", 3)
    losses.made("metrics")
    losses.arrived("metrics")
    losses.failed("spans", "nobody answers")
    losses.failed("spans", "nobody answers either")
    assert (losses.counts, losses.reasons) == ({"spans": 2}, {"spans": "nobody answers"})


def a_trace(provider: TracerProvider, losses: Losses) -> RunTrace:
    return RunTrace(
        provider.get_tracer("test"), losses, "run it", traceparent=CONTEXT, at=1_000, attributes={}
    )


def test_a_run_goes_on_in_the_trace_of_its_launch(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    trace = a_trace(provider, Losses())
    trace.close(2_000, {}, None)
    (run,) = exporter.get_finished_spans()
    assert run.parent is not None
    assert (f"{run.parent.span_id:016x}", trace.place.trace_id) == (SPAN, TRACE)


def test_what_never_ended_was_cut_off_and_nothing_is_lost(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    losses = Losses()
    trace = a_trace(provider, losses)
    trace.step_began("dbt", 1_100)
    trace.began("dbt", "model.it.one", "one", 1_200, attributes={}, tested=None)
    trace.began("dbt", "model.it.one", "one", 1_300, attributes={}, tested=None)
    trace.close(2_000, {}, "it was ended")
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert {name: span.status.description for name, span in spans.items()} == {
        "one": CUT_OFF,
        "dbt": CUT_OFF,
        "run it": "it was ended",
    }
    assert spans["one"].start_time == 1_200
    assert losses.counts == {"spans": 3}


def test_nobody_waits_longer_than_told_for_what_does_not_end() -> None:
    never = threading.Event()
    began = time.monotonic()
    assert telemetry.close_all([never.wait, lambda: None], 0.2) is False
    assert time.monotonic() - began < 2.0
    never.set()


def test_who_took_nothing_is_waited_for_less_until_something_arrives() -> None:
    losses = Losses()
    exporter = telemetry.CountedSpanExporter("http://127.0.0.1:9", losses)
    tracer = telemetry.tracing(telemetry.resource("it"), None).get_tracer("it")
    span = tracer.start_span("one")
    span.end()
    took: list[float] = []
    for troubled in (True, False):
        if troubled:
            losses.failed("metrics", "nobody answers")
        else:
            losses.arrived("metrics")
            losses.arrived("spans")
        began = time.monotonic()
        assert exporter.export([span]) is SpanExportResult.FAILURE  # type: ignore[list-item]
        took.append(time.monotonic() - began)
    assert took[0] < telemetry.IMPATIENT_SECONDS < took[1] < telemetry.EXPORT_SECONDS + 1
    assert losses.troubled


def an_event() -> RunEvent:
    kept: list[RunEvent] = []

    class Keeps:
        def send(self, event: RunEvent) -> None:
            kept.append(event)

        def close(self) -> None:
            return

    graph = lineage.Graph({"nodes": {}, "sources": {}}, {}, {})
    told = lineage.Lineage(
        Keeps(), graph, namespace="it", job="it", run_id=str(uuid4()), warehouse="lake", catalog="http://c"
    )
    told.pipeline_began(1.5, Place(TRACE, SPAN))
    return kept[0]


def test_events_that_nobody_takes_are_counted_and_never_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "QUEUE", 1)
    losses = Losses()
    courier = lineage.Courier("http://127.0.0.1:9", losses)
    event = an_event()
    began = time.monotonic()
    for _ in range(200):
        courier.send(event)
    assert time.monotonic() - began < 2.0
    courier.close()
    assert losses.counts == {"lineage events": 200}
    assert "lineage events" in losses.reasons


class Coordinator(launch.TracedSubmissions):
    """Takes a run and does nothing with it."""


class Taking:
    def submit_run(self, context: SubmitRunContext) -> Any:
        return context.dagster_run


class TracedTaking(Coordinator, Taking):
    def __init__(self, instance: DagsterInstance) -> None:
        self._instance = instance


class Request:
    """A web request that is in a trace of its caller's."""

    dagster_run: Any

    def __init__(self, run: Any) -> None:
        self.dagster_run = run

    def get_request_header(self, key: str) -> str | None:
        return {"traceparent": CONTEXT}.get(key)

    def _replace(self, dagster_run: Any) -> Request:
        return Request(dagster_run)


@pytest.fixture
def traced(provider: TracerProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "tracer", lambda: provider.get_tracer("test"))


@pytest.mark.usefixtures("traced")
def test_a_launch_is_a_span_and_the_run_has_its_context(
    tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = create_run_for_test(instance, job_name="customer_360")
        taken = TracedTaking(instance).submit_run(Request(run))  # type: ignore[arg-type]
        kept = instance.get_run_by_id(run.run_id)
    (span,) = exporter.get_finished_spans()
    context = f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"
    assert kept is not None
    assert (span.name, span.parent, taken.tags[TRACEPARENT_TAG], kept.tags[TRACEPARENT_TAG]) == (
        "launch customer_360",
        None,
        context,
        context,
    )
    # Its caller is in a trace of its own, which the run's has a link to.
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE]


def test_a_launch_without_a_collector_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    launch.tracer.cache_clear()
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = create_run_for_test(instance, job_name="customer_360")
        taken = TracedTaking(instance).submit_run(Request(run))  # type: ignore[arg-type]
    assert TRACEPARENT_TAG not in taken.tags


@pytest.fixture
def lost_run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run that Dagster gives up, of which Kubernetes says why."""
    monkeypatch.setattr(
        K8sRunLauncher, "get_run_worker_debug_info", lambda *_: "status: Terminated\nwith 137"
    )
    return SimpleNamespace(
        run_id=str(uuid4()),
        job_name="customer_360",
        tags={TRACEPARENT_TAG: CONTEXT},
        status=DagsterRunStatus.STARTED,
        remote_job_origin=SimpleNamespace(location_name="customer-360"),
    )


def given_up(run: Any) -> str | None:
    return worker.TracedK8sRunLauncher.get_run_worker_debug_info(
        object.__new__(worker.TracedK8sRunLauncher), run
    )


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(
    ("status", "told"), [(DagsterRunStatus.STARTED, "FAIL"), (DagsterRunStatus.CANCELING, "ABORT")]
)
def test_a_run_that_is_lost_is_told_by_who_gives_it_up(
    status: DagsterRunStatus,
    told: str,
    lost_run: Any,
    exporter: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[dict[str, Any]] = []
    monkeypatch.setattr(OpenLineageClient, "emit", lambda _, one: taken.append(attr.asdict(one)))
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    lost_run.status = status
    assert given_up(lost_run) == "status: Terminated\nwith 137"
    (span,) = exporter.get_finished_spans()
    assert span.parent is not None
    assert (span.name, f"{span.parent.span_id:016x}") == ("lost customer_360", SPAN)
    assert (span.status.status_code, span.status.description) == (
        StatusCode.ERROR,
        "status: Terminated with 137",
    )
    (event,) = taken
    facets = event["run"]["facets"]
    assert (event["eventType"], event["run"]["runId"]) == (RunState[told], lost_run.run_id)
    assert (event["job"]["namespace"], event["job"]["name"]) == ("customer-360", "customer_360")
    assert facets["errorMessage"]["message"] == "status: Terminated with 137"
    assert facets["traceCorrelation"]["trace_id"] == TRACE
    assert facets["traceCorrelation"]["span_id"] == f"{span.context.span_id:016x}"


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "", "nowhere"])
def test_a_run_is_given_up_whether_lineage_hears_or_not(
    address: str, lost_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", address)
    assert given_up(lost_run) == "status: Terminated\nwith 137"
    monkeypatch.setattr(lost, "tell", lambda *_: 1 / 0)
    assert given_up(lost_run) == "status: Terminated\nwith 137"


def test_dagsters_lines_are_json_and_have_the_place_of_their_run(capsys: pytest.CaptureFixture[str]) -> None:
    handler = logs.JsonLines()
    record = logging.LogRecord("dagster", logging.WARNING, __file__, 1, "waiting for %s", ("it",), None)
    record.__dict__["dagster_meta"] = {
        "run_id": "r",
        "job_name": "customer_360",
        "step_key": "dbt",
        "orig_message": "waiting for the catalog",
        "job_tags": {TRACEPARENT_TAG: CONTEXT},
        "dagster_event": None,
    }
    handed = json.loads(handler.format(record))
    logs.placed("r", "dbt", Place(TRACE, "1" * 16))
    placed = json.loads(handler.format(record))
    logs.forget("r")
    assert {name: handed[name] for name in ("event", "level", "job", "run_id", "trace_id", "span_id")} == {
        "event": "waiting for the catalog",
        "level": "warning",
        "job": "customer_360",
        "run_id": "r",
        "trace_id": TRACE,
        "span_id": SPAN,
    }
    assert placed["span_id"] == "1" * 16
    logs.told("error", "model failed", Place(TRACE, SPAN), node="stg")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["node"], line["trace_id"]) == (
        "model failed",
        "error",
        "stg",
        TRACE,
    )
