"""What a person may set on the command line of make, checked before anything is begun."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.cache import ROOT
from foundation.errors import UserError
from reports.catalogue import CATALOGUE
from reports.catalogue import load as load_catalogue


class Settings(BaseModel):
    """The variables of `make`, by the names a person types.

    Attributes:
        story: run only this story (STORY=US3).
        requirement: run only the scenarios of this requirement or edge case (REQ=FR-022).
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
    keep: bool = Field(False, alias="KEEP")  # noqa: FBT003 - a model's default, not a call
    cluster: Literal["auto", "kind", "local", "existing"] = Field("auto", alias="CLUSTER")
    additions: Literal["on", "off"] = Field("on", alias="ADDITIONS")
    seed_scale: float = Field(1.0, alias="FLOE_DEMO_SEED_SCALE", ge=0.1, le=1000)
    times: int = Field(20, alias="N", ge=2, le=1000)
    ready_seconds: float = Field(120.0, alias="PLATFORM_READY_SECONDS", gt=0)

    @property
    def selection(self) -> list[str]:
        """The options of pytest that select what was asked for."""
        chosen = []
        if self.story:
            chosen += ["--story", self.story]
        if self.requirement:
            chosen += ["--requirement", self.requirement]
        return chosen

    @property
    def full(self) -> bool:
        """Whether nothing was left out."""
        return not self.selection


def load(environment: Mapping[str, str] = os.environ, catalogue: Path = CATALOGUE) -> Settings:
    """Read the settings from the environment.

    Raises:
        UserError: a value is not of its kind, or names an id that the catalogue does not have.
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
    _must_be_known(settings, catalogue)
    return settings


def _must_be_known(settings: Settings, catalogue: Path) -> None:
    known = load_catalogue(catalogue)
    stories = list(known.stories)
    ids = [one.id for one in known.requirements] + [one.id for one in known.edge_cases]
    if settings.story and settings.story not in stories:
        raise UserError(f"STORY={settings.story}: no such story", remedy=f"one of {', '.join(stories)}")
    if settings.requirement and settings.requirement not in ids:
        raise UserError(
            f"REQ={settings.requirement}: no such requirement or edge case",
            remedy=f"{ids[0]} to {ids[-1]}, as listed in {catalogue.relative_to(ROOT)}",
        )
