"""Repetitions of a story: what is a flake, what is a failure, what did not end in order, and the page."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from console import soak as repeating
from foundation import process
from foundation.cache import ROOT
from foundation.errors import UserError
from reports import results, soak, soak_page
from reports.results import Cluster, Facts, Host, Outcome, Revision, Run, ScenarioResult, StepResult
from reports.soak import Ended, Soak
from tests import sample_run

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FACTS = Facts(
    host=Host(system="Linux", cores=2, memory_gib=8.0, disk_gib=100.0, disk_free_gib=50.0),
    cluster=Cluster(provider="local"),
    revision=Revision(commit=None, dirty=False),
    versions={},
    suite={},
    stand_ins={},
)


def node(name: str) -> str:
    return f"features/test_f.py::test_{name}"


def record(name: str, result: str = "passed", seconds: float = 1.0) -> ScenarioResult:
    failed = result == "failed"
    step: Outcome = "failed" if failed else "passed"
    return ScenarioResult.model_validate(
        {
            "node": node(name),
            "feature": "features/f.feature",
            "line": 4,
            "title": name,
            "story": "US1",
            "ids": ["FR-001"],
            "result": result,
            "failure": "Then it <holds>:\nAssertionError: 1 & 2" if failed else None,
            "began": BEGAN,
            "seconds": seconds,
            "steps": [StepResult(keyword="Then", text="it <holds>", result=step, seconds=0.5)],
        }
    )


def repetition(
    out: Path,
    number: int,
    *records: ScenarioResult,
    selected: tuple[str, ...] = (),
    errors: tuple[str, ...] = (),
) -> Ended:
    folder = out / soak.folder_of(number)
    folder.mkdir(parents=True)
    code = 2 if errors else int(any(one.result != "passed" for one in records))
    run = Run(
        began=BEGAN,
        ended=BEGAN,
        exit_code=code,
        scenarios=[*records],
        selected=[*map(node, selected)],
        errors=[*errors],
        facts=FACTS,
    )
    results.write(run, folder)
    return Ended(number=number, seconds=50.0 + number, exit_code=code)


def gathered(out: Path, *ended: Ended, asked: int | None = None) -> Soak:
    return soak.gather(
        out,
        story="US1",
        command="make soak N=3 STORY=US1",
        asked=asked or len(ended),
        began=BEGAN,
        ended=ended,
    )


def verdicts(of: Soak) -> dict[str, str]:
    return {one.title: one.verdict for one in of.scenarios}


# ---- deciding


def test_the_same_result_every_time_is_steady(tmp_path: Path) -> None:
    ended = [repetition(tmp_path, n, record("a", seconds=n), record("b")) for n in (1, 2, 4)]
    got = gathered(tmp_path, *ended)
    assert (got.exit_code, verdicts(got)) == (0, {"a": "steady", "b": "steady"})
    assert got.headline == "0 flakes in 2 scenarios (3 repetitions)"
    first = got.scenarios[0]
    assert (first.shortest, first.median, first.longest) == (1.0, 2.0, 4.0)
    assert first.comparison is None


def test_two_results_are_a_flake_with_both_evidences(tmp_path: Path) -> None:
    ended = [
        repetition(tmp_path, 1, record("a"), record("b")),
        repetition(tmp_path, 2, record("a", "failed"), record("b")),
        repetition(tmp_path, 3, record("a"), record("b")),
    ]
    got = gathered(tmp_path, *ended)
    assert (got.exit_code, verdicts(got)) == (1, {"a": "flaky", "b": "steady"})
    assert got.headline == "1 flake: FR-001 a (3 repetitions)"
    flake = got.scenarios[0]
    assert flake.outcomes == ["passed", "failed", "passed"]
    assert flake.comparison is not None
    assert flake.comparison.good is not None
    assert (flake.comparison.good.repetition, flake.comparison.bad.repetition) == (1, 2)


def test_a_scenario_missing_once_is_a_flake(tmp_path: Path) -> None:
    both = ("a", "b")
    ended = [
        repetition(tmp_path, 1, record("a"), record("b"), selected=both),
        repetition(tmp_path, 2, record("a"), selected=both),
    ]
    got = gathered(tmp_path, *ended)
    assert (got.exit_code, verdicts(got)) == (1, {"a": "steady", "b": "flaky"})
    comparison = got.scenarios[1].comparison
    assert comparison is not None
    assert (comparison.bad.repetition, comparison.bad.record) == (2, None)
    assert "Repetition 2: missing" in soak_page.html(got)


def test_what_failed_every_time_is_a_failure_and_no_flake(tmp_path: Path) -> None:
    ended = [repetition(tmp_path, n, record("a", "failed"), record("b")) for n in (1, 2)]
    got = gathered(tmp_path, *ended)
    assert (got.exit_code, verdicts(got)) == (1, {"a": "always failed", "b": "steady"})
    assert got.headline == "1 scenario failed every time: FR-001 a (2 repetitions)"


@pytest.mark.parametrize("records", [(record("a", "skipped"),), ()])
def test_what_never_ran_is_not_steady(tmp_path: Path, records: tuple[ScenarioResult, ...]) -> None:
    ended = [repetition(tmp_path, n, record("b"), *records, selected=("b", "a")) for n in (1, 2)]
    got = gathered(tmp_path, *ended)
    assert got.exit_code == 1
    assert "1 scenario never ran" in got.headline


def test_a_repetition_that_was_killed_is_told_with_its_last_lines(tmp_path: Path) -> None:
    ended = [repetition(tmp_path, n, record("a")) for n in (1, 2)]
    folder = tmp_path / soak.folder_of(3)
    folder.mkdir()
    (folder / soak.LOG).write_text("\n".join(f"line {n}" for n in range(40)))
    got = gathered(tmp_path, *ended, Ended(number=3, seconds=4.0, exit_code=-9))
    assert (got.exit_code, verdicts(got)) == (1, {"a": "steady"})
    assert got.headline == "1 repetition did not end in order: 3 (3 repetitions)"
    assert got.repetitions[2].wrong == ["killed by SIGKILL", *(f"line {n}" for n in range(28, 40))]
    assert got.scenarios[0].outcomes == ["passed", "passed", "lost"]


@pytest.mark.parametrize(
    ("exit_code", "errors", "why"),
    [
        (None, (), "still running at its deadline"),
        (3, (), "exit code 3"),
        (2, ("x.feature: cannot be read",), "x.feature: cannot be read"),
        (
            1,
            ("features/test_other.py: failed, and is no scenario",),
            "features/test_other.py: failed, and is",
        ),
    ],
)
def test_an_error_of_the_run_is_no_flake_and_not_in_order(
    tmp_path: Path, exit_code: int | None, errors: tuple[str, ...], why: str
) -> None:
    good = repetition(tmp_path, 1, record("a"))
    bad = repetition(tmp_path, 2, record("a"), errors=errors).model_copy(update={"exit_code": exit_code})
    got = gathered(tmp_path, good, bad)
    assert (got.exit_code, verdicts(got)) == (1, {"a": "steady"})
    assert got.repetitions[1].wrong[0].startswith(why)


def test_fewer_repetitions_than_asked_for_say_so(tmp_path: Path) -> None:
    got = gathered(tmp_path, repetition(tmp_path, 1, record("a")), asked=20)
    assert got.headline == "0 flakes in 1 scenario (1 repetition, 20 were asked for)"


def test_no_repetition_proves_nothing(tmp_path: Path) -> None:
    got = gathered(tmp_path, asked=20)
    assert (got.exit_code, got.headline) == (
        1,
        "nothing ran, so nothing is known (0 repetitions, 20 were asked for)",
    )


# ---- the page


def allure(folder: Path) -> None:
    """Allure's files of a failed scenario, one of another, and half a file."""
    folder.mkdir()

    def file(name: str, source: str, kind: str = "text/plain") -> dict[str, str]:
        return {"name": name, "source": source, "type": kind}

    texts = {
        "p.txt": "<script>alert(1)</script>",
        "l.txt": "x" * 50_000 + "end",
        "t.txt": "seen",
        "f.txt": "made",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    steps = [
        {"name": "Given a", "status": "passed", "attachments": [file("quiet", "t.txt")]},
        {"name": "Then b", "status": "failed", "attachments": [file("pods", "p.txt"), file("logs", "l.txt")]},
    ]
    found = {
        "name": "a",
        "uuid": "1",
        "fullName": "features.test_f#test_a",
        "status": "failed",
        "steps": steps,
    }
    found["attachments"] = [file("picture", "p.png", "image/png"), file("lost", "gone.txt")]
    other = {
        **found,
        "uuid": "2",
        "fullName": "features.test_g#test_a",
        "attachments": [file("alien", "t.txt")],
    }
    container = {
        "children": ["1"],
        "befores": [{"status": "passed", "attachments": [file("fixture", "f.txt")]}],
    }
    files = {"1-result": found, "2-result": other, "1-container": container}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    (folder / "3-result.json").write_text('{"name": "a", ')


def test_the_page_shows_both_sides_and_what_was_attached(tmp_path: Path) -> None:
    ended = [repetition(tmp_path, 1, record("a")), repetition(tmp_path, 2, record("a", "failed"))]
    allure(tmp_path / "run-02" / "allure-results")
    got = gathered(tmp_path, *ended)
    soak.write(got, tmp_path)
    comparison = got.scenarios[0].comparison
    assert comparison is not None
    attached = {one.name: (one.text, one.cut) for one in comparison.bad.attachments}
    assert attached == {
        "lost": ("(the file is gone)", False),
        "pods": ("<script>alert(1)</script>", False),
        "logs": ("x" * (soak.ATTACHED - 3) + "end", True),
        "fixture": ("made", False),
    }
    page = (tmp_path / soak.HTML).read_text()
    left, right = page.index("Repetition 1: passed"), page.index("Repetition 2: failed")
    assert left < page.index("failure: none") < right < page.index("AssertionError: 1 &amp; 2")
    assert page.index("<summary>pods</summary>") > right
    for part in ("it &lt;holds&gt;", "&lt;script&gt;alert(1)&lt;/script&gt;", 'title="repetition 2: failed"'):
        assert part in page
    assert [
        word for word in ("<script", 'src="', "<link", "http://", "https://", "<holds>") if word in page
    ] == []
    assert Soak.model_validate_json((tmp_path / soak.JSON).read_text()) == got


# ---- what may be asked for


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "STORY is not set"),
        ({"STORY": " , "}, "STORY is not set"),
        ({"STORY": "US99"}, "STORY=US99: no such story"),
        ({"STORY": "US1,US99"}, "STORY=US99: no such story"),
        ({"STORY": "US1", "N": "1"}, "N='1': "),
        ({"STORY": "US1", "N": "1001"}, "N='1001': "),
        ({"STORY": "US1", "N": "-3"}, "N='-3': "),
        ({"STORY": "US1", "N": "many"}, "N='many': "),
        ({"STORY": "US1", "N": "2.5"}, "N='2.5': "),
        ({"STORY": "US1", "REQ": "FR-999"}, "REQ=FR-999: no such"),
    ],
)
def test_a_bad_request_is_refused_by_name(given: dict[str, str], problem: str) -> None:
    with pytest.raises(UserError) as refused:
        repeating.stories(given)
    assert refused.value.problem.startswith(problem)
    assert refused.value.remedy


