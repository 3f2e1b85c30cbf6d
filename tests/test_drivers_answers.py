"""What answers on a port is told as it is, whatever should have been there."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import SecretStr

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


class Scraper(Stranger):
    """A Prometheus whose target polaris comes up at the second look, beside a Grafana that is down."""

    looks = 0

    def do_GET(self) -> None:
        type(self).looks += 1
        health = {"jaeger": "up", "polaris": "up" if self.looks > 1 else "down", "grafana": "down"}
        active = [{"labels": {"job": job}, "health": one} for job, one in health.items()]
        self._say(json.dumps({"data": {"activeTargets": active}}).encode())


class Console(Stranger):
    """A MinIO console that lets everybody in."""

    def do_POST(self) -> None:
        self.send_response(204)
        self.end_headers()


@contextmanager
def served(by: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), by)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def stranger() -> Iterator[str]:
    with served(Stranger) as address:
        yield address


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


def test_a_target_that_is_down_is_looked_at_again_and_all_are_named() -> None:
    with served(Scraper) as address:
        assert answers.scraped_targets(address) == "up: jaeger, polaris"


def test_a_target_that_stays_down_is_named_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "SCRAPED_SECONDS", 0.2)
    monkeypatch.setattr(Scraper, "looks", -100)
    with served(Scraper) as address:
        assert answers.scraped_targets(address) == "down: polaris; up: jaeger"


def test_a_console_that_lets_everybody_in_is_told() -> None:
    with served(Console) as address:
        told = answers.console(address, SecretStr("root"), SecretStr("secret"))
    assert told == "page Another page, lets in with the keys, lets in with others"
