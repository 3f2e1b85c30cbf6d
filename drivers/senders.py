"""Things that the suite sends to a platform's collector and lineage service, to see where they arrive."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.transport.http import HttpConfig, HttpTransport
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from drivers import traffic
from drivers.errors import ServiceError, brief
from reports import evidence

SERVICE = "floe-acceptance-probe"
"""Whom what is sent is of."""

SEND_SECONDS = 5
"""What sending may take."""


@dataclass(frozen=True)
class Sent:
    """Something that was sent: by what it is found, and what it says."""

    key: str
    content: str


def span(address: str) -> Sent:
    """Send a collector a span of a fresh trace, by OTLP over gRPC; what runs send is over HTTP.

    Args:
        address: of the collector, host:port.

    Returns:
        The trace's id, and the name of the span.
    """
    content = f"probe {secrets.token_hex(4)}"
    exporter = OTLPSpanExporter(endpoint=address, insecure=True, timeout=SEND_SECONDS)
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with traffic.asking("the collector", "take a span"):
        evidence.touched("collector")
        with provider.get_tracer(SERVICE).start_as_current_span(content) as made:
            trace = f"{made.get_span_context().trace_id:032x}"
        provider.shutdown()
    return Sent(trace, content)


def metric(address: str) -> Sent:
    """Send a collector a metric of a fresh name, by OTLP over HTTP; its value is what it says."""
    name, value = f"probe_{secrets.token_hex(4)}", secrets.randbelow(1000) + 2
    exporter = OTLPMetricExporter(endpoint=f"http://{address}/v1/metrics", timeout=SEND_SECONDS)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    provider = MeterProvider(
        [reader], resource=Resource.create({"service.name": SERVICE}), shutdown_on_exit=False
    )
    with traffic.asking("the collector", "take a metric"):
        evidence.touched("collector")
        provider.get_meter(SERVICE).create_gauge(name).set(value)
        provider.force_flush(SEND_SECONDS * 1000)  # a reader without an interval sends nothing at its end
        provider.shutdown()
    return Sent(name, str(value))


def lineage_event(address: Callable[[], str]) -> Sent:
    """Send a lineage service the event of a run that made a dataset; that name is what it says."""
    run, dataset, asked = str(uuid4()), f"probe.{secrets.token_hex(4)}", "take an event"
    event = RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=datetime.now(UTC).isoformat(timespec="milliseconds"),
        run=Run(run),
        job=Job(SERVICE, dataset),
        inputs=[],
        outputs=[OutputDataset(SERVICE, dataset)],
        producer=f"urn:{SERVICE}",
    )
    with traffic.asking("Marquez", asked):
        evidence.touched("lineage")
        transport = HttpTransport(HttpConfig(url=f"http://{address()}", timeout=SEND_SECONDS))
        client = OpenLineageClient(transport=transport)
        try:
            client.emit(event)
        except Exception as refused:
            raise ServiceError(asked, of="Marquez", answer=brief(repr(refused))) from refused
        finally:
            client.close()
    return Sent(run, dataset)
