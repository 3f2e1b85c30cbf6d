"""The catalogue gate: every rule fires on a bad example, is quiet on a good one, and holds here."""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.cache import ROOT
from foundation.errors import UserError
from reports import catalogue, gate
from reports.catalogue import CATALOGUE, FEATURES, PLANNED, Planned
from reports.gate import ScenarioSource

KNOWN = catalogue.load()


def scenarios(tmp_path: Path, text: str) -> list[ScenarioSource]:
    file = tmp_path / "some.feature"
    file.write_text(text)
    return gate.parse_file(file, root=tmp_path)


# ---- the project itself


def test_the_features_of_this_project_keep_every_rule() -> None:
    planned = str(PLANNED.relative_to(ROOT))
    findings = gate.check(gate.parse(FEATURES), KNOWN, catalogue.load_planned(), planned)
    assert "\n".join(map(str, findings)) == ""


def test_the_catalogue_has_what_the_plan_counts() -> None:
    counts = (
        len(KNOWN.requirements),
        len(KNOWN.edge_cases),
        len(KNOWN.test_quality),
        len(KNOWN.gaps),
        len(KNOWN.success_criteria),
        len(KNOWN.stories),
    )
    assert counts == (75, 8, 17, 10, 10, 9)


def test_the_limits_name_known_ids() -> None:
    catalogue.load_limits().check(KNOWN, catalogue.LIMITS)


# ---- one story


def test_a_scenario_without_a_story_is_found(tmp_path: Path) -> None:
    text = "Feature: f\n  @FR-001\n  Scenario: lost\n    Given a\n"
    [finding] = gate.every_scenario_has_its_story(scenarios(tmp_path, text), KNOWN)
    assert str(finding).startswith('some.feature:3: scenario "lost" has no story tag\n  remedy: tag it')


def test_a_scenario_with_two_stories_is_found(tmp_path: Path) -> None:
    text = "@US1\nFeature: f\n  @FR-001 @US3\n  Scenario: torn\n    Given a\n"
    [finding] = gate.every_scenario_has_its_story(scenarios(tmp_path, text), KNOWN)
    assert (finding.place, finding.problem) == ("some.feature:4", 'scenario "torn" has US1, US3')


@pytest.mark.parametrize(
    "text",
    [
        "@US1\nFeature: f\n  Scenario: by its feature\n    Given a\n",
        "Feature: f\n  @US1\n  Scenario: by itself\n    Given a\n",
        "Feature: f\n  @US1\n  Rule: r\n    Scenario: by its rule\n      Given a\n",
    ],
)
def test_one_story_is_right(tmp_path: Path, text: str) -> None:
    assert gate.every_scenario_has_its_story(scenarios(tmp_path, text), KNOWN) == []


# ---- proves something


def test_a_scenario_that_proves_nothing_is_found(tmp_path: Path) -> None:
    text = "@US1 @GAP-001\nFeature: f\n  Scenario: idle\n    Given a\n"
    [finding] = gate.every_scenario_proves_something(scenarios(tmp_path, text), KNOWN)
    assert (finding.place, finding.problem) == (
        "some.feature:3",
        'scenario "idle" names no requirement or edge case',
    )


OUTLINE = """\
@US1
Feature: f
  Scenario Outline: rows
    Given <a>

    @FR-001
    Examples: tagged
      | a |
      | 1 |
{tag}
    Examples: others
      | a |
      | 2 |
"""


def test_a_row_that_proves_nothing_is_found(tmp_path: Path) -> None:
    [finding] = gate.every_scenario_proves_something(scenarios(tmp_path, OUTLINE.format(tag="")), KNOWN)
    assert finding.place == "some.feature:3"


@pytest.mark.parametrize(
    "text",
    [
        "@US1\nFeature: f\n  @FR-001\n  Scenario: s\n    Given a\n",
        "@US1\nFeature: f\n  @EDGE-01\n  Scenario: s\n    Given a\n",
        OUTLINE.format(tag="    @FR-002"),
    ],
)
def test_naming_what_is_proved_is_right(tmp_path: Path, text: str) -> None:
    assert gate.every_scenario_proves_something(scenarios(tmp_path, text), KNOWN) == []


# ---- does something


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Feature: f\n  Scenario: s\n    Gven a\n", 'scenario "s" has no step of its own'),
        ("Feature: f\n  Background:\n    Given a\n  Scenario: s\n", 'scenario "s" has no step of its own'),
        ("Feature: f\n  Scenario Outline: s\n    Given <a>\n", 'outline "s" has no row of examples'),
        (
            "Feature: f\n  Scenario Outline: s\n    Given <a>\n    Examples:\n      | a |\n",
            'outline "s" has no row of examples',
        ),
    ],
)
def test_a_scenario_that_does_nothing_is_found(tmp_path: Path, text: str, problem: str) -> None:
    [finding] = gate.every_scenario_does_something(scenarios(tmp_path, text))
    assert finding.problem == problem


def test_steps_and_rows_are_right(tmp_path: Path) -> None:
    text = OUTLINE.format(tag="") + "  Scenario: plain\n    Given b\n"
    assert gate.every_scenario_does_something(scenarios(tmp_path, text)) == []


