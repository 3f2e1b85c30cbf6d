"""What the driver sees on a page that speaks as Grafana's do, by the names of @grafana/e2e-selectors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from drivers import grafana
from drivers.errors import ServiceError
from standins.loopback.processes import free_port

PAGE = """<!doctype html><title>Pipelines</title>
<section data-testid="data-testid Panel header Runs"><h2>Runs</h2><canvas></canvas></section>
<section data-testid="data-testid Panel header Rows"><h2>Rows</h2>
  <div data-testid="data-testid Panel data error message">No data</div></section>
<section data-testid="data-testid Panel header Rate"><h2>Rate</h2>
  <button data-testid="data-testid Panel status error"></button></section>
<section data-testid="data-testid Panel header Late"><h2>Late</h2>
  <div aria-label="Panel loading bar"></div></section>
<script>
  const late = document.querySelector('[data-testid$="Late"]')
  const said = '<div data-testid="data-testid Panel data error message">No data</div>'
  setTimeout(() => { late.innerHTML = said }, 2500)
</script>
"""


class Pages(BaseHTTPRequestHandler):
    """Answers with a page, and notes what was asked."""

    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    Pages.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_panel_that_shows_something_is_in_no_trouble_and_every_other_is_named(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grafana, "PANEL_SECONDS", 5.0)
    assert grafana.troubles(address, "floe-pipelines", ["Runs", "Rows", "Rate", "Late", "Lost"]) == {
        "Rows": "No data",
        "Rate": "shows an error",
        "Late": "No data",
        "Lost": "is not there",
    }
    assert Pages.asked[0] == "/d/floe-pipelines?from=now-15m&to=now&kiosk"


def test_a_panel_that_never_ends_to_load_is_in_trouble(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grafana, "PANEL_SECONDS", 0.6)
    assert grafana.troubles(address, "floe-pipelines", ["Late"]) == {"Late": "is still loading after 1 s"}


def test_a_grafana_that_is_not_there_is_told() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with pytest.raises(ServiceError, match=r"show the dashboard floe-pipelines .*CONNECTION_REFUSED"):
        grafana.troubles(nobody, "floe-pipelines", ["Runs"])
