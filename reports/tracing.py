"""The pytest plugin that has the suite observe itself: each scenario a trace, each step a span in it.

They go to the collector of the platform that the scenarios play on, in batches, by a thread of the SDK.
Nobody waits for them but the end of a story, a moment: what is not taken is counted, and said once.
Before a platform stands spans wait in a bounded queue.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import allure_commons
import pytest
from allure_commons.model2 import Label, Link, TestResult
from allure_commons.types import LinkType
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, StatusCode, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pytest_bdd.parser import Step
from pytest_bdd.scenario import scenario_wrapper_template_registry

from foundation import secrecy, tracecontext
from reports import catalogue, evidence

SERVICE: Final = "floe-acceptance"
TRACE_ID: Final = "trace_id"
"""The label of a scenario in Allure with the id of its trace."""

QUEUE: Final = 4096
"""Spans that may wait; further ones are lost, and counted."""

EXPORT_SECONDS: Final = 2.0
"""What one batch may take, its repetitions included."""

FLUSH_SECONDS: Final = 3.0
"""What the end of a story waits for what is under way."""

SILENT_SECONDS: Final = 30.0
"""How long a collector that took no batch is not tried again: finding the way to it starts a process."""

_EVERY_MILLISECONDS: Final = 500.0
_MESSAGE: Final = 500


@dataclass(frozen=True)
class Destination:
    """A platform as far as traces go.

    Attributes:
        collector: gives host:port where it takes OTLP over HTTP.
        jaeger: the address of Jaeger's page, with the scheme.
        how: what a person does first to reach that page; empty where nothing.
    """

    collector: Callable[[], str]
    jaeger: str
    how: str = ""


@dataclass
class Outgoing(SpanExporter):
    """Spans on their way to whichever platform stands.

    Attributes:
        destination: of what is exported now; None keeps it.
        lost: spans that were not taken, or for which there was no room.
        reason: why the first of them was lost.
        ever: whether there was a destination at all.
    """

    destination: Destination | None = None
    lost: int = 0
    reason: str = ""
    ever: bool = False
    _waiting: deque[ReadableSpan] = field(default_factory=deque)
    _silent_until: float = 0.0
    _exporter: OTLPSpanExporter | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def to(self, destination: Destination | None) -> None:
        """Send to this one from now on, or keep what comes."""
        with self._lock:
            self.destination, self._exporter, self._silent_until = destination, None, 0.0
            self.ever = self.ever or destination is not None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch with what waited before it; never raises."""
        with self._lock, evidence.apart():
            self._waiting.extend(spans)
            if self.destination is not None:
                self._send(self.destination)
            while len(self._waiting) > QUEUE:
                self._waiting.popleft()
                self._lose(1, "no platform stood to take them")
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is sent any more: what still waits is lost."""
        with self._lock:
            self._lose(len(self._waiting), "no platform stood to take them")
            self._waiting.clear()

    def _send(self, destination: Destination) -> None:
        batch = list(self._waiting)
        self._waiting.clear()
        if not batch:
            return
        if time.monotonic() < self._silent_until:
            self._lose(len(batch), "")
            return
        try:
            if self._exporter is None:
                endpoint = f"http://{destination.collector()}/v1/traces"
                self._exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
            taken = self._exporter.export(batch) is SpanExportResult.SUCCESS
            why = "the collector took no batch"
        except Exception as broken:  # noqa: BLE001 - it is counted and said; a scenario has nothing to do with it
            taken, why = False, f"{type(broken).__name__}: {broken}"
        if not taken:
            self._exporter, self._silent_until = None, time.monotonic() + SILENT_SECONDS
            self._lose(len(batch), why)

    def _lose(self, count: int, why: str) -> None:
        if count:
            self.lost += count
            self.reason = self.reason or secrecy.blank(why, "a lost span")


@dataclass
class _Session:
    """What the session sends by; the platform of a story is made known to it."""

    outgoing: Outgoing = field(default_factory=Outgoing)
    provider: TracerProvider | None = None
    scenario: Span | None = None

    def leave(self) -> None:
        """The platform goes: what is under way ends here, and is sent there with its steps."""
        if self.scenario is not None:
            self.scenario.end()
        if self.provider is not None:
            self.provider.force_flush(int(FLUSH_SECONDS * 1000))
        self.outgoing.to(None)


_session = _Session()


@contextmanager
def sent_to(destination: Destination) -> Iterator[None]:
    """Have the spans of meanwhile sent to a platform, the last of them before it is taken down."""
    _session.outgoing.to(destination)
    try:
        yield
    finally:
        _session.leave()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Observe the sessions that are evidence."""
    if config.pluginmanager.has_plugin("evidence"):
        tracing = Tracing(_session)
        config.pluginmanager.register(tracing, "tracing")
        allure_commons.plugin_manager.register(tracing, "tracing")
        config.add_cleanup(lambda: allure_commons.plugin_manager.unregister(name="tracing"))


