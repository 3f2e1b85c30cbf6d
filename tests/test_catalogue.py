"""The catalogue: what it counts, and how a broken one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.errors import UserError
from reports import catalogue
from reports.catalogue import CATALOGUE

KNOWN = catalogue.load()


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
