"""Where the lineage service keeps its state: the one choice that manifest.yaml makes for the chart.

floe keeps what a plugin is configured with as it stands, and its own plugin for Marquez leaves alone what it
does not know; so the choice stands with the backend it is about, in plugins.lineage_backend.config.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal, get_args

import yaml

from foundation.errors import UserError

Database = Literal["shared", "dedicated"]
"""A database of the platform's PostgreSQL, or a PostgreSQL of the service's own."""

MANIFEST: Final = Path(__file__).with_name("manifest.yaml")
_FIELD: Final = "plugins.lineage_backend.config.database"


def database(manifest: Path = MANIFEST) -> Database:
    """The choice that a manifest makes; a manifest that says nothing means the shared one.

    Raises:
        UserError: it says something else than the two.
    """
    found: Any = yaml.safe_load(manifest.read_text())
    for name in _FIELD.split("."):
        found = (found or {}).get(name)
    match found:
        case None | "shared":
            return "shared"
        case "dedicated":
            return "dedicated"
    raise UserError(f"{manifest}: {_FIELD} is {found!r}", remedy=f"one of: {', '.join(get_args(Database))}")


def settings(manifest: Path = MANIFEST) -> dict[str, str]:
    """The choice as the chart takes it: its value by its path."""
    return {"global.lineage.database": database(manifest)}
