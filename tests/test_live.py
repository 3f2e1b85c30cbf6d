"""The run is shown while it runs: a view on a terminal, lines elsewhere, neither in the reporter's way."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from rich.console import Console

from drivers import wait
from foundation import progress
from foundation.cache import ROOT
from foundation.errors import DeadlineError
from foundation.progress import Doing, Heartbeat
from reports import live
from reports.live import Now
from reports.results import ScenarioResult
from tests import sample_run

BEGAN = 1000.0
"""Of the clock in these tests."""


@pytest.fixture(autouse=True)
def kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Phases of a test are none of the checkout's."""
    monkeypatch.setattr(progress, "PHASES_FILE", tmp_path / "phases.jsonl")
    monkeypatch.setattr(progress, "_finished", [])


@pytest.fixture
def said() -> Iterator[Callable[[], list[str]]]:
    """The lines that are said from now on."""
    console = Console(record=True, width=200, file=io.StringIO())
    progress.take_over(console)
    yield lambda: console.export_text().splitlines()
    progress.give_back()


def ended(result: Literal["passed", "failed"] = "passed", failure: str | None = None) -> ScenarioResult:
    return ScenarioResult(
        node="n",
        feature="f",
        line=1,
        title="Gold figures are what the seeds say",
        story="US3",
        ids=[],
        result=result,
        failure=failure,
        began=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=3.21,
    )


FAILURE = "Then the figures are equal:\nAssertionError: there is not what was expected:\nmore"


def running() -> Now:
    now = Now(Doing("run", budget=900.0, began=BEGAN - 60), since=BEGAN, total=34)
    now.end(ended())
    now.end(ended("failed", FAILURE))
    now.story = "US3 Data pipeline execution"
    now.scenario = Doing("A retry starts where the run failed", began=BEGAN + 5)
    now.step, now.steps, now.number = Doing("When the run is retried", began=BEGAN + 20), 4, 2
    return now


def drawn(now: Now, at: float, height: int = 24) -> list[str]:
    console = Console(width=100, height=height, record=True, file=io.StringIO())
    console.print(live.view(now, at, height))
    return [" ".join(line.split()) for line in console.export_text().splitlines()]


# ---- the view


def test_the_view_says_what_runs_for_how_long_and_what_is_left() -> None:
    lines = drawn(running(), BEGAN + 30)
    assert lines[1:4] == [
        "US3 Data pipeline execution",
        "A retry starts where the run failed scenario 25 s",
        "When the run is retried step 2 of 4, 10 s",
    ]
    assert lines[6].endswith("2 of 34: 1 passed, 1 failed run 90 s, 13 min 30 s of 15 min left")


def test_the_view_says_what_it_waits_for_and_in_which_phase() -> None:
    with progress.phase("the node is up"):
        now = running()
        now.since = progress.under_way()[0].began + 0.001
        assert now.phase is None, "a phase that began before the features is not theirs"
        with progress.phase("US3: platform Ready", budget=120):
            began = now.since = progress.under_way()[1].began
            with progress.waiting("the pods of floe-us3", within=120) as watched:
                watched.saw("polaris ContainerCreating")
                lines = drawn(now, began + 41.5)
    assert "US3: platform Ready 41 s, 78 s of 120 s left" in lines
    assert "waits for the pods of floe-us3: polaris ContainerCreating (0 of 120 s)" in lines


def test_the_view_ends_with_the_last_scenarios_and_why_one_failed() -> None:
    lines = drawn(running(), BEGAN + 30)
    assert lines[-2] == "ok US3 Gold figures are what the seeds say 3.2 s"
    assert lines[-1].startswith(
        "FAIL US3 Gold figures are what the seeds say: Then the figures are equal: Ass"
    )
    assert lines[-1].endswith("3.2 s")


def test_a_low_terminal_has_no_room_for_them() -> None:
    assert len(drawn(running(), BEGAN + 30, height=12)) == len(drawn(running(), BEGAN + 30)) - 2


def test_only_the_last_are_shown_and_all_are_counted() -> None:
    now = Now(Doing("run"))
    for _ in range(40):
        now.end(ended())
    assert (len(now.finished), now.ended) == (5, 40)


