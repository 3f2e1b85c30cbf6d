"""What a person may set on the command line of make, checked before anything is begun."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.errors import UserError
from gate.features import parse
from reports import catalogue
from reports.catalogue import FEATURES
from reports.choice import Asked, Choice, Expression


class Settings(BaseModel):
    """The variables of `make`, by the names a person types.

    Attributes:
        story: run only this story (STORY=US3).
        requirement: run only the scenarios of this id of the catalogue (REQ=FR-022).
        edge: run only the scenarios of this edge case (EDGE=EDGE-04).
        tags: run only what this tag expression selects (TAGS="@US3 and not @GAP-007").
        failed_first_from: run first what failed in this earlier run: a results.json, or a folder
            that holds one (FAILED_FIRST_FROM=reports/out).
        keep: leave the stories' namespaces standing to look at them (KEEP=1).
        cluster: which provider (CLUSTER=auto|kind|local|existing).
        additions: build the products with the additions, or with floe as released (ADDITIONS=on|off).
        seed_scale: multiplies the demo's rows (FLOE_DEMO_SEED_SCALE, 0.1 to 1000).
        times: how often soak repeats a story (N=20).
        ready_seconds: limit for all pods to be Ready (PLATFORM_READY_SECONDS).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    story: str | None = Field(None, alias="STORY")
    requirement: str | None = Field(None, alias="REQ")
    edge: str | None = Field(None, alias="EDGE")
    tags: str | None = Field(None, alias="TAGS", pattern=r"\S")
    failed_first_from: Path | None = Field(None, alias="FAILED_FIRST_FROM")
    keep: bool = Field(False, alias="KEEP")  # noqa: FBT003 - a model's default, not a call
    cluster: Literal["auto", "kind", "local", "existing"] = Field("auto", alias="CLUSTER")
    additions: Literal["on", "off"] = Field("on", alias="ADDITIONS")
    seed_scale: float = Field(1.0, alias="FLOE_DEMO_SEED_SCALE", ge=0.1, le=1000)
    times: int = Field(20, alias="N", ge=2, le=1000)
    ready_seconds: float = Field(120.0, alias="PLATFORM_READY_SECONDS", gt=0, le=3600)

    @property
    def selection(self) -> list[str]:
        """The options of pytest that select what was asked for."""
        options = {
            "--story": self.story,
            "--requirement": self.requirement,
            "--edge": self.edge,
            "--tags": self.tags and self.tags.replace("@", ""),
        }
        return [word for option, value in options.items() if value for word in (option, value)]

    @property
    def choice(self) -> Choice:
        """What was asked for, in the words that were typed.

        Raises:
            UserError: TAGS is no tag expression.
        """
        return Choice(
            stories=_asked("STORY", self.story),
            ids=_asked("REQ", self.requirement),
            edges=_asked("EDGE", self.edge),
            expressions=[Expression.read(f'TAGS="{self.tags}"', self.tags)] if self.tags else [],
        )

    @property
    def full(self) -> bool:
        """Whether nothing was left out."""
        return not self.selection


def load(environment: Mapping[str, str] = os.environ, features: Path = FEATURES) -> Settings:
    """Read the settings from the environment.

    Raises:
        UserError: a value is not of its kind, or what it asks for is not there.
    """
    names = {str(field.alias) for field in Settings.model_fields.values()}
    given = {name: environment[name] for name in names if environment.get(name)}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as refused:
        first = refused.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{name}={given.get(name, '')!r}: {first['msg']}",
            remedy="see `make help` for the values it takes",
        ) from refused
    _must_be_there(settings, features)
    return settings


def _asked(variable: str, value: str | None) -> list[Asked]:
    return [Asked(f"{variable}={value}", value)] if value else []


def _must_be_there(settings: Settings, features: Path) -> None:
    """Refuse what selects no scenario: before a cluster is brought up for it, not after."""
    if settings.full:
        return
    chosen = settings.choice
    chosen.must_be_known(catalogue.load(features / catalogue.CATALOGUE.name))
    plain = (((), frozenset[str]()),)
    chosen.must_select(source.tags | tags for source in parse(features) for _, tags in source.rows or plain)
