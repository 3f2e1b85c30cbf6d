"""Words of the machine: each is found where nobody says it, and let be where it is somebody's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate import features, words


def found(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "some.feature"
    file.write_text(text)
    read = features.read_file(file, root=tmp_path)
    return [f"{finding.place} {finding.problem}" for finding in words.features_speak_plainly([read])]


def said(tmp_path: Path, story: str, sentence: str) -> list[str]:
    text = f"@{story}\nFeature: f\n  Scenario: s\n    Then {sentence}\n"
    problems = [one.partition(" ")[2] for one in found(tmp_path, text)]
    return [one.rpartition(" is a word of the machine")[0].strip('"') for one in problems]


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("the label says so", "label"),
        ("it has LABELS", "LABELS"),
        ("its selector finds it", "selector"),
        ("the URL is right", "URL"),
        ("it answers at http://dagster:3000/graphql", "http://dagster:3000/graphql"),
        ("it answers at /health/live", "/health/live"),
        ("the endpoint answers", "endpoint"),
        ("HTTPS is spoken", "HTTPS"),
        ("a GET is answered", "GET"),
        ("it answers 404", "answers 404"),
        ('the status is "503" again', 'status is "503'),
        ("the status code is good", "status code"),
        ("the JSON has a name", "JSON"),
        ("the SQL is run", "SQL"),
        ("a regular expression matches", "regular expression"),
        ("kubectl shows it", "kubectl"),
        ("the ConfigMap is there", "ConfigMap"),
        ("the environment variable is set", "environment variable"),
        ("stderr is empty", "stderr"),
        ("the mock is called", "mock"),
        ("the timeout is over", "timeout"),
    ],
)
def test_a_word_of_the_machine_is_found_in_every_story(tmp_path: Path, sentence: str, word: str) -> None:
    for story in ("US1", "US3", "US6"):
        assert said(tmp_path, story, sentence) == [word]


@pytest.mark.parametrize(
    "sentence",
    [
        "the pods are Ready",
        "a StatefulSet runs",
        "a container ends",
        "there are 3 replicas",
        "port 3000 answers",
        "the image is there",
        "the secret is there",
        "a request is served",
        "the node is full",
        "the namespace is gone",
    ],
)
def test_words_of_an_operator_are_right_in_us1_and_us6_alone(tmp_path: Path, sentence: str) -> None:
    assert [said(tmp_path, story, sentence) for story in ("US1", "US6")] == [[], []]
    assert len(said(tmp_path, "US3", sentence)) == 1


@pytest.mark.parametrize(
    "sentence",
    [
        "floe.yaml and requirements.json are compiled",
        "raw_images and port-forward and s3.secret-key stay",
        "the rest of the rows is there, and/or none",
        "it reports the supports of requested imagery",
        "200 rows are there and it gives 100 rows",
        "a customer gets and puts and posts",
        "within 120 s 404 of 500 customers are there",
        "the status is settled",
    ],
)
def test_names_and_plain_words_are_right(tmp_path: Path, sentence: str) -> None:
    assert said(tmp_path, "US3", sentence) == []


def test_a_word_of_one_story_is_its_own(tmp_path: Path) -> None:
    assert (said(tmp_path, "US2", "the YAML is read"), said(tmp_path, "US3", "the YAML is read")) == (
        [],
        ["YAML"],
    )
    assert (said(tmp_path, "US9", "two namespaces"), said(tmp_path, "US3", "two namespaces")) == (
        [],
        ["namespaces"],
    )


EVERYWHERE = """\
@US3  # the JSON of a comment
Feature: The URL
  A label is described.

  Background:
    Given a SQL

  # JSON in a comment is nobody's reading
  @US3
  Scenario Outline: One selector of <pod>
    Some JSON.
    Given a table
      | endpoint |
      | a port   |
    And a text
      \"\"\"
      the URL
      \"\"\"

    Examples: of labels
      | pod  |
      | JSON |
"""


def test_titles_descriptions_steps_and_tables_are_read(tmp_path: Path) -> None:
    machine = "is a word of the machine"
    operator = f"{machine} outside US1, US6"
    assert found(tmp_path, EVERYWHERE) == [
        f'some.feature:2:14 "URL" {machine}',
        f'some.feature:3:5 "label" {machine}',
        f'some.feature:6:13 "SQL" {machine}',
        f'some.feature:10:25 "selector" {machine}',
        f'some.feature:10:38 "pod" {operator}',
        f'some.feature:11:10 "JSON" {machine}',
        f'some.feature:13:9 "endpoint" {machine}',
        f'some.feature:14:11 "port" {operator}',
        f'some.feature:17:11 "URL" {machine}',
        f'some.feature:20:18 "labels" {machine}',
        f'some.feature:21:9 "pod" {operator}',
        f'some.feature:22:9 "JSON" {machine}',
    ]


def test_a_line_is_judged_by_the_story_of_its_scenario(tmp_path: Path) -> None:
    text = "Feature: pods\n  @US1\n  Scenario: a\n    Given pods\n  @US3\n  Scenario: b\n    Given pods\n"
    assert [one.split()[0] for one in found(tmp_path, text)] == ["some.feature:1:10", "some.feature:7:11"]


def test_every_word_says_what_to_say_instead() -> None:
    assert [word.pattern for word in words.WORDS if not word.instead] == []
