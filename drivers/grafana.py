"""Grafana's dashboards in a browser, as an operator opens them.

How a panel says that it loads, has no data or failed is Grafana's contract with whoever drives it, its
package @grafana/e2e-selectors: the same from 10.4 to 12.3. Where no registry serves its image there is no
Grafana, so that this was held against pages of our own only (tests/test_drivers_grafana.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playwright.sync_api import Error, Locator, Page, ViewportSize

from drivers import traffic
from drivers.errors import ServiceError, brief
from reports import browser

PAGE_SECONDS: Final = 60.0
"""Until a dashboard must have opened and asked for all that it shows."""

PANEL_SECONDS: Final = 30.0
"""Until a panel must be there and done with loading, counted from there."""

_SIZE: Final[ViewportSize] = {"width": 1600, "height": 4000}
"""Higher than any dashboard: Grafana asks for the data of those panels only that are in sight."""

_PANEL: Final = "data-testid Panel header {title}"
_LOADS: Final = "Panel loading bar"
_WITHOUT_DATA: Final = "data-testid Panel data error message"
_FAILED: Final = "data-testid Panel status error"


def troubles(address: str, dashboard: str, titles: Sequence[str]) -> dict[str, str]:
    """What is wrong with panels of a dashboard as it is shown for the last 15 minutes; nothing, it is hoped.

    Args:
        address: of Grafana, as host:port.
        dashboard: its uid.
        titles: of the panels that it must have.

    Returns:
        By the title of each panel in trouble, what it says.

    Raises:
        ServiceError: the page did not open.
    """
    asked, url = (
        f"show the dashboard {dashboard}",
        f"http://{address}/d/{dashboard}?from=now-15m&to=now&kiosk",
    )
    with traffic.asking("Grafana", asked), browser.browsing() as running:
        page = running.new_page(viewport=_SIZE)
        page.set_default_timeout(PANEL_SECONDS * 1000)
        try:
            page.goto(url, wait_until="networkidle", timeout=PAGE_SECONDS * 1000)
        except Error as broken:
            raise ServiceError(asked, of="Grafana", answer=brief(broken.message)) from broken
        found = {title: _trouble(page, title) for title in titles}
    return {title: trouble for title, trouble in found.items() if trouble}


def _trouble(page: Page, title: str) -> str:
    """What is wrong with a panel; empty where nothing is."""
    panel = page.get_by_test_id(_PANEL.format(title=title))
    try:
        panel.wait_for()
        panel.get_by_label(_LOADS).wait_for(state="detached")
    except Error:
        return f"is still loading after {PANEL_SECONDS:.0f} s" if panel.count() else "is not there"
    if panel.get_by_test_id(_FAILED).count():
        return "shows an error"
    return _said(panel.get_by_test_id(_WITHOUT_DATA))


def _said(message: Locator) -> str:
    return message.first.inner_text().strip() or "shows no data" if message.count() else ""
