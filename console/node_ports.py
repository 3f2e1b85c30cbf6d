"""The documented ports are one per cluster: who holds them is said before anything is installed."""

from __future__ import annotations

from cluster.provider import NODE_PORTS
from console import prepare
from drivers.kubernetes import Cluster
from foundation.errors import UserError


def must_be_free_for(namespace: str, cluster: Cluster) -> None:
    """Say who holds a documented port, rather than fail half-way through an installation.

    Raises:
        UserError: another namespace holds one; with the command that takes its platform away.
    """
    held = cluster.held_node_ports()
    for name, port in NODE_PORTS.items():
        holder = held.get(port)
        if holder and not holder.startswith(f"{namespace}/"):
            delete = (
                f"kubectl --kubeconfig {prepare.KUBECONFIG_SHOWN} delete namespace {holder.split('/')[0]}"
            )
            raise UserError(f"port {port} ({name}) is in use by {holder}", remedy=f"{delete}, or `make down`")
