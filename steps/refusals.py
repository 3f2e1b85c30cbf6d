"""Words about files that are wrong: who writes them, and what they are told, by floe or by their editor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from demo.bare import select_released_plugins
from drivers import editor, json_schema, mistakes, refusals, traces
from drivers.editor import Editor, Mark
from drivers.floe import DEMO, Floe, Outcome, Project
from reports import evidence

if TYPE_CHECKING:
    from steps.early import Early

COMPILE = ("floe-complete", "compile")
"""The command that refuses, in a product's folder."""

EXPORT = ("floe-complete", "schema")
"""The command that prints the schema of a file; floe as released has none."""

RELEASED = (
    *("floe", "platform", "compile", "--spec", "floe.yaml", "--manifest", "../manifest.yaml"),
    *("--output", "target/compiled_artifacts.json", "--generate-definitions", "--no-lineage-emission"),
)
"""What stands for it in floe as released."""


@dataclass(frozen=True)
class Team:
    """A team with a product of its own.

    Attributes:
        project: the folder of its platform's files.
        product: its name in there.
        wrong: the mistakes in its files, in the words of the feature.
    """

    project: Project
    product: str
    wrong: str

    def read(self, file: str) -> str:
        """One of their files, by what it is called."""
        return self.project.read(file if file == "manifest.yaml" else f"{self.product}/{file}")


@pytest.fixture(scope="module")
def exported(installation: Floe) -> Callable[[str], dict[str, Any]]:
    """The schema of a file, as floe exports it."""

    @cache
    def schema(file: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(installation.run([*EXPORT, file]).out)
        return content

    return schema


@pytest.fixture(scope="module")
def writing(
    exported: Callable[[str], dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Editor]:
    """An editor that has the exported schema of floe.yaml."""
    file = tmp_path_factory.mktemp("editor") / "schema.json"
    file.write_text(json.dumps(exported("floe.yaml")))
    with editor.opened(file, "floe.yaml") as opened:
        yield opened


def team_with(wrong: str, folder: Path, installation: Floe, product: str) -> Team:
    """A team whose files of a product have mistakes."""
    project = Project.of_the_demo(folder / "team", product)
    if not installation.completed:
        select_released_plugins(project.folder / "manifest.yaml")
    for mistake in wrong.split(" and "):
        mistakes.make(mistake, project, product)
    project.pretend_compiled(product)
    return Team(project, product, wrong)


def told(installation: Floe, team: Team) -> Outcome:
    """What a team is told when it compiles its product."""
    words: Sequence[str] = COMPILE if installation.completed else RELEASED
    return installation.run(words, team.project, folder=team.product)


@given(parse("a team writes {product} with {wrong}"), target_fixture="team")
def team_writes(early: Early, product: str, wrong: str) -> Team:
    return early.written(product, wrong)


@when("they compile it", target_fixture="outcome")
def they_compile(early: Early, team: Team) -> Outcome:
    evidence.touched("floe")
    return early.refused(team.product, team.wrong)


@then("it is refused for this and for nothing else")
def is_refused(team: Team, outcome: Outcome, datatable: list[list[str]]) -> None:
    reasons = [refusals.reason(team.project, team.product, row) for row in datatable[1:]]
    assert refusals.verdict(outcome, reasons) == refusals.told(2, reasons)


@then("nothing was written, and nothing of the inside was told")
def nothing_was_written(team: Team, outcome: Outcome) -> None:
    assert traces.heard(outcome.said, [mistakes.PASSWORD, team.project.folder]) == []
    assert (outcome.made, outcome.gone) == ({}, frozenset())


@then(parse("an independent validator that has floe's schema refuses {field} of {whose} {file}"))
def validator_refuses(
    request: pytest.FixtureRequest,
    exported: Callable[[str], dict[str, Any]],
    field: str,
    whose: str,
    file: str,
) -> None:
    texts = {str(path.relative_to(DEMO)): path.read_text() for path in DEMO.rglob(file)}
    if whose == "their":
        team: Team = request.getfixturevalue("team")
        texts = {file: team.read(file)}
    refused = {path: json_schema.refused_fields(exported(file), text) for path, text in texts.items()}
    expected = {"nothing": frozenset[str](), "all": frozenset({""})}.get(field, frozenset({field}))
    assert refused == dict.fromkeys(texts, expected)


@when("they open it in an editor that has floe's schema", target_fixture="marks")
def they_open_it(writing: Editor, team: Team) -> frozenset[Mark]:
    return writing.marks(team.read("floe.yaml"))


@then(parse("the editor marks the line {line} and no other: {words}"))
def editor_marks(team: Team, marks: frozenset[Mark], line: str, words: str) -> None:
    assert marks == frozenset({Mark(refusals.number(team.read("floe.yaml"), line), words)})


@then(parse('the editor offers behind "{line}": {offer}'))
def editor_offers(installation: Floe, writing: Editor, team: Team, line: str, offer: str) -> None:
    model, _, field = offer.removeprefix("every field of floe's ").partition(" but ")
    text = team.read("floe.yaml")
    offers = writing.offers(text, refusals.number(text, line) + 1)
    assert offers == fields_of(installation, model) - {field}


def fields_of(installation: Floe, model: str) -> frozenset[str]:
    """The fields of one of floe's own models, as they are written."""
    code = (
        "import sys; from floe_core.schemas import floe_spec; "
        "model = getattr(floe_spec, sys.argv[1]); "
        "print(*(field.alias or name for name, field in model.model_fields.items()))"
    )
    return frozenset(installation.python(code, model).out.split())
