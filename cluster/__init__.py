"""Clusters: a local node, kind, or one that exists, behind one small interface.

`cluster.provider()` is the cluster of this run.
"""

from cluster.provider import NODE_PORTS, PodLine, Provider, Status, provider

__all__ = ["NODE_PORTS", "PodLine", "Provider", "Status", "provider"]
