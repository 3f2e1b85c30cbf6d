"""The interface behind which every cluster looks the same, and the choice among the three."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from foundation.cache import STATE
from foundation.errors import PlatformError, UserError
from foundation.process import run

if TYPE_CHECKING:
    from images.model import Image

KUBECONFIG = STATE / "kubeconfig"
"""Of this checkout alone; the user's own ~/.kube is neither read nor written."""

NODE_PORTS = {
    "dagster": 3000,
    "polaris": 8181,
    "minio": 9000,
    "minio-console": 9001,
    "marquez": 5001,
    "jaeger": 16686,
    "prometheus": 9090,
    "grafana": 3001,
}
"""The documented ports, the same on every provider."""

NODE_PORT_RANGE = "1024-32767"
"""Wide enough for the documented ports to be node ports."""


class PodLine(BaseModel):
    """One pod as `status` lists it."""

    namespace: str
    name: str
    phase: str
    ready: bool

    @classmethod
    def of(cls, pod: dict[str, Any]) -> PodLine:
        """From the API's object."""
        return cls(
            namespace=pod["metadata"]["namespace"],
            name=pod["metadata"]["name"],
            phase=pod["status"]["phase"],
            ready=is_ready(pod),
        )


def is_ready(thing: dict[str, Any]) -> bool:
    """Whether a pod or a node says that it is Ready."""
    conditions = thing["status"].get("conditions", [])
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


class Status(BaseModel):
    """What runs.

    Attributes:
        provider: local, kind or existing.
        running: whether the cluster is there at all.
        ready: whether its API answers and its node takes pods.
        version: Kubernetes version, when it answers.
        address: where node ports answer.
        since: when this cluster was started, where that is known.
        holder: the checkout the cluster belongs to.
        components: what the provider runs itself, and how it fares.
        pods: every pod of every namespace.
        cache_bytes: what the suite keeps in the user's cache.
    """

    provider: str
    running: bool
    ready: bool = False
    version: str | None = None
    address: str | None = None
    since: datetime | None = None
    holder: str | None = None
    components: dict[str, str] = {}
    pods: list[PodLine] = []
    cache_bytes: int | None = None


class Provider(Protocol):
    """A cluster. After `up`, nothing else in the project knows which kind it is."""

    name: str

    @property
    def kubeconfig(self) -> Path:
        """Access to the cluster, private to this checkout."""

    def up(self) -> None:
        """Have a cluster whose node is Ready; returns at once if it is."""

    def down(self) -> None:
        """Leave the machine as it was; what was built stays in the cache."""

    def status(self) -> Status:
        """What runs."""

    def load(self, images: Sequence[Image]) -> None:
        """Give the cluster the images it lacks."""

    def has(self, ref: str) -> bool:
        """Whether pods can use this reference without any pull."""

    def reference(self, ref: str) -> str:
        """What pods must call an image that was built as `ref`."""

    def node_address(self) -> str:
        """Where node ports answer."""


def choose(environment: Mapping[str, str] = os.environ) -> str:
    """The provider's name: CLUSTER, or for `auto` what this machine offers.

    A kubeconfig counts as named only by FLOE_E2E_KUBECONFIG or CLUSTER_KUBECONFIG: whoever has a
    KUBECONFIG in the shell for other work has not asked for a platform to be installed there.
    """
    wanted = environment.get("CLUSTER") or "auto"
    if wanted in ("kind", "local", "existing"):
        return wanted
    if wanted != "auto":
        raise UserError(f"CLUSTER={wanted} is no provider", remedy="choose auto, kind, local or existing")
    if named_kubeconfig(environment):
        return "existing"
    return "kind" if docker_answers() else "local"


def named_kubeconfig(environment: Mapping[str, str] = os.environ) -> str | None:
    """The kubeconfig the user named for this suite."""
    return environment.get("FLOE_E2E_KUBECONFIG") or environment.get("CLUSTER_KUBECONFIG") or None


def docker_answers() -> bool:
    """Whether a Docker engine answers on this machine."""
    if not shutil.which("docker"):
        return False
    try:
        run(["docker", "version", "--format", "{{.Server.Version}}"], timeout=10)
    except PlatformError:
        return False
    return True


def provider() -> Provider:
    """The cluster this run uses."""
    # Imported when chosen: each brings what only it needs.
    name = choose()
    if name == "kind":
        from cluster.kind.provider import Kind  # noqa: PLC0415

        return Kind()
    if name == "existing":
        from cluster.existing.provider import Existing  # noqa: PLC0415

        return Existing()
    from cluster.local.provider import Local  # noqa: PLC0415

    return Local()