def test_nothing_runs_between_two_scenarios() -> None:
    now = running()
    now.end(ended())
    assert (now.scenario, now.step) == (None, None)


def test_a_budget_that_is_over_says_by_how_much() -> None:
    assert progress.budget_left(50, 120) == "70 s of 120 s left"
    assert progress.budget_left(130, 120) == "10 s over its 120 s"
    assert progress.budget_left(5, None) == ""


# ---- what is waited for


def test_a_wait_of_a_driver_is_known_while_it_lasts_with_what_it_last_saw() -> None:
    seen: list[str | None] = []
    answers = iter(["STARTING", "STARTED", "SUCCESS"])

    def look() -> str:
        seen.append(progress.waiting_for())
        return next(answers)

    wait.until(look, "SUCCESS".__eq__, what="run 3f2a", within=5, every=0.01, last=lambda one: f"still {one}")
    assert seen == [
        "run 3f2a (0 of 5 s)",
        "run 3f2a: still STARTING (0 of 5 s)",
        "run 3f2a: still STARTED (0 of 5 s)",
    ]
    assert progress.waiting_for() is None


def test_a_wait_that_is_given_up_is_no_longer_waited_for() -> None:
    with pytest.raises(DeadlineError):
        wait.until(lambda: "STARTED", "SUCCESS".__eq__, what="run 3f2a", within=0.02, every=0.01)
    assert progress.waiting_for() is None


def test_the_innermost_wait_is_told_in_one_line() -> None:
    with progress.waiting("the platform"), progress.waiting("its catalog") as catalog:
        catalog.saw("HTTP 502\nBad Gateway")
        assert progress.waiting_for() == "its catalog: HTTP 502 (0 s)"


# ---- plain lines


def test_a_scenario_that_ended_is_one_line() -> None:
    now = Now(Doing("run"), total=34)
    record = ended()
    now.end(record)
    assert live.ended_line(now, record) == "ok   US3 [1/34] Gold figures are what the seeds say (3.2 s)"
    record = ended("failed", FAILURE)
    now.end(record)
    assert live.ended_line(now, record) == (
        "FAIL US3 [2/34] Gold figures are what the seeds say (3.2 s): Then the figures are equal: "
        "AssertionError: there is not what was expected:"
    )


def test_what_takes_long_says_so_every_15_seconds(said: Callable[[], list[str]]) -> None:
    at = BEGAN
    doing: Doing | None = Doing("US3: platform Ready", budget=120, began=BEGAN)
    heartbeat = Heartbeat(lambda: doing, clock=lambda: at)
    for at in (BEGAN + 14, BEGAN + 15, BEGAN + 16, BEGAN + 29, BEGAN + 31):  # noqa: B007 - the clock reads it
        heartbeat.beat()
    doing = None
    at = BEGAN + 100
    heartbeat.beat()
    assert said() == [
        "... US3: platform Ready: 15 s; 105 s of 120 s left",
        "... US3: platform Ready: 31 s; 89 s of 120 s left",
    ]


def test_what_is_quick_says_nothing(said: Callable[[], list[str]]) -> None:
    at = BEGAN
    heartbeat = Heartbeat(lambda: Doing("a step", began=at - 1), clock=lambda: at)
    for at in range(1000, 1060):  # noqa: B007 - the clock reads it
        heartbeat.beat()
    assert said() == []


def test_the_line_of_a_long_step_names_scenario_wait_and_the_budget_of_the_run() -> None:
    now = running()
    assert now.step
    with progress.waiting("run 3f2a", within=600) as watched:
        watched.saw("still STARTED")
        line = live.long_line(now, now.step, BEGAN + 36)
    assert line == (
        "US3 [3/34] A retry starts where the run failed: When the run is retried: 16 s; "
        "waits for run 3f2a: still STARTED (0 of 600 s); run: 13 min 24 s of 15 min left"
    )


