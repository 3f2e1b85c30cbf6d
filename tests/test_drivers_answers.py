"""What answers on a port is told as it is, whatever should have been there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from drivers import answers


class Stranger(BaseHTTPRequestHandler):
    """A service that nobody expected."""

    def do_GET(self) -> None:
        self._say(b"<html><title> Another page </title></html>")

    def do_POST(self) -> None:
        self._say(b"{}")

    def log_message(self, *_: object) -> None:
        """Silent."""

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def stranger() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_another_service_on_the_port_is_not_taken_for_the_expected_one(stranger: str) -> None:
    assert answers.dagster(stranger) == "HTTP 200 {}"
    assert answers.minio(stranger) == "HTTP 200 <html><title> Another page </title></html>"
    assert answers.page(stranger) == "page Another page"
    for ask in (answers.marquez, answers.collector, answers.jaeger, answers.prometheus, answers.grafana):
        assert ask(stranger) == "HTTP 200 <html><title> Another page </title></html>"


def test_a_port_nobody_listens_on_is_an_answer_too() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    assert answers.dagster(address) == f"nothing on {address}: [Errno 111] Connection refused"
