"""Words about files that are wrong: who writes them, and what they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from demo.bare import select_released_plugins
from drivers import mistakes, refusals, traces
from drivers.floe import Floe, Outcome, Project

COMPILE = ("floe-complete", "validate")
"""The command that refuses, in a product's folder."""

RELEASED = (
    *("floe", "platform", "compile", "--spec", "floe.yaml", "--manifest", "../manifest.yaml"),
    *("--output", "target/compiled_artifacts.json", "--generate-definitions", "--no-lineage-emission"),
)
"""What stands for it in floe as released."""


@dataclass(frozen=True)
class Team:
    """A team with a product of its own."""

    project: Project
    product: str


@pytest.fixture(scope="module")
def compiler() -> Floe:
    """The floe that judges what teams write."""
    return Floe.installed()


@given(parse("a team writes {product} with {wrong}"), target_fixture="team")
def team_writes(compiler: Floe, tmp_path: Path, product: str, wrong: str) -> Team:
    project = Project.of_the_demo(tmp_path / "team", product)
    if not compiler.completed:
        select_released_plugins(project.folder / "manifest.yaml")
    for mistake in wrong.split(" and "):
        mistakes.make(mistake, project, product)
    return Team(project, product)


@when("they compile it", target_fixture="outcome")
def they_compile(compiler: Floe, team: Team) -> Outcome:
    words: Sequence[str] = COMPILE if compiler.completed else RELEASED
    return compiler.run(words, team.project, folder=team.product)


@then("it is refused for this and for nothing else")
def is_refused(team: Team, outcome: Outcome, datatable: list[list[str]]) -> None:
    reasons = {
        f"{row[0]}: {row[2]}": refusals.reason(team.project, team.product, row) for row in datatable[1:]
    }
    assert refusals.verdict(outcome) == refusals.told(2, reasons)


@then("nothing was written, and nothing of the inside was told")
def nothing_was_written(team: Team, outcome: Outcome) -> None:
    assert traces.heard(outcome.said, [mistakes.PASSWORD, team.project.folder]) == []
    assert outcome.made == {}
