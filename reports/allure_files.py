"""What Allure's report shows around the scenarios: where they ran and with what.

The kinds of failure it groups them by are in allurerc.json.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from reports.results import Revision, Run, replace

RESULTS = "allure-results"
"""Folder of Allure's result files below the output folder."""


def write(run: Run, folder: Path) -> None:
    """Write environment and executor beside the results."""
    replace(folder / "environment.properties", _properties(environment(run)))
    name = f"{run.facts.cluster.provider} cluster"
    executor = {
        "name": "floe acceptance suite",
        "type": "make",
        "buildName": f"{name}, {spoken_revision(run.facts.revision)}",
    }
    replace(folder / "executor.json", json.dumps(executor))


def environment(run: Run) -> dict[str, str]:
    """The facts of a run as short lines."""
    facts = run.facts
    host = facts.host
    lines = {
        "Date": run.began.strftime("%Y-%m-%d %H:%M UTC"),
        "Cluster": f"{facts.cluster.provider}, Kubernetes {facts.cluster.kubernetes or 'unknown'}",
        "Node": "; ".join(
            f"{node.name} ({node.system}, {node.architecture})" for node in facts.cluster.nodes
        ),
        "Host": f"{host.cores} cores, {host.memory_gib:.0f} GiB, {host.disk_gib:.0f} GiB disk",
        "System": host.system,
        "Revision": spoken_revision(run.facts.revision),
    }
    lines |= {f"Stand-in for {service}": name for service, name in facts.stand_ins.items()}
    lines |= dict(sorted(facts.versions.items()))
    lines |= {f"{name} (suite)": version for name, version in facts.suite.items()}
    return {name: value for name, value in lines.items() if value}


def spoken_revision(found: Revision) -> str:
    """The commit in short, and whether the checkout differed from it."""
    if found.commit is None:
        return "no git revision"
    return found.commit[:12] + (" with uncommitted changes" if found.dirty else "")


def _properties(values: dict[str, str]) -> str:
    """A properties file, whose names end at the first space, colon or equals sign not escaped."""

    def key(text: str) -> str:
        return re.sub(r"([ :=\\])", r"\\\1", text)

    return "".join(f"{key(name)}={' '.join(value.split())}\n" for name, value in values.items())
