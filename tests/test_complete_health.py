"""Each service is asked by its own protocol: one that is up, wrong, silent or away is told apart."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
import yaml
from click.testing import CliRunner
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from floe_additions.orchestrator.plugin import DagsterIcebergOrchestratorPlugin
from floe_complete import health
from floe_complete.health import Health, Selected
from floe_complete.problems import RefusedError
from tests import chart
from tests.chart import of_kind, rendered

SECRET = "a-secret-that-nobody-may-read"
VARIABLES = {"POLARIS_CLIENT_ID": "pipeline", "POLARIS_CLIENT_SECRET": SECRET}
SECONDS = 0.6

Answer = tuple[int, str, str]
JSON = "application/json"
XML = "application/xml"


@contextmanager
def serving(answer: Callable[[str, str], Answer]) -> Iterator[str]:
    """A server on this machine that gives (code, kind, text) for (method, path)."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            code, kind, text = answer(self.command, self.path)
            self.send_response(code)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.encode())

        do_GET = do_POST = do_HEAD = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Who asked may have gone: that is what is tried."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def away() -> Iterator[str]:
    """An address where nobody is."""
    with serving(lambda *_: (200, JSON, "{}")) as address:
        pass
    yield address


def polaris(method: str, path: str) -> Answer:
    if path == "/tokens" and method == "POST":
        return 200, JSON, '{"access_token": "t"}'
    return 200, JSON, '{"defaults": {}, "overrides": {}}'


def minio(_method: str, path: str) -> Answer:
    if path == "/minio/health/live":
        return 200, "text/plain", ""
    return (404 if "missing" in path else 403), XML, "<Error/>"


def dagster(_method: str, _path: str) -> Answer:
    return 200, JSON, json.dumps(daemons(healthy=True))


def daemons(*, healthy: bool) -> dict[str, Any]:
    statuses = [
        {"daemonType": "SENSOR", "healthy": healthy, "required": True},
        {"daemonType": "BACKFILL", "healthy": False, "required": False},
    ]
    return {"data": {"version": "1.13.27", "instance": {"daemonHealth": {"allDaemonStatuses": statuses}}}}


def marquez(_method: str, _path: str) -> Answer:
    return 200, JSON, '{"namespaces": []}'


