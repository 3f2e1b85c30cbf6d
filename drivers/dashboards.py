"""The dashboards that the chart brings, as Grafana reads them, and what their queries come to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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

_PLAIN: Final = re.compile(
    r"(?:sum|max) by \((?:product, )?(?:dagster_job, )?(status|model)\) \((floe_(?!model_tests)\w+)\)"
)
"""A query that shows the series of one metric as they are, where one product runs."""


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
    metrics: Metrics, shown: Sequence[Panel], told: Mapping[tuple[str, str], float]
) -> dict[str, str]:
    """Each panel whose series are those of one metric, but with other values than runs told.

    Args:
        metrics: are asked.
        shown: the panels; one that reckons with several series, or with the time, is left out.
        told: by metric and status or model, as `telemetry.values_of` gives it.
    """
    found: dict[str, str] = {}
    for panel in shown:
        for query in panel.queries:
            plain = _PLAIN.fullmatch(query)
            if plain is None:
                continue
            label, metric = plain.groups()
            there = {one.labels.get(label, ""): one.value for one in metrics.query(query)}
            due = {value: number for (name, value), number in told.items() if name == metric}
            # What an earlier run told of models that the last one did not make stays where it was.
            if {value: there.get(value) for value in due} != due:
                found[panel.title] = f"{query}: {there}, not {due}"
    return found


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
