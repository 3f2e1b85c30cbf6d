"""kind's configuration: one node whose node ports are the documented ones, mapped to this machine."""

from __future__ import annotations

from typing import Any

import yaml

from cluster.provider import NODE_PORT_RANGE, NODE_PORTS

NAME = "floe-e2e"
LISTEN = "127.0.0.1"
"""Mapped ports answer on this machine only."""


def config() -> dict[str, Any]:
    """The `Cluster` of kind.x-k8s.io/v1alpha4."""
    api_server = {"apiServer": {"extraArgs": {"service-node-port-range": NODE_PORT_RANGE}}}
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": NAME,
        "networking": {"apiServerAddress": LISTEN},
        "kubeadmConfigPatches": [yaml.safe_dump({"kind": "ClusterConfiguration", **api_server})],
        "nodes": [
            {
                "role": "control-plane",
                "extraPortMappings": [
                    {"containerPort": port, "hostPort": port, "listenAddress": LISTEN, "protocol": "TCP"}
                    for port in NODE_PORTS.values()
                ],
            }
        ],
    }
