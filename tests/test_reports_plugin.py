"""The plugin in real sessions of pytest-bdd: nothing that happens to a scenario is lost."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from foundation.cache import ROOT
from reports import allure_files, html, matrix, results, summary
from tests import sample_run

pytest_plugins = ("pytester",)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("CLUSTER", raising=False)
    sample_run.lay(pytester.path)
    return pytester


def run(project: pytest.Pytester, *words: str) -> pytest.RunResult:
    return project.runpytest_subprocess(*words, timeout=120)


def records(project: pytest.Pytester) -> dict[str, results.ScenarioResult]:
    found = results.read(project.path / "reports" / "out").scenarios
    return {record.title: record for record in found}


def statuses(project: pytest.Pytester) -> dict[str, str]:
    data = json.loads((project.path / "reports" / "out" / "matrix.json").read_text())
    return {row["id"]: row["status"] for row in (*data["requirements"], *data["edge_cases"])}


def allure(project: pytest.Pytester, kind: str = "result") -> Iterator[dict[str, Any]]:
    for file in (project.path / "reports" / "out" / "allure-results").glob(f"*-{kind}.json"):
        yield json.loads(file.read_text())


# ---- one run of the sample, looked at from every side


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sample")


@pytest.fixture
def ran(project: pytest.Pytester, sample: Path) -> pytest.Pytester:
    """The sample after its run; taken once, copied for each test."""
    if not (sample / "done").exists():
        (project.path / ".cluster").mkdir()
        (project.path / ".cluster" / "images-values.yaml").write_text("global: {catalog: {standIn: true}}\n")
        assert run(project).ret == pytest.ExitCode.TESTS_FAILED
        shutil.copytree(project.path, sample / "done")
    shutil.copytree(sample / "done", project.path, dirs_exist_ok=True)
    return project


def test_every_scenario_and_row_has_its_result(ran: pytest.Pytester) -> None:
    assert {title: record.result for title, record in records(ran).items()} == {
        "Every service serves its own API": "passed",
        "A bucket keeps what is put into it (warehouse)": "passed",
        "A bucket keeps what is put into it (staging)": "failed",
        "A pod that cannot start is named": "failed",
        "Every model is an Iceberg table": "passed",
        "Gold figures are what the seeds say": "passed",
        "The warehouse is gone": "failed",
        "The tear-down breaks": "failed",
    }


def test_the_matrix_follows(ran: pytest.Pytester) -> None:
    assert statuses(ran) == {
        "FR-001": "verified on a stand-in",
        "FR-002": "failed",
        "FR-005": "failed",
        "FR-020": "failed",
        "FR-021": "verified on a stand-in",
        "FR-022": "verified on a stand-in",
        "FR-023": "failed",
        "EDGE-01": "not covered",
    }


def test_a_failing_step_is_named_and_the_steps_behind_it_not_reached(ran: pytest.Pytester) -> None:
    record = records(ran)["A pod that cannot start is named"]
    assert [(step.keyword, step.text, step.result) for step in record.steps] == [
        ("Given", "the platform is up", "passed"),
        ("When", "an image does not exist", "passed"),
        ("Then", "the check names these pods", "failed"),
        ("And", "nothing else is blamed", "not reached"),
    ]
    assert record.failure is not None
    assert record.failure.startswith("Then the check names these pods:\n")
    assert "ImagePullBackOff" in record.failure


def test_a_fixture_that_fails_in_a_step_fails_that_step(ran: pytest.Pytester) -> None:
    record = records(ran)["The warehouse is gone"]
    assert [step.result for step in record.steps] == ["failed", "not reached"]
    assert (
        record.failure == "Given a warehouse that is missing:\nRuntimeError: bucket warehouse does not exist"
    )


def test_an_error_of_the_tear_down_fails_the_scenario(ran: pytest.Pytester) -> None:
    record = records(ran)["The tear-down breaks"]
    assert [step.result for step in record.steps] == ["passed", "passed"]
    assert record.failure == (
        "while tearing down:\nfoundation.errors.DeadlineError: namespace floe-us3 still there after 60 s"
    )


CATEGORIES = {
    "A bucket keeps what is put into it (staging)": "product defect",
    "A pod that cannot start is named": "product defect",
    "The warehouse is gone": "suite defect",
    "The tear-down breaks": "environment",
}


def test_a_failure_says_whose_defect_it_is(ran: pytest.Pytester) -> None:
    found = {title: record.category for title, record in records(ran).items() if record.category}
    assert found == CATEGORIES
    labels = {
        one["name"]: label["value"]
        for one in allure(ran)
        for label in one["labels"]
        if label["name"] == allure_files.CATEGORY
    }
    assert labels == CATEGORIES


def test_ids_story_and_place_come_from_the_feature(ran: pytest.Pytester) -> None:
    record = records(ran)["Every model is an Iceberg table"]
    assert (record.feature, record.line, record.story, record.ids) == (
        "features/us3_pipelines.feature",
        4,
        "US3",
        ["FR-022", "GAP-007"],
    )


def test_what_a_shared_fixture_touched_counts_for_every_user_of_it(ran: pytest.Pytester) -> None:
    found = records(ran)
    everything = ["catalog", "dagster", "minio", "postgresql"]
    assert found["Every model is an Iceberg table"].touched == everything
    assert found["Gold figures are what the seeds say"].touched == everything
    assert found["A bucket keeps what is put into it (warehouse)"].touched == ["minio"]
    assert found["The tear-down breaks"].touched == []


def test_versions_met_on_the_way_are_kept(ran: pytest.Pytester) -> None:
    facts = results.read(ran.path / "reports" / "out").facts
    assert facts.versions["PostgreSQL"] == "15.14"
    assert facts.stand_ins == {"catalog": "stand-in for Apache Polaris"}


def test_allure_has_the_steps_the_story_and_the_requirement(ran: pytest.Pytester) -> None:
    [shown] = [one for one in allure(ran) if one["name"] == "A pod that cannot start is named"]
    assert [(step["name"], step["status"]) for step in shown["steps"]] == [
        ("Given the platform is up", "passed"),
        ("When an image does not exist", "passed"),
        ("Then the check names these pods", "failed"),
        ("And nothing else is blamed", "skipped"),
    ]
    assert "ImagePullBackOff" in shown["steps"][2]["statusDetails"]["message"]
    labels = {(label["name"], label["value"]) for label in shown["labels"]}
    assert {
        ("feature", "US1 Platform bootstrap and service health"),
        ("story", "FR-002 Ready in time"),
        ("requirement", "FR-002"),
        ("severity", "critical"),
    } <= labels


def test_allure_shows_the_table_of_a_step(ran: pytest.Pytester) -> None:
    [shown] = [one for one in allure(ran) if one["name"] == "A pod that cannot start is named"]
    [table] = shown["steps"][2]["attachments"]
    file = ran.path / "reports" / "out" / "allure-results" / table["source"]
    assert file.read_text() == "| pod     | reason           |\n| polaris | ImagePullBackOff |"


def test_allure_shows_a_row_by_its_columns(ran: pytest.Pytester) -> None:
    [shown] = [one for one in allure(ran) if one["name"].endswith("(staging)")]
    assert shown["parameters"] == [{"name": "bucket", "value": "staging"}]


def test_allure_shows_fixtures_and_not_how_steps_are_kept(ran: pytest.Pytester) -> None:
    befores = {before["name"] for one in allure(ran, "container") for before in one.get("befores", [])}
    assert befores == {"finished_run", "broken_warehouse", "stubborn"}


def test_the_html_report_is_built_from_the_run(
    ran: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ran.path / "reports" / "out"
    page = html.build(out, root=ran.path)
    text = page.read_text()
    assert "googletagmanager" not in text
    told = widget(text, "categories")["nodes"].values()
    counted = {one["name"]: one["statistic"]["total"] for one in told if one["type"] == "category"}
    assert counted == {"Product defect": 2, "Environment": 1, "Suite defect": 1}
    anchor = allure_files.anchors(out / "allure-results")[records(ran)["The warehouse is gone"].node]
    assert f'href="allure/index.html#{anchor}"' in (out / matrix.HTML).read_text()
    html.build(out, root=ran.path)
    assert (page.read_text() == text, len(points(out))) == (True, 1)
    names = {
        one["name"] for one in json.loads((page.parent / "test-results.json").read_text())["byId"].values()
    }
    assert names == set(records(ran))
    summary.show(out, root=ran.path)
    said = capsys.readouterr().err
    for part in (
        "US1 Platform bootstrap and service health",
        "FR-023: The tear-down breaks",
        "7 requirements: 3 verified on a stand-in, 4 failed",
        "'features/test_us1_bootstrap.py::test_a_bucket_keeps_what_is_put_into_it[staging]'",
        str(out / matrix.HTML),
    ):
        assert part in said
    lines = said.strip().splitlines()
    assert (
        lines[-5] == "red: failed: FR-002 A pod that cannot start is named (Then the check names these pods)"
    )
    assert lines[-1] == "red: not covered: EDGE-01 A pod crashes has no scenario and is not planned"


def widget(page: str, name: str) -> Any:
    """What Allure's page holds of this name."""
    [data] = re.findall(rf'd\("widgets/{name}\.json","([^"]*)"\)', page)
    return json.loads(base64.b64decode(data))


