"""Progress a person can follow: named phases with their time and budget, kept for the report.

What is under way is kept here as well, phases and waits, so that whoever shows progress (the spinner
of a phase, the live view of the features, a plain line in CI) can say what it is and how long it may take.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

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


@dataclass(eq=False)
class Doing:
    """Something under way: a phase, a wait, a step.

    Attributes:
        began: time.monotonic() of its beginning.
        budget: seconds it may take, where that is known.
        seen: of a wait, what was last seen instead of what is waited for.
    """

    name: str
    budget: float | None = None
    began: float = field(default_factory=time.monotonic)
    seen: str = ""

    def saw(self, text: str) -> None:
        """Keep what was last seen, as one line.

        Raises:
            NotWantedError: nobody wants any more what this thread waits for (see wanted_until).
        """
        self.seen = text.partition("\n")[0]
        over = _over.get()
        if over is not None and over.is_set():
            raise NotWantedError(self.name)

    def took(self, now: float) -> float:
        """Seconds so far."""
        return max(0.0, now - self.began)

    def left(self, now: float) -> str:
        """What is left of its budget, in words; nothing where there is none."""
        return budget_left(self.took(now), self.budget)


class NotWantedError(Exception):
    """A wait ended because what it was for is not wanted any more."""


_over: ContextVar[threading.Event | None] = ContextVar("over", default=None)

_phases: list[Doing] = []
_waits: list[Doing] = []
"""Under way, outermost first. Appended, removed and copied in single steps: safe between threads."""

_finished: list[Phase] = []


def begin() -> None:
    """Forget the phases of an earlier run."""
    _finished.clear()
    PHASES_FILE.parent.mkdir(parents=True, exist_ok=True)
    PHASES_FILE.write_text("")


def phases() -> list[Phase]:
    """The phases that this process has finished, in the order they ended."""
    return list(_finished)


def under_way() -> list[Doing]:
    """The phases that have begun and not ended, outermost first."""
    return list(_phases)


@contextmanager
def waiting(what: str, *, within: float | None = None) -> Iterator[Doing]:
    """Let the person watching know what is waited for, and tell it what was seen (`saw`).

    Args:
        what: what is waited for, as in "waits for ...".
        within: seconds until the wait is given up.
    """
    wait = Doing(what, within)
    with _listed(_waits, wait):
        yield wait


@contextmanager
def wanted_until(over: threading.Event) -> Iterator[None]:
    """Let the waits of this thread end at their next look once the event is set: no thread is interrupted."""
    token = _over.set(over)
    try:
        yield
    finally:
        _over.reset(token)


def waiting_for() -> str | None:
    """What is waited for right now, with what was last seen and for how long; None when nothing is."""
    for wait in reversed(list(_waits)):
        seen = f": {wait.seen}" if wait.seen else ""
        within = f" of {wait.budget:.0f}" if wait.budget else ""
        return f"{wait.name}{seen} ({int(wait.took(time.monotonic()))}{within} s)"
    return None


def budget_left(seconds: float, budget: float | None) -> str:
    """What is left of a budget after so many seconds, in words; nothing where there is no budget."""
    if budget is None:
        return ""
    left, whole = budget - seconds, elapsed(budget).removesuffix(" 00 s")
    return f"{elapsed(left)} of {whole} left" if left >= 0 else f"{elapsed(-left)} over its {whole}"


def elapsed(seconds: float) -> str:
    """A duration that is being watched: whole seconds, or minutes and seconds from 3 minutes on."""
    whole = int(seconds)
    return f"{whole} s" if whole < 180 else f"{whole // 60} min {whole % 60:02d} s"


def say(line: str) -> None:
    """One plain line to the person watching."""
    (_view or console).print(line, markup=False, soft_wrap=True)


@contextmanager
def phase(name: str, *, budget: float | None = None, shown: bool = True) -> Iterator[None]:
    """Announce a phase, time it, and keep its time for the report.

    On a terminal a line tells of it while it runs; elsewhere there is a line at either end, and
    one now and then when it takes long.

    Args:
        name: what is done.
        budget: seconds it may take.
        shown: whether it is shown while it runs; not so when what runs shows itself.
    """
    began = datetime.now(UTC)
    doing = Doing(name, budget)
    if not _on_terminal():
        say(f"... {name}")
    display = _begin_display() if shown and not (_view or _display) else None
    ok = False
    try:
        with _listed(_phases, doing):
            yield
        ok = True
    finally:
        if display:
            _end_display()
        seconds = round(doing.took(time.monotonic()), 2)
        _end(Phase(name=name, began=began, seconds=seconds, budget=budget, ok=ok))


def _end(done: Phase) -> None:
    over = f" (budget {done.budget:.0f} s exceeded)" if done.budget and done.seconds > done.budget else ""
    say(f"{'ok ' if done.ok else 'FAILED'} {done.name}: {done.seconds:.1f} s{over}")
    _finished.append(done)
    PHASES_FILE.parent.mkdir(parents=True, exist_ok=True)
    with PHASES_FILE.open("a") as file:
        file.write(done.model_dump_json() + "\n")


@contextmanager
def _listed(where: list[Doing], doing: Doing) -> Iterator[None]:
    where.append(doing)
    try:
        yield
    finally:
        where.remove(doing)


# ---- who shows it


class _Display(Protocol):
    """What shows a phase while it runs."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


