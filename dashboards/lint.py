"""What makes a query wrong before any Prometheus is there: its grammar, and names that nobody tells."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import promql_parser
import yaml
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData, Sum
from opentelemetry.sdk.resources import Resource

from dashboards.panels import Dashboard, Panel
from floe_additions.observability.metrics import Done, Model, told
from foundation.process import run

Declared = Mapping[str, frozenset[str]]
"""Metrics as Prometheus calls them, each with its labels."""

_SECONDS: Final = 30.0


def declared() -> Declared:
    """The metrics that a run tells, asked of what tells them."""
    done = Done(runs={"success": 1}, made={"a": Model(1, 1.0, 1.0)}, scores={"a": 100.0})
    done.test_ended("pass", "a")
    reader = InMemoryMetricReader()
    told(done, Resource({}), "a", "a", reader)
    data = reader.get_metrics_data()
    assert isinstance(data, MetricsData)
    return {
        _in_prometheus(metric.name, metric.unit or "", counts=isinstance(metric.data, Sum)): frozenset(
            label for point in metric.data.data_points for label in (point.attributes or {})
        )
        for group in data.resource_metrics
        for scope in group.scope_metrics
        for metric in scope.metrics
    }


def _in_prometheus(name: str, unit: str, *, counts: bool) -> str:
    """A metric's name by the rules of OpenTelemetry's compatibility with Prometheus."""
    return name.replace(".", "_") + {"s": "_seconds"}.get(unit, "") + ("_total" if counts else "")


def strangers(dashboards: Iterable[Dashboard], known: Declared) -> list[str]:
    """What a panel asks for, or names its series by, that no run tells."""
    return [
        f"{one.uid}, {panel.title}: {problem}"
        for one in dashboards
        for panel in one.panels
        for problem in _problems(panel, known)
    ]


def _problems(panel: Panel, known: Declared) -> Iterator[str]:
    try:
        asked = promql_parser.parse(panel.query)
    except ValueError as wrong:
        yield f"is no PromQL: {wrong}"
        return
    metrics, labels = _names(asked)
    if not metrics:
        yield "asks for no metric"
    for name in sorted(metrics - set(known)):
        yield f"no run tells the metric {name}"
    there = frozenset[str]().union(*(known[name] for name in metrics & set(known)))
    for label in sorted((labels | set(panel.legend)) - there):
        yield f"no metric of it has the label {label}"
    if panel.traces and "product" not in panel.legend:
        yield "leads to the traces of a product and names none"


def _names(asked: Any) -> tuple[set[str], set[str]]:
    """The metrics and the labels that an expression names."""
    metrics: set[str] = set()
    labels: set[str] = set()

    def visit(part: Any) -> bool:
        part = getattr(part, "vector_selector", part)
        if isinstance(part, promql_parser.VectorSelector):
            metrics.add(part.name or "")
            labels.update(one.name for one in part.matchers.matchers)
        modifier = getattr(part, "modifier", None)
        labels.update(getattr(modifier, "labels", ()) or ())
        labels.update(getattr(modifier, "group_labels", ()) or ())
        labels.update(getattr(getattr(modifier, "matching", None), "labels", ()) or ())
        return True

    promql_parser.walk(asked, visit)
    return metrics, labels


def rules(dashboards: Iterable[Dashboard]) -> str:
    """Every query as a recording rule, which is how promtool takes one."""
    groups = [
        {
            "name": one.uid,
            "rules": [
                {"record": f"panel:{re.sub('[^a-z]+', '_', panel.title.lower())}", "expr": panel.query}
                for panel in one.panels
            ],
        }
        for one in dashboards
    ]
    return yaml.safe_dump({"groups": groups}, sort_keys=False)


def checked_by(promtool: Path, dashboards: Iterable[Dashboard]) -> str:
    """What promtool says of every query.

    Raises:
        PlatformError: it refuses one; with its words.
    """
    with tempfile.TemporaryDirectory(prefix="floe-rules-") as folder:
        file = Path(folder) / "rules.yml"
        file.write_text(rules(dashboards), encoding="utf-8")
        return str(run([promtool, "check", "rules", "--lint-fatal", file], timeout=_SECONDS))
