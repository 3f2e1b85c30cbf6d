"""What a run leaves behind: one record a scenario, and the facts of the run around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from foundation.cache import ROOT
from foundation.errors import UserError

OUT = ROOT / "reports" / "out"
RESULTS_NAME = "results.json"

Outcome = Literal["passed", "failed", "not reached"]
Category = Literal["product defect", "environment", "suite defect"]
"""Whose defect a failure is at first sight; see reports/categories.py."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StepResult(_Record):
    """One step of a scenario as it ran."""

    keyword: str
    text: str
    result: Outcome
    seconds: float


class ScenarioResult(_Record):
    """One scenario, or one row of an outline, as it ran.

    Attributes:
        node: pytest's id of it; the command line that reruns it.
        line: of the scenario in its feature file; with `feature` and `example` its identity.
        example: the row of an outline; empty for a plain scenario.
        result: `skipped` proves nothing and counts as not run.
        failure: in which step or phase it failed and what was said, without a stack trace.
        category: whose defect the failure is at first sight; none when there is no failure.
        seconds: wall time, its share of preparing and tearing down included.
        touched: the services its evidence came from or through.
    """

    node: str
    feature: str
    line: int
    title: str
    example: dict[str, str] = Field(default_factory=dict)
    story: str | None
    ids: list[str]
    result: Literal["passed", "failed", "skipped"]
    failure: str | None = None
    category: Category | None = None
    began: datetime
    seconds: float
    steps: list[StepResult] = Field(default_factory=list)
    touched: list[str] = Field(default_factory=list)


class Host(_Record):
    """The machine the suite ran on."""

    system: str
    cores: int
    memory_gib: float
    disk_gib: float
    disk_free_gib: float


class Node(_Record):
    """A node of the cluster, as Kubernetes describes it."""

    name: str
    system: str
    kernel: str
    architecture: str


class Cluster(_Record):
    """The cluster the suite ran against.

    Attributes:
        asked: the provider that was asked for by name (CLUSTER=kind); None where the suite chose.
    """

    provider: str
    asked: str | None = None
    kubernetes: str | None = None
    nodes: list[Node] = Field(default_factory=list)


class DeployedImage(_Record):
    """An image of the platform as it was deployed.

    Attributes:
        reference: what pods call it; for images built here the tag is the digest of the inputs.
        digest: of its manifest (`sha256:...`), which names the content; None where nothing tells it.
    """

    reference: str
    digest: str | None = None


class Revision(_Record):
    """The checkout's commit, and whether files differed from it."""

    commit: str | None
    dirty: bool


class Facts(_Record):
    """Where and with what a run took place.

    Attributes:
        versions: of the platform's components.
        suite: of the tools that tested it.
        stand_ins: per service that is not the real one, what stands in for it.
        images: of the platform, by the name the chart has for them.
        variables: what a person had set that decides what is shown, beside selection and cluster.
    """

    host: Host
    cluster: Cluster
    revision: Revision
    versions: dict[str, str]
    suite: dict[str, str]
    stand_ins: dict[str, str]
    images: dict[str, DeployedImage] = Field(default_factory=dict)
    variables: dict[str, str] = Field(default_factory=dict)


class Run(_Record):
    """A test session: its scenarios and what else went wrong in it.

    Attributes:
        errors: what belongs to no scenario, such as a feature that cannot be read.
        selection: the options that narrowed the run, in pairs; empty when nothing was left out on purpose.
        places: the files and node ids that pytest was narrowed to; empty when it was given all features.
        selected: pytest's ids of the scenarios that were to run.
        facts: of machine, cluster and versions, as gathered while the cluster was there.
    """

    began: datetime
    ended: datetime
    exit_code: int
    selection: list[str] = Field(default_factory=list)
    places: list[str] = Field(default_factory=list)
    selected: list[str] = Field(default_factory=list)
    scenarios: list[ScenarioResult] = Field(default_factory=list)
    errors: list[str] = Field(default_factory=list)
    facts: Facts


def read(out: Path = OUT) -> Run:
    """The results of the last run.

    Raises:
        UserError: there was none, or the file is of another version of the suite.
    """
    file = out / RESULTS_NAME
    if not file.exists():
        raise UserError("there is no result to report on: no feature has run here", remedy="make e2e")
    try:
        return Run.model_validate_json(file.read_text(encoding="utf-8"))
    except ValueError as refused:
        raise UserError(f"{file}: not a result of this version", remedy="make e2e") from refused


def write(run: Run, out: Path) -> None:
    """Keep the results in `out`, replacing the earlier ones in one move."""
    replace(out / RESULTS_NAME, run.model_dump_json(indent=1))


def replace(file: Path, text: str) -> None:
    """Write a file so that a reader, or a kill, never sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def row_title(template: str, rendered: str, row: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> str:
    """A title for one row of an outline: the fewest leading columns that tell it from the others."""
    if not row or rendered != template:
        return rendered
    values = [tuple(one.values()) for one in rows]
    width = next((n for n in range(1, len(row)) if len({one[:n] for one in values}) == len(values)), len(row))
    return f"{rendered} ({', '.join(tuple(row.values())[:width])})"