_view: Console | None = None
_display: _Display | None = None


def take_over(other: Console) -> None:
    """Say everything on this console from now on: a view is shown there, and is the only one."""
    global _view  # noqa: PLW0603 - there is one terminal, and one thing that shows progress on it
    _end_display()
    _view = other


def give_back() -> None:
    """The view has ended: say everything where it was said before."""
    global _view  # noqa: PLW0603
    _view = None


def _on_terminal() -> bool:
    return _view.is_terminal if _view else _TERMINAL and not os.environ.get("CI")


def _begin_display() -> _Display:
    """Show the phase that begins, and those within it, until it ends or a view takes over."""
    global _display  # noqa: PLW0603
    _display = console.status(_Innermost()) if _on_terminal() else Heartbeat(innermost)
    _display.start()
    return _display


def _end_display() -> None:
    global _display  # noqa: PLW0603
    if _display:
        _display.stop()
    _display = None


def innermost() -> Doing | None:
    """The phase that began last of those under way."""
    running = under_way()
    return running[-1] if running else None


class _Innermost:
    """The innermost phase in words, whenever it is drawn."""

    def __rich__(self) -> Text:
        doing = innermost()
        line = words(doing, time.monotonic()) if doing else ""
        return Text(line, overflow="ellipsis", no_wrap=True)


def words(doing: Doing, now: float) -> str:
    """A thing under way in one line: what it is, for how long, what is left, what it waits for."""
    parts = [f"{doing.name}: {elapsed(doing.took(now))}", doing.left(now)]
    if wait := waiting_for():
        parts.append(f"waits for {wait}")
    return "; ".join(part for part in parts if part)


class Heartbeat:
    """Plain lines about what takes long, from a thread that never keeps the process alive.

    Args:
        look: what is under way right now.
        tell: it in one line, at this moment of the clock.
        after: seconds from which on it takes long; also the time between two lines.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        look: Callable[[], Doing | None],
        tell: Callable[[Doing, float], str] = words,
        *,
        after: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._tell = tell
        self._after = after
        self._clock = clock
        self._last: tuple[Doing, float] | None = None
        self._ended = threading.Event()
        self.thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to look, about once a second."""
        self.thread.start()

    def stop(self) -> None:
        """Say nothing from now on."""
        self._ended.set()

    def beat(self) -> None:
        """Look once, and say a line when it is time for one."""
        doing, now = self._look(), self._clock()
        if doing is None:
            return
        last = self._last[1] if self._last and self._last[0] is doing else doing.began
        if now - last >= self._after:
            self._last = doing, now
            say(f"... {self._tell(doing, now)}")

    def _beat_on(self) -> None:
        while not self._ended.wait(1.0):
            self.beat()
