"""What Allure's report shows around the scenarios: where they ran, and kinds of failure."""

from __future__ import annotations

import json
from pathlib import Path

from reports.results import Run, replace

RESULTS = "allure-results"
"""Folder of Allure's result files below the output folder."""

CATEGORIES = [
    {
        "name": "The platform does not do what it promises",
        "matchedStatuses": ["failed"],
    },
    {
        "name": "A wait ran out",
        "matchedStatuses": ["broken"],
        "messageRegex": r"(?s).*(DeadlineError|still .* after).*",
    },
    {
        "name": "The platform, or a service of it, refused or broke",
        "matchedStatuses": ["broken"],
    },
]


def write(run: Run, folder: Path) -> None:
    """Write environment, executor and categories beside the results."""
    replace(folder / "environment.properties", _properties(environment(run)))
    name = f"{run.facts.cluster.provider} cluster"
    executor = {"name": "floe acceptance suite", "type": "make", "buildName": f"{name}, {revision(run)}"}
    replace(folder / "executor.json", json.dumps(executor))
    replace(folder / "categories.json", json.dumps(CATEGORIES))


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
        "Host": f"{host.cores} cores, {host.memory_gib} GiB memory, {host.disk_gib} GiB disk ({host.system})",
        "Revision": revision(run),
    }
    lines |= {f"Stand-in: {service}": name for service, name in facts.stand_ins.items()}
    lines |= dict(sorted(facts.versions.items()))
    lines |= {f"suite: {name}": version for name, version in facts.suite.items()}
    return {name: value for name, value in lines.items() if value}


def revision(run: Run) -> str:
    """The commit, and whether the checkout differed from it."""
    found = run.facts.revision
    return (found.commit or "no git revision")[:12] + (" with uncommitted changes" if found.dirty else "")


def _properties(values: dict[str, str]) -> str:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace("\n", " ")

    def key(text: str) -> str:
        return escaped(text).replace(" ", "\\ ").replace(":", "\\:").replace("=", "\\=")

    return "".join(f"{key(name)}={escaped(value)}\n" for name, value in values.items())
