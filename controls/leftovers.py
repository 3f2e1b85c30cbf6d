"""What a fault makes a platform leave behind on purpose, taken away by the controls themselves.

The suite's own tear-down must not do it: that it cannot is what such a fault shows.
"""

from __future__ import annotations

from drivers import wait
from drivers.kubernetes import Cluster
from foundation.cache import STATE

STORIES = "floe-us"
"""How the namespaces of stories begin."""

GONE_SECONDS = 60.0


def sweep() -> None:
    """Remove the volumes that outlived their story's namespace; there is nothing to do without a cluster."""
    kubeconfig = STATE / "kubeconfig"
    if not kubeconfig.exists():
        return
    cluster = Cluster(kubeconfig)
    for namespace in sorted(cluster.owners_of_volumes() - cluster.namespaces()):
        if namespace.startswith(STORIES):
            _release(cluster, namespace)


def _release(cluster: Cluster, namespace: str) -> None:
    for volume in cluster.volumes(namespace):
        cluster.let_go(volume.name)
    wait.until(
        lambda: [volume.name for volume in cluster.volumes(namespace)],
        lambda left: not left,
        what=f"volumes of {namespace}",
        within=GONE_SECONDS,
        last=lambda left: f"are still there: {', '.join(left)}",
    )
