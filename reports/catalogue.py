"""The requirement catalogue, features/requirements.yaml, as typed data.

It is the only list of ids in the project: tags, the matrix and the gate all ask here.
"""

from __future__ import annotations

import inspect
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

from foundation.cache import ROOT
from foundation.errors import UserError

FEATURES = ROOT / "features"
CATALOGUE = FEATURES / "requirements.yaml"
LIMITS = FEATURES / "limits.yaml"
PLANNED = FEATURES / "planned.yaml"

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
RequirementId = Annotated[str, StringConstraints(pattern=r"^FR-\d{3}$")]
EdgeCaseId = Annotated[str, StringConstraints(pattern=r"^EDGE-\d{2}$")]
StoryId = Annotated[str, StringConstraints(pattern=r"^US\d+$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Story(_Entry):
    """A user story: what one role of people wants of the platform."""

    title: Text
    priority: Literal["P1", "P2", "P3"]
    role: Text


class Requirement(_Entry):
    """One promise of the platform and what an outsider must see before it counts as kept."""

    id: RequirementId
    story: StoryId
    title: Text
    statement: Text
    proof: Text


class EdgeCase(_Entry):
    """Something that goes wrong, and what the platform must then do."""

    id: EdgeCaseId
    story: StoryId
    covers: list[RequirementId] = Field(min_length=1)
    statement: Text


class QualityRule(_Entry):
    """A rule for the scenarios themselves."""

    id: Annotated[str, StringConstraints(pattern=r"^TQR-\d{3}$")]
    rule: Text


class Gap(_Entry):
    """A hole of the earlier suite, which needs a scenario of its own."""

    covers: list[RequirementId] = Field(min_length=1)
    topic: Text


class Catalogue(_Entry):
    """Everything in features/requirements.yaml."""

    stories: dict[StoryId, Story]
    requirements: list[Requirement]
    edge_cases: list[EdgeCase]
    test_quality: list[QualityRule]
    gaps: dict[Annotated[str, StringConstraints(pattern=r"^GAP-\d{3}$")], Gap]
    success_criteria: dict[Annotated[str, StringConstraints(pattern=r"^SC-\d{3}$")], Text]

    @model_validator(mode="after")
    def _hangs_together(self) -> Catalogue:
        entries: list[Requirement | EdgeCase] = [*self.requirements, *self.edge_cases]
        ids = [item.id for item in entries] + [rule.id for rule in self.test_quality]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"listed twice: {', '.join(twice)}")
        for item in entries:
            if item.story not in self.stories:
                raise ValueError(f"{item.id}: story {item.story} is not listed under stories")
        known = {requirement.id for requirement in self.requirements}
        covering = {case.id: case.covers for case in self.edge_cases}
        covering |= {name: gap.covers for name, gap in self.gaps.items()}
        for name, covers in covering.items():
            strangers = [one for one in covers if one not in known]
            if strangers:
                raise ValueError(f"{name}: covers {', '.join(strangers)}, which is no requirement")
        return self

    @cached_property
    def provable(self) -> frozenset[str]:
        """The ids a scenario exists to prove: requirements and edge cases."""
        return frozenset([item.id for item in self.requirements] + [case.id for case in self.edge_cases])

    @cached_property
    def ids(self) -> frozenset[str]:
        """Every id a scenario may carry: the provable ones, gaps and success criteria."""
        return self.provable | set(self.gaps) | set(self.success_criteria)

    def title_of(self, name: str) -> str:
        """A short text for an id of the catalogue."""
        titles = {item.id: item.title for item in self.requirements}
        titles |= {case.id: case.statement.split(":")[0].rstrip(".") for case in self.edge_cases}
        titles |= {gap: item.topic for gap, item in self.gaps.items()} | self.success_criteria
        return titles[name]


class NotVerifiable(_Entry):
    """Why a requirement cannot be proved, and on which kinds of cluster."""

    on: list[Literal["local", "kind", "existing"]] = Field(min_length=1)
    reason: Text


class Limits(_Entry):
    """What this release of the suite cannot show, said outright (features/limits.yaml).

    Attributes:
        limits: per id, the part of it that its scenarios do not show yet.
        not_verifiable: per id, why no scenario can prove it, and on which clusters.
        through: per service that may be a stand-in, the ids whose proof goes through it
            whatever the drivers record.
    """

    limits: dict[str, Text] = Field(default_factory=dict)
    not_verifiable: dict[str, NotVerifiable] = Field(default_factory=dict)
    through: dict[str, list[str]] = Field(default_factory=dict)

    def check(self, catalogue: Catalogue, file: Path) -> None:
        """Refuse ids that the catalogue does not have.

        Raises:
            UserError: naming the file, the field and the id.
        """
        named = {"limits": list(self.limits), "not_verifiable": list(self.not_verifiable)}
        named |= {f"through.{service}": ids for service, ids in self.through.items()}
        for field, ids in named.items():
            for name in ids:
                if name not in catalogue.ids:
                    raise UserError(
                        f"{_shown(file)}: {field}: {name} is not in the catalogue",
                        remedy=f"use an id of {_shown(CATALOGUE)}",
                    )


class Planned(_Entry):
    """Ids that have no scenario yet (features/planned.yaml): the promise not to forget them.

    Attributes:
        at_most: how many there may be; it only ever gets smaller.
    """

    at_most: NonNegativeInt
    planned: list[str]


def load(file: Path = CATALOGUE) -> Catalogue:
    """Read the catalogue.

    Raises:
        UserError: it cannot be read; names the file, the field and what to do.
    """
    return read(file, Catalogue)


@cache
def of(root: Path) -> Catalogue:
    """The catalogue of the project at `root`: its own, or this one's where it has none."""
    own = root / "features" / CATALOGUE.name
    return load(own if own.exists() else CATALOGUE)


def load_limits(file: Path = LIMITS) -> Limits:
    """Read features/limits.yaml; a project without it has no limits declared."""
    return read(file, Limits) if file.exists() else Limits()


def load_planned(file: Path = PLANNED) -> Planned:
    """Read features/planned.yaml; a project without it has nothing planned."""
    return read(file, Planned) if file.exists() else Planned(at_most=0, planned=[])


Model = TypeVar("Model", bound=BaseModel)


def read(file: Path, model: type[Model]) -> Model:
    """Read a YAML file as a model.

    Raises:
        UserError: it cannot be read; names the file, the field and what to do.
    """
    shown = _shown(file)
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError as absent:
        raise UserError(f"{shown}: not there", remedy=f"restore it: git checkout -- {shown}") from absent
    except yaml.YAMLError as broken:
        mark = getattr(broken, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        said = getattr(broken, "problem", None) or str(broken)
        raise UserError(f"{shown}{where}: not YAML: {said}", remedy="mend that line") from broken
    try:
        return model.model_validate(content)
    except ValidationError as refused:
        first = refused.errors()[0]
        field = _field(content, first["loc"]) or "the file as a whole"
        more = f" (and {refused.error_count() - 1} more)" if refused.error_count() > 1 else ""
        raise UserError(
            f"{shown}: {field}: {first['msg']}{more}",
            remedy=f"correct it; the fields are described in {_shown(Path(inspect.getfile(model)))}",
        ) from refused


def _field(content: Any, path: tuple[int | str, ...]) -> str:
    """The path of a field, a list entry called by its id where it has one."""
    words: list[str] = []
    for key in path:
        try:
            content = content[key]
        except (LookupError, TypeError):
            content = None
        named = content.get("id") if isinstance(key, int) and isinstance(content, dict) else None
        words.append(str(named or key))
    return ".".join(words)


def _shown(file: Path) -> str:
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)
