"""The catalogue both ways: every id has its scenarios, every scenario its ids, and none gets lost.

A rule takes what it looks at and gives its findings; gate/check.py says which rules follow from which.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from foundation.errors import UserError
from gate.features import ScenarioSource
from gate.finding import Finding
from gate.index import FILE, Entry, Index, Key, entries_of
from reports.catalogue import Catalogue, Planned

EVIDENCE = Path("docs") / "evidence" / "matrix.json"
"""What the last full run showed, below the checkout."""


def looks_like_an_id(tag: str) -> bool:
    """Whether a tag is written like an id of the catalogue, known or not."""
    head, _, number = tag.partition("-")
    return head.upper() in {"FR", "EDGE", "GAP", "SC", "TQR"} and bool(number)


def owed(catalogue: Catalogue) -> frozenset[str]:
    """The ids that must have a scenario or a line in the planned list."""
    return catalogue.provable | set(catalogue.gaps)


# ---- a scenario and its ids


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


# ---- an id and its scenarios


def what_is_not_covered_is_planned(
    scenarios: Iterable[ScenarioSource], catalogue: Catalogue, planned: Planned, file: str
) -> list[Finding]:
    """Each requirement, edge case and gap either has a scenario or stands in the planned list, never both."""
    covered = {tag for scenario in scenarios for tag in scenario.all_tags}
    listed = planned.planned
    findings = [
        Finding(file, f"{name} is not in the catalogue", "remove it, or correct the id")
        for name in listed
        if name not in owed(catalogue)
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
        Finding(file, f"{name} has no scenario", "write one that carries its tag")
        for name in sorted(owed(catalogue) - covered - set(listed))
    ]
    return findings


def planned_list_shrinks(planned: Planned, file: str) -> list[Finding]:
    """The list is exactly as long as `at_most` allows, and that number is only ever lowered."""
    there, allowed = len(planned.planned), planned.at_most
    if there > allowed:
        problem = f"{there} ids are planned, at_most allows {allowed}"
        return [Finding(file, problem, "write the scenario: an id once off the list does not come back")]
    if there < allowed:
        return [
            Finding(file, f"{there} ids are planned, at_most still allows {allowed}", f"lower it to {there}")
        ]
    return []


def what_was_proved_is_not_planned(planned: Planned, file: str, proved: frozenset[str]) -> list[Finding]:
    """An id that had a scenario in the evidence or the index does not go back to the list."""
    return [
        Finding(file, f"{name} had a scenario before and is planned again", "restore its scenario")
        for name in planned.planned
        if name in proved
    ]


def ids_of_the_evidence(file: Path) -> frozenset[str]:
    """The ids that the last full run had a scenario for.

    Raises:
        UserError: the file is not a matrix.
    """
    if not file.exists():
        return frozenset()
    try:
        matrix = json.loads(file.read_text(encoding="utf-8"))
        rows = [*matrix["requirements"], *matrix["edge_cases"], *matrix["gaps"]]
        return frozenset(row["id"] for row in rows if row["scenarios"])
    except (ValueError, LookupError, TypeError) as broken:
        raise UserError(
            f"{file}: no matrix of requirements: {broken}", remedy="restore it from git"
        ) from broken


# ---- the index


def what_was_reviewed_is_there(
    scenarios: Iterable[ScenarioSource], catalogue: Catalogue, index: Index, lines: dict[Key, int]
) -> list[Finding]:
    """No scenario, row or id of the index is gone from the features."""
    there = {(scenario.file, scenario.name): scenario for scenario in scenarios}
    return [
        finding
        for key, entry in index.entries.items()
        for finding in _lost(key, entry, there.get(key), catalogue, f"{FILE}:{lines.get(key, 1)}")
    ]


def _lost(
    key: Key, entry: Entry, scenario: ScenarioSource | None, catalogue: Catalogue, place: str
) -> Iterable[Finding]:
    file, name = key
    accept = f"restore it, or if another scenario proves it: make requirements-accept ID={entry.ids[0]}"
    if scenario is None:
        yield Finding(place, f'scenario "{name}" of {file} is gone; it proved {_list(entry.ids)}', accept)
        return
    for lost in sorted(set(entry.ids) - scenario.ids(catalogue)):
        remedy = f"tag it again, or if another scenario proves it: make requirements-accept ID={lost}"
        yield Finding(scenario.place, f'scenario "{name}" no longer carries @{lost}', remedy)
    if scenario.runs < entry.runs:
        problem = f'outline "{name}" has {scenario.runs} of the {entry.runs} rows that were reviewed'
        yield Finding(scenario.place, problem, accept)


def what_is_there_was_reviewed(
    scenarios: Iterable[ScenarioSource], catalogue: Catalogue, index: Index
) -> list[Finding]:
    """Every scenario of the features stands in the index as it is."""
    known = index.entries
    listed = [scenario for scenario in scenarios if scenario.ids(catalogue)]
    now = entries_of(listed, catalogue)
    return [
        Finding(
            scenario.place,
            f'scenario "{scenario.name}" is not in {FILE} as it is here',
            f"read it against what it proves, then: make requirements-accept ID={now[key].ids[0]}",
        )
        for scenario in listed
        if (key := (scenario.file, scenario.name)) in now and known.get(key) != now[key]
    ]


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
