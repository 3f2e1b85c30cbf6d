"""The Allure report as one HTML file, rendered by Allure 3 from npm."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from foundation.cache import ROOT, digest_of, entry
from foundation.errors import PlatformError, UserError
from foundation.process import run
from foundation.progress import say
from reports import allure_files, canary, matrix, results
from reports.results import replace

PAGE = Path("allure") / "index.html"
"""The report, below the output folder."""

_HERE = Path(__file__).parent
_LOCKED = (_HERE / "package.json", _HERE / "package-lock.json")
_CONFIG = _HERE / "allurerc.json"
_OLDEST_NODE = 20
_INSTALL_SECONDS = 600.0
_RENDER_SECONDS = 120.0


def build(out: Path = results.OUT, *, root: Path = ROOT) -> Path:
    """Render the report of the last run, and the matrix anew with all its phases.

    Returns:
        The page, which needs nothing beside it.

    Raises:
        UserError: nothing has run yet, or Node.js is missing or too old.
        PlatformError: the tool could not be installed or failed, or the page held a secret.
    """
    matrix.write(out, root=root)
    node = _node()
    tool = entry("allure", digest_of(_LOCKED), _install)
    page = out / PAGE
    shutil.rmtree(page.parent, ignore_errors=True)
    words: list[str | Path] = [node, tool / "node_modules" / "allure" / "cli.js", "awesome"]
    words += [out / allure_files.RESULTS, "--config", _CONFIG, "--output", page.parent, "--single-file"]
    words += ["--name", "floe acceptance", "--lang", "en", "--group-by", "feature,story"]
    run(words, timeout=_RENDER_SECONDS, cwd=out)
    if not page.exists():
        raise PlatformError(f"Allure ended without an error and without {page}")
    replace(page, without_analytics(page.read_text(encoding="utf-8")))
    canary.refuse_leaks(out)
    return page


_ANALYTICS = re.compile(
    r'<script async src="https://www\.googletagmanager\.com/[^"]*"></script>\s*<script>.*?</script>',
    re.DOTALL,
)


def without_analytics(page: str) -> str:
    """Allure puts a visitor counter into every page it makes; a report tells nobody who reads it.

    Raises:
        PlatformError: the counter is there in a form that is not known, so it cannot be taken out.
    """
    cleaned = _ANALYTICS.sub("", page)
    if "googletagmanager" in cleaned:
        raise PlatformError("the Allure page still calls googletagmanager.com: see reports/html.py")
    return cleaned


def show(out: Path = results.OUT) -> None:
    """Build the report and print where everything is."""
    page = build(out)
    for name, file in {"report": page, "matrix": out / matrix.HTML, "data": out / matrix.JSON}.items():
        say(f"{name}: {shown(file)}")


def shown(file: Path) -> str:
    """A path as the person at the checkout would type it."""
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)


def _node() -> str:
    remedy = "apt-get install nodejs npm (version 20 or newer)"
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise UserError("Node.js with npm is not installed; the report is built with it", remedy=remedy)
    said = run([node, "--version"], timeout=20).strip()
    found = re.match(r"v(\d+)\.", said)
    if not found or int(found.group(1)) < _OLDEST_NODE:
        raise UserError(f"Node.js {said} is too old for the report", remedy=remedy)
    return node


def _install(work: Path) -> None:
    for file in _LOCKED:
        shutil.copy(file, work)
    run(
        ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier"],
        timeout=_INSTALL_SECONDS,
        cwd=work,
    )