def test_each_story_is_repeated_for_itself() -> None:
    chosen = repeating.stories({"STORY": "US1,US3,US1", "N": "3"})
    assert [(one.story, one.times) for one in chosen] == [("US1", 3), ("US3", 3)]
    assert repeating.stories({"STORY": "US1"})[0].times == 20


# ---- real sessions of a sample that flakes

FLAKY = """
import os, pathlib, signal

@pytest.fixture(autouse=True)
def repetition():
    counter = pathlib.Path(__file__).with_name("counter")
    seen = int(counter.read_text()) if counter.exists() else 0
    counter.write_text(str(seen + 1))
    return seen + 1

@then("it holds")
def _(repetition):
    allure.attach("polaris: CrashLoopBackOff", "pods", allure.attachment_type.TEXT)
    {act}
"""
ONE = "@US1\nFeature: f\n  @FR-001\n  Scenario: It holds\n    Then it holds\n"


def repeated(project: Path, act: str, *, times: int = 3, timeout: float = 60) -> tuple[Soak, list[str]]:
    """Three repetitions of a scenario in which `act` is done."""
    sample_run.lay(project, us1_bootstrap=ONE)
    steps = project / "steps_of_the_sample.py"
    steps.write_text("import allure\n" + sample_run.STEPS + FLAKY.format(act=act))
    out = project / "soak"
    told: list[str] = []
    ended = repeating.repeat(
        lambda folder: [sys.executable, "-m", "pytest", "features", "--story", "US1", "--evidence", folder],
        out,
        times=times,
        cwd=project,
        timeout=timeout,
        told=lambda one, run: told.append(repeating.described(one, run)),
    )
    return gathered(out, *ended, asked=times), told


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def test_a_flaky_session_is_found_out(project: Path) -> None:
    got, told = repeated(project, "assert repetition != 2, 'the second time'")
    assert (got.exit_code, got.headline) == (1, "1 flake: FR-001 It holds (3 repetitions)")
    assert [line.partition(" in ")[0] for line in told] == ["1 passed", "RED, 1 of 1", "1 passed"]
    comparison = got.scenarios[0].comparison
    assert comparison is not None
    assert "the second time" in ((comparison.bad.record and comparison.bad.record.failure) or "")
    assert [(one.name, one.text) for one in comparison.bad.attachments] == [
        ("pods", "polaris: CrashLoopBackOff")
    ]
    kept = {file.name for file in (project / "soak" / "run-01").iterdir()}
    assert kept == {"results.json"}
    assert (project / "soak" / "run-02" / "allure-results").is_dir()


