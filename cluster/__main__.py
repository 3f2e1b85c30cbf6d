"""`python -m cluster up|down|status`: the cluster alone, without images of the platform."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from cluster import provider
from cluster.provider import Status
from foundation.errors import PlatformError, UserError
from foundation.progress import phase, say

UP_BUDGET = 60.0
DOWN_BUDGET = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code tells bad use (2) from a failure (1)."""
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status"])
    chosen = parser.parse_args(arguments)
    try:
        cluster = provider()
        if chosen.command == "up":
            with phase(f"cluster: {cluster.name} up", budget=UP_BUDGET):
                cluster.up()
            say(f"KUBECONFIG={cluster.kubeconfig}  node ports answer on {cluster.node_address()}")
        elif chosen.command == "down":
            with phase(f"cluster: {cluster.name} down", budget=DOWN_BUDGET):
                cluster.down()
        else:
            for line in lines(cluster.status()):
                say(line)
    except (UserError, PlatformError) as failed:
        say(f"error: {failed}")
        return failed.exit_code
    return 0


def lines(status: Status) -> list[str]:
    """A status as a person reads it."""
    told = [f"provider   {status.provider}"]
    if not status.running:
        told.append("node       not running")
    else:
        up = (
            f", up for {_duration((datetime.now(UTC) - status.since).total_seconds())}"
            if status.since
            else ""
        )
        told.append(
            f"node       {'Ready' if status.ready else 'not Ready'}, {status.version or 'silent'}{up}"
        )
    if status.address:
        told.append(f"address    {status.address}")
    if status.holder:
        told.append(f"holder     {status.holder}")
    for name, state in status.components.items():
        told.append(f"component  {name}: {state}")
    if status.pods:
        ready = sum(pod.ready for pod in status.pods)
        told.append(f"pods       {len(status.pods)}, {ready} of them Ready")
    told += [
        f"           {pod.namespace}/{pod.name}: {pod.phase}{'' if pod.ready else ', not Ready'}"
        for pod in status.pods
    ]
    if status.cache_bytes is not None:
        told.append(f"cache      {status.cache_bytes / 1e9:.1f} GB")
    return told


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    return (
        f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {int(seconds % 60)} s"
    )


if __name__ == "__main__":
    sys.exit(main())
