"""From whatever state the machine is in to a cluster that has every image: one idempotent call."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from pathlib import Path

import images
from cluster import provider
from cluster.provider import Provider
from foundation.cache import ROOT, STATE, locked
from foundation.progress import phase, say

NODE_READY_BUDGET = 60.0
"""Seconds for a built local cluster to have its node Ready (design.md, Time)."""

CHART = ROOT / "charts" / "floe-platform"
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


@cache
def ready() -> Prepared:
    """Bring the cluster up and load what changed; built and running, it takes seconds.

    One run at a time uses the cluster: a second one waits here and says for whom.
    """
    _run.enter_context(locked("run", waiting=lambda holder: say(f"waiting: {holder} uses the cluster")))
    cluster = provider()
    with phase(f"cluster: {cluster.name} up", budget=NODE_READY_BUDGET):
        cluster.up()
    with phase("images: build what changed"):
        built = images.build_all()
    with phase("images: load what the node lacks"):
        cluster.load(built)
    return Prepared(cluster)
