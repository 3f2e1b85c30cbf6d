"""What Allure's report shows around the scenarios: where they ran and with what.

The categories it groups failures by are in allurerc.json; they go by the label CATEGORY.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from reports.results import DeployedImage, Revision, Run, replace

RESULTS = "allure-results"
"""Folder of Allure's result files below the output folder."""
PAGE = Path("allure") / "index.html"
"""The page made of them, below the output folder."""
NODE = "node"
"""Label of a result: pytest's id of the scenario, with which it is run again."""
CATEGORY = "category"
"""Label of a failed result: whose defect it is (reports/categories.py)."""


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
    lines |= {f"Image {name}": spoken_image(image) for name, image in facts.images.items()}
    return {name: value for name, value in lines.items() if value}


def anchors(folder: Path) -> dict[str, str]:
    """Where Allure's page shows each scenario, by pytest's id of it: what comes after the `#`."""
    found = {}
    for file in sorted(folder.glob("*-result.json")):
        result = json.loads(file.read_text(encoding="utf-8"))
        labels = {label["name"]: label["value"] for label in result.get("labels", [])}
        if NODE in labels:
            # Allure calls a result by the MD5 digest of its uuid.
            found[labels[NODE]] = hashlib.md5(result["uuid"].encode(), usedforsecurity=False).hexdigest()
    return found


def spoken_image(image: DeployedImage) -> str:
    """The reference and the digest of its content."""
    return f"{image.reference} @ {image.digest or 'digest unknown'}"


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
