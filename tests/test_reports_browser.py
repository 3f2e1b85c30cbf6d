"""The pages in a browser, as a person uses them: with a mouse, with the keyboard, on a phone, in the dark."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from foundation.cache import ROOT
from foundation.errors import UserError
from reports import browser as reports_browser
from reports import html, matrix, seen_red
from reports.seen_red import Ledger, Sighting
from tests import sample_run

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 375, "height": 720}
ROWS = 10


def sighting(days: int) -> Sighting:
    return Sighting(
        fault="no-credentials",
        title="The catalog has no credentials",
        seen=datetime.now(UTC).date() - timedelta(days=days),
        revision="0123456789abcdef",
        scenarios={"features/us1_bootstrap.feature: a scenario": "it refused"},
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a real run of the sample."""
    root = tmp_path_factory.mktemp("sample")
    sample_run.lay(root)
    (root / ".cluster").mkdir()
    (root / ".cluster" / "images-values.yaml").write_text("global: {catalog: {standIn: true}}\n")
    ledger = Ledger(sightings={"FR-001": [sighting(1)], "FR-022": [sighting(60)], "FR-002": [sighting(2)]})
    seen_red.write(ledger, root)
    # In a process of its own: what a run finds out, it keeps for as long as its process lives.
    words = [sys.executable, "-m", "pytest", "-q"]
    subprocess.run(
        words, cwd=root, check=False, timeout=120, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    )
    html.build(root / "reports" / "out", root=root)
    return root / "reports" / "out"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with reports_browser.browsing() as running:
        yield running


@dataclass
class Shown:
    """A page, and what it asked for and complained of."""

    page: Page
    asked: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def visible(self) -> list[str]:
        """The ids of the rows that are not filtered away."""
        found: list[str] = self.page.eval_on_selector_all(
            "details.row", "rows => rows.filter((row) => row.checkVisibility()).map((row) => row.id)"
        )
        return found

    def focused(self) -> str:
        """What the keyboard is on, in a word."""
        name: str = self.page.evaluate(
            "(({ id, dataset, parentElement }) => id || dataset.status || dataset.story || dataset.seen"
            " || parentElement.id)(document.activeElement)"
        )
        return name


