"""The metrics of a run: what they must come to, and where they come to something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import nan
from typing import Final

from drivers.dagster import Run
from drivers.metrics import Sample
from drivers.telemetry.told import RUN_SECONDS, Value

_TOOK_SECONDS: Final = 0.05
"""What two clocks around the same run may differ by."""

_LABELS: Final = ("model", "status")


def values_of(samples: Iterable[Sample]) -> dict[Value, float]:
    """What Prometheus has of a product's runs, by metric and label; no number where two series are one's."""
    found: dict[Value, float] = {}
    for one in samples:
        told = " ".join(one.labels[name] for name in _LABELS if name in one.labels)
        key = one.labels.get("__name__", ""), told
        found[key] = nan if key in found else one.value
    return found


def due(run: Run, seconds: float, over: float, ended: Mapping[str, int], models: int) -> dict[Value, float]:
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


def astray(values: Mapping[Value, float], due: Mapping[Value, float]) -> dict[Value, str]:
    """Each value that is not what it must be; times may differ by what clocks do."""
    allowed = {
        # Dagster's has the start of the run's process in it, and the sending at its end.
        "floe_run_duration_seconds": RUN_SECONDS,
        "floe_run_ended_timestamp_seconds": RUN_SECONDS,
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
