"""The script that lets a code location wait for its credentials, against an API server of a few lines."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from cluster.local.certificates import Authority
from tests.chart import CHART

SCRIPT = CHART / "charts" / "dagster" / "files" / "await_secret.py"
EMPTY: dict[str, str] = {}
FILLED = {"client-id": "bWU=", "client-secret": "aHVzaC1odXNo"}


class Api(BaseHTTPRequestHandler):
    """Answers each watch with the next of `script`: states of a Secret, or a refusal."""

    script: ClassVar[list[list[dict[str, str]] | int]]
    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        answer = self.script.pop(0) if self.script else []
        granted = self.headers["Authorization"] == "Bearer a-token"
        self.send_response(answer if isinstance(answer, int) else 200 if granted else 401)
        self.end_headers()
        for data in [] if isinstance(answer, int) else answer:
            event = {"type": "MODIFIED", "object": {"kind": "Secret", "data": data}}
            self.wfile.write(json.dumps(event).encode() + b"\n")
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nothing: the test looks at what was asked."""


@pytest.fixture
def account(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a pod whose API server is this one."""
    authority = Authority("ca", tmp_path)
    authority.issue("server", "server", hosts=["127.0.0.1"])
    (tmp_path / "token").write_text("a-token\n")
    (tmp_path / "namespace").write_text("floe-test")
    Api.script, Api.asked = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(server.server_port),
        "SERVICE_ACCOUNT": str(tmp_path),
        "PATIENCE_SECONDS": "20",
    }
    server.shutdown()
    server.server_close()


def wait(account: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script as the pod does: isolated, with the standard library only."""
    return subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, "the-secret", "client-id", "client-secret"],
        env={**os.environ, **account},
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )


def test_it_ends_when_every_key_is_there_and_shows_no_value(account: dict[str, str]) -> None:
    Api.script = [[EMPTY, {"client-id": "bWU="}, FILLED, EMPTY]]
    done = wait(account)
    assert done.returncode == 0, done.stderr
    assert "the-secret" in done.stdout
    assert not [value for value in FILLED.values() if value in done.stdout + done.stderr]
    (asked,) = Api.asked
    assert urlsplit(asked).path == "/api/v1/namespaces/floe-test/secrets"
    query = parse_qs(urlsplit(asked).query)
    assert query["fieldSelector"] == ["metadata.name=the-secret"]
    assert (query["watch"], query["resourceVersion"]) == (["true"], ["0"])


def test_it_asks_again_after_a_refusal_and_after_a_watch_that_ended(account: dict[str, str]) -> None:
    Api.script = [403, [EMPTY], [FILLED]]
    assert wait(account).returncode == 0
    assert len(Api.asked) == 3


def test_it_gives_up_and_says_why(account: dict[str, str]) -> None:
    Api.script = [403] * 50
    done = wait({**account, "PATIENCE_SECONDS": "1.5"})
    assert done.returncode == 1
    assert "gave up on the Secret the-secret" in done.stderr
    assert "403" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_trusts_only_the_clusters_authority(account: dict[str, str], tmp_path: Path) -> None:
    Api.script = [[FILLED]]
    other = tmp_path / "other"
    other.mkdir()
    Authority("ca", other)
    (tmp_path / "ca.crt").write_bytes((other / "ca.crt").read_bytes())
    done = wait({**account, "PATIENCE_SECONDS": "1.5"})
    assert done.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
    assert Api.asked == []
