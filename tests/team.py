"""A team's folder for the tests of floe-complete: the demo's own files, changed in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.floe import Project
from floe_complete import reading
from floe_complete.problems import Problem, RefusedError

SPEC = "customer-360/floe.yaml"


def team(folder: Path) -> Project:
    """The demo's manifest and customer-360, sources only."""
    return Project.of_the_demo(folder / "team", "customer-360")


def refused(project: Project, *, manifest: str | None = None) -> tuple[Problem, ...]:
    """What is wrong with the product of a team."""
    other = project.folder / manifest if manifest else None
    with pytest.raises(RefusedError) as caught:
        reading.sources_of(project.folder / "customer-360", other)
    return tuple(caught.value.problems)


def said(problems: tuple[Problem, ...]) -> list[tuple[str, str, str]]:
    """Field, what was found, and the remedy of each problem."""
    return [(one.field, one.found, one.remedy) for one in problems]
