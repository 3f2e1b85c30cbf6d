"""The last requests of each driver are kept: in words, bounded, and without anything secret."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from kubernetes import client  # type: ignore[import-untyped]
from pydantic import SecretStr

from drivers import answers, dagster, kubernetes, lakehouse, object_store, traffic
from drivers import helm as helm_driver
from drivers.errors import ServiceError
from drivers.sql import Database
from foundation import secrecy
from foundation.errors import PlatformError

SECRET = "s3cr3t-of-this-test"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "_kept", {})
    monkeypatch.setattr(traffic, "_open", {})


def ago(seconds: float = 60) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def kept(service: str) -> list[traffic.Question]:
    return traffic.since(ago()).get(service, [])


def lines(service: str) -> list[str]:
    """The table without times and durations."""
    return [line[21:].strip() for line in traffic.table(kept(service)).splitlines()[1:]]


# ---- what is kept


def test_a_question_is_kept_with_its_calls_and_its_outcome() -> None:
    with traffic.asking("MinIO", "list bucket warehouse"):
        traffic.called("MinIO", "ListObjectsV2", 200, 0.0125, 4096)
        traffic.called("MinIO", "ListObjectsV2", 200, 0.002)
    [asked] = kept("MinIO")
    assert (asked.asked, asked.outcome, asked.times) == ("list bucket warehouse", "answered", 1)
    assert lines("MinIO") == [
        "list bucket warehouse: answered",
        "ListObjectsV2: 200, 4096 bytes",
        "ListObjectsV2: 200",
    ]


def test_a_refusal_is_kept_as_the_service_said_it() -> None:
    with pytest.raises(ServiceError), traffic.asking("Dagster", "tell its version"):
        raise ServiceError("tell its version", of="Dagster", answer="HTTP 502")
    assert lines("Dagster") == ["tell its version: HTTP 502"]


def test_of_any_other_error_only_its_name_is_kept() -> None:
    with pytest.raises(ValueError, match=SECRET), traffic.asking("Dagster", "tell its version"):
        raise ValueError(SECRET)
    assert lines("Dagster") == ["tell its version: ValueError"]


def test_a_question_without_an_answer_is_seen_while_it_is_asked() -> None:
    with traffic.asking("Dagster", "tell the status of run 3f2a"):
        assert lines("Dagster") == ["tell the status of run 3f2a: no answer yet"]


def test_only_the_last_questions_and_first_calls_are_kept() -> None:
    for number in range(traffic.LAST + 7):
        with traffic.asking("MinIO", f"question {number}"):
            pass
    with traffic.asking("the catalog", "read it"):
        for _ in range(traffic.CALLS + 3):
            traffic.called("the catalog", "GET /v1/config", 200, 0.001)
    assert [one.asked for one in kept("MinIO")] == [f"question {n}" for n in range(7, traffic.LAST + 7)]
    assert lines("the catalog")[-1] == "and 3 more calls"
    assert len(lines("the catalog")) == traffic.CALLS + 2


def test_asking_again_and_again_pushes_nothing_out() -> None:
    with traffic.asking("Dagster", "launch customer-360"):
        pass
    for _ in range(200):
        for what in ("tell the status", "list its locations"):
            with traffic.asking("Dagster", what):
                pass
    found = kept("Dagster")
    assert [(one.asked, one.times) for one in found] == [
        ("launch customer-360", 1),
        ("tell the status", 200),
        ("list its locations", 200),
    ]
    assert found[1].first < found[1].moment
    assert "tell the status: answered (200 times since " in traffic.table(found)


def test_a_service_is_shown_when_it_was_asked_since_with_a_few_questions_before() -> None:
    for number in range(9):
        with traffic.asking("helm", f"old {number}"):
            pass
    with traffic.asking("MinIO", "old"):
        pass
    began = datetime.now(UTC)
    with traffic.asking("helm", "new"):
        pass
    found = traffic.since(began)
    assert list(found) == ["helm"]
    assert [one.asked for one in found["helm"]] == [*(f"old {n}" for n in range(4, 9)), "new"]


def test_nothing_is_kept_while_evidence_is_taken() -> None:
    with traffic.paused(), traffic.asking("Kubernetes", "list pods"):
        traffic.called("Kubernetes", "GET /api/v1/pods", 200, 0.1)
    assert kept("Kubernetes") == []


def test_threads_do_not_mix_their_calls() -> None:
    together = threading.Barrier(4, timeout=10)

    def ask(number: int) -> None:
        with traffic.asking("Kubernetes", f"log {number}"):
            together.wait()
            traffic.called("Kubernetes", f"GET {number}", 200, 0.1)
            together.wait()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    found = {one.asked: [call.what for call in one.calls] for one in kept("Kubernetes")}
    assert found == {f"log {number}": [f"GET {number}"] for number in range(4)}


def test_keeping_costs_microseconds() -> None:
    began = time.perf_counter()
    for number in range(2000):
        with traffic.asking("MinIO", f"question {number}"):
            traffic.called("MinIO", "GetObject", 200, 0.001, 100)
    assert (time.perf_counter() - began) / 2000 < 0.0005


# ---- the drivers, each against a server or a client of this process


class Answering(BaseHTTPRequestHandler):
    """Answers like each of the services to the few requests of these tests."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer()

    def do_PUT(self) -> None:
        self.do_POST()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        body = {
            "/graphql": b'{"data": {"version": "1.13.27"}}',
            "/api/catalog/v1/oauth/tokens": b'{"access_token": "t", "token_type": "bearer", "expires_in": 9}',
            "/api/catalog/v1/config": b'{"defaults": {}, "overrides": {"prefix": "lakehouse"}}',
            "/api/catalog/v1/lakehouse/namespaces": b'{"namespaces": [["customer_360"]]}',
            "/api/management/v1/catalogs": b'{"catalogs": []}',
        }.get(path)
        if path == "/missing/a":
            self.send_response(404)
            body = b"<Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>"
        else:
            self.send_response(200)
        content = body or b""
        kind = "application/json" if content.startswith(b"{") else "application/xml"
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def tunnel(address: str) -> Any:
    return SimpleNamespace(address=lambda: address, renew=lambda: None)


