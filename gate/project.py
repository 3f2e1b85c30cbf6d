"""All that the gate reads, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from foundation.cache import ROOT
from gate import code, features
from gate.code import Module
from gate.features import FeatureSource, ScenarioSource
from gate.index import FILE, Index
from reports import catalogue
from reports.catalogue import Catalogue, Planned


@dataclass(frozen=True)
class Project:
    """The suite as it stands in a checkout.

    Attributes:
        planned_file: where the planned list is, relative to the checkout.
        steps: the modules of the vocabulary.
        drivers: the modules that talk to services.
        bindings: the modules that hand features to pytest, and the root's conftest.
        tests: the suite's own tests.
    """

    root: Path
    catalogue: Catalogue
    planned: Planned
    planned_file: str
    index: Index
    features: tuple[FeatureSource, ...]
    steps: tuple[Module, ...]
    drivers: tuple[Module, ...]
    bindings: tuple[Module, ...]
    tests: tuple[Module, ...]

    @cached_property
    def scenarios(self) -> tuple[ScenarioSource, ...]:
        """The scenarios of all features."""
        return tuple(scenario for feature in self.features for scenario in feature.scenarios)

    @cached_property
    def carried(self) -> frozenset[str]:
        """The ids that at least one scenario carries."""
        return frozenset().union(*(scenario.ids(self.catalogue) for scenario in self.scenarios))


def load(root: Path = ROOT) -> Project:
    """Read the suite below `root`.

    Raises:
        UserError: a file cannot be read; names file and line or field.
    """
    folder = root / "features"
    planned = folder / catalogue.PLANNED.name
    return Project(
        root=root,
        catalogue=catalogue.load(folder / catalogue.CATALOGUE.name),
        planned=catalogue.load_planned(planned),
        planned_file=str(planned.relative_to(root)),
        index=Index.read(root / FILE),
        features=tuple(features.read(folder, root=root)),
        steps=code.read(root, [root / "steps"]),
        drivers=code.read(root, [root / "drivers"]),
        bindings=code.read(root, [folder, root / "conftest.py"]),
        tests=code.read(root, [root / "tests"]),
    )
