"""What is asked for runs, in the right order; what matches nothing is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.cache import ROOT
from foundation.errors import UserError
from reports import catalogue, choice, results
from reports.choice import Asked, Choice, Expression
from tests import sample_run

pytest_plugins = ("pytester",)

SCENARIOS = [
    frozenset({"US1", "FR-001"}),
    frozenset({"US1", "FR-005"}),
    frozenset({"US3", "FR-022", "GAP-007"}),
    frozenset({"US3", "FR-020", "EDGE-01"}),
]


def asked(*names: str) -> list[Asked]:
    return [Asked(f"--it {name}", name) for name in names]


def tags(text: str) -> Expression:
    return Expression.read(f'--tags "{text}"', text)


def selected(wanted: Choice) -> list[int]:
    return [number for number, scenario in enumerate(SCENARIOS) if wanted.selects(scenario)]


@pytest.fixture
def known(tmp_path: Path) -> catalogue.Catalogue:
    file = tmp_path / "requirements.yaml"
    file.write_text(sample_run.CATALOGUE)
    return catalogue.load(file)


# ---- what is selected


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Choice(), [0, 1, 2, 3]),
        (Choice(stories=asked("US1")), [0, 1]),
        (Choice(stories=asked("US1", "US3")), [0, 1, 2, 3]),
        (Choice(ids=asked("FR-001", "GAP-007")), [0, 2]),
        (Choice(ids=asked("FR-001"), edges=asked("EDGE-01")), [0, 3]),
        (Choice(stories=asked("US3"), ids=asked("FR-022")), [2]),
        (Choice(expressions=[tags("@US3 and not @GAP-007")]), [3]),
        (Choice(expressions=[tags("US1 or (EDGE-01 and not FR-022)")]), [0, 1, 3]),
        (Choice(stories=asked("US1"), expressions=[tags("not @FR-001")]), [1]),
    ],
)
def test_ids_add_up_and_the_rest_narrows(wanted: Choice, numbers: list[int]) -> None:
    assert selected(wanted) == numbers


def test_names_that_exist_are_not_refused(known: catalogue.Catalogue) -> None:
    wanted = Choice(stories=asked("US3"), ids=asked("FR-022"), expressions=[tags("@GAP-007 and not @FR-023")])
    wanted.must_be_known(known)
    wanted.must_select(SCENARIOS)


@pytest.mark.parametrize(
    ("wanted", "problem", "remedy"),
    [
        (Choice(stories=asked("us3")), "--it us3: one of US1, US3", "US3"),
        (Choice(ids=asked("FR-22")), "--it FR-22: not in requirements.yaml", "FR-022"),
        (
            Choice(edges=asked("FR-020")),
            "--it FR-020: one of EDGE-01",
            "listed in features/requirements.yaml",
        ),
        (Choice(expressions=[tags("@US3 and not @GAP-070")]), "no tag is called GAP-070", "GAP-007"),
        (
            Choice(expressions=[tags("smoke")]),
            "no tag is called smoke",
            "listed in features/requirements.yaml",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    known: catalogue.Catalogue, wanted: Choice, problem: str, remedy: str
) -> None:
    with pytest.raises(UserError) as refused:
        wanted.must_be_known(known)
    assert problem in refused.value.problem
    assert remedy in refused.value.remedy


def test_a_mark_that_is_declared_may_be_named(known: catalogue.Catalogue) -> None:
    Choice(expressions=[tags("slow and US3")]).must_be_known(known, {"slow"})


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (Choice(ids=asked("FR-023")), "--it FR-023: no scenario has FR-023"),
        (Choice(expressions=[tags("US3 or FR-023")]), '--tags "US3 or FR-023": no scenario has FR-023'),
        (
            Choice(stories=asked("US1"), ids=asked("FR-001", "FR-022")),
            "--it FR-022: nothing of it is left by --it US1, --it FR-001",
        ),
        (Choice(stories=asked("US1"), ids=asked("FR-022")), "no scenario fits --it US1 --it FR-022"),
        (Choice(expressions=[tags("US1 and US3")]), 'no scenario fits --tags "US1 and US3"'),
    ],
)
def test_a_name_without_a_scenario_is_refused(wanted: Choice, problem: str) -> None:
    with pytest.raises(UserError) as refused:
        wanted.must_select(SCENARIOS)
    assert refused.value.problem == problem


def test_what_is_only_left_out_need_not_be_there() -> None:
    Choice(expressions=[tags("US3 and not FR-023")]).must_select(SCENARIOS)


@pytest.mark.parametrize("text", ["@US3 and", "US1 US3", "(US1", "or US1"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r'^--tags "') as refused:
        tags(text)
    assert "and, or, not" in refused.value.remedy


# ---- what failed before


def test_an_earlier_run_is_read_from_its_folder_or_its_file(tmp_path: Path) -> None:
    sample_run.lay_results(tmp_path, failed=["a.py::one"])
    for place in (tmp_path, tmp_path / "results.json"):
        assert choice.failed_in(place, "--from it") == {"a.py::one"}


@pytest.mark.parametrize(
    ("text", "said"), [(None, "is not there"), ('{"old": 1}', "not a result of this version")]
)
def test_an_earlier_run_that_cannot_be_read_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "results.json").write_text(text)
    with pytest.raises(UserError, match=rf"^--from it: .*{said}"):
        choice.failed_in(tmp_path, "--from it")


# ---- sessions


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    sample_run.lay(pytester.path)
    return pytester


def collected(project: pytest.Pytester, *words: str) -> list[str]:
    """The scenarios that would run, in their order."""
    ran = project.runpytest_subprocess("--collect-only", *words, timeout=120)
    found = [line.partition("<Function test_")[2].rstrip(">") for line in ran.outlines if "<Function" in line]
    assert ran.ret == pytest.ExitCode.OK, ran.stderr.str()
    return found


US1 = [
    "every_service_serves_its_own_api",
    "a_bucket_keeps_what_is_put_into_it[warehouse]",
    "a_bucket_keeps_what_is_put_into_it[staging]",
    "a_pod_that_cannot_start_is_named",
]


def test_options_may_be_repeated_and_combined(project: pytest.Pytester) -> None:
    words = ["--story", "US1", "--story", "US3", "--requirement", "FR-001", "--requirement", "GAP-007"]
    assert collected(project, *words) == [US1[0], "every_model_is_an_iceberg_table"]


def test_expressions_of_cucumber_and_of_pytest_narrow_together(project: pytest.Pytester) -> None:
    assert collected(project, "--tags=@US1 and not @FR-005", "-m", "not FR-001") == [US1[3]]


def test_stories_run_in_their_order(project: pytest.Pytester) -> None:
    bindings = project.path / "features"
    (bindings / "test_us1_bootstrap.py").rename(bindings / "test_zzz_first.py")
    assert collected(project)[:4] == US1


def test_what_is_worked_out_beside_the_others_is_asked_for_last(project: pytest.Pytester) -> None:
    with (project.path / "conftest.py").open("a") as conftest:
        conftest.write("\nfrom reports import selection\nselection.WORKED_OUT_BESIDE = frozenset({1})\n")
    assert collected(project)[-4:] == US1


def test_what_failed_runs_first_and_each_module_stays_together(project: pytest.Pytester) -> None:
    failed = ["features/test_us3_pipelines.py::test_the_warehouse_is_gone", "features/test_gone.py::test_old"]
    sample_run.lay_results(project.path / "earlier", failed=failed)
    assert collected(project, "--failed-first-from", "earlier") == [
        "the_warehouse_is_gone",
        "every_model_is_an_iceberg_table",
        "gold_figures_are_what_the_seeds_say",
        "the_teardown_breaks",
        *US1,
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--story", "US2"], 4, "*--story US2: one of US1, US3*"),
        (["--edge", "EDGE-01"], 4, "*--edge EDGE-01: no scenario has EDGE-01*"),
        (["-m", "US1 and not FR-0005"], 4, '*-m "US1 and not FR-0005": no tag is called FR-0005*'),
        (["--tags=@US3 and @FR-001"], 5, "nothing is selected: no scenario fits --tags US3 and FR-001"),
        (["-k", "nothing_like_it"], 5, "nothing is selected: no scenario fits -k nothing_like_it"),
        (["--failed-first-from", "nowhere"], 4, "*--failed-first-from nowhere: * is not there*"),
        (["-n", "2", "--edge", "EDGE-01"], 5, "no scenario ran: nothing is proved"),
    ],
)
def test_a_choice_that_matches_nothing_is_no_green_run(
    project: pytest.Pytester, words: list[str], code: int, said: str
) -> None:
    ran = project.runpytest_subprocess(*words, timeout=120)
    assert ran.ret == code
    (ran.stdout if code == pytest.ExitCode.NO_TESTS_COLLECTED else ran.stderr).fnmatch_lines([said])


def test_a_choice_never_hides_that_a_feature_cannot_be_read(project: pytest.Pytester) -> None:
    (project.path / "features" / "us3_pipelines.feature").write_text("Feature: f\n  Gven b\n")
    ran = project.runpytest_subprocess("--requirement", "FR-022", timeout=120)
    assert ran.ret == pytest.ExitCode.INTERRUPTED
    assert "no scenario has" not in ran.stderr.str()


def test_what_narrows_is_told_again_and_what_only_orders_is_not(project: pytest.Pytester) -> None:
    sample_run.lay_results(project.path / "earlier", failed=[])
    words = ["--requirement", "FR-021", "--requirement", "FR-022", "--tags=@US3", "-k", "gold or every"]
    project.runpytest_subprocess(*words, "--failed-first-from", "earlier", timeout=120)
    assert results.read(project.path / "reports" / "out").selection == [
        *("--requirement", "FR-021", "--requirement", "FR-022"),
        *("--tags", "US3", "-k", "gold or every"),
    ]
