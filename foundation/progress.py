"""Progress a person can follow: named phases with their time and budget, kept for the report."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console

from foundation.cache import STATE

PHASES_FILE = Path(os.environ.get("FLOE_PHASES_FILE") or STATE / "phases.jsonl")
"""One line a finished phase of the current run; begun anew by `begin`. A repetition has one of its own."""

_TERMINAL = sys.stderr.isatty()

PLAIN_WIDTH = 120
"""Columns of what is written to a file or by CI, where no terminal says how wide it is."""

console = Console(
    stderr=True,
    highlight=False,
    no_color=None if _TERMINAL else True,
    width=None if _TERMINAL else PLAIN_WIDTH,
)


class Phase(BaseModel):
    """A finished phase: its name, when it began (UTC), how long it took and its budget, in seconds."""

    name: str
    began: datetime
    seconds: float
    budget: float | None = None
    ok: bool


def begin() -> None:
    """Forget the phases of an earlier run."""
    PHASES_FILE.parent.mkdir(parents=True, exist_ok=True)
    PHASES_FILE.write_text("")


def phases() -> list[Phase]:
    """The finished phases of this run, oldest first."""
    if not PHASES_FILE.exists():
        return []
    return [Phase.model_validate(json.loads(line)) for line in PHASES_FILE.read_text().splitlines()]


def say(line: str) -> None:
    """One plain line to the person watching."""
    console.print(line, markup=False, soft_wrap=True)


@contextmanager
def phase(name: str, *, budget: float | None = None) -> Iterator[None]:
    """Announce a phase, time it, and keep its time for the report.

    On a terminal a spinner turns while it runs; elsewhere there is a line at either end.
    """
    began = datetime.now(UTC)
    start = time.monotonic()
    ok = False
    live = _TERMINAL and not os.environ.get("CI")
    if not live:
        say(f"... {name}")
    spinner = console.status(name) if live else None
    try:
        if spinner and not _nested:
            spinner.start()
            _nested.append(name)
        yield
        ok = True
    finally:
        if spinner and _nested and _nested[-1] == name:
            spinner.stop()
            _nested.pop()
        seconds = time.monotonic() - start
        over = f" (budget {budget:.0f} s exceeded)" if budget and seconds > budget else ""
        say(f"{'ok ' if ok else 'FAILED'} {name}: {seconds:.1f} s{over}")
        PHASES_FILE.parent.mkdir(parents=True, exist_ok=True)
        with PHASES_FILE.open("a") as file:
            done = Phase(name=name, began=began, seconds=round(seconds, 2), budget=budget, ok=ok)
            file.write(done.model_dump_json() + "\n")


_nested: list[str] = []
"""Names of phases with a running spinner: rich allows one live display at a time."""