def test_a_session_that_is_killed_does_not_end_the_soak(project: Path) -> None:
    got, told = repeated(project, "repetition == 2 and os.kill(os.getpid(), signal.SIGKILL)")
    assert got.headline == "1 repetition did not end in order: 2 (3 repetitions)"
    assert told[1].endswith(": killed by SIGKILL")
    assert "test session starts" in "\n".join(got.repetitions[1].wrong)
    assert verdicts(got) == {"It holds": "steady"}


def test_a_session_that_hangs_is_ended_and_told(project: Path) -> None:
    wait = "repetition == 1 and signal.pause()"
    got, told = repeated(project, wait, times=2, timeout=8)
    assert ": " in told[0]
    assert got.repetitions[0].wrong[:2] == ["interrupted before its end", "still running at its deadline"]
    assert got.scenarios[0].outcomes == ["lost", "passed"]


def test_an_interrupt_counts_what_ended_before_it(project: Path) -> None:
    (project / "end.py").write_text("import os, signal; os.kill(os.getppid(), signal.SIGINT); signal.pause()")
    told: list[Ended] = []
    ended = repeating.repeat(
        lambda _folder: [sys.executable, "end.py"] if told else [sys.executable, "-c", ""],
        project / "soak",
        times=5,
        cwd=project,
        timeout=60,
        told=lambda one, _run: told.append(one),
    )
    assert [one.number for one in ended] == [1]


