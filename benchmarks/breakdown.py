"""The parts of a run's time, from the moments that Dagster, Kubernetes and dbt noted. Nothing here asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.pages import row

_PROCESS = "Started process for run"
"""What Dagster's run process says first, once it has imported all that it needs to say something."""


class IncompleteError(ValueError):
    """A run that has not all the moments of one that succeeded."""


@dataclass(frozen=True)
class Node:
    """A dbt node in a run, in epoch seconds.

    Attributes:
        started: dbt began it.
        completed: its table was committed.
        recorded: Dagster had its figures from the catalog.
    """

    name: str
    started: float
    completed: float
    recorded: float


@dataclass(frozen=True)
class Pod:
    """When the run's pod came to what, in whole epoch seconds."""

    created: float
    scheduled: float
    started: float


@dataclass(frozen=True)
class Part:
    """A part of a run's time, in seconds."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Breakdown:
    """A run from its launch to its end, and its nodes in the order in which they began.

    Attributes:
        parts: without a gap; together they are the whole.
        steps: how many steps Dagster made of it.
    """

    product: str
    parts: Sequence[Part]
    nodes: Sequence[Node]
    steps: int

    @property
    def seconds(self) -> float:
        """From launch to success."""
        return sum(part.seconds for part in self.parts)


def of(product: str, launched: float, events: Sequence[Mapping[str, Any]], pod: Pod | None) -> Breakdown:
    """Take a run apart.

    Args:
        product: whose.
        launched: when the run was asked for, in epoch seconds.
        events: as drivers.dagster.Orchestrator.events gives them.
        pod: None when it was cleared away; its parts are then one.

    Raises:
        IncompleteError: a moment is missing: the run did not succeed, or told no figures.
    """
    nodes = _nodes(events)
    steps = [event for event in events if event["eventType"] == "STEP_START"]
    moments = [
        *(
            [
                ("queue, and Dagster asks for a pod", pod.created),
                ("pod scheduled", pod.scheduled),
                ("container started", pod.started),
            ]
            if pod
            else []
        ),
        (
            "Python imports Dagster" if pod else "pod, container, and Python imports Dagster",
            _first(events, message=_PROCESS),
        ),
        ("product loaded, run begins", _first(events, kind="RUN_START")),
        ("step begins", _first(events, kind="STEP_START")),
        ("dbt starts, reads the project, connects", min(node.started for node in nodes)),
        ("SQL, commits and tests", max(node.completed for node in nodes)),
        ("last figures read, dbt ends", _last(events, "STEP_SUCCESS")),
        ("run ends", _last(events, "RUN_SUCCESS")),
    ]
    return Breakdown(product, _parts(launched, moments), nodes, len(steps))


def _parts(begin: float, moments: Sequence[tuple[str, float]]) -> list[Part]:
    parts = []
    for name, moment in moments:
        # Kubernetes cuts its moments to whole seconds: one may seem to lie before that which it followed.
        end = max(begin, moment)
        parts.append(Part(name, end - begin))
        begin = end
    return parts


def _nodes(events: Sequence[Mapping[str, Any]]) -> list[Node]:
    found = []
    for event in events:
        if event["__typename"] != "MaterializationEvent":
            continue
        told = {entry["label"]: entry.get("floatValue") for entry in event["metadataEntries"]}
        started, completed = told.get("started_at"), told.get("completed_at")
        if started is None or completed is None:
            continue
        name = str(event["assetKey"]["path"][-1])
        found.append(Node(name, float(started), float(completed), _moment(event)))
    if not found:
        raise IncompleteError("no materialization tells when its node began and ended")
    return sorted(found, key=lambda node: (node.started, node.name))


def _first(events: Sequence[Mapping[str, Any]], *, kind: str = "", message: str = "") -> float:
    for event in events:
        if (kind and event["eventType"] == kind) or (message and event["message"].startswith(message)):
            return _moment(event)
    raise IncompleteError(f"no event {kind or message}")


def _last(events: Sequence[Mapping[str, Any]], kind: str) -> float:
    moments = [_moment(event) for event in events if event["eventType"] == kind]
    if not moments:
        raise IncompleteError(f"no event {kind}")
    return moments[-1]


def _moment(event: Mapping[str, Any]) -> float:
    """Epoch seconds; Dagster tells milliseconds, as text."""
    return float(event["timestamp"]) / 1000


def table(runs: Sequence[Breakdown]) -> str:
    """Two Markdown tables: the parts of each run, and its dbt nodes."""
    names = list(dict.fromkeys(part.name for run in runs for part in run.parts))
    by_run = [{part.name: part.seconds for part in run.parts} for run in runs]
    lines = [
        row(["part", *(f"{run.product} (s)" for run in runs)]),
        row(["---", *("---:" for _ in runs)]),
        *(row([name, *(_shown(parts.get(name)) for parts in by_run)]) for name in names),
        row(["**launch to success**", *(f"**{run.seconds:.1f}**" for run in runs)]),
        row(["steps", *(str(run.steps) for run in runs)]),
        "",
        row(["product", "node", "begins after launch (s)", "takes (s)", "figures after (s)"]),
        row(["---", "---", "---:", "---:", "---:"]),
    ]
    for run in runs:
        first = min(node.started for node in run.nodes)
        before = sum(part.seconds for part in run.parts[: _until_nodes(run)])
        lines += [
            row(
                [
                    run.product,
                    node.name,
                    f"{before + node.started - first:.2f}",
                    f"{node.completed - node.started:.2f}",
                    f"{max(0.0, node.recorded - node.completed):.2f}",
                ]
            )
            for node in run.nodes
        ]
    return "\n".join(lines)


def _until_nodes(run: Breakdown) -> int:
    """How many parts there are before the first node begins."""
    return next(at for at, part in enumerate(run.parts) if part.name.startswith("SQL"))


def _shown(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"
