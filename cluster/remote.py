"""What kind and an existing cluster share: both are known only by their API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cluster.private import write_private
from cluster.provider import KUBECONFIG, PodLine, Status, is_ready
from cluster.tools import kubectl
from foundation.errors import PlatformError
from foundation.process import run


def write_kubeconfig(text: str) -> None:
    """Keep access to the cluster in this checkout, readable by its owner only."""
    KUBECONFIG.parent.mkdir(parents=True, exist_ok=True)
    part = KUBECONFIG.with_suffix(".new")
    write_private(part, text.encode())
    part.rename(KUBECONFIG)


def status(provider: str, kubeconfig: Path) -> Status:
    """What the API server tells; not ready if it does not answer."""
    found = Status(provider=provider, running=False)

    def ask(*words: str) -> str:
        command: list[str | Path] = [kubectl(), "--kubeconfig", kubeconfig, "--request-timeout=10s", *words]
        return run(command, timeout=30)

    try:
        found.version = json.loads(ask("version", "-o", "json"))["serverVersion"]["gitVersion"]
        nodes = json.loads(ask("get", "nodes", "-o", "json"))["items"]
        found.pods = [PodLine.of(pod) for pod in json.loads(ask("get", "pods", "-A", "-o", "json"))["items"]]
    except (PlatformError, KeyError):
        return found
    found.running = True
    found.ready = bool(nodes) and all(is_ready(node) for node in nodes)
    found.address = next((address(node) for node in nodes), None)
    return found


def address(node: dict[str, Any]) -> str | None:
    """Where node ports answer: outside the cluster's network if the node has such an address."""
    known = {entry["type"]: entry["address"] for entry in node["status"].get("addresses", [])}
    return known.get("ExternalIP") or known.get("InternalIP")
