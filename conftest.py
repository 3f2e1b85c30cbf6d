"""What every pytest session of this project uses: the evidence and the vocabulary of the features."""

from __future__ import annotations

from foundation.process import heed_interrupts

heed_interrupts()

pytest_plugins = (
    "reports.plugin",
    "reports.canary",
    "steps.explain",
    "steps.diagnostics",
    "steps.stage",
    "steps.platform",
    "steps.pipelines",
    "steps.troubles",
    "steps.automation",
    "steps.upkeep",
    "steps.refusals",
    "steps.compilation",
    "steps.early",
    "steps.plugins",
    "steps.locations",
    "steps.health",
    "steps.compute",
    "steps.evolution",
    "steps.observability",
)
