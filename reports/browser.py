"""A browser without a screen: the pages are tested in it, and their pictures are taken with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from foundation import packages
from foundation.cache import ROOT
from foundation.errors import UserError
from foundation.progress import say
from reports import html, matrix, results

PACKAGES = ("chromium", "fonts-dejavu-core")
"""Debian's names: the browser, and a font, without which it shows boxes."""

SIZE: ViewportSize = {"width": 1280, "height": 1000}

_ARGUMENTS = (
    "--no-sandbox",  # root, as which the suite may run, has none
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def chromium() -> Path:
    """The browser's program; installed first where it is missing and this is root.

    Raises:
        UserError: it is missing and cannot be installed from here.
    """
    found = shutil.which("chromium")
    if found is None:
        _install()
        found = shutil.which("chromium")
    if found is None:
        raise UserError("chromium was installed and is still not in PATH", remedy="put it there")
    return Path(found)


def _install() -> None:
    if os.geteuid() != 0 or not packages.can_install():
        raise UserError(
            "chromium is not installed; the pages are tested in it",
            remedy=f"apt-get install {' '.join(PACKAGES)}, as root",
        )
    packages.install(PACKAGES)


@contextmanager
def browsing() -> Iterator[Browser]:
    """A running browser."""
    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def pictures(browser: Browser, out: Path = results.OUT, into: Path = ROOT / "docs") -> None:
    """Take the pictures of the last run's pages that the documents show.

    Raises:
        UserError: there are no such pages.
    """
    pages = {"matrix.png": out / matrix.HTML, "report.png": out / html.PAGE}
    for page in pages.values():
        if not page.exists():
            raise UserError(f"{html.shown(page)}: not there", remedy="make report, after a run")
    for name, page in pages.items():
        shown = browser.new_page(viewport=SIZE, color_scheme="light")
        shown.goto(page.resolve().as_uri())
        shown.get_by_text("US1 ").first.wait_for()
        shown.screenshot(path=into / name)
        shown.close()
        say(f"picture: {html.shown(into / name)}")