def nothing_secret(service: str) -> None:
    assert SECRET not in repr(kept(service))


def test_dagster(address: str) -> None:
    orchestrator = dagster.Orchestrator(tunnel(address), str)
    assert orchestrator.version() == "1.13.27"
    orchestrator.close()
    assert lines("Dagster") == ["tell its version: answered", "POST /graphql: 200, 32 bytes"]


def test_dagster_that_is_not_there() -> None:
    orchestrator = dagster.Orchestrator(tunnel("127.0.0.1:9"), str)
    with pytest.raises(ServiceError):
        orchestrator.version()
    orchestrator.close()
    [line] = lines("Dagster")
    assert line.startswith("tell its version: nothing (")


def test_the_catalog(address: str) -> None:
    reader = lakehouse.Lakehouse(tunnel(address), tunnel(address), SecretStr("reader"), SecretStr(SECRET))
    assert reader.namespaces() == frozenset({"customer_360"})
    reader.close()
    assert lines("the catalog") == [
        "list the namespaces: answered",
        "GET /api/catalog/v1/config: 200, 54 bytes",
        "GET /api/catalog/v1/lakehouse/namespaces: 200, 34 bytes",
    ]
    nothing_secret("the catalog")


def test_polaris(address: str) -> None:
    from drivers.catalog import Management  # noqa: PLC0415

    root = Management(lambda: address, SecretStr("root"), SecretStr(SECRET))
    assert root.catalogs() == frozenset()
    assert lines("Polaris") == ["list the catalogs: answered"]
    nothing_secret("Polaris")


def test_minio(address: str) -> None:
    store = object_store.ObjectStore(lambda: address, SecretStr("key"), SecretStr(SECRET))
    store.put("warehouse", "a", b"content")
    with pytest.raises(ServiceError):
        store.get("missing", "a")
    store.close()
    assert lines("MinIO") == [
        "store a in bucket warehouse: answered",
        "PutObject: 200, 0 bytes",
        "give a of bucket missing: NoSuchBucket gone",
        "GetObject: 404, 63 bytes",
    ]
    nothing_secret("MinIO")


def test_what_answers_on_a_port(address: str) -> None:
    assert answers.dagster(address) == "Dagster 1.13.27"
    assert answers.page("127.0.0.1:9").startswith("nothing on 127.0.0.1:9")
    assert lines("Dagster") == [f"answer on {address}: answered", "POST /graphql: 200, 32 bytes"]
    assert lines("MinIO console")[0].startswith("answer on 127.0.0.1:9: nothing on 127.0.0.1:9")


def test_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        info = SimpleNamespace(server_version=150014)

        def __enter__(self) -> Session:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

        def execute(self, _query: str, values: object) -> Any:
            assert values == (SECRET,)
            return SimpleNamespace(fetchall=lambda: [(1,), (2,)])

    monkeypatch.setattr(psycopg, "connect", lambda **_options: Session())
    database = Database(tunnel("127.0.0.1:1"), "dagster", "dagster", SecretStr(SECRET))
    database.rows("find the run", "select id\n  from runs where run_id = %s", SECRET)
    assert lines("PostgreSQL") == ["find the run [select id from runs where run_id = %s]: 2 rows"]
    nothing_secret("PostgreSQL")


def test_helm(tmp_path: Path) -> None:
    program = tmp_path / "helm"
    program.write_text("#!/bin/sh\necho '[]'\n")
    program.chmod(0o755)
    helm = helm_driver.Helm(program, tmp_path / "kubeconfig")
    assert helm.releases("floe-us1") == {}
    helm.install(tmp_path, "floe-us1", values=[], settings={"password": SECRET})
    assert [line.partition("]")[0] for line in lines("helm")] == [
        "list releases [helm list",
        f"install {tmp_path.name} in floe-us1 [helm upgrade",
    ]
    nothing_secret("helm")