def points(out: Path) -> list[str]:
    return (out / html.HISTORY).read_text().splitlines()


def test_the_next_run_is_compared_with_the_last(ran: pytest.Pytester) -> None:
    out = ran.path / "reports" / "out"
    html.build(out, root=ran.path)
    steps = ran.path / "steps_of_the_sample.py"
    steps.write_text(steps.read_text().replace('assert bucket == "warehouse"', "assert bucket"))
    run(ran)
    page = html.build(out, root=ran.path)
    assert len(points(out)) == 2
    moved = {
        leaf["name"]: leaf.get("transition")
        for leaf in widget(page.read_text(), "tree")["leavesById"].values()
    }
    assert moved["A bucket keeps what is put into it (staging)"] == "fixed"
    said = json.loads((out / matrix.JSON).read_text())["changes"]
    assert said["statuses"] == [{"id": "FR-005", "before": "failed", "now": "verified"}]
    assert said["mended"] == ["features/us1_bootstrap.feature: A bucket keeps what is put into it (staging)"]


def test_the_command_at_the_end_runs_exactly_what_failed_when_it_is_pasted(project: pytest.Pytester) -> None:
    names = ["warehouse", "two words", "it's $HOME [x]", "m\u00fcll::a/b"]
    rows = "".join(f"      | {name} |\n" for name in names)
    feature = sample_run.BOOTSTRAP.replace("      | warehouse |\n      | staging   |\n", rows)
    sample_run.lay(project.path, us1_bootstrap=feature)
    (project.path / ".venv" / "bin").mkdir(parents=True)
    (project.path / ".venv" / "bin" / "pytest").symlink_to(Path(sys.executable).with_name("pytest"))
    run(project, "--requirement", "FR-005")
    failed = [title for title, record in records(project).items() if record.result == "failed"]
    assert len(failed) == 3
    command = json.loads((project.path / "reports" / "out" / "matrix.json").read_text())["run"][
        "rerun_failed"
    ]
    again = subprocess.run(["bash", "-c", command], cwd=project.path, timeout=120, check=False)
    assert again.returncode == pytest.ExitCode.TESTS_FAILED
    assert list(records(project)) == failed


