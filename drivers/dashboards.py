"""The dashboards that the chart brings, as Grafana reads them, and what their queries come to."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.errors import ServiceError, brief
from drivers.metrics import Metrics
from foundation.cache import SYSTEM

FOLDER: Final = SYSTEM / "charts" / "floe-platform" / "charts" / "grafana" / "dashboards"

_WINDOW: Final = "15m"
"""What stands for the time that a dashboard shows, where a query has Grafana's variable for it."""

_OF_GRAFANA: Final = re.compile(r"\$\{?__(?:range|rate_interval|interval)\}?")
_VARIABLE: Final = re.compile(r"\$(?:\{\w+(?::\w+)?\}|\w+)")

_CLOCK_SECONDS: Final = 5.0
"""What an age may differ by: between two readings of the clock a query is sent and answered."""

Values = Mapping[tuple[str, str], float]
"""What runs of one product told, as `metric_checks.values_of` gives it."""

Series = Mapping[str, float]
"""What a panel shows: a number by the label that tells its series apart."""


@dataclass(frozen=True)
class Due:
    """What a panel must show after runs of one product.

    Attributes:
        label: that tells its series apart; empty where it has but one.
        reckoned: its series, from what was told, the product's name, and the moment in seconds since 1970.
        within: what a number may differ by.
    """

    label: str
    reckoned: Callable[[Values, str, float], Series]
    within: float = 0.0


def _each(label: str, metric: str) -> Due:
    return Due(label, lambda told, *_: _of(told, metric))


def _share(metric: str, *statuses: str, label: str = "") -> Due:
    def share(told: Values, product: str, _: float) -> Series:
        every = _of(told, metric)
        return {product if label else "": _sum(every, *statuses) / sum(every.values())}

    return Due(label, share)


def _age(label: str, metric: str) -> Due:
    def ages(told: Values, product: str, now: float) -> Series:
        ages = {name: now - at for name, at in _of(told, metric).items()}
        return ages if label in {"model", "status"} else {product if label else "": max(ages.values())}

    return Due(label, ages, _CLOCK_SECONDS)


def _tests(*statuses: str) -> Due:
    def counted(told: Values, *_unused: object) -> Series:
        found: Counter[str] = Counter()
        for name, count in _of(told, "floe_model_tests").items():
            model, _, status = name.partition(" ")
            found[model] += int(count) if not statuses or status in statuses else 0
        return found

    return Due("model", counted)


DUE: Final[Mapping[str, Mapping[str, Due]]] = {
    "floe-pipelines": {
        "Runs by outcome": _each("status", "floe_runs_total"),
        "Error rate": _share("floe_runs_total", "failure"),
        "Error rate by product": _share("floe_runs_total", "failure", label="product"),
        "Runs by product and outcome": _each("status", "floe_runs_total"),
        "Duration of runs": _each("status", "floe_run_duration_seconds"),
        "Models of the last run": _each("status", "floe_run_models"),
        "Slowest models": _each("model", "floe_model_duration_seconds"),
        "Since the last run": _age("status", "floe_run_ended_timestamp_seconds"),
    },
    "floe-data-quality": {
        "Tests by outcome": _each("status", "floe_run_tests"),
        "Tests failed": Due("", lambda told, *_: {"": _sum(_of(told, "floe_run_tests"), "fail", "error")}),
        "Lowest score of a table": Due(
            "", lambda told, *_: {"": min(_of(told, "floe_model_quality_score").values())}
        ),
        "Share of tests passed": _share("floe_run_tests", "pass", label="product"),
        "Tests by product and outcome": _each("status", "floe_run_tests"),
        "Tests by table": _tests(),
        "Tests failed by table": _tests("fail", "error"),
        "Quality score by table": _each("model", "floe_model_quality_score"),
        "Quality score over time": _each("model", "floe_model_quality_score"),
    },
    "floe-lineage-and-freshness": {
        "Tables by product": Due(
            "product", lambda told, product, _: {product: len(_of(told, "floe_model_rows"))}
        ),
        "Oldest table": _age("", "floe_model_refreshed_timestamp_seconds"),
        "Age by table": _age("model", "floe_model_refreshed_timestamp_seconds"),
        "Rows by table": _each("model", "floe_model_rows"),
        "Rows of a run": Due("product", lambda told, product, _: {product: told["floe_run_rows", ""]}),
        "Age of the oldest table": _age("product", "floe_model_refreshed_timestamp_seconds"),
    },
}
"""What each panel of each dashboard must show, by its title; of a product with ten tables or fewer."""


