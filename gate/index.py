"""features/index.yaml: every scenario that was reviewed, so that none can vanish unseen.

Coverage alone does not see a deletion: a requirement may have other scenarios left. The evidence of
the last run does not either, since the next run replaces it and a new scenario is not in it yet. So
each scenario is written down, with its ids and how often it runs, and the gate compares both ways.
Only `make requirements-accept` writes the file, and it never gives up the last scenario of an id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, RootModel

from gate.features import ScenarioSource
from reports import catalogue
from reports.catalogue import Catalogue

FILE = Path("features") / "index.yaml"

_HEAD = """\
# Every reviewed scenario: the ids it carries and how often it runs, once or once a row of its examples.
# Written by `make requirements-accept`, never by hand. `make gate` fails when a scenario or a row is gone,
# when one no longer carries its ids, and when one is not here.
"""


class Entry(BaseModel):
    """What was reviewed of one scenario.

    Attributes:
        ids: of the catalogue, sorted.
        runs: how often it runs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ids: list[str] = Field(min_length=1)
    runs: PositiveInt

    def __str__(self) -> str:
        return f"{{ids: [{', '.join(self.ids)}], runs: {self.runs}}}"


Key = tuple[str, str]
"""The feature file and the scenario's name in it."""


class Index(RootModel[dict[str, dict[str, Entry]]]):
    """By feature file and name, every scenario that was reviewed."""

    @classmethod
    def read(cls, file: Path) -> Index:
        """The index as it was committed; a project without one has reviewed nothing.

        Raises:
            UserError: it cannot be read; names file and field.
        """
        return catalogue.read(file, cls) if file.exists() else cls({})

    @property
    def entries(self) -> dict[Key, Entry]:
        """All entries, by file and name."""
        return {(file, name): entry for file, entries in self.root.items() for name, entry in entries.items()}

    @classmethod
    def of(cls, entries: dict[Key, Entry]) -> Index:
        """An index of these entries, in the order of their files and as given within one."""
        files: dict[str, dict[str, Entry]] = {}
        for (file, name), entry in sorted(entries.items(), key=lambda pair: pair[0][0]):
            files.setdefault(file, {})[name] = entry
        return cls(files)

    def text(self) -> str:
        """The index as a file: one line a scenario, so that a diff shows which."""
        lines = [_HEAD.rstrip()]
        for file, entries in self.root.items():
            lines.append(f"{file}:")
            lines += [f"  {json.dumps(name, ensure_ascii=False)}: {entry}" for name, entry in entries.items()]
        return "\n".join(lines) + "\n"


def entries_of(scenarios: Iterable[ScenarioSource], known: Catalogue) -> dict[Key, Entry]:
    """What the features say now; scenarios without an id or a row are left to the other rules."""
    return {
        (scenario.file, scenario.name): Entry(ids=sorted(ids), runs=scenario.runs)
        for scenario in scenarios
        if (ids := scenario.ids(known)) and scenario.runs
    }


def lines_of(file: Path) -> dict[Key, int]:
    """In which line of the file each entry stands."""
    document = yaml.compose(file.read_text(encoding="utf-8")) if file.exists() else None
    if not isinstance(document, yaml.MappingNode):
        return {}
    return {
        (feature.value, name.value): name.start_mark.line + 1
        for feature, entries in document.value
        for name, _ in entries.value
    }