# ---- known ids


@pytest.mark.parametrize("tag", ["FR-999", "FR-1", "fr-001", "EDGE-09", "GAP-011", "SC-099", "TQR-001"])
def test_an_unknown_id_is_found(tmp_path: Path, tag: str) -> None:
    text = f"@US1\nFeature: f\n  @FR-001 @{tag}\n  Scenario: s\n    Given a\n"
    [finding] = gate.every_id_is_known(scenarios(tmp_path, text), KNOWN)
    assert (finding.place, finding.problem) == ("some.feature:4", f"@{tag} is not in the catalogue")


def test_known_ids_and_other_tags_are_right(tmp_path: Path) -> None:
    text = (
        "@US1 @slow\nFeature: f\n  @FR-001 @EDGE-01 @GAP-001 @SC-001 @from-seed\n  Scenario: s\n    Given a\n"
    )
    assert gate.every_id_is_known(scenarios(tmp_path, text), KNOWN) == []


# ---- names


def test_two_scenarios_of_one_name_are_found(tmp_path: Path) -> None:
    text = "Feature: f\n  Scenario: same\n    Given a\n  Scenario: same\n    Given b\n"
    [finding] = gate.scenarios_have_names_of_their_own(scenarios(tmp_path, text))
    assert (finding.place, finding.problem) == (
        "some.feature:4",
        'scenario "same" has the name of the one in line 2',
    )


def test_names_of_their_own_are_right(tmp_path: Path) -> None:
    text = "Feature: f\n  Scenario: one\n    Given a\n  Scenario: other\n    Given b\n"
    assert gate.scenarios_have_names_of_their_own(scenarios(tmp_path, text)) == []


# ---- covered or planned

COVERED = "@US1\nFeature: f\n  @FR-001 @EDGE-01\n  Scenario: s\n    Given a\n"


def plan(tmp_path: Path, planned: list[str]) -> list[tuple[str, str]]:
    found = gate.what_is_not_covered_is_planned(
        scenarios(tmp_path, COVERED), KNOWN, Planned(planned=planned), "planned.yaml"
    )
    return [(finding.place, finding.problem) for finding in found]


OPEN = sorted(KNOWN.provable - {"FR-001", "EDGE-01"})


def test_covered_or_planned_is_right(tmp_path: Path) -> None:
    assert plan(tmp_path, OPEN) == []


def test_an_id_neither_covered_nor_planned_is_found(tmp_path: Path) -> None:
    left_out = [name for name in OPEN if name != "FR-094"]
    assert plan(tmp_path, left_out) == [("planned.yaml", "FR-094 has no scenario")]


def test_an_id_both_covered_and_planned_is_found(tmp_path: Path) -> None:
    assert plan(tmp_path, [*OPEN, "FR-001"]) == [
        ("planned.yaml", "FR-001 has a scenario and is still planned")
    ]


def test_a_planned_id_unknown_or_listed_twice_is_found(tmp_path: Path) -> None:
    assert plan(tmp_path, [*OPEN, "FR-999", OPEN[0]]) == [
        ("planned.yaml", "FR-999 is not in the catalogue"),
        ("planned.yaml", f"{OPEN[0]} is listed twice"),
    ]


# ---- reading


def test_what_is_not_gherkin_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        scenarios(tmp_path, "Feature: f\n  Scenario: s\n    Given a\n    Gven b\n")
    assert refused.value.problem.startswith("some.feature:4: not Gherkin: ")


def test_an_empty_feature_has_no_scenario(tmp_path: Path) -> None:
    assert scenarios(tmp_path, "# nothing yet\n") == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "{id: FR-002, story: US1,",
            "{id: FR-002, story: US1, colour: red,",
            "requirements.FR-002.colour: Extra",
        ),
        ("{id: FR-003, story: US1,", "{id: FR-003,", "requirements.FR-003.story: Field required"),
        ("{id: FR-004,", "{id: 4,", "requirements.4.id: Input should be a valid string"),
        ("{id: FR-005,", "{id: FR-004,", "the file as a whole: Value error, listed twice: FR-004"),
        ("{id: FR-005, story: US1,", "{id: FR-005, story: US77,", "FR-005: story US77 is not listed"),
        ("covers: [FR-029]", "covers: [FR-929]", "GAP-001: covers FR-929, which is no requirement"),
        (
            "priority: P1, role: platform operator",
            "priority: P9, role: none",
            "stories.US1.priority: Input should",
        ),
        ("stories:\n", "stories: [\n", "not YAML"),
    ],
)
def test_a_broken_catalogue_is_refused_by_field(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = CATALOGUE.read_text()
    assert old in text
    file = tmp_path / "requirements.yaml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError) as refused:
        catalogue.load(file)
    assert refused.value.problem.startswith(str(file))
    assert problem in refused.value.problem
    assert refused.value.remedy


def test_a_missing_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not there"):
        catalogue.load(tmp_path / "requirements.yaml")


def test_a_limit_of_an_unknown_id_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("limits: {FR-999: nothing}\n")
    with pytest.raises(UserError, match=r"limits: FR-999 is not in the catalogue"):
        catalogue.load_limits(file).check(KNOWN, file)
