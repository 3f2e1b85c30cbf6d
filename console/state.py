"""`make status`: what runs, in which state, and where it answers."""

from __future__ import annotations

from rich.table import Table

from cluster import provider
from cluster.provider import NODE_PORTS, Status
from drivers.kubernetes import Cluster
from foundation.progress import console, say

GIB = 1024**3


def show() -> None:
    """Print the node, the pods by namespace, and the addresses that are served."""
    cluster = provider()
    status = cluster.status()
    _node(status)
    if not status.ready:
        say("`make up` starts it")
        return
    _pods(status)
    _addresses(Cluster(cluster.kubeconfig), cluster.node_address())


def _node(status: Status) -> None:
    state = "Ready" if status.ready else "running, not Ready" if status.running else "not running"
    since = f" since {status.since:%Y-%m-%d %H:%M:%S}" if status.since else ""
    say(f"cluster {status.provider}: {state}{since}, Kubernetes {status.version or 'unknown'}")
    for name, fares in status.components.items():
        say(f"  {name}: {fares}")
    if status.holder:
        say(f"  belongs to {status.holder}")
    if status.cache_bytes is not None:
        say(f"  user's cache: {status.cache_bytes / GIB:.1f} GiB")


def _pods(status: Status) -> None:
    table = Table(title="Pods", title_justify="left")
    for column in ("namespace", "pod", "phase", "ready"):
        table.add_column(column)
    for pod in sorted(status.pods, key=lambda one: (one.namespace, one.name)):
        table.add_row(pod.namespace, pod.name, pod.phase, "yes" if pod.ready else "no")
    console.print(table)


def _addresses(cluster: Cluster, host: str) -> None:
    held = cluster.held_node_ports()
    for name, port in NODE_PORTS.items():
        if port in held:
            say(f"http://{host}:{port}  {name} of {held[port]}")
