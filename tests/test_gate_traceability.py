"""The catalogue gate: every rule fires on a bad example and is quiet on a good one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foundation.errors import UserError
from gate import features, index, traceability
from gate.features import ScenarioSource
from gate.index import Entry, Index
from reports import catalogue
from reports.catalogue import Planned

KNOWN = catalogue.load()


def scenarios(tmp_path: Path, text: str) -> tuple[ScenarioSource, ...]:
    file = tmp_path / "some.feature"
    file.write_text(text)
    return features.read_file(file, root=tmp_path).scenarios


# ---- one story


def test_a_scenario_without_a_story_is_found(tmp_path: Path) -> None:
    text = "Feature: f\n  @FR-001\n  Scenario: lost\n    Given a\n"
    [finding] = traceability.every_scenario_has_its_story(scenarios(tmp_path, text), KNOWN)
    assert str(finding).startswith('some.feature:3: scenario "lost" has no story tag\n  remedy: tag it')


def test_a_scenario_with_two_stories_is_found(tmp_path: Path) -> None:
    text = "@US1\nFeature: f\n  @FR-001 @US3\n  Scenario: torn\n    Given a\n"
    [finding] = traceability.every_scenario_has_its_story(scenarios(tmp_path, text), KNOWN)
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
    assert traceability.every_scenario_has_its_story(scenarios(tmp_path, text), KNOWN) == []


# ---- proves something


def test_a_scenario_that_proves_nothing_is_found(tmp_path: Path) -> None:
    text = "@US1 @GAP-001\nFeature: f\n  Scenario: idle\n    Given a\n"
    [finding] = traceability.every_scenario_proves_something(scenarios(tmp_path, text), KNOWN)
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
    [finding] = traceability.every_scenario_proves_something(
        scenarios(tmp_path, OUTLINE.format(tag="")), KNOWN
    )
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
    assert traceability.every_scenario_proves_something(scenarios(tmp_path, text), KNOWN) == []


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
    [finding] = traceability.every_scenario_does_something(scenarios(tmp_path, text))
    assert finding.problem == problem


def test_steps_and_rows_are_right(tmp_path: Path) -> None:
    text = OUTLINE.format(tag="") + "  Scenario: plain\n    Given b\n"
    assert traceability.every_scenario_does_something(scenarios(tmp_path, text)) == []


# ---- known ids


@pytest.mark.parametrize("tag", ["FR-999", "FR-1", "fr-001", "EDGE-09", "GAP-011", "SC-099", "TQR-001"])
def test_an_unknown_id_is_found(tmp_path: Path, tag: str) -> None:
    text = f"@US1\nFeature: f\n  @FR-001 @{tag}\n  Scenario: s\n    Given a\n"
    [finding] = traceability.every_id_is_known(scenarios(tmp_path, text), KNOWN)
    assert (finding.place, finding.problem) == ("some.feature:4", f"@{tag} is not in the catalogue")


def test_known_ids_and_other_tags_are_right(tmp_path: Path) -> None:
    text = (
        "@US1 @slow\nFeature: f\n  @FR-001 @EDGE-01 @GAP-001 @SC-001 @from-seed\n  Scenario: s\n    Given a\n"
    )
    assert traceability.every_id_is_known(scenarios(tmp_path, text), KNOWN) == []


# ---- names


def test_two_scenarios_of_one_name_are_found(tmp_path: Path) -> None:
    text = "Feature: f\n  Scenario: same\n    Given a\n  Scenario: same\n    Given b\n"
    [finding] = traceability.scenarios_have_names_of_their_own(scenarios(tmp_path, text))
    assert (finding.place, finding.problem) == (
        "some.feature:4",
        'scenario "same" has the name of the one in line 2',
    )


def test_names_of_their_own_are_right(tmp_path: Path) -> None:
    text = "Feature: f\n  Scenario: one\n    Given a\n  Scenario: other\n    Given b\n"
    assert traceability.scenarios_have_names_of_their_own(scenarios(tmp_path, text)) == []


# ---- covered or planned

COVERED = "@US1\nFeature: f\n  @FR-001 @EDGE-01 @GAP-007\n  Scenario: s\n    Given a\n"


def plan(tmp_path: Path, planned: list[str]) -> list[tuple[str, str]]:
    found = traceability.what_is_not_covered_is_planned(
        scenarios(tmp_path, COVERED), KNOWN, Planned(at_most=0, planned=planned), "planned.yaml"
    )
    return [(finding.place, finding.problem) for finding in found]


OPEN = sorted(traceability.owed(KNOWN) - {"FR-001", "EDGE-01", "GAP-007"})


def test_covered_or_planned_is_right(tmp_path: Path) -> None:
    assert plan(tmp_path, OPEN) == []


@pytest.mark.parametrize("name", ["FR-094", "EDGE-05", "GAP-010"])
def test_an_id_neither_covered_nor_planned_is_found(tmp_path: Path, name: str) -> None:
    left_out = [one for one in OPEN if one != name]
    assert plan(tmp_path, left_out) == [("planned.yaml", f"{name} has no scenario")]


def test_an_id_both_covered_and_planned_is_found(tmp_path: Path) -> None:
    assert plan(tmp_path, [*OPEN, "FR-001"]) == [
        ("planned.yaml", "FR-001 has a scenario and is still planned")
    ]


def test_a_planned_id_unknown_or_listed_twice_is_found(tmp_path: Path) -> None:
    assert plan(tmp_path, [*OPEN, "FR-999", OPEN[0]]) == [
        ("planned.yaml", "FR-999 is not in the catalogue"),
        ("planned.yaml", f"{OPEN[0]} is listed twice"),
    ]


# ---- the planned list shrinks


@pytest.mark.parametrize(
    ("at_most", "problem", "remedy"),
    [
        (1, "2 ids are planned, at_most allows 1", "write the scenario"),
        (3, "2 ids are planned, at_most still allows 3", "lower it to 2"),
    ],
)
def test_a_list_of_another_length_than_allowed_is_found(at_most: int, problem: str, remedy: str) -> None:
    planned = Planned(at_most=at_most, planned=["FR-006", "FR-007"])
    [finding] = traceability.planned_list_shrinks(planned, "planned.yaml")
    assert (finding.problem, finding.remedy.partition(":")[0]) == (problem, remedy)


def test_a_list_as_long_as_allowed_is_right() -> None:
    planned = Planned(at_most=2, planned=["FR-006", "FR-007"])
    assert traceability.planned_list_shrinks(planned, "planned.yaml") == []


def test_an_id_of_the_evidence_that_is_planned_again_is_found(tmp_path: Path) -> None:
    rows = [{"id": "FR-001", "scenarios": [{}]}, {"id": "FR-006", "scenarios": []}]
    file = tmp_path / "matrix.json"
    file.write_text(json.dumps({"requirements": rows, "edge_cases": [], "gaps": []}))
    proved = traceability.ids_of_the_evidence(file)
    planned = Planned(at_most=2, planned=["FR-001", "FR-006"])
    [finding] = traceability.what_was_proved_is_not_planned(planned, "planned.yaml", proved)
    assert finding.problem == "FR-001 had a scenario before and is planned again"


def test_without_evidence_nothing_was_proved(tmp_path: Path) -> None:
    assert traceability.ids_of_the_evidence(tmp_path / "matrix.json") == frozenset()


@pytest.mark.parametrize("text", ["{", "[]", '{"requirements": []}'])
def test_broken_evidence_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "matrix.json"
    file.write_text(text)
    with pytest.raises(UserError, match="no matrix of requirements"):
        traceability.ids_of_the_evidence(file)


# ---- the index

TWO = """\
@US1
Feature: f
  @FR-001 @FR-002
  Scenario: plain
    Given a
  @FR-001
  Scenario Outline: rows
    Given <a>

    Examples:
      | a |
      | 1 |
      | 2 |
