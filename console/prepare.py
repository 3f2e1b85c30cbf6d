"""From whatever state the machine is in to a cluster that has every image: one idempotent call."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from threading import Lock

import images
from cluster import provider, tools
from cluster.provider import Provider
from foundation import process
from foundation.cache import ROOT, STATE, SYSTEM, locked
from foundation.errors import PlatformError, UserError
from foundation.progress import phase, say

NODE_READY_BUDGET = 60.0
"""Seconds for a built local cluster to have its node Ready (design.md, Time)."""

CHART = SYSTEM / "charts" / "floe-platform"
KUBECONFIG_SHOWN = (STATE / "kubeconfig").relative_to(ROOT)
"""The kubeconfig as a person types it in the checkout."""

IMAGES_VALUES = STATE / "images-values.yaml"
"""Written by images: which image is which reference."""


class Prepared:
    """A running cluster with every image of the platform on it."""

    def __init__(self, cluster: Provider) -> None:
        self.cluster = cluster

    @property
    def values(self) -> list[Path]:
        """The values files every release is installed with, in order."""
        # A cluster that exists reaches a registry, as kind does.
        kind = "local" if self.cluster.name == "local" else "kind"
        return [IMAGES_VALUES, CHART / f"values-{kind}.yaml"]


_run = ExitStack()
"""Holds the machine's run lock until this process ends, however it ends."""

_preparing = Lock()
"""Held by the thread that prepares: a cache alone lets two in, and the second waits for its own process."""


def ready() -> Prepared:
    """Bring the cluster up and load what changed; built and running, it takes seconds.

    One run at a time uses the cluster: a second one waits here and says for whom. Any thread may ask.
    """
    with _preparing:
        return _ready()


@cache
def _ready() -> Prepared:
    _run.enter_context(locked("run", waiting=lambda holder: say(f"waiting: {holder} uses the cluster")))
    cluster = provider()
    with phase(f"cluster: {cluster.name} up", budget=NODE_READY_BUDGET):
        cluster.up()
    with phase("images: build what changed"):
        built = images.build_all()
    with phase("images: load what the node lacks"):
        cluster.load(built)
    prepared = Prepared(cluster)
    values_must_fit(prepared.values)
    return prepared


def values_must_fit(values: Sequence[Path]) -> None:
    """Render the chart with the values of a release before any release is touched.

    Raises:
        UserError: the chart refuses them; with the field and what it takes.
    """
    words = [word for file in values for word in ("--values", str(file))]
    try:
        process.run([tools.helm(), "template", "floe", CHART, *words], timeout=120)
    except PlatformError as refused:
        said = [line.strip() for line in str(refused).splitlines()[1:] if line.strip()]
        files = ", ".join(str(file.relative_to(ROOT)) for file in [CHART / "values.yaml", *values])
        raise UserError(
            f"the chart's values do not fit: {' '.join(said)}", remedy=f"mend {files}"
        ) from refused