@contextmanager
def silent() -> Iterator[str]:
    """An address where a connection is taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def a_page(_method: str, _path: str) -> Answer:
    return 200, "text/html", "<html>it works</html>"


def selected(kind: str, address: str) -> Selected:
    """A plugin of this type whose service is there, as manifest.yaml selects it."""
    client = {
        "client_id": "${POLARIS_CLIENT_ID}",
        "client_secret": "${POLARIS_CLIENT_SECRET}",
        "token_url": f"{address}/tokens",
    }
    return {
        "catalog": Selected("catalog", "polaris", {"uri": address, "warehouse": "lake", "oauth2": client}),
        "storage": Selected("storage", "minio", {"endpoint": address, "bucket": "warehouse"}),
        "orchestrator": Selected("orchestrator", "dagster-iceberg", {}),
        "lineage_backend": Selected("lineage_backend", "marquez", {"url": address, "api_key": SECRET}),
    }[kind]


def asked(kind: str, address: str, **more: str) -> tuple[str, str]:
    variables = {**VARIABLES, "DAGSTER_URL": address, **more}
    found = health.of_plugin(selected(kind, address), {}, variables, SECONDS)
    assert found.address == address
    assert SECRET not in str(found)
    return found.state, found.reason


UP = {
    "catalog": (polaris, "serves lake"),
    "storage": (minio, "is live; whether the bucket is there is not known without keys"),
    "orchestrator": (dagster, "serves, version 1.13.27"),
    "lineage_backend": (marquez, "lists its namespaces"),
}


@pytest.mark.parametrize("kind", UP)
def test_a_service_that_serves_is_healthy(kind: str) -> None:
    answer, says = UP[kind]
    with serving(answer) as address:
        assert asked(kind, address) == ("healthy", says)


@pytest.mark.parametrize("kind", UP)
def test_a_service_that_is_away_is_unhealthy(kind: str) -> None:
    with away() as address:
        assert asked(kind, address) == ("unhealthy", "nobody answers (Connection refused)")


@pytest.mark.parametrize("kind", UP)
def test_a_service_that_is_silent_is_unhealthy(kind: str) -> None:
    with silent() as address:
        assert asked(kind, address) == ("unhealthy", "no answer within 0.6 s")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("catalog", "gives no token that can be read"),
        ("storage", "answers, but not as an object store"),
        ("orchestrator", "gives no answer that can be read"),
        ("lineage_backend", "gives no answer that can be read"),
    ],
)
def test_another_service_at_its_address_is_told_from_it(kind: str, reason: str) -> None:
    with serving(a_page) as address:
        assert asked(kind, address) == ("unhealthy", reason)


@pytest.mark.parametrize(
    ("kind", "answer", "reason"),
    [
        ("catalog", lambda *_: (401, JSON, SECRET), "refuses the credentials (HTTP 401)"),
        ("catalog", lambda *_: (500, JSON, SECRET), "answers 500 to POST /tokens"),
        ("catalog", lambda *_: (200, JSON, "{}"), "gives no token, though it takes the client"),
        (
            "catalog",
            lambda _, path: polaris("POST", path) if path == "/tokens" else (404, JSON, "no such warehouse"),
            "answers 404 to GET /v1/config",
        ),
        (
            "catalog",
            lambda *_: (200, JSON, '{"access_token": "t"}'),
            "answers, but not as an Iceberg catalog",
        ),
        ("storage", lambda *_: (503, XML, ""), "answers 503 to GET /minio/health/live"),
        ("orchestrator", lambda *_: (200, JSON, "{}"), "answers, but not as a Dagster web server"),
        (
            "orchestrator",
            lambda *_: (200, JSON, json.dumps(daemons(healthy=False))),
            "serves, but without its daemons: no heartbeat of SENSOR",
        ),
        ("lineage_backend", lambda *_: (200, JSON, "{}"), "answers, but not as Marquez"),
        ("lineage_backend", lambda *_: (200, JSON, "[]"), "gives no answer that can be read"),
    ],
)
def test_a_service_that_does_not_serve_says_why(
    kind: str, answer: Callable[[str, str], Answer], reason: str
) -> None:
    with serving(answer) as address:
        assert asked(kind, address) == ("unhealthy", reason)


def test_a_missing_bucket_is_told_with_keys_and_without() -> None:
    with serving(minio) as address:
        missing = Selected("storage", "minio", {"endpoint": address, "bucket": "missing"})
        for keys in ({}, {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": SECRET}):
            found = health.of_plugin(missing, {}, keys, SECONDS)
            assert (found.state, found.reason) == ("unhealthy", "has no bucket missing")


def test_the_bucket_is_asked_for_with_keys() -> None:
    keys = {"MINIO_ACCESS_KEY_ID": "key", "MINIO_SECRET_ACCESS_KEY": SECRET}
    with serving(minio) as address:
        assert asked("storage", address, **keys) == ("unhealthy", "refuses the keys for bucket warehouse")

    def open_store(method: str, path: str) -> Answer:
        return (200, XML, "") if method == "HEAD" else minio(method, path)

    with serving(open_store) as address:
        assert asked("storage", address, **keys) == ("healthy", "is live and has bucket warehouse")


@contextmanager
def collecting() -> Iterator[str]:
    """A collector of spans on this machine."""

    class Service(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
            return trace_service_pb2.ExportTraceServiceResponse()

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Service(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(0)


def test_jaeger_is_asked_to_take_spans() -> None:
    jaeger = Selected("telemetry_backend", "jaeger", {})

    def found(address: str) -> tuple[str, str, str]:
        one = health.of_plugin(jaeger, {"tracing": {"endpoint": address}}, {}, SECONDS)
        return one.address, one.state, one.reason

    with collecting() as address:
        assert found(address) == (address, "healthy", "takes spans")
    with away() as address:
        assert found(address) == (address, "unhealthy", "nobody answers")
    with serving(a_page) as address:
        assert found(address)[1] == "unhealthy"


def test_a_variable_that_is_not_set_is_told_by_name() -> None:
    found = health.of_plugin(selected("catalog", "http://polaris:8181"), {}, {}, SECONDS)
    reason = "cannot be asked: the variable POLARIS_CLIENT_ID is not set"
    assert found == Health("catalog", "polaris", "http://polaris:8181", "unhealthy", reason)


def test_an_address_is_shown_without_who_signs_in_there() -> None:
    with away() as address:
        place = address.removeprefix("http://")
        one = Selected("storage", "minio", {"endpoint": f"http://me:{SECRET}@{place}", "bucket": "b"})
        found = health.of_plugin(one, {}, {}, SECONDS)
    assert (found.address, SECRET in str(found)) == (address, False)


@pytest.mark.parametrize(
    ("kind", "name", "state"),
    [
        ("compute", "duckdb-iceberg", "no service"),
        ("storage", "aws-s3", "unhealthy"),
        ("compute", "duckdp", "unhealthy"),
        ("catalogue", "polaris", "unhealthy"),
    ],
)
def test_a_plugin_that_has_no_probe_speaks_for_itself_or_is_not_there(
    kind: str, name: str, state: str
) -> None:
    assert health.of_plugin(Selected(kind, name, {}), {}, {}, SECONDS).state == state


def manifest(folder: Path, plugins: object) -> Path:
    file = folder / "manifest.yaml"
    file.write_text(yaml.safe_dump({"apiVersion": "floe.dev/v1", "plugins": plugins}, sort_keys=False))
    return file


def test_all_are_asked_at_once_and_none_for_longer_than_allowed(tmp_path: Path) -> None:
    with silent() as address:
        slow = {"type": "minio", "config": {"endpoint": address, "bucket": "b"}}
        file = manifest(tmp_path, {"storage": slow, "compute": {"type": "duckdb"}})
        found = health.of_platform(file, SECONDS, {})
    assert [(one.type, one.state) for one in found] == [("storage", "unhealthy"), ("compute", "no service")]


def test_the_exit_code_says_whether_all_serve(tmp_path: Path) -> None:
    def told(address: str) -> tuple[int, str]:
        store = {"type": "minio", "config": {"endpoint": address, "bucket": "b"}}
        words = ["--manifest", str(manifest(tmp_path, {"storage": store})), "--within", "10"]
        done = CliRunner().invoke(health.command, words)
        return done.exit_code, done.output.split("  ")[3].strip()

    with serving(minio) as address:
        assert told(address) == (0, "healthy")
    with away() as address:
        assert told(address) == (1, "unhealthy")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "there is no such file"),
        ("a: [", "a bracket that is not closed"),
        ("kind: Manifest", "plugins: is missing"),
        ("plugins: {compute: duckdb}", "names no plugin"),
    ],
)
def test_a_manifest_that_cannot_be_asked_about_is_refused(
    tmp_path: Path, text: str | None, found: str
) -> None:
    file = tmp_path / "manifest.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(RefusedError, match=found):
        health.of_platform(file, SECONDS, {})


def test_our_orchestrator_plugin_asks_dagster_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(dagster) as address:
        monkeypatch.setenv("DAGSTER_URL", address)
        assert DagsterIcebergOrchestratorPlugin().health_check(1.0).state.value == "healthy"
    with away() as address:
        monkeypatch.setenv("DAGSTER_URL", address)
        status = DagsterIcebergOrchestratorPlugin().health_check(1.0)
        assert (status.state.value, status.message) == ("unhealthy", "Failed to connect to Dagster service")


def test_the_chart_tells_the_pods_of_a_product_where_dagster_is() -> None:
    (container,) = of_kind(rendered(), "Deployment")["dagster-code-customer-360"]["spec"]["template"]["spec"][
        "containers"
    ]
    given = {item["name"]: item.get("value") for item in container["env"]}
    service = of_kind(rendered(), "Service")["dagster-webserver"]
    port = service["spec"]["ports"][0]["port"]
    assert given["DAGSTER_URL"] == f"http://{service['metadata']['name']}:{port}"


def test_helm_test_asks_for_the_health_of_every_plugin() -> None:
    pod = of_kind(rendered(), "Pod")["plugins-health"]
    (container,) = pod["spec"]["containers"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert container["command"][:2] == ["floe-complete", "health"]
    assert of_kind(chart.render(settings={"global.additions": False}), "Pod") == {}
