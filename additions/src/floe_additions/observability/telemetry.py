"""OpenTelemetry's own providers and exporters, set up so that nobody ever waits for them.

Spans go to a bounded queue and from there in batches to the collector, by a thread of the SDK. What cannot be
sent is counted (`Losses`) and given up: an export is tried for `EXPORT_SECONDS` in all.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan

    from floe_additions.observability.context import Losses

EXPORT_SECONDS = 2.0
"""What one export may take, its repetitions included."""

IMPATIENT_SECONDS = 0.2
"""The same when what was sent last did not arrive: it leaves no time for a repetition."""

QUEUE = 4096
"""Spans that may wait; further ones are lost, and counted."""

EVERY_MILLISECONDS = 500.0
"""Between two batches."""

TRACER = "floe_additions.observability"
"""The instrumentation scope of every span."""

_NOISY = ("opentelemetry", "openlineage")
"""Loggers of the libraries that send, which tell of every attempt; we tell once, in the end."""


class CountedSpanExporter(SpanExporter):
    """The SDK's exporter, which says what of its batches arrived, and waits less for who took none.

    Args:
        endpoint: of the collector, without the signal's path.
        losses: is told.
    """

    def __init__(self, endpoint: str, losses: Losses) -> None:
        self._endpoint = f"{endpoint}/v1/traces"
        self._patient = OTLPSpanExporter(self._endpoint, timeout=EXPORT_SECONDS)
        self._impatient = OTLPSpanExporter(self._endpoint, timeout=IMPATIENT_SECONDS)
        self._losses = losses

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        exporter = self._impatient if self._losses.troubled else self._patient
        result = exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._losses.arrived("spans", len(spans))
        else:
            self._losses.failed("spans", f"{self._endpoint} took no batch of {len(spans)}")
        return result

    def shutdown(self) -> None:
        """Be done with it."""
        for exporter in (self._patient, self._impatient):
            exporter.shutdown()  # type: ignore[no-untyped-call]


def resource(service: str, version: str = "", attributes: Mapping[str, str] | None = None) -> Resource:
    """What all spans and metrics of a service have in common.

    All instances of a service bear its name: a run is a process of its own, and the next run's metrics
    take the place of the last one's. The SDK would give each process an id, and each run series of its own.
    """
    return Resource.create(
        {
            SERVICE_NAME: service,
            SERVICE_INSTANCE_ID: service,
            **({SERVICE_VERSION: version} if version else {}),
            **(attributes or {}),
        }
    )


def tracing(common: Resource, exporter: SpanExporter | None) -> TracerProvider:
    """A provider of tracers; without an exporter it gives ids to lineage and logs, and sends nothing."""
    provider = TracerProvider(resource=common, shutdown_on_exit=False)
    if exporter is not None:
        provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=QUEUE, schedule_delay_millis=EVERY_MILLISECONDS)
        )
    return provider


def parent(traceparent: str | None) -> Context:
    """The context that a `traceparent` hands over; an empty one without."""
    carrier = {"traceparent": traceparent} if traceparent else {}
    return TraceContextTextMapPropagator().extract(carrier)


def traceparent_of(span: trace.Span) -> str:
    """What to hand over, so that others go on below a span."""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, trace.set_span_in_context(span))
    return carrier["traceparent"]


def close_all(closing: Sequence[Callable[[], object]], seconds: float) -> bool:
    """Let several queues empty themselves, all at once, and wait for them no longer than told.

    Returns:
        Whether all were done in time. Those that were not go on until the process ends.
    """
    threads = [threading.Thread(target=one, daemon=True) for one in closing]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0.0))
    return not any(thread.is_alive() for thread in threads)


def silence_the_senders() -> None:
    """Keep the libraries from telling of each attempt to send that failed; losses are told once, by us."""
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
