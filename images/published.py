"""Published images, for clusters whose nodes reach a registry."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).with_name("published.yaml")

_PINNED = r"^[a-z0-9.-]+(/[a-z0-9._-]+)+:[A-Za-z0-9][\w.-]*(@sha256:[0-9a-f]{64})?$"


class Published(BaseModel):
    """The list in published.yaml: full references with a version."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    postgresql: str = Field(pattern=_PINNED)
    polaris: str = Field(pattern=_PINNED)
    polaris_admin: str = Field(alias="polaris-admin", pattern=_PINNED)
    marquez: str = Field(pattern=_PINNED)
    jaeger: str = Field(pattern=_PINNED)
    prometheus: str = Field(pattern=_PINNED)
    grafana: str = Field(pattern=_PINNED)


def references() -> dict[str, str]:
    """The published references by image name."""
    read = Published.model_validate(yaml.safe_load(FILE.read_text()))
    return {name.replace("_", "-"): ref for name, ref in read.model_dump().items()}