class Tracing:
    """The hooks of a session whose scenarios are traces.

    Args:
        session: what it sends by.
    """

    def __init__(self, session: _Session) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # losses are said once, in the end
        self._session = session
        session.outgoing = Outgoing()
        session.provider = TracerProvider(
            resource=Resource.create({SERVICE_NAME: SERVICE}), shutdown_on_exit=False
        )
        self._processor = BatchSpanProcessor(
            session.outgoing, max_queue_size=QUEUE, schedule_delay_millis=_EVERY_MILLISECONDS
        )
        session.provider.add_span_processor(self._processor)
        self._tracer = session.provider.get_tracer(SERVICE)
        self._scenario: Span | None = None
        self._step: Span | None = None
        self._seen_at: Destination | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """A scenario begins a trace, and ends it."""
        function = getattr(item, "function", None)
        if function is None or scenario_wrapper_template_registry.get(function) is None:
            return (yield)
        # A trace of its own, whatever this process may be doing.
        self._scenario = self._tracer.start_span(item.name, context=Context())
        self._scenario.set_attribute("floe.node", item.nodeid)
        marks = {mark.name for mark in item.iter_markers()}
        self._scenario.set_attribute("floe.requirements", sorted(marks & _ids(item.config)))
        self._session.scenario, self._seen_at = self._scenario, None
        _enter(self._scenario)
        try:
            return (yield)
        finally:
            if self._scenario.is_recording():
                self._scenario.end()
            self._scenario = self._session.scenario = None
            tracecontext.enter("")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """A scenario that failed in any of its phases is a failed span."""
        report = yield
        # A story's platform goes in the tear-down of its last scenario, before that one's page is written.
        self._seen_at = self._session.outgoing.destination or self._seen_at
        if self._scenario is not None and self._scenario.is_recording():
            self._scenario.set_attribute(f"floe.{report.when}.outcome", report.outcome)
            if report.failed:
                self._scenario.set_status(StatusCode.ERROR, f"failed in {report.when}")
        return report

    def pytest_bdd_before_step(self, step: Step) -> None:
        """A step begins a span."""
        if self._scenario is not None:
            within = set_span_in_context(self._scenario)
            self._step = self._tracer.start_span(f"{step.keyword} {step.name}", context=within)
            _enter(self._step)

    def pytest_bdd_after_step(self) -> None:
        """The step passed."""
        self._end_step(None)

    def pytest_bdd_step_error(self, exception: Exception) -> None:
        """The step failed."""
        self._end_step(exception)

    def pytest_bdd_after_scenario(self) -> None:
        """A step that an interrupt left open ends with its scenario."""
        self._end_step(KeyboardInterrupt("interrupted"))

    @allure_commons.hookimpl(tryfirst=True)
    def report_result(self, result: TestResult) -> None:
        """The scenario's page leads to its trace."""
        destination = self._seen_at
        if self._scenario is None or destination is None:
            return
        trace = format_trace_id(self._scenario.get_span_context().trace_id)
        first = f"; first: {destination.how}" if destination.how else ""
        url = f"{destination.jaeger}/trace/{trace}"
        result.links.append(Link(type=LinkType.LINK, url=url, name=f"its trace in Jaeger{first}"))
        result.labels.append(Label(name=TRACE_ID, value=trace))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Give what is under way its moment, and send nothing more."""
        self._processor.force_flush(int(FLUSH_SECONDS * 1000))
        processor: Any = self._processor
        processor.shutdown()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say once what was lost; a run without any platform had nobody to tell."""
        outgoing = self._session.outgoing
        if outgoing.lost and outgoing.ever:
            said = f"{outgoing.lost} spans of the suite's own were lost: {outgoing.reason}"
            terminalreporter.write_line(said)

    def _end_step(self, exception: BaseException | None) -> None:
        step, self._step = self._step, None
        if step is None:
            return
        if exception is not None:
            said = secrecy.blank(f"{type(exception).__name__}: {exception}", "a failure of a step")
            step.set_status(StatusCode.ERROR, said[:_MESSAGE])
        step.end()
        if self._scenario is not None:
            _enter(self._scenario)


def _enter(span: Span) -> None:
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, set_span_in_context(span))
    tracecontext.enter(carrier.get(tracecontext.HEADER, ""))


def _ids(config: pytest.Config) -> frozenset[str]:
    return frozenset(catalogue.of(config.rootpath).ids)