# ---- sessions of other kinds


def test_a_fixture_of_the_whole_feature_that_fails_loses_no_scenario(project: pytest.Pytester) -> None:
    (project.path / "conftest.py").write_text(
        sample_run.CONFTEST + "import pytest\n"
        "@pytest.fixture(scope='module', autouse=True)\n"
        "def platform():\n    raise RuntimeError('no space left')\n"
    )
    result = run(project, "features/test_us1_bootstrap.py")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = records(project)
    assert len(found) == 4
    assert {record.result for record in found.values()} == {"failed"}
    assert {record.failure for record in found.values()} == {"while preparing:\nRuntimeError: no space left"}
    assert {step.result for record in found.values() for step in record.steps} == {"not reached"}
    assert statuses(project)["FR-005"] == "failed"
    assert {one["status"] for one in allure(project)} == {"broken"}
    assert "FR-005 Buckets exist" in {
        label["value"] for one in allure(project) for label in one["labels"] if label["name"] == "story"
    }


def test_a_step_that_nobody_wrote_fails(project: pytest.Pytester) -> None:
    text = "@US1\nFeature: f\n  @FR-001\n  Scenario: s\n    Given something unheard of\n    Then it shows\n"
    sample_run.lay(project.path, us1_bootstrap=text)
    assert run(project, "features/test_us1_bootstrap.py").ret == pytest.ExitCode.TESTS_FAILED
    record = records(project)["s"]
    assert [step.result for step in record.steps] == ["failed", "not reached"]
    assert "Step definition is not found" in (record.failure or "")


def test_a_story_alone_leaves_the_rest_not_run(project: pytest.Pytester) -> None:
    (project.path / "docs").mkdir()
    run(project, "--story", "US3")
    assert statuses(project)["FR-001"] == "not run"
    assert statuses(project)["FR-022"] == "verified"
    assert not (project.path / "docs" / "evidence").exists()


