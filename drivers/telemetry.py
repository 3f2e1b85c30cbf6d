"""What a run told of itself, as those have it whom it told; and where that differs from what it did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf, nan
from typing import Any, Final

from drivers.dagster import Materialization, Run
from drivers.dbt_graph import Graph
from drivers.lineage import Event
from drivers.metrics import Sample
from drivers.product import Product
from drivers.spans import Span

LAUNCHER: Final = "dagster"
"""The service that launches runs."""

TABLES: Final = frozenset({"model", "seed"})
"""What dbt calls the nodes that are tables; the others are tests."""

THE_RUN: Final = "the run"
"""What failed, where it was no table of it."""

_SAME_SECONDS: Final = 0.002
"""What two records of one moment may differ by: dbt writes microseconds, lineage whole milliseconds."""

_TOOK_SECONDS: Final = 0.05
"""What two clocks around the same run may differ by."""

_RUN_SECONDS: Final = 3.0
"""What a run and its own record of itself may differ by: its process starts, a second is for sending."""

_NOTED_SECONDS: Final = 30.0
"""Until Dagster must have recorded what dbt has done: it reads each table's figures first."""

_SUFFIX: Final = ".asset"

_KINDS: Final = {
    "pipeline": ("DAGSTER", {"JOB"}),
    "model": ("DBT", {"MODEL", "SEED"}),
    "asset": ("DAGSTER", {"ASSET"}),
}
"""Of each point of a run the integration and the types of its jobs."""

Value = tuple[str, str]
"""A metric, and what tells its series apart: a model, a status, both with a blank between, or nothing."""

_LABELS: Final = ("model", "status")


@dataclass(frozen=True)
class Line:
    """A line of a run's log that is a JSON object.

    Attributes:
        event: what happened, in words.
        run: id of the run; empty where the line names none.
        trace: id of its trace; empty where the line names none.
        span: id of its span.
        fields: all of it.
    """

    event: str
    run: str
    trace: str
    span: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """A run, and what it told.

    Attributes:
        run: as Dagster recorded it.
        seconds: that it took, as Dagster recorded it.
        over: when it ended, in seconds since 1970, likewise.
        spans: of its trace.
        found: by service, how many seconds after the run's end its trace was found by that name.
        events: of its lineage, the first one first.
        lines: of its log.
        values: of the metrics of its product, right after it.
        at: the moment when they were these.
        ended: how many runs of its job had ended so by then, by status as metrics name it.
    """

    run: Run
    seconds: float
    over: float
    spans: Sequence[Span]
    found: Mapping[str, float]
    events: Sequence[Event]
    lines: Sequence[Line]
    values: Mapping[Value, float]
    at: datetime
    ended: Mapping[str, int]


@dataclass(frozen=True)
class Failure:
    """How a failure was told: of which model or, if of none, of the run; why, and where in which trace."""

    what: str
    reason: str
    trace: str
    span: str


# ---- the trace


def run_span(spans: Iterable[Span], run_id: str) -> Span | None:
    """The span of a run itself; None when the trace has none, or more than one."""
    found = [one for one in spans if one.name.startswith("run ") and _run_of(one) == run_id]
    return found[0] if len(found) == 1 else None


def nodes(spans: Iterable[Span]) -> dict[str, list[str]]:
    """The names of the spans of dbt's nodes, by kind, in alphabetical order."""
    found: dict[str, list[str]] = {"tables": [], "tests": []}
    for one in spans:
        if kind := one.attributes.get("dbt.resource_type"):
            found["tables" if kind in TABLES else "tests"].append(one.name)
    return {kind: sorted(names) for kind, names in found.items()}


def parents(spans: Sequence[Span]) -> frozenset[str]:
    """What the spans of dbt's nodes are below of, each parent by the names from the root down to it."""
    by_id = {one.id: one for one in spans}

    def above(span: Span | None) -> list[str]:
        return [] if span is None else [*above(by_id.get(span.parent)), span.name]

    return frozenset(
        " / ".join(above(by_id.get(one.parent))) for one in spans if "dbt.resource_type" in one.attributes
    )


