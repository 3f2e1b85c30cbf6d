"""The faults of controls/faults, as typed data that fits the features as they are now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from foundation.cache import ROOT
from foundation.errors import UserError

FAULTS = Path(__file__).parent / "faults"
SYSTEM_FOLDERS = ("additions", "charts", "demo", "images", "standins")
"""What is under test. A fault may change nothing else: what judges stays as it is."""

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as broken:
        raise ValueError(f"{pattern!r} is no regular expression: {broken}") from broken
    return pattern


def _of_the_system(path: str) -> str:
    if Path(path).parts[:1] not in [(folder,) for folder in SYSTEM_FOLDERS] or ".." in Path(path).parts:
        raise ValueError(f"{path}: a fault changes files of {', '.join(SYSTEM_FOLDERS)} only")
    return path


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Edit(_Entry):
    """One change of a file of the system: a text that stands there exactly once, and what replaces it."""

    file: Annotated[str, AfterValidator(_of_the_system)]
    find: Annotated[str, StringConstraints(min_length=1)]
    put: str


class Plant(_Entry):
    """How the fault is brought about; all of it together.

    Attributes:
        edits: changes of files, from which chart and images are then made.
        values: chart values on top of those of the cluster.
        stop: a workload whose replicas are taken away once the platform is Ready.
        additions: `off` for floe as it was released, without what completes it.
        ready_seconds: how long the pods have to become Ready, where the fault keeps one from it.
    """

    edits: list[Edit] = Field(default_factory=list)
    values: dict[str, Any] = Field(default_factory=dict)
    stop: Text | None = None
    additions: Literal["off"] | None = None
    ready_seconds: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _plants_something(self) -> Plant:
        if not (self.edits or self.values or self.stop or self.additions):
            raise ValueError("nothing is planted: give edits, values, stop or additions")
        return self

    @property
    def only_edits(self) -> bool:
        """Whether it changes files and nothing else, so that another fault can be planted beside it."""
        return not (self.values or self.stop or self.additions or self.ready_seconds)


class Red(_Entry):
    """Scenarios of one requirement that the fault must turn red, and what they must say.

    Attributes:
        id: of the requirement, edge case or gap that these scenarios prove.
        scenarios: their titles as a report gives them; a row of an outline with its row in brackets.
        because: searched in the failure's message.
    """

    id: Text
    scenarios: list[Text] = Field(min_length=1)
    because: Annotated[Text, AfterValidator(_compiles)]


class Fault(_Entry):
    """A planted fault.

    Attributes:
        id: the name of its file.
        title: what is wrong with the platform, in a sentence.
        story: whose scenarios are run.
        plant: how it is brought about.
        red: every scenario of the story that must fail; all others must pass.
        alone: whether it takes from others what they need to be noticed, so that it is planted by itself.
    """

    id: Text
    title: Text
    story: Annotated[str, StringConstraints(pattern=r"^US\d+$")]
    plant: Plant
    red: list[Red] = Field(min_length=1)
    alone: bool = False

    @property
    def ids(self) -> frozenset[str]:
        """The requirements it must turn red."""
        return frozenset(red.id for red in self.red)

    def expected(self) -> dict[str, Red]:
        """By scenario title, what must be said when it fails."""
        return {title: red for red in self.red for title in red.scenarios}


def load(folder: Path = FAULTS) -> list[Fault]:
    """Every fault, by name.

    Raises:
        UserError: a file is not a fault; names the file, the field and what to do.
    """
    return [read(file) for file in sorted(folder.glob("*.yaml"))]


def read(file: Path) -> Fault:
    """One fault."""
    shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return Fault.model_validate({"id": file.stem, **content})
    except (yaml.YAMLError, TypeError) as broken:
        raise UserError(f"{shown}: not a YAML mapping: {broken}", remedy="see controls/README.md") from broken
    except ValidationError as refused:
        first = refused.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file as a whole"
        raise UserError(f"{shown}: {field}: {first['msg']}", remedy="see controls/README.md") from refused


def choose(faults: Sequence[Fault], *, fault: str | None, requirement: str | None) -> list[Fault]:
    """The faults of the names in `fault`, a comma between them, that turn `requirement` red; else all.

    Raises:
        UserError: there is none; nothing is never taken for green.
    """
    names = None if fault is None else {name.strip() for name in fault.split(",")}
    for name in sorted((names or set()) - {one.id for one in faults}):
        raise UserError(f"FAULT={name}: no such fault", remedy=_one_of(one.id for one in faults))
    named = [one for one in faults if names is None or one.id in names]
    chosen = [one for one in named if requirement is None or requirement in one.ids]
    if not chosen:
        known = sorted({name for one in named for name in one.ids})
        raise UserError(f"REQ={requirement}: no fault turns it red", remedy=_one_of(known))
    return chosen


def _one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(names)}" if names else "write one: see controls/README.md"
