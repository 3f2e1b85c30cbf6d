"""Jaeger, built from its Go module: one program, Jaeger or, configured so, an OpenTelemetry collector.

Jaeger 2 is an OpenTelemetry collector with storage and queries; its Go module is still numbered 1.x.
"""

from __future__ import annotations

import re
from pathlib import Path

MODULE = Path(__file__).resolve().parent
PACKAGE = "github.com/jaegertracing/jaeger"
RELEASE = "v2.13.0"
"""What the program calls itself: Jaeger's changelog names v1.76.0 and v2.13.0 as one release."""


def version() -> str:
    """The version of the module built here, from go.mod: `v1.76.0`."""
    found = re.search(rf"^require {PACKAGE} (v\S+)$", (MODULE / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{MODULE / 'go.mod'} requires no {PACKAGE}")
    return found[1]


def binary() -> Path:
    """The static program `jaeger`; built on first use (some minutes), then from the cache."""
    from cluster.gobuild import go_binaries  # noqa: PLC0415 - images can be described without cluster

    return go_binaries(MODULE, f"{PACKAGE}/cmd/jaeger", ldflags=_flags(), title="Jaeger") / "jaeger"


def _flags() -> list[str]:
    return [f"-X {PACKAGE}/internal/version.latestVersion={RELEASE}"]
