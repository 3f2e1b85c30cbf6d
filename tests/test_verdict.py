"""The exit code of a run: red for each reason alone, and green when there is none."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from foundation.errors import UserError
from foundation.progress import Phase
from gate import review
from gate.features import parse
from reports import matrix, results, verdict
from reports.catalogue import Catalogue, Limits
from reports.quarantine import Entry, Quarantine
from reports.results import Cluster, Facts, Host, Revision, Run, ScenarioResult
from reports.timing import JudgedPhase
from reports.verdict import Rules, Verdict
from tests import sample_run

KNOWN = Catalogue.model_validate(yaml.safe_load(sample_run.CATALOGUE))
BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TODAY = date(2026, 3, 10)

FEATURES = {
    "us1": """\
@US1
Feature: f
  @FR-001
  Scenario: first
    Given a
  @FR-002
  Scenario: second
    Given a
  @FR-005
  Scenario Outline: rows
    Given <bucket>
    Examples:
      | bucket    |
      | warehouse |
      | staging   |
""",
    "us3": """\
@US3
Feature: g
  @FR-020 @FR-021 @FR-022 @FR-023
  Scenario: third
    Given a
""",
}


def record(title: str, line: int, ids: str, story: str = "US1", bucket: str | None = None) -> ScenarioResult:
    name = "rows" if bucket else title
    return ScenarioResult(
        node=f"features/test_{story}.py::test_{name}{f'[{bucket}]' if bucket else ''}",
        feature=f"features/{story.lower()}.feature",
        line=line,
        title=title,
        example={"bucket": bucket} if bucket else {},
        story=story,
        ids=ids.split(),
        result="passed",
        began=BEGAN,
        seconds=1.0,
    )


RECORDS = {
    "first": record("first", 4, "FR-001"),
    "second": record("second", 7, "FR-002"),
    "warehouse": record("rows (warehouse)", 10, "FR-005", bucket="warehouse"),
    "staging": record("rows (staging)", 10, "FR-005", bucket="staging"),
    "third": record("third", 4, "FR-020 FR-021 FR-022 FR-023", "US3"),
}
US1 = ("first", "second", "warehouse", "staging")
GREEN = Run(
    began=BEGAN,
    ended=BEGAN + timedelta(seconds=90),
    exit_code=0,
    scenarios=list(RECORDS.values()),
    selected=[one.node for one in RECORDS.values()],
    facts=Facts(
        host=Host(system="Linux", cores=2, memory_gib=8.0, disk_gib=100.0, disk_free_gib=50.0),
        cluster=Cluster(provider="local"),
        revision=Revision(commit=None, dirty=False),
        versions={},
        suite={},
        stand_ins={},
    ),
)


def without(*names: str, run: Run = GREEN) -> Run:
    gone = {RECORDS[name].node for name in names}
    return run.model_copy(update={"scenarios": [one for one in run.scenarios if one.node not in gone]})


def with_result(name: str, result: str, run: Run = GREEN) -> Run:
    failure = "Then it holds:\nAssertionError: 1 == 2" if result == "failed" else None
    records = [
        one.model_copy(update={"result": result, "failure": failure})
        if one.node == RECORDS[name].node
        else one
        for one in run.scenarios
    ]
    code = 1 if result == "failed" else run.exit_code
    return run.model_copy(update={"scenarios": records, "exit_code": code})


def changed(run: Run = GREEN, **fields: object) -> Run:
    return run.model_copy(update=fields)


def part(*names: str, selection: tuple[str, ...] = (), places: tuple[str, ...] = ()) -> Run:
    """A run that selected these and ran them."""
    records = [RECORDS[name] for name in names]
    nodes = [one.node for one in records]
    return changed(scenarios=records, selected=nodes, selection=[*selection], places=[*places])


def held(name: str, *, file: str = "us1", expires: date = date(2026, 3, 20)) -> Quarantine:
    scenario = f"features/{file}.feature: {name}"
    since = date(2026, 3, 1)
    entry = Entry(scenario=scenario, owner="Ada", reason="a race", since=since, expires=expires)
    return Quarantine(quarantined=[entry])


def phase(name: str, seconds: float, building: float = 0.0) -> JudgedPhase:
    ratio = (seconds - building) / 100
    judged = "within aim" if ratio <= 1 else "just over budget" if ratio <= 1.2 else "over budget"
    return JudgedPhase.model_validate(
        {
            "name": name,
            "began": BEGAN,
            "seconds": seconds,
            "building": building,
            "budget": 100.0,
            "aim": 50.0,
            "verdict": judged,
        }
    )


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., Verdict]:
    folder = tmp_path / "features"
    folder.mkdir()
    for name, text in FEATURES.items():
        (folder / f"{name}.feature").write_text(text)
    usual = Rules(planned=["EDGE-01"], sources=parse(folder, root=tmp_path))

    def judged(run: Run = GREEN, *, phases: tuple[JudgedPhase, ...] = (), **rules: object) -> Verdict:
        chosen = replace(usual, **rules)  # type: ignore[arg-type]
        built = matrix.build(run, KNOWN, Limits(), chosen.sources, [])
        return verdict.judge(built, run, chosen, phases, TODAY)

    return judged


# ---- red, each for its one reason


def told(judged: Verdict) -> tuple[int, list[str], list[str]]:
    """Exit code, reasons and warnings."""
    return judged.exit_code, judged.reasons, judged.warnings


@pytest.mark.parametrize(
    ("run", "rules", "code", "reason"),
    [
        (with_result("second", "failed"), {}, 1, "failed: FR-002 second (Then it holds)"),
        (with_result("staging", "failed"), {}, 1, "failed: FR-005 rows (staging) (Then it holds)"),
        (with_result("second", "skipped"), {}, 1, "skipped, which proves nothing: second"),
        (without("second"), {}, 1, "selected and did not run: FR-002 second"),
        (without("third"), {}, 1, "selected and did not run: FR-020 FR-021 FR-022 FR-023 third"),
        (GREEN, {"planned": []}, 1, "not covered: EDGE-01 A pod crashes has no scenario and is not planned"),
        (GREEN, {"stale": {"FR-001": "FR-001 was changed"}}, 1, "stale: FR-001 was changed"),
        (
            GREEN,
            {"quarantine": held("second", expires=date(2026, 3, 9))},
            1,
            'quarantine of "second" expired on 2026-03-09 (Ada): a race',
        ),
        (
            GREEN,
            {"phases": (phase("US1: platform Ready", 121),)},
            1,
            "over budget: US1: platform Ready took 2 min 01 s, must take 1 min 40 s",
        ),
        (changed(errors=["x.py: unreadable"], exit_code=2), {}, 2, "error of the run: x.py: unreadable"),
        (
            changed(errors=["interrupted before its end"], exit_code=2),
            {},
            2,
            "error of the run: interrupted before its end",
        ),
        (changed(scenarios=[], selected=[]), {}, 5, "no scenario ran: nothing is proved"),
        (
            with_result("second", "skipped", changed(scenarios=[RECORDS["second"]])),
            {},
            5,
            "no scenario ran: nothing is proved",
        ),
        (changed(exit_code=3), {}, 3, "the session ended with exit code 3"),
        (changed(exit_code=1), {}, 1, "the session ended with exit code 1"),
        # a part of the features
        (
            changed(without("second", "third"), selection=["--story", "US1"]),
            {},
            1,
            "selected and did not run: FR-002 second",
        ),
        (
            changed(without("second", "first", "third", "staging"), selection=["--requirement", "FR-005"]),
            {},
            1,
            "selected and did not run: FR-005 rows (staging)",
        ),
        (
            part("third", selection=("--story", "US3")),
            {"planned": []},
            1,
            "not covered: EDGE-01 A pod crashes has no scenario and is not planned",
        ),
        (
            changed(
                without("second"), selection=["-k", "first or second"], selected=[RECORDS["second"].node]
            ),
            {},
            1,
            f"selected and did not run: {RECORDS['second'].node}",
        ),
        (
            changed(without("second"), places=["features/test_us1.py"]),
            {},
            1,
            f"selected and did not run: {RECORDS['second'].node}",
        ),
    ],
)
def test_a_run_is_red_for_its_one_reason(
    judge: Callable[..., Verdict], run: Run, rules: dict[str, object], code: int, reason: str
) -> None:
    assert told(judge(run, **rules)) == (code, [reason], [])


def test_what_did_not_run_is_counted_when_it_is_much(judge: Callable[..., Verdict]) -> None:
    nodes = [f"features/test_us1.py::test_{n}" for n in range(7)]
    run = changed(part("first", places=("features/test_us1.py",)), selected=nodes)
    assert judge(run).reasons == [f"selected and did not run: {'; '.join(nodes[:4])} and 3 more"]


# ---- green


@pytest.mark.parametrize(
    ("run", "rules"),
    [
        (GREEN, {}),
        (GREEN, {"phases": (phase("US1: platform Ready", 99),)}),
        (GREEN, {"phases": (phase("cluster: local up", 500, building=450),)}),
        (part(*US1, selection=("--story", "US1")), {"planned": []}),
        (part(*US1, selection=("--story", "US1")), {"stale": {"FR-022": "FR-022 was changed"}}),
        (part(*RECORDS, selection=("--story", "US1", "--story", "US3")), {}),
        (part("first", "second", selection=("--requirement", "FR-001", "--requirement", "FR-002")), {}),
        (part("first", selection=("--story", "US1", "--requirement", "FR-001")), {}),
        (
            part("warehouse", "staging", selection=("--requirement", "FR-005")),
            {"planned": []},
        ),
        (
            part("warehouse", places=("features/test_us1.py::test_rows[warehouse]",)),
            {"planned": []},
        ),
        (
            part(*US1, selection=("--story", "US1")),
            {"quarantine": held("third", file="us3", expires=date(2026, 3, 9))},
        ),
    ],
)
def test_a_run_without_a_reason_is_green(
    judge: Callable[..., Verdict], run: Run, rules: dict[str, object]
) -> None:
    assert told(judge(run, **rules)) == (0, [], [])


# ---- warnings


def test_a_budget_missed_by_a_little_is_a_warning(judge: Callable[..., Verdict]) -> None:
    assert judge(phases=(phase("US1: platform Ready", 120),)) == Verdict(
        exit_code=0,
        reasons=[],
        planned=1,
        warnings=["just over budget: US1: platform Ready took 2 min 00 s, must take 1 min 40 s"],
    )


@pytest.mark.parametrize(("result", "said"), [("passed", "passed"), ("failed", "failed")])
def test_a_scenario_in_quarantine_is_told_and_turns_nothing_red(
    judge: Callable[..., Verdict], result: str, said: str
) -> None:
    assert judge(with_result("second", result), quarantine=held("second")) == Verdict(
        exit_code=0,
        reasons=[],
        planned=1,
        warnings=[f"in quarantine until 2026-03-20 (Ada), {said} this time: FR-002 second: a race"],
    )


def test_an_outline_in_quarantine_is_there_with_every_row(judge: Callable[..., Verdict]) -> None:
    judged = judge(with_result("staging", "failed"), quarantine=held("rows"))
    assert (judged.exit_code, len(judged.warnings)) == (0, 2)


def test_a_quarantine_excuses_no_other_scenario(judge: Callable[..., Verdict]) -> None:
    both = with_result("first", "failed", with_result("second", "failed"))
    assert judge(both, quarantine=held("second")).reasons == ["failed: FR-001 first (Then it holds)"]


def test_a_scenario_in_quarantine_must_run_all_the_same(judge: Callable[..., Verdict]) -> None:
    judged = judge(without("second"), quarantine=held("second"))
    assert judged.reasons == ["selected and did not run: FR-002 second"]


def test_an_expired_quarantine_excuses_no_failure(judge: Callable[..., Verdict]) -> None:
    judged = judge(with_result("second", "failed"), quarantine=held("second", expires=date(2026, 3, 9)))
    assert judged.reasons == [
        "failed: FR-002 second (Then it holds)",
        'quarantine of "second" expired on 2026-03-09 (Ada): a race',
    ]


def test_the_verdict_on_a_run_knows_checkout_phases_and_budgets(tmp_path: Path) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    for name, text in FEATURES.items():
        (folder / f"{name}.feature").write_text(text)
    (folder / "requirements.yaml").write_text(sample_run.CATALOGUE)
    (folder / "planned.yaml").write_text("at_most: 1\nplanned: [EDGE-01]\n")
    review.accept(review.EVERYTHING, tmp_path)
    results.write(GREEN, tmp_path / "out")
    assert verdict.of_run(tmp_path / "out", root=tmp_path).exit_code == 0
    promised = sample_run.CATALOGUE.replace("statement: It comes up.", "statement: It comes up twice.")
    (folder / "requirements.yaml").write_text(promised)
    [stale] = verdict.of_run(tmp_path / "out", root=tmp_path).reasons
    assert stale.startswith("stale: features/us1.feature:3: FR-001 was reviewed with another text: ")
    (folder / "requirements.yaml").write_text(sample_run.CATALOGUE)
    late = Phase(name="US1: platform Ready", began=BEGAN, seconds=150, budget=120, ok=True)
    (tmp_path / ".cluster").mkdir()
    (tmp_path / ".cluster" / "phases.jsonl").write_text(late.model_dump_json() + "\n")
    assert verdict.of_run(tmp_path / "out", root=tmp_path) == Verdict(
        exit_code=1,
        reasons=["over budget: US1: platform Ready took 2 min 30 s, must take 2 min 00 s"],
        warnings=[],
        planned=1,
    )
    assert verdict.of_session(GREEN, root=tmp_path).exit_code == 0
    (folder / "quarantine.yaml").write_text("quarantined: 7\n")
    with pytest.raises(UserError, match="quarantined: Input should be a valid list"):
        verdict.of_session(GREEN, root=tmp_path)


def test_the_last_lines_say_why() -> None:
    written = io.StringIO()
    console = Console(file=written, width=200)
    verdict.tell(Verdict(exit_code=1, reasons=["failed: FR-002 second"], warnings=["slow"]), console)
    verdict.tell(Verdict(exit_code=0, reasons=[], warnings=[]), console)
    verdict.tell(Verdict(exit_code=0, reasons=[], warnings=[], planned=16), console)
    assert written.getvalue().splitlines() == [
        "warning: slow",
        "red: failed: FR-002 second",
        "green: every scenario that was selected passed",
        "green: every scenario that was selected passed; 16 requirements and edge cases have no scenario yet",
    ]