def test_what_an_earlier_soak_left_is_not_counted(project: Path) -> None:
    stale = project / "soak" / "run-07"
    stale.mkdir(parents=True)
    repeated(project, "pass", times=2)
    assert not stale.exists()


def test_the_console_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = [repetition(tmp_path, 1, record("a")), repetition(tmp_path, 2, record("a", "failed"))]
    killed = Ended(number=3, seconds=1.0, exit_code=-9)
    (tmp_path / "run-03").mkdir()
    written = io.StringIO()
    for module in ("console.soak", "foundation.progress"):
        monkeypatch.setattr(f"{module}.console", Console(file=written, width=160))
    repeating.show(gathered(tmp_path, *ended, killed), tmp_path)
    said = written.getvalue()
    for part in ("FR-001 a", "flaky", "repetition 3 did not end in order", "killed by SIGKILL", "soak.html"):
        assert part in said


# ---- the command


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Path]]:
    """The command without a cluster; its repetitions pass; 999 are interrupted after the first."""
    out = tmp_path / "soak"
    asked: dict[str, list[Path]] = {}

    def repeat(_command: object, folder: Path, *, times: int, **_: object) -> list[Ended]:
        asked.setdefault(folder.name, []).append(folder)
        done = 1 if times == 999 else times
        return [repetition(folder, n, record("a")) for n in range(1, done + 1)]

    monkeypatch.setattr(repeating, "OUT", out)
    monkeypatch.setattr(repeating, "repeat", repeat)
    monkeypatch.setattr(repeating, "_ports_must_be_free", lambda: None)
    monkeypatch.setattr(process, "supervise", lambda *_, **__: 0)
    for name in ("STORY", "REQ", "N"):
        monkeypatch.delenv(name, raising=False)
    return asked


def test_each_story_has_a_report_of_its_own(
    command: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORY", "US1,US3")
    monkeypatch.setenv("N", "2")
    assert repeating.soak() == 0
    assert list(command) == ["US1", "US3"]
    found = Soak.model_validate_json((command["US3"][0] / soak.JSON).read_text())
    assert (found.story, found.asked, found.command) == ("US3", 2, "make soak N=2 STORY=US3")


def test_a_requirement_narrows_the_story(
    command: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"STORY": "US1", "REQ": "FR-001", "N": "2"}.items():
        monkeypatch.setenv(name, value)
    assert repeating.soak() == 0
    found = Soak.model_validate_json((command["US1-FR-001"][0] / soak.JSON).read_text())
    assert found.command == "make soak N=2 STORY=US1 REQ=FR-001"


def test_an_interrupted_soak_reports_what_it_has_and_stays_interrupted(
    command: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORY", "US1")
    monkeypatch.setenv("N", "999")
    with pytest.raises(KeyboardInterrupt):
        repeating.soak()
    found = Soak.model_validate_json((command["US1"][0] / soak.JSON).read_text())
    assert found.headline == "0 flakes in 1 scenario (1 repetition, 999 were asked for)"


def test_without_a_cluster_nothing_is_repeated(
    command: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, log: Path, **__: object) -> int:
        log.write_text("error: Java is not installed\n  remedy: apt-get install openjdk-17-jdk\n")
        return 2

    monkeypatch.setattr(process, "supervise", refused)
    monkeypatch.setenv("STORY", "US1")
    assert repeating.soak() == 2
    assert "error: Java is not installed" in capsys.readouterr().err
    assert command == {}
