"""The pytest plugin that shows the run while it runs.

On a terminal a view stays below what pytest prints: story, scenario, step, what it waits for, how
long all of it takes and may take. Elsewhere, and in CI, a line says how a scenario ended, and
another what takes longer than 15 s.

The hooks only set attributes; a thread of rich draws them twice a second.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TextIO

import pytest
from pytest_bdd.parser import Scenario, Step
from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from foundation import progress
from foundation.cache import ROOT
from foundation.progress import Doing, Heartbeat, elapsed
from reports import catalogue, timing
from reports.results import ScenarioResult
from reports.timing import spoken

_PER_SECOND = 2
_LAST = 5
"""Scenarios that ended, shown below the one that runs."""

_MARGIN = 3
"""Columns left free, so that a ^C that the terminal echoes does not begin a line."""

_ROOM_FOR_THEM = 20
"""Lines a terminal must have for them to be shown."""

_MARKS = {"passed": ("ok", "green"), "failed": ("FAIL", "bold red"), "skipped": ("skip", "yellow")}


@dataclass
class Now:
    """What is shown: set by the hooks of the session, read by the thread that draws.

    Attributes:
        run: the whole run with its budget; it began with the first phase, before the features.
        since: when the features began; a phase that began earlier is not theirs.
        total: scenarios to run; 0 while that is not known.
        story: of the present scenario, its id and title.
        steps: how many the present scenario has; `number` counts them.
        finished: the last scenarios that ended, newest last.
    """

    run: Doing
    since: float = field(default_factory=time.monotonic)
    total: int = 0
    story: str = ""
    scenario: Doing | None = None
    step: Doing | None = None
    steps: int = 0
    number: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    finished: deque[ScenarioResult] = field(default_factory=lambda: deque(maxlen=_LAST))

    @property
    def ended(self) -> int:
        """How many scenarios have."""
        return self.passed + self.failed + self.skipped

    @property
    def phase(self) -> Doing | None:
        """The innermost phase that the features began."""
        phase = progress.innermost()
        return phase if phase and phase.began >= self.since else None

    def end(self, record: ScenarioResult) -> None:
        """A scenario has ended."""
        self.passed += record.result == "passed"
        self.failed += record.result == "failed"
        self.skipped += record.result == "skipped"
        self.finished.append(record)
        self.scenario = self.step = None


# ---- on a terminal


def view(now: Now, at: float, height: int = 24) -> RenderableType:
    """The view at a moment of the clock, for a terminal of so many lines."""
    last = _finished(now) if height >= _ROOM_FOR_THEM else ()
    return Group(Rule(style="dim"), *_present(now, at), Text(""), _so_far(now, at), *last)


def _present(now: Now, at: float) -> Iterator[RenderableType]:
    """Story, scenario, step, and what goes on within the step."""
    yield _line(Text(now.story or "between two scenarios", style="bold"))
    if now.scenario:
        took = f"scenario {elapsed(now.scenario.took(at))}"
        yield _line(Text(f"  {now.scenario.name}", style="bold cyan"), took)
    if now.step:
        counted = f"step {now.number} of {now.steps}, " if now.number else ""
        yield _line(Text(f"    {now.step.name}", style="cyan"), f"{counted}{elapsed(now.step.took(at))}")
    if phase := now.phase:
        left = phase.left(at)
        yield _line(Text(f"      {phase.name}"), f"{elapsed(phase.took(at))}{left and f', {left}'}")
    wait = progress.waiting_for()
    yield _line(Text(f"      waits for {wait}" if wait else "", style="yellow"))


def _so_far(now: Now, at: float) -> RenderableType:
    counts = Text.assemble(
        f"{now.ended} of {now.total}: ",
        (f"{now.passed} passed", "green" if now.passed else ""),
        ", ",
        (f"{now.failed} failed", "bold red" if now.failed else ""),
    )
    bar = Table.grid(padding=(0, 2))
    style = "red" if now.failed else "green"
    far = ProgressBar(
        total=max(now.total, 1), completed=now.ended, width=20, complete_style=style, finished_style=style
    )
    bar.add_row(far, counts)
    return _line(bar, f"run {elapsed(now.run.took(at))}, {now.run.left(at)}")


def _finished(now: Now) -> Iterator[RenderableType]:
    for record in list(now.finished):
        mark, style = _MARKS[record.result]
        said = f": {reason(record)}" if record.failure else ""
        title = Text.assemble((f"{mark:<5}", style), f"{record.story or '-'} {record.title}", (said, "red"))
        yield _line(title, spoken(record.seconds))


def _line(left: RenderableType, right: str = "") -> RenderableType:
    """One line, cut where the terminal ends, with something at its right end."""
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    line.add_column(justify="right", no_wrap=True, style="dim")
    line.add_row(left, right)
    return line


# ---- in plain lines


def ended_line(now: Now, record: ScenarioResult) -> str:
    """How a scenario ended, in one line."""
    mark = _MARKS[record.result][0]
    said = f": {reason(record)}" if record.failure else ""
    return f"{mark:<4} {_place(now, record.story, now.ended)} {record.title} ({spoken(record.seconds)}){said}"


def long_line(now: Now, doing: Doing, at: float) -> str:
    """What takes long, in one line: where, what, what it waits for, what is left of phase and run."""
    story = now.story.split(" ")[0]
    inside = f"{now.scenario.name}: " if now.scenario else ""
    return f"{_place(now, story, now.ended + 1)} {inside}{progress.words(doing, at)}; run: {now.run.left(at)}"


def reason(record: ScenarioResult) -> str:
    """Where a scenario failed, and the first line of what was said."""
    place, _, said = (record.failure or "").partition("\n")
    return f"{place} {said.partition(chr(10))[0]}"


def _place(now: Now, story: str | None, number: int) -> str:
    return f"{story or '-'} [{number}/{now.total}]" if now.total else f"{story or '-'} [{number}]"


# ---- the session


def pytest_configure(config: pytest.Config) -> None:
    """Show the sessions that run features."""
    if not config.pluginmanager.has_plugin("evidence") or hasattr(config, "workerinput"):
        return
    # pytest's capture takes the standard streams away while scenarios run; this one stays.
    stream = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
    config.add_cleanup(stream.close)
    config.pluginmanager.register(Shown(config, stream), "live")


def _on_terminal(config: pytest.Config, stream: TextIO) -> bool:
    """Whether a view can stay on the screen: nothing else may write there unseen."""
    captured = config.getoption("capture") == "fd" and not config.getoption("usepdb")
    alone = config.getoption("dist", "no") == "no"
    able = stream.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}
    return able and captured and alone and not os.environ.get("CI")


class Shown:
    """The hooks of a session whose run is shown."""

    def __init__(self, config: pytest.Config, stream: TextIO) -> None:
        self._config = config
        self._stream = stream
        self._stories = catalogue.of(config.rootpath).stories
        self._terminal = terminal = _on_terminal(config, stream)
        self._console = Console(
            file=stream,
            force_terminal=terminal,
            highlight=False,
            no_color=None if terminal else True,
            width=None if terminal else progress.PLAIN_WIDTH,
        )
        self.now = Now(_whole())
        self._heartbeat = Heartbeat(
            lambda: self.now.phase or self.now.step, lambda doing, at: long_line(self.now, doing, at)
        )
        self._live: Live | None = None
        self._showing = False

    # ---- from the first scenario to the last fixture

    def pytest_sessionstart(self) -> None:
        """A session typed by hand is a run of its own: the phases of an earlier one are not its."""
        if not progress.under_way() and self._config.rootpath == ROOT:
            progress.begin()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count what will run."""
        self.now.total = len(session.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Show what happens from here on; the last fixtures may be torn down after this."""
        progress.take_over(self._console)
        self._showing = True
        if self._terminal:
            self._draw()
        else:
            self._heartbeat.start()
        return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        """The last fixture is gone: end the view, before pytest sums up."""
        try:
            yield
        finally:
            self._end()

    def pytest_internalerror(self) -> None:
        """An error of the suite itself is about to be printed."""
        self._end()

    def _end(self) -> None:
        if self._showing:
            self._showing = False
            self._wipe()
            self._heartbeat.stop()
            progress.give_back()

    # ---- the view

    def _draw(self) -> None:
        self._live = Live(
            console=self._console,
            get_renderable=self._view,
            refresh_per_second=_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def _view(self) -> RenderableType:
        size = os.get_terminal_size(self._stream.fileno())
        self._console.size = ConsoleDimensions(size.columns - _MARGIN, size.lines)
        return view(self.now, time.monotonic(), size.lines)

    def _wipe(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def _aside(self) -> Generator[None, object, object]:
        """Stand aside while pytest's reporter writes; what follows begins on a line of its own."""
        self._wipe()
        try:
            return (yield)
        finally:
            reporter = self._config.pluginmanager.get_plugin("terminalreporter")
            if reporter:
                reporter.ensure_newline()
            if self._showing and self._terminal:
                self._draw()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self) -> Generator[None, object, object]:
        """The reporter may name the scenario."""
        return (yield from self._aside())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, object, object]:
        """The reporter may tell how it ended; so do plain lines, once it has altogether ended."""
        result = yield from self._aside()
        if sent := getattr(report, "scenario_evidence", None):
            record = ScenarioResult.model_validate(sent["record"])
            self.now.end(record)
            self.now.run = _whole()
            if not self._terminal:
                progress.say(ended_line(self.now, record))
        return result

    # ---- what runs

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """A scenario begins; its record was opened just before."""
        evidence: Any = self._config.pluginmanager.get_plugin("evidence")
        record: ScenarioResult | None = evidence.running
        if record:
            story = self._stories.get(record.story or "")
            self.now.story = f"{record.story} {story.title}" if story else ""
            self.now.number = 0
            self.now.scenario = Doing(record.title)
        return (yield)

    def pytest_runtest_setup(self) -> None:
        """What it stands on is made."""
        self.now.step = Doing("preparing")

    def pytest_bdd_before_scenario(self, scenario: Scenario) -> None:
        """Its steps begin."""
        self.now.steps = len(scenario.steps)

    def pytest_bdd_before_step(self, step: Step) -> None:
        """A step begins."""
        self.now.number += 1
        self.now.step = Doing(f"{step.keyword} {step.name}")

    def pytest_runtest_teardown(self) -> None:
        """What it stood on is taken away, when nobody else stands on it."""
        self.now.number = 0
        self.now.step = Doing("tearing down")


def _whole() -> Doing:
    """The run up to now against the budget for everything."""
    now = datetime.now(UTC)
    whole = timing.whole(now, now, progress.phases())
    return Doing("run", budget=whole.budget, began=time.monotonic() - whole.seconds)