def show(browser: Browser, file: Path, *, size: ViewportSize = DESK, dark: bool = False) -> Shown:
    page = browser.new_page(viewport=size, color_scheme="dark" if dark else "light")
    page.set_default_timeout(10_000)
    shown = Shown(page)
    page.route(lambda address: not address.startswith(("file:", "data:")), lambda route: route.abort())
    page.on("request", lambda request: shown.asked.add(request.url.partition("#")[0]))
    page.on("console", lambda said: shown.complaints.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    page.goto(file.as_uri())
    return shown


@pytest.fixture
def shown(browser: Browser, out: Path) -> Iterator[Shown]:
    made = show(browser, out / matrix.HTML)
    yield made
    made.page.close()


# ---- filters


def test_at_first_every_row_is_there(shown: Shown) -> None:
    assert len(shown.visible()) == ROWS
    assert shown.page.locator("#shown").text_content() == "10 rows"


def test_filters_combine_and_say_how_many_rows_are_left(shown: Shown) -> None:
    page = shown.page
    page.locator(".count[data-status=failed]").click()
    assert shown.visible() == ["FR-002", "FR-005", "FR-020", "FR-023"]
    page.locator(".count[data-status='not covered']").click()
    assert shown.visible() == ["FR-002", "FR-005", "FR-020", "FR-023", "EDGE-01", "SC-001"]
    page.get_by_label("Story", exact=True).select_option("US3")
    assert shown.visible() == ["FR-020", "FR-023", "EDGE-01"]
    page.get_by_label("Words").fill("WAREHOUSE missing")
    assert shown.visible() == ["FR-020"]
    assert page.locator("#shown").text_content() == "1 of 10 rows"
    page.get_by_role("button", name="show all").click()
    assert len(shown.visible()) == ROWS
    assert not page.locator("#reset").is_visible()


@pytest.mark.parametrize(
    ("label", "value", "left"),
    [
        ("Stand-in", "yes", ["FR-001", "FR-021", "FR-022", "GAP-007"]),
        ("Stand-in", "catalog", ["FR-001", "FR-021", "FR-022", "GAP-007"]),
        ("Stand-in", "no", ["FR-002", "FR-005", "FR-020", "FR-023", "EDGE-01", "SC-001"]),
        ("Seen red", "yes", ["FR-001", "FR-002", "FR-022"]),
        ("Seen red", "stale", ["FR-022"]),
        ("Seen red", "never", ["FR-005", "FR-020", "FR-021", "FR-023", "GAP-007"]),
        ("Story", "gaps", ["GAP-007"]),
    ],
)
def test_each_filter_leaves_what_it_names(shown: Shown, label: str, value: str, left: list[str]) -> None:
    shown.page.get_by_label(label, exact=True).select_option(value)
    assert shown.visible() == left


def test_a_story_of_the_overview_is_a_filter(shown: Shown) -> None:
    page = shown.page
    page.get_by_role("button", name="US1 Platform bootstrap").click()
    assert shown.visible() == ["FR-001", "FR-002", "FR-005"]
    assert page.get_by_label("Story", exact=True).input_value() == "US1"
    page.locator(".count[data-seen=never]").click()
    assert shown.visible() == ["FR-005"]


def test_nothing_left_is_said(shown: Shown) -> None:
    shown.page.get_by_label("Words").fill("no such thing")
    assert shown.visible() == []
    assert shown.page.get_by_text("No row has all of that.").is_visible()


def test_a_filtered_view_can_be_sent(shown: Shown, browser: Browser) -> None:
    page = shown.page
    page.locator(".count[data-status=failed]").click()
    page.get_by_label("Story", exact=True).select_option("US3")
    page.get_by_label("Words").fill("a & b=c")
    page.get_by_label("Words").fill("tear")
    # Asked of the page itself: what Playwright knows of its address lags behind.
    address: str = page.evaluate("location.href")
    assert address.endswith("#status=failed&story=US3&q=tear")
    other = browser.new_page()
    other.goto(address)
    again = Shown(other)
    assert again.visible() == shown.visible() == ["FR-023"]
    assert other.locator(".count[data-status=failed]").get_attribute("aria-pressed") == "true"
    other.close()


def test_an_address_with_unknown_values_shows_everything(shown: Shown) -> None:
    shown.page.goto(f"{shown.page.url}#story=US77&seen=maybe")
    assert len(shown.visible()) == ROWS
    assert shown.complaints == []


def test_a_link_to_a_row_opens_it_even_when_it_was_filtered_away(shown: Shown) -> None:
    shown.page.get_by_label("Story", exact=True).select_option("US3")
    shown.page.evaluate("location.hash = 'FR-001'")
    shown.page.locator("#FR-001[open]").wait_for()
    assert shown.page.get_by_text("Every service serves its own API").is_visible()


# ---- keyboard


def test_the_keyboard_reaches_filters_and_rows_in_the_order_they_are_read(shown: Shown) -> None:
    reached = []
    for _ in range(30):
        shown.page.keyboard.press("Tab")
        reached.append(shown.focused())
        if reached[-1] == "FR-001":
            break
    counts = ["verified", "verified on a stand-in", "failed", "not run", "not covered", "never"]
    filters = ["US1", "US3", "story", "standin", "seen", "q", "expand"]
    assert reached == [*counts, *filters, "FR-001"]


def test_keys_open_rows_and_press_filters(shown: Shown) -> None:
    page = shown.page
    row = page.locator("#FR-001")
    row.locator("summary").focus()
    for key, is_open in (("Enter", True), ("Space", False)):
        page.keyboard.press(key)
        assert (row.get_attribute("open") is not None) == is_open
    page.locator(".count[data-status=failed]").focus()
    page.keyboard.press("Space")
    assert shown.visible() == ["FR-002", "FR-005", "FR-020", "FR-023"]
    page.keyboard.press("Enter")
    assert len(shown.visible()) == ROWS


# ---- a row and what is behind it


def test_a_row_opens_its_scenarios_and_their_last_evidence(shown: Shown) -> None:
    row = shown.page.locator("#FR-020")
    said = row.text_content() or ""
    for part in (
        "The warehouse is gone",
        "Given a warehouse that is missing",
        "not reached",
        "RuntimeError: bucket warehouse does not exist",
        "suite defect",
        "Last evidence",
        "never seen red",
        "--gherkin-terminal-reporter features/test_us3_pipelines.py::test_the_warehouse_is_gone",
    ):
        assert part in said
    told = shown.page.locator("#FR-022").text_content() or ""
    assert "The catalog has no credentials" in told


def test_a_scenario_leads_to_its_place_in_the_allure_report(shown: Shown) -> None:
    shown.page.locator("#FR-020").get_by_role("link", name="in the Allure report").click()
    shown.page.get_by_text("Category: Suite defect").wait_for()
    assert shown.page.get_by_text("bucket warehouse does not exist").first.is_visible()


# ---- both pages


PAGES = [matrix.HTML, str(html.PAGE)]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_complains_of_nothing_and_asks_nobody(browser: Browser, out: Path, name: str) -> None:
    shown = show(browser, out / name)
    shown.page.get_by_text("US3 Data pipeline execution").first.wait_for()
    shown.page.wait_for_load_state("networkidle")
    elsewhere = {address for address in shown.asked if not address.startswith("data:")}
    assert (shown.complaints, elsewhere) == ([], {(out / name).as_uri()})
    shown.page.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(browser: Browser, out: Path, name: str) -> None:
    shown = show(browser, out / name, size=PHONE)
    shown.page.get_by_text("US3 Data pipeline execution").first.wait_for()
    if name == matrix.HTML:
        shown.page.get_by_role("button", name="open or close all").click()
    assert shown.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    shown.page.close()


# ---- axe


@pytest.fixture(scope="module")
def axe() -> Path:
    return html.tools() / "axe-core" / "axe.min.js"


def violations(page: Page, axe: Path) -> list[str]:
    page.add_script_tag(path=axe)
    found: dict[str, Any] = page.evaluate(
        "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'] })"
    )
    return [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(browser: Browser, out: Path, axe: Path, *, size: ViewportSize, dark: bool) -> None:
    shown = show(browser, out / matrix.HTML, size=size, dark=dark)
    ground = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground != "rgb(255, 255, 255)") == dark
    shown.page.get_by_role("button", name="open or close all").click()
    assert violations(shown.page, axe) == []
    shown.page.close()


def test_axe_would_find_a_pale_word_and_a_field_without_a_name(shown: Shown, axe: Path) -> None:
    shown.page.evaluate(
        "document.querySelector('.lead').style.color = '#ccc';"
        "document.querySelector('label[for=story]').remove()"
    )
    assert {one.partition(":")[0] for one in violations(shown.page, axe)} == {"color-contrast", "select-name"}


# ---- the browser itself


def test_without_a_browser_there_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as refused:
        reports_browser.chromium()
    assert "chromium is not installed" in refused.value.problem
    assert "apt-get install chromium" in refused.value.remedy


def test_pictures_are_taken_of_the_pages(browser: Browser, out: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"matrix\.html: not there"):
        reports_browser.pictures(browser, tmp_path, tmp_path)
    reports_browser.pictures(browser, out, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"matrix.png", "report.png"}
