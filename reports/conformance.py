"""The outcome of a run as data for other programs, report.yaml, in the manner of Kubernetes' own reports.

A reader can tell from it alone what was tested, on what, with which result, and how to repeat it.
All of it comes from the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from reports.matrix import PROVED, STATUSES, Matrix, Row, ScenarioLine, Status
from reports.page import verdict
from reports.results import DeployedImage

Result = Literal["success", "failure", "partial"]


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class Suite(_Part):
    """What tested: the suite's commit and the tools it used."""

    revision: str | None
    uncommitted_changes: bool
    tools: dict[str, str]


class Implementation(_Part):
    """What was tested.

    Attributes:
        version: of floe; None where nothing was deployed.
        stand_ins: per service that is not the real one, what stands in for it.
    """

    project: Literal["floe"]
    version: str | None
    components: dict[str, str]
    images: dict[str, DeployedImage]
    stand_ins: dict[str, str]


class Node(_Part):
    """A node of the cluster."""

    name: str
    system: str
    kernel: str
    architecture: str


class Machine(_Part):
    """The machine the suite ran on."""

    system: str
    cores: int
    memory_gib: float
    disk_gib: float
    disk_free_gib: float


class Environment(_Part):
    """Where it was tested."""

    provider: str
    kubernetes: str | None
    nodes: list[Node]
    host: Machine


class Reproduce(_Part):
    """What to type, in a checkout of the suite's revision, to take the evidence again."""

    revision: str | None
    command: str
    failed_only: str | None


class Statistics(_Part):
    """Scenarios and rows of outlines, by how they ended."""

    passed: int
    failed: int
    not_run: int


class SeenRedEntry(_Part):
    """When an id was last seen red, and by which planted fault."""

    id: str
    date: date
    fault: str


class SeenRed(_Part):
    """Which ids have been seen to fail when they must, and which that have scenarios have not."""

    seen: list[SeenRedEntry]
    never: list[str]


class Profile(_Part):
    """One story.

    Attributes:
        result: failure when an id of it failed, success when all of them are proved, else partial.
        not_verified: ids that are neither proved nor failed, by their status.
    """

    name: str
    title: str
    result: Result
    statistics: Statistics
    verified: list[str]
    failed: list[str]
    not_verified: dict[Status, list[str]]


class Report(_Part):
    """Everything in report.yaml.

    Attributes:
        result: failure when the run must not pass, success when every id is proved, else partial.
        profiles: the stories.
    """

    api_version: Literal["acceptance.floe/v1alpha1"] = "acceptance.floe/v1alpha1"
    kind: Literal["ConformanceReport"] = "ConformanceReport"
    date: datetime
    result: Result
    summary: str
    full: bool
    exit_code: int
    seconds: float
    suite: Suite
    implementation: Implementation
    environment: Environment
    requirements: dict[Status, int]
    edge_cases: dict[Status, int]
    scenarios: Statistics
    failed: list[str]
    quarantined: list[str]
    not_verified: list[str]
    seen_red: SeenRed
    profiles: list[Profile]
    errors: list[str]
    reproduce: Reproduce


def of(matrix: Matrix) -> Report:
    """The report of a matrix."""
    run = matrix.run
    rows = [*matrix.requirements, *matrix.edge_cases]
    every = [*rows, *matrix.gaps, *matrix.success_criteria]
    tone, said = verdict(matrix)
    return Report(
        date=run.date,
        result="failure" if tone == "failed" else _result(rows),
        summary=said,
        full=run.full,
        exit_code=run.exit_code,
        seconds=run.seconds,
        suite=Suite(revision=run.revision.commit, uncommitted_changes=run.revision.dirty, tools=run.suite),
        implementation=Implementation(
            project="floe",
            version=run.versions.get("floe"),
            components=run.versions,
            images=run.images,
            stand_ins=run.stand_ins,
        ),
        environment=Environment(
            provider=run.cluster.provider,
            kubernetes=run.cluster.kubernetes,
            nodes=[Node.model_validate(node.model_dump()) for node in run.cluster.nodes],
            host=Machine.model_validate(run.host.model_dump()),
        ),
        requirements=matrix.counts,
        edge_cases=matrix.edge_counts,
        scenarios=_statistics([*(line for row in every for line in row.scenarios), *matrix.other_scenarios]),
        failed=_ids(rows, "failed"),
        quarantined=_ids(rows, "quarantined"),
        not_verified=[row.id for row in rows if row.status not in PROVED],
        seen_red=_seen_red(rows),
        profiles=[
            _profile(name, title, [row for row in rows if row.story == name])
            for name, title in matrix.stories.items()
        ],
        errors=run.errors,
        reproduce=Reproduce(revision=run.revision.commit, command=run.command, failed_only=run.rerun_failed),
    )


def as_yaml(matrix: Matrix) -> str:
    """The report of a matrix as YAML, which reads back as the same report."""
    return yaml.safe_dump(
        of(matrix).model_dump(mode="json", by_alias=True), sort_keys=False, allow_unicode=True, width=110
    )


def read(text: str) -> Report:
    """A report that was written as YAML.

    Raises:
        ValidationError: it is none of this version.
    """
    return Report.model_validate(yaml.safe_load(text))


def _profile(name: str, title: str, rows: Sequence[Row]) -> Profile:
    open_statuses = [one for one in STATUSES if one not in PROVED and one != "failed"]
    return Profile(
        name=name,
        title=title,
        result=_result(rows),
        statistics=_statistics([line for row in rows for line in row.scenarios]),
        verified=[row.id for row in rows if row.status in PROVED],
        failed=_ids(rows, "failed"),
        not_verified={one: ids for one in open_statuses if (ids := _ids(rows, one))},
    )


def _result(rows: Sequence[Row]) -> Result:
    if any(row.status == "failed" for row in rows):
        return "failure"
    return "success" if all(row.status in PROVED for row in rows) else "partial"


def _ids(rows: Sequence[Row], status: Status) -> list[str]:
    return [row.id for row in rows if row.status == status]


def _seen_red(rows: Sequence[Row]) -> SeenRed:
    seen = [(row.id, row.seen_red[0]) for row in rows if row.seen_red]
    return SeenRed(
        seen=[SeenRedEntry(id=name, date=last.seen, fault=last.fault) for name, last in seen],
        never=[row.id for row in rows if row.scenarios and not row.seen_red],
    )


def _statistics(lines: Sequence[ScenarioLine]) -> Statistics:
    """A scenario that proves two ids counts once."""
    once = {(line.feature, line.line, line.title): line.result for line in lines}
    results = list(once.values())
    return Statistics(
        passed=results.count("passed"), failed=results.count("failed"), not_run=results.count("not run")
    )
