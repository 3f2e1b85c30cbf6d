"""The lines of a run's log: what they must tell, and where they tell something else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from math import inf

from drivers.dagster import Run
from drivers.spans import Span
from drivers.telemetry.told import LAUNCHER, Line, Told


def astray(lines: Iterable[Line], run: Run, spans: Iterable[Span]) -> dict[str, str]:
    """Each line of a run that names another span than what it is of; and what of the run no line tells.

    A line of a step is at the step's span, one of a model or test at its own, any other at the run's; before
    the run's trace is begun, at that of its launch.
    """
    by_id = {one.id: one for one in spans}
    found: dict[str, str] = {}
    told: Counter[str] = Counter()
    for one in lines:
        if one.run != run.run_id:
            continue
        kind = str(one.fields.get("dagster_event", ""))
        told[kind] += 1
        span = by_id.get(one.span)
        of = str(one.fields.get("node") or one.fields.get("step") or "")
        # The line that a step begins is written before there is a span of the step.
        begun = span is not None and (span.service == LAUNCHER or kind == "STEP_START")
        if span is None or (of and span.name != of and not begun):
            found[one.event] = f"is at {span.name if span else 'no span'}, and of {of or 'the run'}"
        if one.event.endswith(" failed") and one.fields.get("level") != "error":
            found[one.event] = f"has level {one.fields.get('level')}"
    due = {
        "ASSET_MATERIALIZATION": len(run.materializations),
        "ASSET_CHECK_EVALUATION": len(run.checks) + len(run.expectations),
    }
    return found | {
        kind: f"{told[kind]} lines, not {count}" for kind, count in due.items() if told[kind] != count
    }


def places(lines: Iterable[Line], run_id: str) -> frozenset[tuple[str, str]]:
    """The places in traces that the lines of a run's log name."""
    return frozenset((one.trace, one.span) for one in lines if one.run == run_id)


def lines_of(log: str) -> list[Line]:
    """The lines of a log that are JSON objects with an event; Python's own words around them are none."""
    found = []
    for text in log.splitlines():
        try:
            fields = json.loads(text)
        except ValueError:
            continue
        if isinstance(fields, dict) and isinstance(event := fields.get("event"), str):
            told = {name: str(fields.get(name) or "") for name in ("run_id", "trace_id", "span_id")}
            found.append(Line(event, told["run_id"], told["trace_id"], told["span_id"], fields))
    return found


def losses(lines: Iterable[Line]) -> list[dict[str, int]]:
    """How many of each kind of thing were lost, by each line that tells of losses."""
    return [dict(one.fields.get("lost") or {}) for one in lines if one.event == "telemetry was lost"]


def losses_due(told: Told) -> dict[str, int]:
    """How many of each kind a run makes that nobody hears, by what one that was heard has told."""
    own = [one for one in told.spans if one.service != LAUNCHER]
    return {"spans": len(own), "lineage events": len(told.events), "metrics": 1}


def seconds_at_the_end(lines: Iterable[Line], run_id: str) -> float:
    """How long a run went on once its last step was over, by its log; endless where that does not tell."""
    moments = {
        str(one.fields.get("dagster_event")): datetime.fromisoformat(str(one.fields["timestamp"]))
        for one in lines
        if one.run == run_id and one.fields.get("dagster_event")
    }
    steps = [moment for kind, moment in moments.items() if kind.startswith("STEP_")]
    over = moments.get("PIPELINE_SUCCESS")
    return (over - max(steps)).total_seconds() if steps and over else inf
