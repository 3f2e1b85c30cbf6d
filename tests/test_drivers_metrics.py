"""What Prometheus and Jaeger answer is read as it is, and refused where it is something else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from drivers.errors import ServiceError
from drivers.metrics import Metrics
from drivers.spans import Traces

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


class Server(BaseHTTPRequestHandler):
    """Gives the answers it was told to, by path, and keeps what it was asked."""

    answers: ClassVar[dict[str, tuple[int, Any]]] = {}
    asked: ClassVar[list[tuple[str, dict[str, list[str]]]]] = []

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        self.asked.append((path, parse_qs(query)))
        status, answer = self.answers.get(path, (404, {"errors": [{"code": 404, "msg": "trace not found"}]}))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def address() -> Iterator[str]:
    Server.answers, Server.asked = {}, []
    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def vector(kind: str, result: list[Any]) -> tuple[int, Any]:
    return 200, {"status": "success", "data": {"resultType": kind, "result": result}}


def test_a_query_gives_labels_and_values(address: str) -> None:
    labels = {"__name__": "up", "job": "minio"}
    Server.answers["/api/v1/query"] = vector("vector", [{"metric": labels, "value": [1.5, "1"]}])
    (sample,) = Metrics(lambda: address).query("up", MOMENT)
    assert (sample.labels, sample.value, sample.point) == (labels, 1.0, (1.5, 1.0))
    assert Server.asked == [("/api/v1/query", {"query": ["up"], "time": [str(MOMENT.timestamp())]})]


def test_values_over_time_come_in_their_order(address: str) -> None:
    Server.answers["/api/v1/query_range"] = vector(
        "matrix", [{"metric": {"job": "minio"}, "values": [[1, "0"], [6, "NaN"], [11, "+Inf"]]}]
    )
    (series,) = Metrics(lambda: address).query_range("up", MOMENT, MOMENT)
    assert [str(value) for _, value in series.points] == ["0.0", "nan", "inf"]
    assert [moment for moment, _ in series.points] == [1, 6, 11]


def test_targets_tell_why_they_are_down(address: str) -> None:
    target = {
        "scrapeUrl": "http://minio:9000/m",
        "labels": {"job": "minio"},
        "health": "down",
        "lastError": "x",
    }
    Server.answers["/api/v1/targets"] = (200, {"data": {"activeTargets": [target]}})
    (found,) = Metrics(lambda: address).targets()
    assert (found.address, found.labels, found.health, found.error) == tuple(target.values())


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"status": "error", "errorType": "bad_data", "error": "parse error"}),
        vector("scalar", []),
        (200, ["something else"]),
        (200, {"status": "success"}),
    ],
    ids=["refused", "another kind", "a list", "no data"],
)
def test_what_is_no_vector_is_told_with_what_was_asked(address: str, answer: tuple[int, Any]) -> None:
    Server.answers["/api/v1/query"] = answer
    with pytest.raises(ServiceError, match=r"^Prometheus was asked to tell sum\(up and answered: "):
        Metrics(lambda: address).query("sum(up")


SPAN = {
    "traceID": "a" * 32,
    "spanID": "1" * 16,
    "operationName": "run customer_360",
    "references": [],
    "startTime": 2_000_000,
    "duration": 1_500_000,
    "tags": [{"key": "rows", "type": "int64", "value": 7}],
    "processID": "p1",
}
CHILD = {
    **SPAN,
    "spanID": "2" * 16,
    "operationName": "stg_orders",
    "references": [
        {"refType": "CHILD_OF", "traceID": "a" * 32, "spanID": "1" * 16},
        {"refType": "FOLLOWS_FROM", "traceID": "b" * 32, "spanID": "3" * 16},
    ],
    "tags": [{"key": "error", "type": "bool", "value": True}],
}
TRACE = {"traceID": "a" * 32, "spans": [CHILD, SPAN], "processes": {"p1": {"serviceName": "customer-360"}}}


def test_spans_are_given_with_parents_links_and_attributes(address: str) -> None:
    Server.answers[f"/api/traces/{'a' * 32}"] = (200, {"data": [TRACE], "errors": None})
    found = {span.name: span for span in Traces(lambda: address).trace("a" * 32)}
    run, child = found["run customer_360"], found["stg_orders"]
    assert (run.parent, run.began, run.ended, run.attributes) == ("", 2.0, 3.5, {"rows": 7})
    assert (run.failed, child.failed) == (False, True)
    assert (child.parent, child.links, child.service) == (run.id, frozenset({"b" * 32}), "customer-360")


def test_a_trace_that_is_not_there_yet_has_no_spans(address: str) -> None:
    assert Traces(lambda: address).trace("c" * 32) == []


def test_traces_are_found_by_service_and_attribute(address: str) -> None:
    Server.answers["/api/traces"] = (200, {"data": [TRACE], "errors": None})
    found = Traces(lambda: address).of_service("customer-360", MOMENT, {"rows": "7"})
    assert {trace: len(spans) for trace, spans in found.items()} == {"a" * 32: 2}
    ((_, asked),) = Server.asked
    assert (asked["service"], asked["tag"]) == (["customer-360"], ["rows:7"])
    assert asked["start"] == [str(int(MOMENT.timestamp()) * 1_000_000)]


def test_an_answer_of_another_kind_is_told(address: str) -> None:
    Server.answers["/api/services"] = (200, {"data": "all of them"})
    with pytest.raises(ServiceError, match=r"^Jaeger was asked to list the services and answered: "):
        Traces(lambda: address).services()
    Server.answers["/api/services"] = (500, {})
    with pytest.raises(ServiceError, match="answered: 500"):
        Traces(lambda: address).services()