def misplaced(spans: Sequence[Span]) -> dict[str, str]:
    """Each span that is an orphan or not within its parent's time, and how.

    A launch does not wait for what it launches: what is below it begins no sooner, and ends when it likes.
    """
    by_id = {one.id: one for one in spans}
    found: dict[str, str] = {}
    roots = [one.name for one in spans if not one.parent]
    if len(roots) != 1:
        found["roots"] = ", ".join(roots) or "none"
    for one in spans:
        above = by_id.get(one.parent)
        if one.parent and above is None:
            found[one.name] = "its parent is not in the trace"
        elif above is not None and (early := above.began - one.began) > _SAME_SECONDS:
            found[one.name] = f"began {early:.3f} s before {above.name}"
        elif above is not None and above.service != LAUNCHER and one.ended - above.ended > _SAME_SECONDS:
            found[one.name] = f"ended {one.ended - above.ended:.3f} s after {above.name}"
    return found


def figures_astray(spans: Sequence[Span], run: Run) -> dict[str, str]:
    """Each table of a run whose span has other rows, or another time, than Dagster recorded; and any SQL."""
    by_name = {one.name: one for one in spans if one.attributes.get("dbt.resource_type") in TABLES}
    found: dict[str, str] = {}
    for name, made in run.materializations.items():
        span = by_name.get(name)
        if span is None:
            found[name] = "has no span"
            continue
        rows = span.attributes.get("floe.row_count")
        if rows != made.rows:
            found[name] = f"has {rows} rows in its span and {made.rows} in Dagster"
        elif max(abs(span.began - made.started), abs(span.ended - made.completed)) > _SAME_SECONDS:
            found[name] = (
                f"took {span.ended - span.began:.3f} s in its span, "
                f"{made.completed - made.started:.3f} s in Dagster"
            )
    for one in spans:
        if one.failed and run.status == "SUCCESS":
            found[one.name] = "failed, in a run that did not"
        if any("select " in str(value).lower() for value in one.attributes.values()):
            found[one.name] = "has SQL in its span"
    return found


def checks_astray(spans: Sequence[Span], run: Run, graph: Graph) -> dict[str, str]:
    """Each test or expectation whose span is missing, refers to no table of its own, or has another time."""
    by_id = {one.id: one for one in spans}
    attached = {name: frozenset({table}) for (_, table, _), name in graph.generic.items()}
    tests = [one for one in spans if one.attributes.get("dbt.resource_type") not in {None, *TABLES}]
    expected = [one for one in spans if "floe.expectation" in one.attributes]
    found: dict[str, str] = {}
    for one in (*tests, *expected):
        tables = [by_id[beside] for beside in one.beside if beside in by_id]
        names = frozenset(table.name for table in tables)
        about = attached.get(one.name) or graph.tests.get(one.name) or frozenset({_expected_of(one)})
        if len(names) != 1 or not names <= about:
            found[one.name] = f"refers to {_words(names)}, and is of {_words(about)}"
        elif one.began - max(table.ended for table in tables) < -_SAME_SECONDS:
            found[one.name] = "began before its table was complete"
        elif (lasted := one.ended - one.began) <= 0:
            found[one.name] = f"lasted {lasted:.6f} s"
        elif (at := run.checked_at.get(one.name)) and one.ended - at > _NOTED_SECONDS:
            found[one.name] = f"ended {one.ended - at:.3f} s after Dagster had its result"
    told, due = sorted(one.name for one in expected), sorted(one.name for one in run.expectations)
    if told != due:
        found["expectations"] = f"{_words(told)}, not {_words(due)}"
    return found


def lasting_astray(spans: Sequence[Span], run_id: str, seconds: float) -> dict[str, str]:
    """The span of a run, where it lasted otherwise than the run did."""
    span = run_span(spans, run_id)
    lasted = span.ended - span.began if span else -1.0
    return (
        {}
        if abs(lasted - seconds) <= _RUN_SECONDS
        else {"run": f"lasted {lasted:.3f} s, not {seconds:.3f} s"}
    )


