"""The rules of the requirement matrix: every status, stand-ins, partial runs, and what is kept."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from foundation.errors import UserError
from foundation.progress import Phase
from gate import features
from reports import history, markdown, matrix, page, results, seen_red, timing
from reports.catalogue import Catalogue, Limits
from reports.history import KeptRun
from reports.matrix import Matrix, Row, Status
from reports.results import Cluster, Facts, Host, Revision, Run, ScenarioResult, StepResult
from reports.seen_red import Ledger, Sighting
from tests import sample_run

KNOWN = Catalogue.model_validate(yaml.safe_load(sample_run.CATALOGUE))
BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STAND_IN = {"catalog": "stand-in for Apache Polaris"}

FEATURE = """\
@US1
Feature: f
  @FR-001
  Scenario: first
    Given a
  @FR-001 @FR-002
  Scenario: second
    Given a
  @FR-005
  Scenario Outline: rows
    Given <bucket> of <kind>
    Examples:
      | bucket    | kind |
      | warehouse | s3   |
      | staging   | s3   |
"""
LINES = {"first": 4, "second": 7, "rows": 10}
ROWS = ({"bucket": "warehouse", "kind": "s3"}, {"bucket": "staging", "kind": "s3"})


def record(
    name: str,
    result: str = "passed",
    *,
    touched: tuple[str, ...] = (),
    row: dict[str, str] | None = None,
    ids: tuple[str, ...] = (),
) -> ScenarioResult:
    return ScenarioResult.model_validate(
        {
            "node": f"features/test_f.py::test_{name}",
            "feature": "features/f.feature",
            "line": LINES.get(name, 99),
            "title": name if row is None else f"{name} ({row['bucket']})",
            "example": row or {},
            "story": "US1",
            "ids": list(ids),
            "result": result,
            "failure": "Given a:\nit <broke> & fell | over" if result == "failed" else None,
            "began": BEGAN,
            "seconds": 2.5,
            "steps": [StepResult(keyword="Given", text="a", result="passed", seconds=2.0)],
            "touched": list(touched),
        }
    )


ALL_PASSED = [record("first"), record("second"), *(record("rows", row=row) for row in ROWS)]


def run_of(
    records: list[ScenarioResult],
    *,
    stand_ins: dict[str, str] | None = None,
    provider: str = "local",
    asked: str | None = None,
    errors: list[str] | None = None,
    selection: list[str] | None = None,
) -> Run:
    return Run(
        began=BEGAN,
        ended=BEGAN + timedelta(seconds=90),
        exit_code=1 if any(one.result != "passed" for one in records) else 0,
        selection=selection or [],
        scenarios=records,
        errors=errors or [],
        facts=Facts(
            host=Host(system="Linux", cores=2, memory_gib=8.0, disk_gib=100.0, disk_free_gib=50.0),
            cluster=Cluster(provider=provider, asked=asked, kubernetes="v1.33.1"),
            revision=Revision(commit="0123456789abcdef", dirty=True),
            versions={"Dagster": "1.13.27"},
            suite={"pytest": "9.2.0"},
            stand_ins=stand_ins or {},
        ),
    )


def judged(
    tmp_path: Path,
    run: Run,
    *,
    limits: Limits | None = None,
    phases: tuple[Phase, ...] = (),
    ledger: Ledger | None = None,
    quarantined: dict[matrix.Scenario, str] | None = None,
    earlier: tuple[KeptRun, ...] = (),
) -> Matrix:
    file = tmp_path / "features" / "f.feature"
    file.parent.mkdir(exist_ok=True)
    file.write_text(FEATURE)
    sources = features.parse(tmp_path / "features", root=tmp_path)
    return matrix.build(
        run,
        KNOWN,
        limits or Limits(),
        sources,
        phases,
        ledger=ledger,
        quarantined=quarantined,
        earlier=earlier,
    )


def row(of: Matrix, name: str) -> Row:
    [found] = [one for one in (*of.requirements, *of.edge_cases) if one.id == name]
    return found


def statuses(of: Matrix) -> dict[str, Status]:
    return {one.id: one.status for one in (*of.requirements, *of.edge_cases) if one.status != "not covered"}


# ---- the statuses


@pytest.mark.parametrize(
    ("found", "stand_ins", "not_verifiable", "expected"),
    [
        (["passed"], [], False, "verified"),
        (["passed", "passed"], ["catalog"], False, "verified on a stand-in"),
        (["passed", "failed"], [], False, "failed"),
        (["failed", "not run"], ["catalog"], True, "failed"),
        (["passed", "not run"], [], False, "not run"),
        (["not run"], [], False, "not run"),
        (["not run"], [], True, "not verifiable here"),
        (["passed"], [], True, "verified"),
        ([], [], False, "not covered"),
        ([], [], True, "not verifiable here"),
    ],
)
def test_a_status_follows_from_the_results(
    found: list[str],
    stand_ins: list[str],
    not_verifiable: bool,  # noqa: FBT001 - a column of the table above
    expected: Status,
) -> None:
    assert matrix.status(found, stand_ins=stand_ins, not_verifiable=not_verifiable) == expected


def test_what_passed_is_verified_and_the_rest_not_covered(tmp_path: Path) -> None:
    got = judged(tmp_path, run_of(ALL_PASSED))
    assert statuses(got) == {"FR-001": "verified", "FR-002": "verified", "FR-005": "verified"}
    assert got.counts == {
        "verified": 3,
        "verified on a stand-in": 0,
        "failed": 0,
        "quarantined": 0,
        "not run": 0,
        "not covered": 4,
        "not verifiable here": 0,
    }
    assert row(got, "EDGE-01").status == "not covered"


def test_one_failed_scenario_fails_every_requirement_it_names(tmp_path: Path) -> None:
    got = judged(tmp_path, run_of([record("first"), record("second", "failed"), *ALL_PASSED[2:]]))
    assert statuses(got) == {"FR-001": "failed", "FR-002": "failed", "FR-005": "verified"}


def test_one_failed_row_fails_the_outline(tmp_path: Path) -> None:
    rows = [record("rows", row=ROWS[0]), record("rows", "failed", row=ROWS[1])]
    assert row(judged(tmp_path, run_of(rows)), "FR-005").status == "failed"


def test_a_row_that_did_not_run_leaves_the_outline_unproved(tmp_path: Path) -> None:
    got = row(judged(tmp_path, run_of([record("rows", row=ROWS[0])])), "FR-005")
    assert (got.status, [(line.title, line.result) for line in got.scenarios]) == (
        "not run",
        [("rows (warehouse)", "passed"), ("rows (staging)", "not run")],
    )


def test_a_skipped_scenario_proves_nothing(tmp_path: Path) -> None:
    got = judged(tmp_path, run_of([record("first"), record("second", "skipped"), *ALL_PASSED[2:]]))
    assert statuses(got) == {"FR-001": "not run", "FR-002": "not run", "FR-005": "verified"}


def test_a_record_of_no_written_scenario_is_not_lost(tmp_path: Path) -> None:
    stray = record("stray", "failed", ids=("FR-020",))
    assert row(judged(tmp_path, run_of([*ALL_PASSED, stray])), "FR-020").status == "failed"


def test_time_is_the_sum_of_its_scenarios(tmp_path: Path) -> None:
    assert row(judged(tmp_path, run_of(ALL_PASSED)), "FR-001").seconds == 5.0


# ---- stand-ins


def test_evidence_through_a_stand_in_marks_only_what_touched_it(tmp_path: Path) -> None:
    records = [record("first", touched=("minio",)), record("second", touched=("catalog",)), *ALL_PASSED[2:]]
    got = judged(tmp_path, run_of(records, stand_ins=STAND_IN))
    assert statuses(got) == {
        "FR-001": "verified on a stand-in",
        "FR-002": "verified on a stand-in",
        "FR-005": "verified",
    }
    assert row(got, "FR-001").stand_ins == ["catalog"]


def test_the_real_service_is_no_stand_in(tmp_path: Path) -> None:
    records = [record("first", touched=("catalog",)), *ALL_PASSED[1:]]
    assert row(judged(tmp_path, run_of(records)), "FR-001").status == "verified"


def test_what_is_declared_to_go_through_a_service_counts_without_a_record(tmp_path: Path) -> None:
    limits = Limits(through={"catalog": ["FR-005"]})
    on_stand_in = judged(tmp_path, run_of(ALL_PASSED, stand_ins=STAND_IN), limits=limits)
    on_real = judged(tmp_path, run_of(ALL_PASSED), limits=limits)
    assert row(on_stand_in, "FR-005").status == "verified on a stand-in"
    assert row(on_real, "FR-005").status == "verified"


def test_what_did_not_run_met_no_stand_in(tmp_path: Path) -> None:
    limits = Limits(through={"catalog": ["FR-005"]})
    got = row(judged(tmp_path, run_of([record("first")], stand_ins=STAND_IN), limits=limits), "FR-005")
    assert (got.status, got.stand_ins) == ("not run", [])


# ---- limits


def test_limits_and_reasons_stand_beside_the_row(tmp_path: Path) -> None:
    limits = Limits.model_validate(
        {
            "limits": {"FR-001": "no collector yet"},
            "not_verifiable": {
                "FR-021": {"on": ["local"], "reason": "needs Grafana"},
                "FR-022": {"on": ["kind"], "reason": "needs root"},
            },
        }
    )
    got = judged(tmp_path, run_of(ALL_PASSED), limits=limits)
    assert row(got, "FR-001").limits == "no collector yet"
    assert (row(got, "FR-021").status, row(got, "FR-021").reason) == ("not verifiable here", "needs Grafana")
    assert (row(got, "FR-022").status, row(got, "FR-022").reason) == ("not covered", None)


def test_a_limit_of_an_unknown_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="FR-999"):
        judged(tmp_path, run_of(ALL_PASSED), limits=Limits(limits={"FR-999": "x"}))


# ---- seen red


SIGHTING = Sighting(
    fault="no-credentials",
    title="The service has no credentials",
    seen=date(2026, 2, 27),
    revision="0123456789abcdef",
    scenarios={"features/f.feature: first": "it refused"},
)
LEDGER = Ledger(sightings={"FR-001": [SIGHTING]})


def test_what_was_seen_red_stands_beside_the_row(tmp_path: Path) -> None:
    got = judged(tmp_path, run_of(ALL_PASSED), ledger=LEDGER)
    assert (row(got, "FR-001").seen_red, row(got, "FR-002").seen_red) == ([SIGHTING], [])
    assert [page.seen_red(row(got, name)) for name in ("FR-001", "FR-002", "FR-020")] == [
        "2026-02-27 no-credentials",
        "never",
        "",
    ]


def test_the_headline_counts_what_was_never_seen_red(tmp_path: Path) -> None:
    got = judged(tmp_path, run_of(ALL_PASSED), ledger=LEDGER)
    assert matrix.headline(got) == "7 requirements: 3 verified, 4 not covered; seen red 1, never 2"


def test_the_ledger_of_the_checkout_is_read(checkout: Path) -> None:
    results.write(run_of(ALL_PASSED), checkout / "out")
    seen_red.write(LEDGER, checkout)
    assert row(matrix.write(checkout / "out", root=checkout), "FR-001").seen_red == [SIGHTING]


# ---- quarantine


HELD = {("features/f.feature", "second"): "in quarantine until 2026-03-20 (ann): it waits for a port"}


@pytest.mark.parametrize("result", ["passed", "failed"])
def test_what_is_in_quarantine_is_neither_verified_nor_failed(tmp_path: Path, result: str) -> None:
    records = [record("first"), record("second", result), *ALL_PASSED[2:]]
    got = judged(tmp_path, run_of(records), quarantined=HELD)
    assert statuses(got) == {"FR-001": "quarantined", "FR-002": "quarantined", "FR-005": "verified"}
    assert row(got, "FR-001").reason == HELD["features/f.feature", "second"]
    assert got.counts["quarantined"] == 2


def test_a_quarantine_excuses_no_other_scenario(tmp_path: Path) -> None:
    records = [record("first", "failed"), record("second"), *ALL_PASSED[2:]]
    got = judged(tmp_path, run_of(records), quarantined=HELD)
    assert statuses(got) == {"FR-001": "failed", "FR-002": "quarantined", "FR-005": "verified"}


def test_a_quarantine_that_did_not_run_stays_not_run(tmp_path: Path) -> None:
    got = judged(tmp_path, run_of([record("first")]), quarantined=HELD)
    assert statuses(got) == {"FR-001": "not run", "FR-002": "not run", "FR-005": "not run"}


def test_an_outline_is_in_quarantine_with_all_its_rows(tmp_path: Path) -> None:
    held = {("features/f.feature", "rows"): "it flakes"}
    assert row(judged(tmp_path, run_of(ALL_PASSED), quarantined=held), "FR-005").status == "quarantined"


def test_the_verdict_names_the_quarantine(tmp_path: Path) -> None:
    said = page.verdict(judged(tmp_path, run_of(ALL_PASSED), quarantined=HELD))[1]
    assert said.startswith("Every scenario outside quarantine passed. 2 ids are in quarantine: not verified.")


def test_the_quarantine_of_the_checkout_is_read(checkout: Path) -> None:
    held = {"scenario": "features/f.feature: second", "owner": "ann", "reason": "it waits for a port"}
    entry = {**held, "since": "2026-02-20", "expires": "2026-03-10"}
    (checkout / "features" / "quarantine.yaml").write_text(yaml.safe_dump({"quarantined": [entry]}))
    results.write(run_of(ALL_PASSED), checkout / "out")
    got = row(matrix.write(checkout / "out", root=checkout), "FR-002")
    assert got.status == "quarantined"
    assert "ann" in str(got.reason)
    assert "2026-03-10" in str(got.reason)


# ---- since the last run


def test_what_changed_is_on_the_pages(tmp_path: Path) -> None:
    before = history.remember(judged(tmp_path, run_of(ALL_PASSED)).model_dump())
    before = before.model_copy(update={"date": BEGAN - timedelta(days=1)})
    got = judged(
        tmp_path, run_of([record("first"), record("second", "failed"), *ALL_PASSED[2:]]), earlier=(before,)
    )
    assert got.changes is not None
    assert got.changes.failed == ["features/f.feature: second"]
    for text in (page.html(got), markdown.markdown(got)):
        assert "Since the full run of 2026-02-28 12:00 UTC (0123456789ab with uncommitted changes):" in text
        assert "FR-002: verified → failed" in text


def test_without_a_change_one_line_says_so(tmp_path: Path) -> None:
    before = history.remember(judged(tmp_path, run_of(ALL_PASSED)).model_dump())
    earlier = (before.model_copy(update={"date": BEGAN - timedelta(days=1)}),)
    got = judged(tmp_path, run_of(ALL_PASSED), earlier=earlier)
    assert "Nothing changed since the full run of 2026-02-28 12:00 UTC" in page.html(got)
    assert "No earlier full run is known here" in page.html(judged(tmp_path, run_of(ALL_PASSED)))


def test_what_did_not_run_now_shows_when_it_last_did(tmp_path: Path) -> None:
    before = history.remember(judged(tmp_path, run_of(ALL_PASSED)).model_dump())
    earlier = (before.model_copy(update={"date": BEGAN - timedelta(days=1)}),)
    got = judged(tmp_path, run_of(ALL_PASSED[:1]), earlier=earlier)
    second = row(got, "FR-002")
    assert (second.status, second.evidence) == ("not run", BEGAN - timedelta(days=1))
    assert row(got, "FR-001").evidence == BEGAN
    assert "not run; last passed on 2026-02-28 12:00 UTC" in page.html(got)


# ---- full and partial runs


def test_a_run_of_everything_is_full(tmp_path: Path) -> None:
    assert judged(tmp_path, run_of(ALL_PASSED)).run.full is True


@pytest.mark.parametrize(
    ("records", "errors"),
    [(ALL_PASSED[:1], []), ([], []), (ALL_PASSED, ["features/test_f.py: cannot be read"])],
)
def test_anything_less_is_partial(tmp_path: Path, records: list[ScenarioResult], errors: list[str]) -> None:
    assert judged(tmp_path, run_of(records, errors=errors)).run.full is False


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "f.feature").write_text(FEATURE)
    (folder / "requirements.yaml").write_text(sample_run.CATALOGUE)
    return tmp_path


def test_a_full_run_is_kept_as_evidence(checkout: Path) -> None:
    out = checkout / "out"
    results.write(run_of(ALL_PASSED), out)
    matrix.write(out, root=checkout)
    kept = checkout / "docs" / "evidence"
    assert {file.name for file in out.iterdir()} == {
        "results.json",
        "matrix.json",
        "matrix.html",
        "matrix.md",
        "report.yaml",
        "history",
    }
    assert {file.name: file.read_text() for file in kept.iterdir()} == {
        name: (out / name).read_text() for name in ("matrix.json", "matrix.md")
    }


def test_a_partial_run_leaves_the_kept_evidence_alone(checkout: Path) -> None:
    out = checkout / "out"
    results.write(run_of(ALL_PASSED), out)
    matrix.write(out, root=checkout)
    before = (checkout / "docs" / "evidence" / "matrix.json").read_text()
    results.write(run_of(ALL_PASSED[:1], selection=["--requirement", "FR-001"]), out)
    partial = matrix.write(out, root=checkout)
    assert statuses(partial) == {"FR-001": "not run", "FR-002": "not run", "FR-005": "not run"}
    assert (checkout / "docs" / "evidence" / "matrix.json").read_text() == before


def test_without_a_run_there_is_nothing_to_report(checkout: Path) -> None:
    with pytest.raises(UserError, match="no feature has run"):
        matrix.write(checkout / "out", root=checkout)


# ---- what the JSON promises its readers


def test_the_json_has_the_fields_that_readers_rely_on(tmp_path: Path) -> None:
    phases = (Phase(name="cluster: local up", began=BEGAN, seconds=12, budget=60, ok=True),)
    data = json.loads(matrix.as_json(judged(tmp_path, run_of(ALL_PASSED), phases=phases)))
    assert len(data["requirements"]) == 7
    assert len(data["edge_cases"]) == 1
    asked = {"id", "status", "seen_red", "scenarios", "seconds", "stand_ins", "story", "title", "statement"}
    for one in (*data["requirements"], *data["edge_cases"]):
        assert asked | {"limits"} <= set(one)
        assert one["seen_red"] == []
    run = data["run"]
    assert (run["date"], run["cluster"]["provider"], run["host"]["cores"]) == (
        "2026-03-01T12:00:00Z",
        "local",
        2,
    )
    assert run["revision"] == {"commit": "0123456789abcdef", "dirty": True}
    assert run["versions"] == {"Dagster": "1.13.27"}
    assert [(phase["name"], phase["verdict"]) for phase in run["phases"]] == [
        ("cluster: local up", "within aim")
    ]
    assert [one["id"] for one in data["gaps"] + data["success_criteria"]] == ["GAP-007", "SC-001"]


@pytest.mark.parametrize(
    ("selection", "command"),
    [
        ([], "make e2e"),
        (["--story", "US1"], "make e2e STORY=US1"),
        (["--requirement", "FR-001"], "make e2e REQ=FR-001"),
        (["--edge", "EDGE-01", "--tags", "US1 or US3"], "make e2e EDGE=EDGE-01 TAGS='US1 or US3'"),
        (
            ["--story", "US1", "--story", "US3"],
            ".venv/bin/pytest --gherkin-terminal-reporter --story US1 --story US3",
        ),
        (["-k", "a or b"], ".venv/bin/pytest --gherkin-terminal-reporter -k 'a or b'"),
    ],
)
def test_the_command_repeats_the_run(tmp_path: Path, selection: list[str], command: str) -> None:
    assert judged(tmp_path, run_of(ALL_PASSED, selection=selection)).run.command == command


@pytest.mark.parametrize(
    ("selection", "command"),
    [
        (["--story", "US1"], "make e2e STORY=US1 CLUSTER=kind"),
        (["-k", "a"], "CLUSTER=kind .venv/bin/pytest --gherkin-terminal-reporter -k a"),
    ],
)
def test_the_command_repeats_the_run_on_the_same_cluster(
    tmp_path: Path, selection: list[str], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER", "local")  # what is set now says nothing of the run
    assert judged(tmp_path, run_of(ALL_PASSED, selection=selection, asked="kind")).run.command == command


def test_the_command_names_what_else_was_set(tmp_path: Path) -> None:
    run = run_of(ALL_PASSED)
    run.facts.variables.update({"PLATFORM_READY_SECONDS": "1000", "ADDITIONS": "off"})
    assert judged(tmp_path, run).run.command == "make e2e ADDITIONS=off PLATFORM_READY_SECONDS=1000"


def test_what_failed_can_be_run_again_alone() -> None:
    failed = record("rows", "failed", row=ROWS[1]).model_copy(
        update={"node": "features/test_f.py::test_rows[a b]"}
    )
    assert matrix.rerun(run_of([*ALL_PASSED, failed])) == (
        ".venv/bin/pytest --gherkin-terminal-reporter 'features/test_f.py::test_rows[a b]'"
    )
    assert matrix.rerun(run_of(ALL_PASSED)) is None


# ---- the pages


def test_the_page_needs_nothing_else_and_shows_every_row(tmp_path: Path) -> None:
    got = judged(tmp_path, run_of([record("first", "failed"), *ALL_PASSED[1:]], stand_ins=STAND_IN))
    html = page.html(got)
    for name in ("FR-001", "FR-023", "EDGE-01", "GAP-007", "SC-001"):
        assert f'id="{name}"' in html
    assert "it &lt;broke&gt; &amp; fell | over" in html
    assert "<broke>" not in html
    assert "Not fit for release: FR-001 failed." in html
    assert "prefers-color-scheme: dark" in html
    assert [word for word in ('src="', "<link", "@import", "https://", "http://") if word in html] == []


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (
            run_of(ALL_PASSED),
            "Every scenario of this release passed. 4 requirements are still without proof.",
        ),
        (run_of(ALL_PASSED[:1]), "A partial run: it proves what it ran and says nothing of the rest."),
        (
            run_of(ALL_PASSED[:1], errors=["x: cannot be read"]),
            "Not fit for release: the run ended with errors (exit code 0).",
        ),
    ],
)
def test_the_verdict_is_never_better_than_the_run(tmp_path: Path, run: Run, said: str) -> None:
    assert page.verdict(judged(tmp_path, run))[1] == said


def test_markdown_keeps_its_tables_whole(tmp_path: Path) -> None:
    limits = Limits(limits={"FR-001": "a | b\nc"})
    text = markdown.markdown(judged(tmp_path, run_of(ALL_PASSED), limits=limits))
    assert (
        "| FR-001 | One chart | ✓ verified | never | first (passed); second (passed) | 5.0 s | a \\| b c |"
        in text
    )


# ---- time


@pytest.mark.parametrize(
    ("seconds", "must", "aim", "expected"),
    [
        (10, 60, 15, "within aim"),
        (40, 60, 15, "within budget"),
        (61, 60, 15, "just over budget"),
        (72, 60, 15, "just over budget"),
        (72.1, 60, 15, "over budget"),
        (40, 60, None, "within budget"),
        (1, None, None, "no budget"),
    ],
)
def test_a_duration_is_judged(seconds: float, must: float | None, aim: float | None, expected: str) -> None:
    assert timing.verdict(seconds, must, aim) == expected


def phase(name: str, at: float, seconds: float, *, budget: float | None = None, ok: bool = True) -> Phase:
    return Phase(name=name, began=BEGAN + timedelta(seconds=at), seconds=seconds, budget=budget, ok=ok)


def test_building_does_not_count_against_a_budget_for_what_is_built() -> None:
    phases = [
        phase("build kubelet with go1.26", 5, 300),
        phase("build etcdctl with go1.26", 100, 50),
        phase("cluster: local up", 0, 320, budget=60),
    ]
    up, *_ = timing.judge(phases)
    assert (up.name, up.building, up.verdict) == ("cluster: local up", 300.0, "within budget")


def test_a_failed_phase_is_failed_however_quick() -> None:
    [up] = timing.judge([phase("cluster: local up", 0, 1, ok=False)])
    assert up.verdict == "failed"


def test_a_first_run_is_judged_as_a_first_run() -> None:
    built = timing.whole(BEGAN, BEGAN + timedelta(minutes=20), [phase("build kubelet", -300, 200)])
    again = timing.whole(BEGAN, BEGAN + timedelta(minutes=35), [phase("build kubelet", -10, 2)])
    assert (built.budget, built.seconds, built.verdict) == (2700, 1500.0, "within aim")
    assert (again.budget, again.verdict) == (timing.BUILT.must, "over budget")


def test_what_a_run_built_is_not_held_against_a_run_of_what_is_built() -> None:
    little = [phase("build kubelet", 0, 50)]
    took = BEGAN + timedelta(seconds=timing.BUILT.must + 40)
    assert timing.whole(BEGAN, took, little).verdict == "within budget"
    assert timing.whole(BEGAN, took, []).verdict == "just over budget"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.0123, "12 ms"), (4.24, "4.2 s"), (59.97, "1 min 00 s"), (185, "3 min 05 s")]
)
def test_durations_as_a_person_says_them(seconds: float, said: str) -> None:
    assert timing.spoken(seconds) == said