def test_a_requirement_alone(project: pytest.Pytester) -> None:
    result = run(project, "--requirement", "FR-021")
    assert result.ret == pytest.ExitCode.OK
    assert list(records(project)) == ["Gold figures are what the seeds say"]


def test_a_choice_can_be_looked_at_before_it_runs(project: pytest.Pytester) -> None:
    result = run(project, "--collect-only", "--story", "US3")
    assert "4/8 tests collected (4 deselected)" in result.stdout.str()


def test_an_interrupted_run_says_so_and_proves_nothing_of_the_rest(project: pytest.Pytester) -> None:
    steps = project.path / "steps_of_the_sample.py"
    steps.write_text(steps.read_text().replace("def _(): pass", "def _(): raise KeyboardInterrupt", 1))
    assert run(project).ret == pytest.ExitCode.INTERRUPTED
    assert results.read(project.path / "reports" / "out").errors == ["interrupted before its end"]
    assert set(statuses(project).values()) == {"not run", "not covered"}


def test_a_tear_down_that_fails_after_an_interrupt_loses_no_evidence(project: pytest.Pytester) -> None:
    steps = project.path / "steps_of_the_sample.py"
    text = steps.read_text().replace("def stubborn():", "def stubborn(request):")
    steps.write_text(text.replace('@then("the seeds are there")\ndef _(): pass', _INTERRUPTED))
    result = run(project, "--requirement", "FR-023")
    assert result.ret != pytest.ExitCode.OK
    found = results.read(project.path / "reports" / "out")
    assert found.errors[0] == "interrupted before its end"
    assert found.errors[-1].endswith("DeadlineError: namespace floe-us3 still there after 60 s")


_INTERRUPTED = '@then("the seeds are there")\ndef _(): raise KeyboardInterrupt'


def test_a_session_that_ran_no_scenario_fails(project: pytest.Pytester) -> None:
    result = run(project, "--story", "US1", "--requirement", "FR-022")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert set(statuses(project).values()) == {"not run", "not covered"}
    result.stdout.fnmatch_lines(["no scenario ran: nothing is proved"])


def test_a_session_of_other_tests_in_the_features_folder_fails(project: pytest.Pytester) -> None:
    shutil.rmtree(project.path / "features")
    (project.path / "features").mkdir()
    (project.path / "features" / "test_other.py").write_text("def test_fine(): pass\n")
    result = run(project)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["no scenario ran: nothing is proved"])


def test_a_skipped_scenario_fails_the_session(project: pytest.Pytester) -> None:
    (project.path / "conftest.py").write_text(
        sample_run.CONFTEST + "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        "    items[0].add_marker(pytest.mark.xfail(run=False))\n"
    )
    assert run(project, "--requirement", "FR-001").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert statuses(project)["FR-001"] == "not run"
    assert run(project, "-k", "serves_its_own or gold_figures").ret == pytest.ExitCode.TESTS_FAILED
    assert (statuses(project)["FR-001"], statuses(project)["FR-021"]) == ("not run", "verified")


def test_a_feature_that_cannot_be_read_is_an_error_of_the_run(project: pytest.Pytester) -> None:
    (project.path / "features" / "us3_pipelines.feature").write_text(
        "Feature: f\n  Scenario: s\n    Given a\n    Gven b\n"
    )
    assert run(project).ret == pytest.ExitCode.INTERRUPTED
    [error] = results.read(project.path / "reports" / "out").errors
    assert error.startswith("features/test_us3_pipelines.py: ")
    assert "Line number: 4; Line:     Gven b; File: features/us3_pipelines.feature" in error


def test_output_of_an_earlier_run_is_gone(project: pytest.Pytester) -> None:
    out = project.path / "reports" / "out"
    (out / "allure").mkdir(parents=True)
    (out / "allure-results").mkdir()
    for name in ("matrix.html", "allure/index.html", "allure-results/old-result.json"):
        (out / name).write_text("old")
    run(project, "--requirement", "FR-021")
    assert not (out / "allure" / "index.html").exists()
    assert [one["name"] for one in allure(project)] == ["Gold figures are what the seeds say"]
    assert (out / "matrix.html").read_text() != "old"


def test_two_processes_lose_nothing(project: pytest.Pytester) -> None:
    result = run(project, "-n", "2", "--dist", "loadfile")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(records(project)) == 8
    assert len(list(allure(project))) == 8
    assert results.read(project.path / "reports" / "out").facts.versions["PostgreSQL"] == "15.14"