"""
REVIEWED = {
    ("some.feature", "plain"): Entry(ids=["FR-001", "FR-002"], runs=1),
    ("some.feature", "rows"): Entry(ids=["FR-001"], runs=2),
}


def lost(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    reviewed = Index.of(REVIEWED)
    file = tmp_path / "index.yaml"
    file.write_text(reviewed.text())
    found = traceability.what_was_reviewed_is_there(
        scenarios(tmp_path, text), KNOWN, reviewed, index.lines_of(file)
    )
    return [(finding.place, finding.problem) for finding in found]


def unreviewed(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    found = traceability.what_is_there_was_reviewed(scenarios(tmp_path, text), KNOWN, Index.of(REVIEWED))
    return [(finding.place, finding.problem) for finding in found]


def test_features_as_they_were_reviewed_are_right(tmp_path: Path) -> None:
    assert (lost(tmp_path, TWO), unreviewed(tmp_path, TWO)) == ([], [])


def test_a_scenario_that_is_gone_is_found_though_its_ids_have_others(tmp_path: Path) -> None:
    text = TWO.replace("@FR-001 @FR-002\n  Scenario: plain\n    Given a\n  ", "")
    gone = 'scenario "plain" of some.feature is gone; it proved FR-001, FR-002'
    assert lost(tmp_path, text) == [("features/index.yaml:5", gone)]


def test_an_id_that_a_scenario_no_longer_carries_is_found(tmp_path: Path) -> None:
    text = TWO.replace("@FR-001 @FR-002", "@FR-001")
    assert lost(tmp_path, text) == [("some.feature:4", 'scenario "plain" no longer carries @FR-002')]


def test_a_row_that_is_gone_is_found(tmp_path: Path) -> None:
    text = TWO.replace("      | 2 |\n", "")
    assert lost(tmp_path, text) == [
        ("some.feature:7", 'outline "rows" has 1 of the 2 rows that were reviewed')
    ]


@pytest.mark.parametrize(
    ("text", "place", "name"),
    [
        (TWO + "  @FR-001\n  Scenario: new\n    Given a\n", "some.feature:15", "new"),
        (TWO + "      | 3 |\n", "some.feature:7", "rows"),
        (TWO.replace("@FR-001 @FR-002", "@FR-001 @FR-002 @FR-003"), "some.feature:4", "plain"),
    ],
)
def test_what_is_not_in_the_index_as_it_is_is_found(tmp_path: Path, text: str, place: str, name: str) -> None:
    assert lost(tmp_path, text) == []
    assert unreviewed(tmp_path, text) == [
        (place, f'scenario "{name}" is not in features/index.yaml as it is here')
    ]


def test_an_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    odd = {("a.feature", 'he said: "#1", {x}'): Entry(ids=["FR-001"], runs=1)}
    file = tmp_path / "index.yaml"
    file.write_text(Index.of(odd).text())
    assert Index.read(file).entries == odd
    assert index.lines_of(file) == {("a.feature", 'he said: "#1", {x}'): 5}


def test_a_broken_index_is_refused_by_field(tmp_path: Path) -> None:
    file = tmp_path / "index.yaml"
    file.write_text('a.feature:\n  "x": {ids: [FR-001], runs: 0}\n')
    with pytest.raises(UserError, match=r"a\.feature\.x\.runs"):
        Index.read(file)


# ---- reading


def test_what_is_not_gherkin_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        scenarios(tmp_path, "Feature: f\n  Scenario: s\n    Given a\n    Gven b\n")
    assert refused.value.problem.startswith("some.feature:4: not Gherkin: ")


def test_an_empty_feature_has_no_scenario(tmp_path: Path) -> None:
    assert scenarios(tmp_path, "# nothing yet\n") == ()


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.feature"
    file.write_bytes(b"Feature: \xff\n")
    with pytest.raises(UserError, match="not UTF-8"):
        features.read_file(file, root=tmp_path)


# ---- steps and tags as they are written


def test_steps_have_their_kind_and_line(tmp_path: Path) -> None:
    text = (
        "Feature: f\n  Background:\n    Given a\n    And b\n"
        "  Rule: r\n    Background:\n      Given c\n"
        "    Scenario: s\n      When d\n      * e\n      Then f\n      But g\n"
    )
    [scenario] = scenarios(tmp_path, text)
    assert [(step.kind, step.text, step.line) for step in scenario.background] == [
        ("given", "a", 3),
        ("given", "b", 4),
        ("given", "c", 7),
    ]
    assert [(step.keyword, step.kind, step.text, step.line) for step in scenario.steps] == [
        ("When", "when", "d", 9),
        ("*", "when", "e", 10),
        ("Then", "then", "f", 11),
        ("But", "then", "g", 12),
    ]


def test_tag_lines_keep_their_order_and_comment(tmp_path: Path) -> None:
    file = tmp_path / "some.feature"
    file.write_text(
        "@US1\n@SC-001 # of all\nFeature: f\n  # prose\n  @FR-002 @FR-001  # reviewed x\n"
        "  Scenario Outline: s\n    Given <a>\n    @EDGE-01\n    Examples:\n      | a |\n      | 1 |\n"
    )
    read = features.read_file(file, root=tmp_path)
    assert [(line.line, line.tags, line.comment) for line in read.tag_lines] == [
        (1, ("US1",), None),
        (2, ("SC-001",), "of all"),
        (5, ("FR-002", "FR-001"), "reviewed x"),
        (8, ("EDGE-01",), None),
    ]
    assert sorted(read.prose) == [3, 6, 7, 9, 10, 11, 12]
