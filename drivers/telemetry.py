"""What a run told of itself, as those have it whom it told; and where that differs from what it did."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from drivers.dagster import Run
from drivers.dbt_graph import Graph
from drivers.lineage import Event
from drivers.metrics import Sample
from drivers.spans import Span

LAUNCHER: Final = "dagster"
"""The service that launches runs."""

TABLES: Final = frozenset({"model", "seed"})
"""What dbt calls the nodes that are tables; the others are tests."""

_SAME_SECONDS: Final = 0.002
"""What two records of one moment may differ by: dbt writes microseconds, lineage whole milliseconds."""

_TOOK_SECONDS: Final = 0.05
"""What two clocks around the same run may differ by."""

_SUFFIX: Final = ".asset"

Value = tuple[str, str]
"""A metric, and the one label that tells its series apart: a status or a model; empty where there is none."""

_LABELS: Final = ("status", "model")


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
        spans: of its trace.
        found: by service, how many seconds after the run's end its trace was found by that name.
        events: of its lineage, the first one first.
        lines: of its log.
        values: of the metrics of its product, right after it.
        ended: how many runs of its job had ended so by then, by status as metrics name it.
    """

    run: Run
    seconds: float
    spans: Sequence[Span]
    found: Mapping[str, float]
    events: Sequence[Event]
    lines: Sequence[Line]
    values: Mapping[Value, float]
    ended: Mapping[str, int]


@dataclass(frozen=True)
class Failure:
    """How a model's failure was told: of what, why, and where in which trace."""

    model: str
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
    """What the spans of dbt's nodes are below of, each parent by the names from the run down to it."""
    by_id = {one.id: one for one in spans}

    def above(span: Span | None) -> list[str]:
        if span is None or span.service == LAUNCHER:
            return []
        return [*above(by_id.get(span.parent)), span.name]

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
        if any("select " in str(value).lower() for value in one.attributes.values()):
            found[one.name] = "has SQL in its span"
    return found


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


# ---- failures


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
            facets = one.body["run"]["facets"]
            reason = (facets.get("errorMessage") or {}).get("message", "")
            ((trace, span),) = places([one])
            found.append(Failure(one.job.removeprefix(f"{product}."), reason, trace, span))
    return found


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


def losses(lines: Iterable[Line]) -> list[list[str]]:
    """The kinds of things that were lost, once for each line that tells of losses."""
    return [sorted(one.fields.get("lost") or {}) for one in lines if one.event == "telemetry was lost"]


# ---- metrics


def values_of(samples: Iterable[Sample]) -> dict[Value, float]:
    """What Prometheus has of a product's runs, by metric and label."""
    found: dict[Value, float] = {}
    for one in samples:
        told = next((one.labels[name] for name in _LABELS if name in one.labels), "")
        found[one.labels.get("__name__", ""), told] = one.value
    return found


def values_due(run: Run, seconds: float, ended: Mapping[str, int], models: int) -> dict[Value, float]:
    """What the metrics must come to after a run, reckoned from what Dagster recorded.

    Args:
        run: that was the last of its product.
        seconds: that it took.
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
        ("floe_run_rows", ""): sum(one.rows for one in made.values()),
    }
    for name, one in made.items():
        due["floe_model_rows", name] = one.rows
        due["floe_model_duration_seconds", name] = one.completed - one.started
        due["floe_model_refreshed_timestamp_seconds", name] = one.completed
    return due


def values_astray(values: Mapping[Value, float], due: Mapping[Value, float]) -> dict[Value, str]:
    """Each value that is not what it must be; times may differ by what clocks do."""
    allowed = {
        # Dagster's has the start of the run's process in it, and the sending at its end.
        "floe_run_duration_seconds": 1.5,
        "floe_model_duration_seconds": _TOOK_SECONDS,
        "floe_model_refreshed_timestamp_seconds": _TOOK_SECONDS,
    }
    return {
        key: f"is {values.get(key)}, not {expected}"
        for key, expected in due.items()
        if key not in values or abs(values[key] - expected) > allowed.get(key[0], 0)
    }


def moved(before: Mapping[Value, float], after: Mapping[Value, float], metric: str) -> dict[str, float]:
    """By how much the series of a metric moved from one moment to another, by label; none that stayed."""
    labels = {label for name, label in (*before, *after) if name == metric}
    change = {one: after.get((metric, one), 0) - before.get((metric, one), 0) for one in labels}
    return {one: by for one, by in change.items() if by}


# ---- own


def _run_of(span: Span) -> str:
    return str(span.attributes.get("dagster.run_id", ""))


def _point(event: Event, product: str) -> str:
    if event.job == product:
        return "pipeline start" if event.kind == "START" else "pipeline completion"
    if event.job.endswith(_SUFFIX):
        return "asset materialization"
    return "model start" if event.kind == "START" else "model completion"