def test_a_heartbeat_ends_when_it_is_stopped() -> None:
    heartbeat = Heartbeat(lambda: None)
    heartbeat.start()
    heartbeat.stop()
    thread = heartbeat.thread
    assert thread.daemon
    thread.join(timeout=5)
    assert not thread.is_alive()


# ---- phases


def test_phases_are_known_while_they_run_and_kept_when_they_end() -> None:
    with progress.phase("outer"), progress.phase("inner", budget=5):
        assert [doing.name for doing in progress.under_way()] == ["outer", "inner"]
    assert progress.under_way() == []
    assert [phase.name for phase in progress.phases()] == ["inner", "outer"]
    kept = [json.loads(line)["name"] for line in progress.PHASES_FILE.read_text().splitlines()]
    assert kept == ["inner", "outer"]


def test_a_phase_that_fails_is_told_where_the_view_is(said: Callable[[], list[str]]) -> None:
    with pytest.raises(RuntimeError), progress.phase("build", budget=5):
        raise RuntimeError("no")
    assert said() == ["... build", "FAILED build: 0.0 s"]
    assert [phase.ok for phase in progress.phases()] == [False]


# ---- sessions


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The sample, with a phase and a wait that last long enough to be drawn."""
    sample_run.lay(tmp_path)
    steps = tmp_path / "steps_of_the_sample.py"
    steps.write_text(SLOWER + steps.read_text().replace("def _(finished_run): pass", "def _(slow): pass"))
    return tmp_path


SLOWER = """\
import time
from pathlib import Path
import pytest
from drivers import wait
from foundation import progress

progress.PHASES_FILE = Path("phases.jsonl").resolve()

@pytest.fixture(scope="module")
def slow(finished_run):
    with progress.phase("US3: platform Ready", budget=120):
        ends = time.monotonic() + 1.5
        wait.until(lambda: time.monotonic() > ends, bool, what="the pods", within=60,
                   last=lambda _: "are Pending")
    progress.say("    polaris: slow to start")
    yield
    with progress.phase("US3: platform gone"):
        pass