def runs_opened(spans: Mapping[str, Sequence[Span]]) -> dict[str, str]:
    """By trace id, the run whose trace it is, as its spans say; every run where they tell of several."""
    return {
        trace: ", ".join(sorted({run for one in found if (run := _run_of(one))})) or "no run"
        for trace, found in spans.items()
    }


def places(events: Iterable[Event]) -> frozenset[tuple[str, str]]:
    """The places in traces that lineage events name: trace and span."""
    facets = [(one.body["run"].get("facets") or {}).get("traceCorrelation") or {} for one in events]
    return frozenset((str(one.get("trace_id", "")), str(one.get("span_id", ""))) for one in facets)


def lines_astray(lines: Iterable[Line], run: Run, spans: Iterable[Span]) -> dict[str, str]:
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


def places_of_lines(lines: Iterable[Line], run_id: str) -> frozenset[tuple[str, str]]:
    """The places in traces that the lines of a run's log name."""
    return frozenset((one.trace, one.span) for one in lines if one.run == run_id)


# ---- lineage


def points(events: Iterable[Event], product: str) -> dict[str, dict[str, tuple[list[str], list[str]]]]:
    """What each of the four points told: by `POINT KIND` and job, what is read and what is made.

    Args:
        events: of a run and of the runs below it.
        product: its job's name.
    """
    found: dict[str, dict[str, tuple[list[str], list[str]]]] = {}
    for one in events:
        key = f"{_point(one, product)} {one.kind}"
        job = one.job.removeprefix(f"{product}.").removesuffix(_SUFFIX)
        found.setdefault(key, {})[job] = sorted(one.inputs), sorted(one.outputs)
    return found


def events_astray(
    events: Sequence[Event],
    spans: Iterable[Span],
    run: Run,
    columns: Mapping[str, Iterable[str]],
    warehouse: str,
) -> dict[str, str]:
    """Each event of a run that makes every table whose facets are not what the run did, and why.

    Args:
        events: of the run and of the runs below it.
        spans: of its trace.
        run: as Dagster recorded it.
        columns: of each table, in its catalog's order.
        warehouse: the namespace of every dataset.
    """
    names = {(one.trace, one.id): one.name for one in spans}
    job = Product(run.product).job
    found: dict[str, str] = {}
    if len(events) != (due := 3 * len(columns) + 2):
        found["events"] = f"{len(events)}, not {due}"
    for one in events:
        table = one.job.removeprefix(f"{job}.").removesuffix(_SUFFIX)
        told, expected = _of_event(one, job, names), _event_due(one, job, run, table, warehouse)
        if table in run.materializations:
            told |= _of_output(one)
            expected |= _output_due(one, job, run.materializations[table], columns.get(table, ()))
        if wrong := {name: value for name, value in told.items() if value != expected[name]}:
            found[f"{one.kind} {one.job}"] = f"{wrong}, not { ({name: expected[name] for name in wrong}) }"
        if late := _late(one, job, run, table, events):
            found[f"{one.kind} {one.job}, its time"] = late
    return found


def points_due(asked: Iterable[str], graph: Graph, product: str) -> dict[str, Any]:
    """What points must tell of a run that makes every table, as dbt's graph has it; as `points` gives it."""

    def named(tables: Iterable[str]) -> list[str]:
        return sorted(f"{product}.{table}" for table in tables)

    each = {
        table: (named(parent for parent, child in graph.edges if child == table), named([table]))
        for table in sorted(graph.tables)
    }
    whole: dict[str, tuple[list[str], list[str]]] = {product: ([], named(graph.tables))}
    begun: dict[str, tuple[list[str], list[str]]] = {product: ([], [])}
    return {key: (begun if key.endswith("START") else whole) if "pipeline" in key else each for key in asked}


def edges_due(graph: Graph, product: str) -> frozenset[tuple[str, str]]:
    """The edges of dbt's graph between tables as the catalog names them."""
    return frozenset((f"{product}.{parent}", f"{product}.{child}") for parent, child in graph.edges)


def _datasets(event: Event) -> list[dict[str, Any]]:
    return [*(event.body.get("inputs") or ()), *(event.body.get("outputs") or ())]


