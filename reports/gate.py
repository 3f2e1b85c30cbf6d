"""The rules of the catalogue over the features, checked before any cluster is there.

Each rule is a function from parsed scenarios to findings; a finding says where, what is
wrong and what to do, and `make test` fails on the first run of them that is not empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gherkin.errors import CompositeParserException
from gherkin.parser import Parser

from foundation.cache import ROOT
from foundation.errors import UserError
from reports.catalogue import Catalogue, Planned

_PLACEHOLDER = re.compile(r"<[^<>\s][^<>]*>")


@dataclass(frozen=True)
class ScenarioSource:
    """A scenario as it is written.

    Attributes:
        file: the feature file, relative to the checkout.
        steps: how many steps it has of its own; those of a background do not count.
        outline: whether it is one, with a row of examples for every time it runs.
        rows: the rows of its examples, with the tags they have beyond the scenario's;
            empty for a plain scenario.
    """

    file: str
    line: int
    feature: str
    name: str
    tags: frozenset[str]
    steps: int
    outline: bool
    rows: tuple[tuple[tuple[tuple[str, str], ...], frozenset[str]], ...] = ()

    @property
    def place(self) -> str:
        """file:line."""
        return f"{self.file}:{self.line}"

    @property
    def all_tags(self) -> frozenset[str]:
        """Its tags and those of its examples."""
        return self.tags.union(*(tags for _, tags in self.rows))

    def ids(self, catalogue: Catalogue) -> frozenset[str]:
        """The ids of the catalogue among its tags."""
        return self.all_tags & catalogue.ids


@dataclass(frozen=True)
class Finding:
    """A broken rule: where, what, and what to do about it."""

    place: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}\n  remedy: {self.remedy}"


def parse(folder: Path, *, root: Path = ROOT) -> list[ScenarioSource]:
    """Every scenario of the feature files below `folder`, in order.

    Raises:
        UserError: a file is not Gherkin; names file and line.
    """
    return [
        scenario for file in sorted(folder.rglob("*.feature")) for scenario in parse_file(file, root=root)
    ]


def parse_file(file: Path, *, root: Path = ROOT) -> list[ScenarioSource]:
    """The scenarios of one feature file."""
    shown = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
    try:
        document: Any = Parser().parse(file.read_text(encoding="utf-8"))
    except CompositeParserException as broken:
        first: Any = broken.errors[0]
        raise UserError(
            f"{shown}:{first.location['line']}: not Gherkin: {first}", remedy="mend that line"
        ) from broken
    feature = document.get("feature")
    return list(_scenarios(feature, feature["name"], _tags(feature), shown)) if feature else []


def _scenarios(parent: Any, feature: str, tags: frozenset[str], file: str) -> Iterator[ScenarioSource]:
    for child in parent["children"]:
        if rule := child.get("rule"):
            yield from _scenarios(rule, feature, tags | _tags(rule), file)
        elif scenario := child.get("scenario"):
            yield ScenarioSource(
                file=file,
                line=scenario["location"]["line"],
                feature=feature,
                name=scenario["name"],
                tags=tags | _tags(scenario),
                steps=len(scenario["steps"]),
                outline=bool(scenario["examples"])
                or any(_PLACEHOLDER.search(step["text"]) for step in scenario["steps"]),
                rows=tuple(_rows(scenario)),
            )


def _rows(scenario: Any) -> Iterator[tuple[tuple[tuple[str, str], ...], frozenset[str]]]:
    for examples in scenario["examples"]:
        names = [cell["value"] for cell in (examples.get("tableHeader") or {"cells": []})["cells"]]
        for row in examples["tableBody"]:
            yield tuple(zip(names, (cell["value"] for cell in row["cells"]), strict=True)), _tags(examples)


def _tags(node: Any) -> frozenset[str]:
    return frozenset(tag["name"].lstrip("@") for tag in node["tags"])


def looks_like_an_id(tag: str) -> bool:
    """Whether a tag is written like an id of the catalogue, known or not."""
    head, _, number = tag.partition("-")
    return head.upper() in {"FR", "EDGE", "GAP", "SC", "TQR"} and bool(number)


def every_scenario_has_its_story(scenarios: Iterable[ScenarioSource], catalogue: Catalogue) -> list[Finding]:
    """A scenario belongs to exactly one story."""
    return [
        Finding(
            scenario.place,
            f'scenario "{scenario.name}" has {_list(stories) or "no story tag"}',
            f"tag it, or its feature, with one of {_list(catalogue.stories)}",
        )
        for scenario in scenarios
        if len(stories := sorted(scenario.all_tags & set(catalogue.stories))) != 1
    ]


def every_scenario_proves_something(
    scenarios: Iterable[ScenarioSource], catalogue: Catalogue
) -> list[Finding]:
    """A scenario, or every row of its examples, names a requirement or an edge case."""
    return [
        Finding(
            scenario.place,
            f'scenario "{scenario.name}" names no requirement or edge case',
            "tag it with what it proves, such as @FR-022",
        )
        for scenario in scenarios
        if not all(
            (scenario.tags | tags) & catalogue.provable for _, tags in scenario.rows or (((), frozenset()),)
        )
    ]


def every_scenario_does_something(scenarios: Iterable[ScenarioSource]) -> list[Finding]:
    """A scenario has steps, and an outline rows: without them it passes and has checked nothing."""
    findings = []
    for scenario in scenarios:
        if not scenario.steps:
            problem = f'scenario "{scenario.name}" has no step of its own'
            remedy = "write its steps; a line that begins with no keyword is only a description"
            findings.append(Finding(scenario.place, problem, remedy))
        if scenario.outline and not scenario.rows:
            problem = f'outline "{scenario.name}" has no row of examples'
            findings.append(Finding(scenario.place, problem, "give it an Examples table with rows"))
    return findings


def every_id_is_known(scenarios: Iterable[ScenarioSource], catalogue: Catalogue) -> list[Finding]:
    """A tag that looks like an id is one of the catalogue."""
    return [
        Finding(
            scenario.place,
            f"@{tag} is not in the catalogue",
            "use an id of features/requirements.yaml, written as it is there",
        )
        for scenario in scenarios
        for tag in sorted(scenario.all_tags)
        if tag not in catalogue.ids and (looks_like_an_id(tag) or tag.upper() in catalogue.ids)
    ]


def scenarios_have_names_of_their_own(scenarios: Iterable[ScenarioSource]) -> list[Finding]:
    """Two scenarios of one feature file have two names; pytest-bdd would run only one of them."""
    first: dict[tuple[str, str], ScenarioSource] = {}
    findings = []
    for scenario in scenarios:
        earlier = first.setdefault((scenario.file, scenario.name), scenario)
        if earlier is not scenario:
            findings.append(
                Finding(
                    scenario.place,
                    f'scenario "{scenario.name}" has the name of the one in line {earlier.line}',
                    "give each the name of what it alone shows",
                )
            )
    return findings


def what_is_not_covered_is_planned(
    scenarios: Iterable[ScenarioSource], catalogue: Catalogue, planned: Planned, file: str
) -> list[Finding]:
    """Each provable id either has a scenario or stands in the planned list, never both."""
    covered = {tag for scenario in scenarios for tag in scenario.all_tags}
    listed = planned.planned
    findings = [
        Finding(file, f"{name} is not in the catalogue", "remove it, or correct the id")
        for name in listed
        if name not in catalogue.provable
    ]
    findings += [
        Finding(file, f"{name} is listed twice", "keep one line of it")
        for name in sorted({one for one in listed if listed.count(one) > 1})
    ]
    findings += [
        Finding(file, f"{name} has a scenario and is still planned", "remove it from the list")
        for name in sorted(covered & set(listed))
    ]
    findings += [
        Finding(file, f"{name} has no scenario", "write one, or add the id to the planned list")
        for name in sorted(catalogue.provable - covered - set(listed))
    ]
    return findings


def check(
    scenarios: list[ScenarioSource], catalogue: Catalogue, planned: Planned, planned_file: str
) -> list[Finding]:
    """All rules over all scenarios."""
    return [
        *every_scenario_has_its_story(scenarios, catalogue),
        *every_scenario_proves_something(scenarios, catalogue),
        *every_scenario_does_something(scenarios),
        *every_id_is_known(scenarios, catalogue),
        *scenarios_have_names_of_their_own(scenarios),
        *what_is_not_covered_is_planned(scenarios, catalogue, planned, planned_file),
    ]


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
