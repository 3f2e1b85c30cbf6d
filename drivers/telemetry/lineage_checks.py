"""The lineage events of a run: what they must tell, and where they tell something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from drivers.dagster import Materialization, Run
from drivers.dbt_graph import Graph
from drivers.lineage import Event
from drivers.product import Product
from drivers.spans import Span
from drivers.telemetry.told import NOTED_SECONDS, SAME_SECONDS

POINTS: Final = (
    "model start START",
    "model completion COMPLETE",
    "asset materialization COMPLETE",
    "pipeline start START",
    "pipeline completion COMPLETE",
)
"""Where a run that succeeds tells of itself, and how: as `points` has it."""

_SUFFIX: Final = ".asset"

_KINDS: Final = {
    "pipeline": ("DAGSTER", {"JOB"}),
    "model": ("DBT", {"MODEL", "SEED"}),
    "asset": ("DAGSTER", {"ASSET"}),
}
"""Of each point of a run the integration and the types of its jobs."""


def places(events: Iterable[Event]) -> frozenset[tuple[str, str]]:
    """The places in traces that lineage events name: trace and span."""
    facets = [(one.body["run"].get("facets") or {}).get("traceCorrelation") or {} for one in events]
    return frozenset((str(one.get("trace_id", "")), str(one.get("span_id", ""))) for one in facets)


def points(events: Iterable[Event], product: str) -> dict[str, dict[str, tuple[list[str], list[str]]]]:
    """What each of the four points told: by `POINT KIND` and job, what is read and what is made.

    Args:
        events: of a run and of the runs below it.
        product: its job's name.
    """
    found: dict[str, dict[str, tuple[list[str], list[str]]]] = {}
    for one in events:
        key = f"{point(one, product)} {one.kind}"
        job = one.job.removeprefix(f"{product}.").removesuffix(_SUFFIX)
        found.setdefault(key, {})[job] = sorted(one.inputs), sorted(one.outputs)
    return found


def astray(
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
    integration, kinds = _KINDS[point(event, job).partition(" ")[0]]
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
    of_asset = point(event, job).startswith("asset")
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
    allowed = NOTED_SECONDS if event.job.endswith(_SUFFIX) else SAME_SECONDS
    return "" if -SAME_SECONDS <= by <= allowed else f"{by:+.3f} s from when Dagster says"


def point(event: Event, product: str) -> str:
    """Which point of a run an event is of, in the words of `points`."""
    if event.job == product:
        return "pipeline start" if event.kind == "START" else "pipeline completion"
    if event.job.endswith(_SUFFIX):
        return "asset materialization"
    return "model start" if event.kind == "START" else "model completion"
