"""The review beside the tags: a changed promise makes it stale, and only the command renews it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_bdd.parser import FeatureParser

from foundation.errors import UserError
from gate import features, index, project, review
from gate.index import Entry
from reports import catalogue
from reports.catalogue import Catalogue, Gap
from tests import sample_run

KNOWN = catalogue.load()
HASHES = review.hashes(KNOWN)
FR_001, FR_022, GAP_007 = HASHES["FR-001"], HASHES["FR-022"], HASHES["GAP-007"]


def stale(tmp_path: Path, tags: str) -> list[tuple[str, str]]:
    file = tmp_path / "some.feature"
    file.write_text(f"@US1\nFeature: f\n  {tags}\n  Scenario: s\n    Given a\n")
    found = review.what_changed_was_reviewed([features.read_file(file, root=tmp_path)], HASHES)
    return [(finding.place, finding.problem) for finding in found]


# ---- what is hashed


def test_every_id_a_scenario_may_carry_has_a_hash_of_its_own() -> None:
    assert set(HASHES) == KNOWN.ids
    assert len(set(HASHES.values())) == len(HASHES)
    assert {len(one) for one in HASHES.values()} == {8}


def changed(**fields: object) -> Catalogue:
    first, *others = KNOWN.requirements
    return KNOWN.model_copy(update={"requirements": [first.model_copy(update=fields), *others]})


@pytest.mark.parametrize("field", ["statement", "proof"])
def test_another_text_gives_another_hash(field: str) -> None:
    renewed = review.hashes(changed(**{field: "something weaker"}))
    assert {name for name in HASHES if renewed[name] != HASHES[name]} == {"FR-001"}


def test_a_title_and_the_way_a_text_is_wrapped_make_no_difference() -> None:
    wrapped = KNOWN.requirements[0].statement.replace(" ", "\n   ")
    assert review.hashes(changed(title="Another", statement=wrapped)) == HASHES


def test_what_an_edge_case_or_a_gap_covers_is_part_of_it() -> None:
    cases = [case.model_copy(update={"covers": ["FR-001"]}) for case in KNOWN.edge_cases]
    gaps = {**KNOWN.gaps, "GAP-007": Gap(covers=["FR-001"], topic=KNOWN.gaps["GAP-007"].topic)}
    renewed = review.hashes(KNOWN.model_copy(update={"edge_cases": cases, "gaps": gaps}))
    differing = {name for name in HASHES if renewed[name] != HASHES[name]}
    assert differing == {case.id for case in KNOWN.edge_cases} | {"GAP-007"}


# ---- the rule


@pytest.mark.parametrize(
    "tags",
    [
        f"@FR-022 @GAP-007  # reviewed {FR_022} {GAP_007}",
        f"@slow @FR-022 @quick @GAP-007 # reviewed {FR_022} {GAP_007}",
        f"@FR-022  # reviewed {FR_022}\n  @GAP-007  # reviewed {GAP_007}",
        "@slow  # takes a minute",
    ],
)
def test_a_review_of_the_text_as_it_is_is_right(tmp_path: Path, tags: str) -> None:
    assert stale(tmp_path, tags) == []


@pytest.mark.parametrize(
    ("tags", "problems"),
    [
        ("@FR-001", ["FR-001 was never reviewed here"]),
        ("@FR-001  # later", ["FR-001 was never reviewed here"]),
        (f"@FR-022 @GAP-007  # reviewed {FR_022} -", ["GAP-007 was never reviewed here"]),
        (
            "@FR-001  # reviewed 00000000",
            [f"FR-001 was reviewed with another text: 00000000, now {FR_001}"],
        ),
        (
            f"@FR-022 @GAP-007  # reviewed {GAP_007} {FR_022}",
            [
                f"FR-022 was reviewed with another text: {GAP_007}, now {FR_022}",
                f"GAP-007 was reviewed with another text: {FR_022}, now {GAP_007}",
            ],
        ),
        ("@FR-001  # reviewed", ['FR-001 has no review in "# reviewed"']),
        ("@FR-001  # reviewed 5F0C1A2B", ['FR-001 has no review in "# reviewed 5F0C1A2B"']),
        (
            f"@FR-001  # reviewed {FR_001} {FR_022}",
            [f'FR-001 has no review in "# reviewed {FR_001} {FR_022}"'],
        ),
    ],
)
def test_a_missing_malformed_or_other_review_is_found(tmp_path: Path, tags: str, problems: list[str]) -> None:
    assert stale(tmp_path, tags) == [("some.feature:3", problem) for problem in problems]


def test_an_id_is_told_once_with_all_its_places(tmp_path: Path) -> None:
    file = tmp_path / "some.feature"
    file.write_text("@FR-001\nFeature: f\n  @FR-001\n  Scenario: s\n    Given a\n")
    [finding] = review.what_changed_was_reviewed([features.read_file(file, root=tmp_path)], HASHES)
    assert finding.line == (
        "some.feature:1: FR-001 was never reviewed here (also at some.feature:3) — "
        "read its scenarios against the text, then: make requirements-accept ID=FR-001"
    )


def test_pytest_bdd_reads_the_tags_beside_a_review(tmp_path: Path) -> None:
    file = tmp_path / "some.feature"
    file.write_text(
        f"@US1 @SC-001  # reviewed {HASHES['SC-001']}\nFeature: f\n"
        f"  @FR-022 @GAP-007  # reviewed {FR_022} {GAP_007}\n  Scenario Outline: s\n    Given <a>\n\n"
        f"    @FR-001  # reviewed {FR_001}\n    Examples:\n      | a |\n      | 1 |\n"
    )
    read = FeatureParser(str(tmp_path), file.name).parse()
    [scenario] = read.scenarios.values()
    [examples] = scenario.examples
    tags = (read.tags, scenario.tags, examples.tags)
    assert tags == ({"US1", "SC-001"}, {"FR-022", "GAP-007"}, {"FR-001"})


# ---- the command


@pytest.fixture
def root(tmp_path: Path) -> Path:
    sample_run.lay(tmp_path)
    review.accept("all", tmp_path)
    return tmp_path


def bootstrap(root: Path) -> Path:
    return root / "features" / "us1_bootstrap.feature"


def hash_of(root: Path, name: str) -> str:
    return review.hashes(project.load(root).catalogue)[name]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_bytes().decode()
    assert old in text
    file.write_bytes(text.replace(old, new, 1).encode())


def test_accepting_everything_writes_each_hash_and_the_index_once(root: Path) -> None:
    suite = project.load(root)
    assert review.what_changed_was_reviewed(suite.features, review.hashes(suite.catalogue)) == []
    assert suite.index.entries == index.entries_of(suite.scenarios, suite.catalogue)
    assert review.accept("all", root) == []


def test_only_the_comments_of_that_id_change(root: Path) -> None:
    file = bootstrap(root)
    before = file.read_bytes().decode().replace("\n", "\r\n").replace("Feature: ", "Feature:  ").encode()
    file.write_bytes(before)
    old = hash_of(root, "FR-005")
    edit(root / "features" / "requirements.yaml", "statement: They do.", "statement: They do not.")
    assert review.accept("FR-005", root) == ["features/us1_bootstrap.feature"]
    new = hash_of(root, "FR-005")
    assert new != old
    assert file.read_bytes() == before.replace(old.encode(), new.encode())


def test_another_stale_id_of_the_line_stays_stale(root: Path) -> None:
    pipelines = root / "features" / "us3_pipelines.feature"
    edit(pipelines, f"{hash_of(root, 'FR-022')} {hash_of(root, 'GAP-007')}", "11111111 22222222")
    review.accept("GAP-007", root)
    assert f"@FR-022 @GAP-007  # reviewed 11111111 {hash_of(root, 'GAP-007')}\n" in pipelines.read_text()


def test_a_hash_that_is_right_survives_a_new_tag_on_its_line(root: Path) -> None:
    file = bootstrap(root)
    edit(file, "@FR-005  #", "@SC-001 @FR-005 @FR-002  #")
    review.accept("FR-002", root)
    fr_005, fr_002 = hash_of(root, "FR-005"), hash_of(root, "FR-002")
    assert f"@SC-001 @FR-005 @FR-002  # reviewed - {fr_005} {fr_002}\n" in file.read_text()


def test_tags_of_a_feature_and_of_examples_are_reviewed_too(root: Path) -> None:
    file = bootstrap(root)
    edit(file, "@US1\n", "@US1 @SC-001\n")
    edit(file, "    Examples:\n", "    @FR-001\n    Examples:\n")
    review.accept("all", root)
    assert f"@US1 @SC-001  # reviewed {hash_of(root, 'SC-001')}\n" in file.read_text()
    assert f"    @FR-001  # reviewed {hash_of(root, 'FR-001')}\n    Examples:\n" in file.read_text()


def test_a_new_scenario_enters_the_index_in_its_place(root: Path) -> None:
    new = "  @FR-002\n  Scenario: New\n    When an image does not exist\n\n"
    edit(bootstrap(root), "  @FR-005", new + "  @FR-005")
    assert review.accept("FR-002", root) == ["features/us1_bootstrap.feature", "features/index.yaml"]
    names = [name for file, name in project.load(root).index.entries if "us1" in file]
    assert names == [
        "Every service serves its own API",
        "New",
        "A bucket keeps what is put into it",
        "A pod that cannot start is named",
    ]


def test_a_scenario_leaves_the_index_when_its_id_has_another(root: Path) -> None:
    new = "  @FR-002\n  Scenario: New\n    When an image does not exist\n\n"
    edit(bootstrap(root), "  @FR-005", new + "  @FR-005")
    review.accept("all", root)
    before, _, after = bootstrap(root).read_text().split("  @FR-002")
    bootstrap(root).write_text(f"{before}  @FR-002{after}")
    review.accept("FR-002", root)
    entries = project.load(root).index.entries
    assert [name for (_, name), entry in entries.items() if entry == Entry(ids=["FR-002"], runs=1)] == [
        "A pod that cannot start is named"
    ]


@pytest.mark.parametrize("name", ["all", "GAP-007"])
def test_the_last_scenario_of_an_id_is_never_given_up(root: Path, name: str) -> None:
    pipelines = root / "features" / "us3_pipelines.feature"
    edit(pipelines, "@FR-022 @GAP-007", "@FR-021 @GAP-007")
    with pytest.raises(UserError, match=r"FR-022: the last scenario is gone"):
        review.accept(name, root)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "no ID was given"),
        ("FR-999", 'ID=FR-999: "FR-999" is not in the catalogue'),
        ("fr-005", 'ID=fr-005: "fr-005" is not in the catalogue'),
        ("EDGE-01", "ID=EDGE-01: no scenario carries @EDGE-01"),
    ],
)
def test_an_id_unknown_or_carried_by_none_is_refused(root: Path, name: str, problem: str) -> None:
    with pytest.raises(UserError) as refused:
        review.accept(name, root)
    assert refused.value.problem == problem


def test_a_comment_of_another_kind_is_not_overwritten(root: Path) -> None:
    edit(bootstrap(root), f"@FR-005  # reviewed {hash_of(root, 'FR-005')}", "@FR-005  # slow")
    before = bootstrap(root).read_bytes()
    with pytest.raises(UserError, match="a comment stands where the review is kept: # slow"):
        review.accept("FR-005", root)
    assert bootstrap(root).read_bytes() == before
