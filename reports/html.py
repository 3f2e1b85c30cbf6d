"""The Allure report as one HTML file, rendered by Allure 3 from npm."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC
from pathlib import Path

from foundation import npm
from foundation.cache import ROOT
from foundation.errors import PlatformError
from foundation.process import run
from foundation.progress import say
from reports import allure_files, canary, history, matrix, results
from reports.results import Run, replace

PAGE = allure_files.PAGE
HISTORY = Path(history.FOLDER) / "allure.jsonl"
"""What Allure compares a run with, one line for each earlier one; below the output folder."""

_HERE = Path(__file__).parent
_CONFIG = _HERE / "allurerc.json"
_STEADY = _HERE / "steady.mjs"
_RENDER_SECONDS = 120.0


def build(out: Path = results.OUT, *, root: Path = ROOT) -> Path:
    """Render the report of the last run, and the matrix anew with all its phases and links into it.

    Returns:
        The page, which needs nothing beside it.

    Raises:
        UserError: nothing has run yet, or Node.js is missing or too old.
        PlatformError: the tool could not be installed or failed, or the page held a secret.
    """
    page = _render(results.read(out), out)
    matrix.write(out, root=root)
    canary.refuse_leaks(out)
    return page


def _render(last: Run, out: Path) -> Path:
    node, tool = npm.node(), tools()
    page = out / PAGE
    name = f"floe acceptance, {last.began.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    _forget(name, out / HISTORY)
    shutil.rmtree(page.parent, ignore_errors=True)
    words: list[str | Path] = [node, "--import", _STEADY.as_uri(), tool / "allure" / "cli.js", "awesome"]
    words += [out / allure_files.RESULTS, "--config", _CONFIG, "--output", page.parent, "--single-file"]
    words += ["--name", name, "--lang", "en", "--group-by", "feature,story"]
    words += ["--history-path", out / HISTORY]
    # One thread reads the files one after the other, so that their order is always the same.
    steady = {"FLOE_REPORT_CLOCK": str(int(last.ended.timestamp() * 1000)), "UV_THREADPOOL_SIZE": "1"}
    run(words, timeout=_RENDER_SECONDS, cwd=out, env=steady)
    if not page.exists():
        raise PlatformError(f"Allure ended without an error and without {page}")
    replace(page, without_analytics(page.read_text(encoding="utf-8")))
    return page


def tools() -> Path:
    """The node_modules with what package-lock.json pins."""
    return npm.modules("allure", _HERE)


def _forget(name: str, file: Path) -> None:
    """A run that is rendered once more is no run of its own in the history."""
    if file.exists():
        points = file.read_text(encoding="utf-8").splitlines(keepends=True)
        replace(file, "".join(point for point in points if json.loads(point)["name"] != name))


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
    files = {"report": page, "matrix": out / matrix.HTML, "data": out / matrix.JSON}
    files |= {"conformance": out / matrix.REPORT}
    for name, file in files.items():
        say(f"{name}: {shown(file)}")


def shown(file: Path) -> str:
    """A path as the person at the checkout would type it."""
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)
