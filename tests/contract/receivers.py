"""A collector and a lineage service of the tests' own: an HTTP server that keeps what it is sent, decoded."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from drivers.spans import Span as JaegerSpan


@dataclass(frozen=True)
class Span:
    """A span as it came over the wire."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    attributes: dict[str, Any]
    failed: bool
    message: str
    links: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def in_jaeger(self) -> JaegerSpan:
        """The span as Jaeger gives it: in microseconds, its status among its attributes."""
        status = {"error": True, "otel.status_description": self.message} if self.failed else {}
        return JaegerSpan(
            trace=self.trace,
            id=self.id,
            parent=self.parent,
            service=self.service,
            name=self.name,
            began=self.began // 1000 / 1e6,
            ended=self.ended // 1000 / 1e6,
            attributes={**self.attributes, **status},
            links=frozenset(),
            beside=frozenset(self.links),
        )


@dataclass
class Received:
    """What came, in the order in which it came."""

    address: str
    spans: list[Span] = field(default_factory=list)
    metrics: dict[tuple[str, frozenset[tuple[str, str]]], float] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)


def _values(attributes: Any) -> dict[str, Any]:
    def value(one: KeyValue) -> Any:
        return getattr(one.value, one.value.WhichOneof("value") or "string_value")

    return {one.key: value(one) for one in attributes}


def _take_spans(body: bytes, received: Received) -> None:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _values(group.resource.attributes)["service.name"]
        for scope in group.scope_spans:
            received.spans.extend(
                Span(
                    service=service,
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    began=span.start_time_unix_nano,
                    ended=span.end_time_unix_nano,
                    attributes=_values(span.attributes),
                    failed=span.status.code == 2,
                    message=span.status.message,
                    links=tuple(link.span_id.hex() for link in span.links),
                    words=tuple(str(v) for event in span.events for v in _values(event.attributes).values()),
                )
                for span in scope.spans
            )


def _take_metrics(body: bytes, received: Received) -> None:
    for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                data = getattr(metric, metric.WhichOneof("data") or "gauge")
                for point in data.data_points:
                    labels = frozenset(_values(point.attributes).items())
                    received.metrics[metric.name, labels] = getattr(
                        point, point.WhichOneof("value") or "as_int"
                    )


def _take_event(body: bytes, received: Received) -> None:
    received.events.append(json.loads(body))


_TAKES = {"/v1/traces": _take_spans, "/v1/metrics": _take_metrics, "/api/v1/lineage": _take_event}


@contextmanager
def receiving() -> Iterator[Received]:
    """A server that takes OTLP over HTTP and OpenLineage events until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            _TAKES[self.path](body, received)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 - as above
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    received = Received(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
