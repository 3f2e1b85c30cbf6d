"""What is kept of a product's tables, and for how long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    from pathlib import Path

SNAPSHOTS = 6
"""How many snapshots of a table are kept unless a launch says otherwise."""

UNUSED_MINUTES = 60
"""How old an object must be that no snapshot refers to: a younger one may be of a writer about to commit."""

SMALL_FILES = 8
"""How many small data files and delete files a table may have before it is rewritten."""

SMALL_BYTES = 32 * 1024 * 1024
"""A data file below this size is a small one."""

_TABLES = frozenset({"table", "incremental", "seed"})


class Retention(BaseModel):
    """How long a table's rows are kept: `meta: {floe: {retention: {column: seen_at, hours: 1}}}` in dbt.

    Attributes:
        column: a timestamp of the table; a row without one is kept.
        hours: the age, in hours, beyond which a row is removed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(min_length=1)
    hours: int = Field(ge=1)

    @property
    def age(self) -> timedelta:
        """The age beyond which a row is removed."""
        return timedelta(hours=self.hours)


@dataclass(frozen=True)
class Kept:
    """A table of a product, and how long its rows are kept; for ever without a retention."""

    namespace: str
    name: str
    retention: Retention | None


class RetentionError(ValueError):
    """What a model says of its retention does not fit."""


def tables_of(dbt_manifest: Path) -> list[Kept]:
    """The tables that a dbt project makes, in the order of their names.

    Raises:
        RetentionError: a model's retention does not fit; with model and field.
    """
    nodes: Mapping[str, Mapping[str, Any]] = json.loads(dbt_manifest.read_bytes())["nodes"]
    found = [
        Kept(node["schema"], node["alias"], _retention(node))
        for node in nodes.values()
        if node["resource_type"] in ("model", "seed") and node["config"]["materialized"] in _TABLES
    ]
    return sorted(found, key=lambda one: (one.namespace, one.name))


def _retention(node: Mapping[str, Any]) -> Retention | None:
    said = (node["config"].get("meta") or {}).get("floe") or {}
    if "retention" not in said:
        return None
    try:
        return Retention.model_validate(said["retention"])
    except ValidationError as invalid:
        wrong = "; ".join(
            f"meta.floe.retention.{'.'.join(map(str, error['loc']))}: {error['msg']}"
            for error in invalid.errors()
        )
        raise RetentionError(f"{node['name']}: {wrong}") from invalid
