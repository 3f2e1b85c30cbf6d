"""The demo products and their seed data."""

from __future__ import annotations

from pathlib import Path


def products() -> list[str]:
    """The demo's products: the name of every folder in here that has a floe.yaml."""
    return sorted(file.parent.name for file in Path(__file__).parent.glob("*/floe.yaml"))