class _Json(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Target(_Json):
    expr: str = ""


class _Panel(_Json):
    type: str
    title: str = ""
    targets: list[_Target] = Field(default_factory=list)
    panels: list[_Panel] = Field(default_factory=list)


class _Dashboard(_Json):
    title: str
    panels: list[_Panel]


@dataclass(frozen=True)
class Panel:
    """A panel of a dashboard: its title, and its queries with every variable filled in."""

    title: str
    queries: Sequence[str]


def panels(name: str, folder: Path = FOLDER) -> list[Panel]:
    """The panels of a dashboard that show something that is queried.

    Args:
        name: of its file, without .json.
        folder: of the dashboards.

    Raises:
        ServiceError: there is no such dashboard, it is none, or it has no such panel.
    """
    asked = f"show the dashboard {name}"
    try:
        dashboard = _Dashboard.model_validate_json((folder / f"{name}.json").read_text())
    except OSError as absent:
        known = sorted(file.stem for file in folder.glob("*.json")) or ["none"]
        raise ServiceError(asked, of="the chart", answer=f"it has {', '.join(known)}") from absent
    except ValidationError as broken:
        raise ServiceError(asked, of="the chart", answer=brief(str(broken))) from broken
    found = [
        Panel(one.title, [filled_in(target.expr) for target in one.targets if target.expr])
        for one in _every(dashboard.panels)
        if any(target.expr for target in one.targets)
    ]
    if not found:
        raise ServiceError(asked, of="the chart", answer="no panel of it has a query")
    return found


def filled_in(query: str) -> str:
    """A query with Grafana's variables filled in: the time shown, and all that may be chosen."""
    return _VARIABLE.sub(".*", _OF_GRAFANA.sub(_WINDOW, query))


def without_data(metrics: Metrics, shown: Sequence[Panel]) -> dict[str, str]:
    """Each panel that would show an error or no data, and why."""
    found: dict[str, str] = {}
    for panel in shown:
        for query in panel.queries:
            if reason := _missing(metrics, query):
                found[panel.title] = reason
    return found


def with_other_values(
    metrics: Metrics, name: str, shown: Sequence[Panel], told: Values, *, product: str, at: datetime
) -> dict[str, str]:
    """Each panel that is missing, is not known, or shows something else than what runs told, and how.

    Args:
        metrics: are asked.
        name: of the dashboard.
        shown: its panels.
        told: by runs.
        product: whose runs alone there were.
        at: the moment when that was so, with a time zone.
    """
    due, titles = DUE[name], [panel.title for panel in shown]
    found = dict.fromkeys(set(due).symmetric_difference(titles), "is on one side only")
    found |= {title: "is there twice" for title in titles if titles.count(title) > 1}
    for panel in shown:
        for query in panel.queries if panel.title in due else ():
            one = due[panel.title]
            there = {sample.labels.get(one.label, ""): sample.value for sample in metrics.query(query, at)}
            expected = one.reckoned(told, product, at.timestamp())
            if set(there) != set(expected) or any(
                not math.isclose(there[key], number, rel_tol=1e-9, abs_tol=one.within)
                for key, number in expected.items()
            ):
                found[panel.title] = f"{query}: {there}, not {dict(expected)}"
    return found


def _of(told: Values, metric: str) -> dict[str, float]:
    return {label: number for (name, label), number in told.items() if name == metric}


def _sum(numbers: Series, *labels: str) -> float:
    return sum(number for label, number in numbers.items() if label in labels)


def _missing(metrics: Metrics, query: str) -> str:
    try:
        samples = metrics.query(query)
    except ServiceError as refused:
        return f"{query}: {refused.answer}"
    if not samples:
        return f"{query}: no data"
    numbers: Mapping[bool, list[float]] = {True: [], False: []}
    for one in samples:
        numbers[math.isfinite(one.value)].append(one.value)
    return "" if numbers[True] else f"{query}: no number"


def _every(found: Sequence[_Panel]) -> Iterator[Any]:
    for one in found:
        yield one
        yield from _every(one.panels)