def test_helm_is_not_asked_while_no_secret_may_be_read(tmp_path: Path) -> None:
    helm = helm_driver.Helm(tmp_path / "no-such-program", tmp_path / "kubeconfig")
    with secrecy.locked(), pytest.raises(ServiceError, match="no Secret is read while evidence is taken"):
        helm.releases("floe-us1")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> kubernetes.NotedClient:
    """The client, whose wire answers every request."""

    def answer(_self: object, method: str, url: str, **_options: object) -> Any:
        if url.endswith("/absent"):
            raise client.ApiException(status=404, reason="Not Found")
        return SimpleNamespace(status=200, data=f"{method}".encode(), read=io.BytesIO().read)

    monkeypatch.setattr(client.ApiClient, "request", answer)
    return kubernetes.NotedClient(client.Configuration(host="http://127.0.0.1:9"))


def test_kubernetes(api: kubernetes.NotedClient) -> None:
    with traffic.asking("Kubernetes", "list pods"):
        api.request("GET", "http://127.0.0.1:9/api/v1/namespaces/floe-us1/pods", query_params=[("limit", 1)])
        with pytest.raises(client.ApiException):
            api.request("GET", "http://127.0.0.1:9/api/v1/absent")
        api.request("GET", "http://127.0.0.1:9/api/v1/watch", _preload_content=False)
    assert lines("Kubernetes") == [
        "list pods: answered",
        "GET /api/v1/namespaces/floe-us1/pods: 200, 3 bytes",
        "GET /api/v1/absent: 404",
        "GET /api/v1/watch: 200",
    ]


def test_what_kubernetes_says_becomes_the_same_objects_as_the_official_client_makes_of_it() -> None:
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-30T10:00:00Z"}}
    container = {
        "name": "run",
        "image": "a",
        "imageID": "b",
        "ready": False,
        "restartCount": 0,
        "state": ended,
    }
    pod = {
        "metadata": {"name": "run", "labels": {"app": "floe"}, "creationTimestamp": "2026-11-30T09:59:00Z"},
        "spec": {"containers": [{"name": "run", "resources": {"requests": {"cpu": "100m"}}}]},
        "status": {"phase": "Failed", "containerStatuses": [container], "podIP": None},
    }
    said = SimpleNamespace(data=json.dumps({"kind": "PodList", "metadata": {}, "items": [pod, {}]}))
    settings = client.Configuration(host="http://127.0.0.1:9")
    official = client.ApiClient(settings).deserialize(said, "V1PodList")
    ours = kubernetes.NotedClient(settings).deserialize(said, "V1PodList")
    assert ours == official
    assert ours.items[0].status.container_statuses[0].state.terminated.finished_at.year == 2026


@pytest.mark.parametrize("path", ["/secrets/minio-credentials", "/secrets", "/secrets?watch=true"])
def test_no_request_for_a_secret_leaves_the_client_while_evidence_is_taken(
    api: kubernetes.NotedClient, path: str
) -> None:
    url = f"http://127.0.0.1:9/api/v1/namespaces/floe-us1{path}"
    refused: list[str] = []

    def ask() -> None:
        try:
            api.request("GET", url)
        except PlatformError as error:
            refused.append(str(error))

    with secrecy.locked():
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(10)
        ask()
        api.request("GET", "http://127.0.0.1:9/api/v1/namespaces/floe-us1/pods/secrets-reader/log")
    assert len(refused) == 2
    assert refused[0].endswith("no Secret is read while evidence is taken")
    assert api.request("GET", url).status == 200


def test_what_goes_on_beside_the_evidence_waits_for_its_secret(api: kubernetes.NotedClient) -> None:
    """The next story's platform is set up while the evidence of this one's failure is taken."""
    url = "http://127.0.0.1:9/api/v1/namespaces/floe-us1/secrets/minio-credentials"
    met: list[object] = []
    begun = threading.Event()

    def set_up() -> None:
        with secrecy.waiting():
            begun.set()
            met.append(api.request("GET", url).status)

    with secrecy.locked():
        thread = threading.Thread(target=set_up)
        thread.start()
        assert begun.wait(10)
        thread.join(0.2)
        assert met == []
    thread.join(10)
    assert met == [200]


def test_what_waits_for_a_secret_is_refused_when_it_has_waited_long(
    api: kubernetes.NotedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrecy, "OPENED_SECONDS", 0.01)
    url = "http://127.0.0.1:9/api/v1/namespaces/floe-us1/secrets/minio-credentials"
    with (
        secrecy.locked(),
        secrecy.waiting(),
        pytest.raises(PlatformError, match="no Secret is read while evidence is taken"),
    ):
        api.request("GET", url)