def _of_event(event: Event, job: str, names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """What an event says of whose it is."""
    facets = event.body["run"].get("facets") or {}
    typed = (event.body["job"].get("facets") or {}).get("jobType") or {}
    integration, kinds = _KINDS[_point(event, job).partition(" ")[0]]
    (place,) = places([event])
    parent = facets.get("parent") or {}
    above, job_above = parent.get("run") or {}, parent.get("job") or {}
    return {
        "namespace of the job": event.body["job"]["namespace"],
        "jobType": typed.get("integration") == integration and typed.get("jobType") in kinds,
        "namespaces of datasets": {one["namespace"] for one in _datasets(event)},
        "span": names.get(place),
        "parent": (above.get("runId"), job_above.get("namespace"), job_above.get("name")),
    }


def _event_due(event: Event, job: str, run: Run, table: str, warehouse: str) -> dict[str, Any]:
    of_run = (run.run_id, run.product, job)
    return {
        "namespace of the job": run.product,
        "jobType": True,
        "namespaces of datasets": {warehouse} if _datasets(event) else set(),
        "span": f"run {job}" if event.job == job else table,
        "parent": (None, None, None) if event.job == job else of_run,
    }


def _of_output(event: Event) -> dict[str, Any]:
    """What an event says of the one table that it makes."""
    outputs = event.body.get("outputs") or [{}]
    facets, figures = outputs[0].get("facets") or {}, outputs[0].get("outputFacets") or {}
    return {
        "columns": [one["name"] for one in (facets.get("schema") or {}).get("fields") or ()],
        "rows": (figures.get("outputStatistics") or {}).get("rowCount"),
        "version": (facets.get("version") or {}).get("datasetVersion"),
    }


def _output_due(event: Event, job: str, made: Materialization, columns: Iterable[str]) -> dict[str, Any]:
    of_asset = _point(event, job).startswith("asset")
    return {
        "columns": list(columns),
        "rows": made.rows if event.kind == "COMPLETE" else None,
        "version": str(made.snapshot) if of_asset else None,
    }


def _late(event: Event, job: str, run: Run, table: str, events: Sequence[Event]) -> str:
    """How the moment of an event is not that of what it tells; empty where it is."""
    if event.job == job:
        moments = [one.moment for one in events]
        due = min(moments) if event.kind == "START" else max(moments)
        return "" if event.moment == due else f"{event.moment}, not {due}"
    made = run.materializations.get(table)
    if made is None:
        return "of a table that was not made"
    by = event.moment.timestamp() - (made.started if event.kind == "START" else made.completed)
    allowed = _NOTED_SECONDS if event.job.endswith(_SUFFIX) else _SAME_SECONDS
    return "" if -_SAME_SECONDS <= by <= allowed else f"{by:+.3f} s from when Dagster says"


# ---- failures


def failed_spans(spans: Iterable[Span]) -> list[str]:
    """The names of all spans that say that something failed, in alphabetical order."""
    return sorted(one.name for one in spans if one.failed)


def failures_in_trace(spans: Iterable[Span]) -> list[Failure]:
    """The tables whose spans say that they failed."""
    return [
        Failure(one.name, str(one.attributes.get("otel.status_description", "")), one.trace, one.id)
        for one in spans
        if one.failed and one.attributes.get("dbt.resource_type") in TABLES
    ]


def failures_in_lineage(events: Iterable[Event], product: str) -> list[Failure]:
    """The tables of which lineage has a FAIL."""
    found = []
    for one in events:
        if (one.kind, _point(one, product)) == ("FAIL", "model completion"):
            ((trace, span),) = places([one])
            found.append(Failure(one.job.removeprefix(f"{product}."), _reason(one), trace, span))
    return found


def losses_in_lineage(events: Iterable[Event], run_id: str) -> list[Failure]:
    """How lineage was told that a run failed as a whole."""
    return [
        Failure(THE_RUN, _reason(one), trace, span)
        for one in events
        if (one.kind, one.run) == ("FAIL", run_id)
        for trace, span in places([one])
    ]


def failures_in_log(lines: Iterable[Line]) -> list[Failure]:
    """The tables of which a line of the log says that they failed."""
    return [
        Failure(str(one.fields.get("node", "")), str(one.fields.get("error", "")), one.trace, one.span)
        for one in lines
        if one.event == "model failed"
    ]


# ---- the log


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


# ---- metrics


def values_of(samples: Iterable[Sample]) -> dict[Value, float]:
    """What Prometheus has of a product's runs, by metric and label; no number where two series are one's."""
    found: dict[Value, float] = {}
    for one in samples:
        told = " ".join(one.labels[name] for name in _LABELS if name in one.labels)
        key = one.labels.get("__name__", ""), told
        found[key] = nan if key in found else one.value
    return found


def values_due(
    run: Run, seconds: float, over: float, ended: Mapping[str, int], models: int
) -> dict[Value, float]:
    """What the metrics must come to after a run, reckoned from what Dagster recorded.

    Args:
        run: that was the last of its product.
        seconds: that it took.
        over: when it ended, in seconds since 1970.
        ended: how many runs of its job ended ever, by status as the metric names it.
        models: how many models and seeds it was to make.
    """
    made = run.materializations
    passed = sum(result == "passed" for result in run.checks.values())
    passed += sum(one.outcome == "passed" for one in run.expectations)
    status = "success" if run.status == "SUCCESS" else "failure"
    due: dict[Value, float] = {
        **{("floe_runs_total", one): count for one, count in ended.items()},
        ("floe_run_duration_seconds", status): seconds,
        ("floe_run_models", "success"): len(made),
        ("floe_run_models", "error"): 0 if status == "success" else 1,
        ("floe_run_models", "skipped"): models - len(made) - (status == "failure"),
        ("floe_run_tests", "pass"): passed,
        ("floe_run_tests", "fail"): len(run.failed_checks),
        ("floe_run_tests", "error"): 0,
        ("floe_run_ended_timestamp_seconds", status): over,
        ("floe_run_rows", ""): sum(one.rows for one in made.values()),
    }
    for found in run.expectations:
        due["floe_model_quality_score", found.table] = found.table_score
    for name, one in made.items():
        due["floe_model_rows", name] = one.rows
        due["floe_model_duration_seconds", name] = one.completed - one.started
        due["floe_model_refreshed_timestamp_seconds", name] = one.completed
    return due


def values_astray(values: Mapping[Value, float], due: Mapping[Value, float]) -> dict[Value, str]:
    """Each value that is not what it must be; times may differ by what clocks do."""
    allowed = {
        # Dagster's has the start of the run's process in it, and the sending at its end.
        "floe_run_duration_seconds": _RUN_SECONDS,
        "floe_run_ended_timestamp_seconds": _RUN_SECONDS,
        "floe_model_duration_seconds": _TOOK_SECONDS,
        "floe_model_refreshed_timestamp_seconds": _TOOK_SECONDS,
    }
    return {
        key: f"is {values.get(key)}, not {expected}"
        for key, expected in due.items()
        if not abs(values.get(key, nan) - expected) <= allowed.get(key[0], 0)
    }


def moved(before: Mapping[Value, float], after: Mapping[Value, float], metric: str) -> dict[str, float]:
    """By how much the series of a metric moved from one moment to another, by label; none that stayed."""
    labels = {label for name, label in (*before, *after) if name == metric}
    change = {one: after.get((metric, one), 0) - before.get((metric, one), 0) for one in labels}
    return {one: by for one, by in change.items() if by}


# ---- own


def _expected_of(span: Span) -> str:
    return str(span.attributes.get("floe.tested", ""))


def _words(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _run_of(span: Span) -> str:
    return str(span.attributes.get("dagster.run_id", ""))


def _reason(event: Event) -> str:
    facets = event.body["run"]["facets"]
    return str((facets.get("errorMessage") or {}).get("message", ""))


def _point(event: Event, product: str) -> str:
    if event.job == product:
        return "pipeline start" if event.kind == "START" else "pipeline completion"
    if event.job.endswith(_SUFFIX):
        return "asset materialization"
    return "model start" if event.kind == "START" else "model completion"