"""

COMMAND = [sys.executable, "-m", "pytest", "--gherkin-terminal-reporter", "--story", "US3"]


def environment(**more: str) -> dict[str, str]:
    left = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}
    return {**left, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **more}


def on_a_terminal(command: list[str], folder: Path, **more: str) -> str:
    """Everything a command writes to a terminal of 100 columns and 40 lines."""
    master, slave = pty.openpty()
    subprocess.run(["stty", "cols", "100", "rows", "40"], stdin=slave, check=True, timeout=10)
    with subprocess.Popen(
        command, cwd=folder, env=environment(**more), stdin=slave, stdout=slave, stderr=slave
    ) as ran:
        os.close(slave)
        written = b"".join(iter(lambda: _read(master), b""))
        ran.wait(timeout=120)
    os.close(master)
    return written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that nobody has the other end open any more
        return b""


_PIECE = re.compile(
    r"\x1b\[(?P<number>\d*)[\d;]*(?P<act>[A-Za-z])|\x1b\[\?\d+[hl]|(?P<text>[^\x1b])", re.DOTALL
)


def screen(written: str) -> list[str]:
    """What stands on the screen, and above it, once everything was written."""
    lines, row, column = [""], 0, 0
    for piece in _PIECE.finditer(written):
        act, text = piece["act"], piece["text"]
        if act == "A":
            row -= int(piece["number"] or 1)
        elif act == "K":
            lines[row] = "" if piece["number"] == "2" else lines[row][:column]
        elif text == "\r":
            column = 0
        elif text == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif text:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


def test_the_terminal_that_judges_the_view_is_one() -> None:
    assert screen("one\r\ntwo\r\x1b[2K\x1b[1A\x1b[2Kthree\r\n\x1b[32mfour\x1b[0m") == ["three", "four"]


def test_on_a_terminal_the_view_is_shown_and_what_the_reporter_prints_stays_whole(project: Path) -> None:
    written = on_a_terminal(COMMAND, project)
    for part in ("US3 Data pipeline execution", "US3: platform Ready", "waits for the pods: are Pending"):
        assert part in written
    left = [re.sub(r"Ready: \d+\.\d s$", "Ready: at last", line) for line in screen(written)]
    binding = "features/test_us3_pipelines.py::test_"
    shown = left[left.index(f"{binding}every_model_is_an_iceberg_table") :]
    assert shown[: shown.index("") + 8] == [
        f"{binding}every_model_is_an_iceberg_table",
        "ok  US3: platform Ready: at last",
        "    polaris: slow to start",
        "Feature: Data pipelines",
        "    Scenario: Every model is an Iceberg table PASSED",
        "",
        f"{binding}gold_figures_are_what_the_seeds_say",
        "Feature: Data pipelines",
        "    Scenario: Gold figures are what the seeds say PASSED",
        "",
        f"{binding}the_warehouse_is_gone",
        "Feature: Data pipelines",
        "    Scenario: The warehouse is gone FAILED",
    ]
    assert not [line for line in left if "waits for" in line or "━" in line], "the view is gone at the end"
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") > 0, "the cursor is back"


@pytest.mark.parametrize(
    ("words", "more"), [([], {"CI": "true"}), ([], {"TERM": "dumb"}), (["-s"], {}), (["--pdb"], {})]
)
def test_there_is_no_view_where_others_write_unseen(
    project: Path, words: list[str], more: dict[str, str]
) -> None:
    written = on_a_terminal([*COMMAND, "--requirement", "FR-021", *words], project, **more)
    assert "ok   US3 [1/1] Gold figures are what the seeds say (" in written
    assert "\x1b[?25l" not in written


def test_without_a_terminal_each_scenario_is_a_line_and_so_is_each_phase(project: Path) -> None:
    ran = subprocess.run(
        COMMAND, cwd=project, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    missing = "Given a warehouse that is missing: RuntimeError: bucket warehouse does not exist"
    stubborn = "while tearing down: foundation.errors.DeadlineError: namespace floe-us3 still there after N s"
    assert [re.sub(r"[\d.]+ m?s\b", "N s", line) for line in ran.stderr.splitlines()] == [
        "... US3: platform Ready",
        "ok  US3: platform Ready: N s",
        "    polaris: slow to start",
        "ok   US3 [1/4] Every model is an Iceberg table (N s)",
        "ok   US3 [2/4] Gold figures are what the seeds say (N s)",
        f"FAIL US3 [3/4] The warehouse is gone (N s): {missing}",
        "... US3: platform gone",
        "ok  US3: platform gone: N s",
        f"FAIL US3 [4/4] The tear-down breaks (N s): {stubborn}",
    ]
    assert "Scenario: The warehouse is gone FAILED" in ran.stdout


def test_an_interrupt_ends_the_view_after_the_last_fixture(project: Path) -> None:
    steps = project / "steps_of_the_sample.py"
    text = steps.read_text().replace('    assert finished_run == ["mart"]', "    raise KeyboardInterrupt")
    steps.write_text(text)
    left = screen(on_a_terminal(COMMAND, project))
    gone = next(number for number, line in enumerate(left) if line.startswith("ok  US3: platform gone"))
    assert any("KeyboardInterrupt" in line for line in left[gone:])
    assert not [line for line in left if "━" in line]


def test_sessions_of_other_tests_show_nothing(project: Path) -> None:
    (project / "tests").mkdir()
    (project / "tests" / "test_unit.py").write_text("def test_fine(): pass\n")
    written = on_a_terminal([sys.executable, "-m", "pytest", "tests"], project)
    assert "1 passed" in written
    assert "\x1b[?25l" not in written


def test_a_session_typed_by_hand_forgets_the_phases_of_an_earlier_run() -> None:
    progress.PHASES_FILE.write_text("an earlier run's\n")

    class Config:
        rootpath = ROOT

    shown: Any = live.Shown.__new__(live.Shown)
    shown._config = Config()
    with progress.phase("features"):
        shown.pytest_sessionstart()
        assert progress.PHASES_FILE.read_text() == "an earlier run's\n", "part of a run of make"
    shown.pytest_sessionstart()
    assert progress.PHASES_FILE.read_text() == ""