@pytest.mark.parametrize("words", [["tests"], ["--collect-only"]])
def test_other_sessions_write_nothing(project: pytest.Pytester, words: list[str]) -> None:
    (project.path / "tests").mkdir()
    (project.path / "tests" / "test_unit.py").write_text("def test_fine(): pass\n")
    assert run(project, *words).ret == pytest.ExitCode.OK
    assert not (project.path / "reports").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--story", "US77"], "*--story US77: one of US1, US3*"),
        (["--requirement", "FR-999"], "*--requirement FR-999: not in requirements.yaml*"),
    ],
)
def test_an_unknown_choice_is_refused(project: pytest.Pytester, words: list[str], said: str) -> None:
    result = run(project, *words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


# ---- the exit code is the verdict's


def quarantined(project: pytest.Pytester, scenario: str, *, days: int) -> None:
    """Put a scenario in quarantine until so many days from now."""
    until = datetime.now(UTC).date() + timedelta(days=days)
    (project.path / "features" / "quarantine.yaml").write_text(
        f'quarantined:\n- {{scenario: "features/us1_bootstrap.feature: {scenario}",\n'
        f"   owner: Ada, reason: a race, since: {until - timedelta(days=20)}, expires: {until}}}\n"
    )


def test_a_failure_in_quarantine_is_seen_and_does_not_turn_the_session_red(project: pytest.Pytester) -> None:
    quarantined(project, "A pod that cannot start is named", days=5)
    result = run(project, "--requirement", "FR-002")
    assert result.ret == pytest.ExitCode.OK
    assert records(project)["A pod that cannot start is named"].result == "failed"
    result.stdout.fnmatch_lines(
        ["warning: in quarantine until *(Ada), failed this time: FR-002 A pod*: a race"]
    )


def test_an_expired_quarantine_excuses_nothing(project: pytest.Pytester) -> None:
    quarantined(project, "Every service serves its own API", days=-1)
    result = run(project, "--requirement", "FR-001")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert records(project)["Every service serves its own API"].result == "passed"
    result.stdout.fnmatch_lines(
        ['quarantine of "Every service serves its own API" expired on * (Ada): a race']
    )


def test_a_quarantine_excuses_no_failure_beside_it(project: pytest.Pytester) -> None:
    quarantined(project, "A pod that cannot start is named", days=5)
    (project.path / "features" / "test_other.py").write_text("def test_fine():\n    assert False\n")
    assert run(project, "-k", "cannot_start or fine").ret == pytest.ExitCode.TESTS_FAILED
    assert results.read(project.path / "reports" / "out").errors == [
        "features/test_other.py::test_fine: failed, and is no scenario"
    ]


def test_a_requirement_that_nobody_proves_or_plans_turns_a_full_run_red(project: pytest.Pytester) -> None:
    sample_run.lay(project.path, us1_bootstrap=ONE)
    everything = ("FR-002", "FR-005", "FR-020", "FR-021", "FR-022", "FR-023", "EDGE-01")
    for name in ("us3_pipelines.feature", "test_us3_pipelines.py"):
        (project.path / "features" / name).unlink()
    plan = project.path / "features" / "planned.yaml"
    plan.write_text(f"at_most: 9\nplanned: [{', '.join(everything)}]\n")
    assert run(project).ret == pytest.ExitCode.OK
    plan.write_text(f"at_most: 9\nplanned: [{', '.join(everything[1:])}]\n")
    result = run(project)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["not covered: FR-002 Ready in time has no scenario and is not planned"])


def test_a_feature_that_nobody_binds_turns_a_run_red(project: pytest.Pytester) -> None:
    (project.path / "features" / "us1_extra.feature").write_text(ONE)
    result = run(project, "--requirement", "FR-001")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["selected and did not run: FR-001 alone"])


ONE = "@US1\nFeature: f\n  @FR-001\n  Scenario: alone\n    Given the platform is up\n"


def test_what_a_session_was_narrowed_to_is_kept(project: pytest.Pytester) -> None:
    node = "features/test_us3_pipelines.py::test_gold_figures_are_what_the_seeds_say"
    assert run(project, node).ret == pytest.ExitCode.OK
    kept = results.read(project.path / "reports" / "out")
    assert (kept.places, kept.selected) == ([node], [node])
    run(project, ".", "--requirement", "FR-021")
    assert results.read(project.path / "reports" / "out").places == []
