"""What a person sets on make's command line is checked before anything begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from console import commands, settings
from foundation.errors import UserError
from reports import choice, matrix
from tests import sample_run


@pytest.fixture
def features(tmp_path: Path) -> Path:
    sample_run.lay(tmp_path)
    return tmp_path / "features"


def test_nothing_set_is_a_full_run() -> None:
    chosen = settings.load({})
    assert (chosen.full, chosen.selection) == (True, [])


def test_what_is_asked_for_becomes_options_of_pytest(features: Path) -> None:
    chosen = settings.load({"STORY": "US3", "REQ": "FR-022", "TAGS": "@US3 and not @FR-020"}, features)
    words = ["--story", "US3", "--requirement", "FR-022", "--tags", "US3 and not FR-020"]
    assert (chosen.full, chosen.selection) == (False, words)


@pytest.mark.parametrize(("variable", "option"), [("REQ", "--requirement"), ("EDGE", "--edge")])
def test_an_edge_case_may_be_asked_for(features: Path, variable: str, option: str) -> None:
    file = features / "us3_pipelines.feature"
    file.write_text(file.read_text().replace("@FR-020", "@FR-020 @EDGE-01"))
    assert settings.load({variable: "EDGE-01"}, features).selection == [option, "EDGE-01"]


def test_empty_variables_count_as_unset() -> None:
    empty = dict.fromkeys(["STORY", "REQ", "EDGE", "TAGS", "FAILED_FIRST_FROM", "CLUSTER"], "")
    assert settings.load(empty) == settings.load({})


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"STORY": "US1", "REQ": "FR-022"}, "no scenario fits STORY=US1 REQ=FR-022"),
        ({"REQ": "EDGE-01"}, "REQ=EDGE-01: no scenario has EDGE-01"),
        ({"TAGS": "@US1 and @FR-022"}, 'no scenario fits TAGS="@US1 and @FR-022"'),
    ],
)
def test_what_selects_no_scenario_is_refused_before_a_cluster_is_up(
    features: Path, given: dict[str, str], named: str
) -> None:
    with pytest.raises(UserError) as refused:
        settings.load(given, features)
    assert refused.value.problem == named


def test_the_earlier_run_is_kept_aside_since_this_one_forgets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = tmp_path / "earlier"
    sample_run.lay_results(earlier, failed=["a.py::one"])
    monkeypatch.setattr(commands, "STATE", tmp_path / "state")
    option, kept = commands.failed_first(settings.load({"FAILED_FIRST_FROM": str(earlier)}))
    matrix.forget(earlier)
    assert option == "--failed-first-from"
    assert choice.failed_in(Path(kept), option) == {"a.py::one"}


def test_an_earlier_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^FAILED_FIRST_FROM=.*nowhere is not there"):
        commands.failed_first(settings.load({"FAILED_FIRST_FROM": str(tmp_path / "nowhere")}))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"STORY": "US99"}, "STORY=US99"),
        ({"STORY": "us3"}, "STORY=us3"),
        ({"REQ": "FR-999"}, "REQ=FR-999"),
        ({"EDGE": "EDGE-99"}, "EDGE=EDGE-99"),
        ({"TAGS": "@US3 and not @GAP-070"}, 'TAGS="@US3 and not @GAP-070": no tag is called GAP-070'),
        ({"TAGS": "@US3 and"}, 'TAGS="@US3 and"'),
        ({"CLUSTER": "k3s"}, "CLUSTER='k3s'"),
        ({"KEEP": "perhaps"}, "KEEP='perhaps'"),
        ({"ADDITIONS": "false"}, "ADDITIONS='false'"),
        ({"FLOE_DEMO_SEED_SCALE": "0.01"}, "FLOE_DEMO_SEED_SCALE='0.01'"),
        ({"FLOE_DEMO_SEED_SCALE": "nan"}, "FLOE_DEMO_SEED_SCALE='nan'"),
        ({"FLOE_DEMO_SEED_SCALE": "ten"}, "FLOE_DEMO_SEED_SCALE='ten'"),
        ({"PLATFORM_READY_SECONDS": "0"}, "PLATFORM_READY_SECONDS='0'"),
    ],
)
def test_a_bad_value_is_named_with_its_remedy(given: dict[str, str], named: str) -> None:
    with pytest.raises(UserError) as refused:
        settings.load(given)
    assert refused.value.problem.startswith(named)
    assert refused.value.exit_code == 2
    assert refused.value.remedy
