"""The dashboards: their files are what the builder makes, and Prometheus can answer each query."""

from __future__ import annotations

import json

import pytest

from dashboards import grafana, lint
from dashboards.described import DASHBOARDS, PIPELINES
from dashboards.panels import DATA_SOURCE, Dashboard
from foundation.errors import PlatformError
from images import prometheus


def with_query(query: str) -> tuple[Dashboard]:
    panel = PIPELINES.panels[0].model_copy(update={"query": query})
    return (PIPELINES.model_copy(update={"panels": (panel,)}),)


def test_the_charts_files_are_what_the_builder_makes() -> None:
    made = grafana.files()
    assert {file.name: file.read_text() for file in grafana.FOLDER.glob("*")} == {
        file.name: text for file, text in made.items()
    }, "python -m dashboards write"


def test_every_panel_has_its_query_its_source_and_no_other() -> None:
    for described in DASHBOARDS:
        read = json.loads(grafana.text(described))
        found = [
            (one["title"], one["targets"][0]["expr"], one["datasource"]["uid"]) for one in read["panels"]
        ]
        assert found == [(one.title, one.query, DATA_SOURCE) for one in described.panels]
        assert [len(one["targets"]) for one in read["panels"]] == [1] * len(described.panels)


def test_every_metric_and_label_of_a_query_is_told_by_a_run() -> None:
    assert lint.strangers(DASHBOARDS, lint.declared()) == []


def test_every_metric_that_a_run_tells_is_on_a_dashboard() -> None:
    asked = " ".join(panel.query for one in DASHBOARDS for panel in one.panels)
    assert [name for name in lint.declared() if name not in asked] == []


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("sum by (status) (floe_run_total)", "no run tells the metric floe_run_total"),
        ("sum by (status) (floe_runs_total{produkt='a'})", "no metric of it has the label produkt"),
        ("sum by (staus, status) (floe_runs_total)", "no metric of it has the label staus"),
        (
            "sum(floe_runs_total) / on (status, modell) sum by (status) (floe_runs_total)",
            "no metric of it has the label modell",
        ),
        ("sum by (status) (rate(floe_run_total[5m]))", "no run tells the metric floe_run_total"),
        ("vector(1)", "asks for no metric"),
        ("sum by (status) (floe_runs_total", "is no PromQL"),
    ],
)
def test_a_name_that_is_mistyped_is_found(query: str, problem: str) -> None:
    assert any(problem in one for one in lint.strangers(with_query(query), lint.declared()))


def test_the_documentation_names_the_metrics_that_are_told() -> None:
    from floe_additions.observability import metrics  # noqa: PLC0415 - its words only

    rows = [line.split("|") for line in (metrics.__doc__ or "").splitlines() if line.startswith("| `floe")]
    documented = {row[1].strip(" `"): frozenset(row[2].strip().split(", ")) for row in rows}
    assert documented == lint.declared()


def test_promtool_takes_every_query_and_refuses_a_wrong_one() -> None:
    promtool = prometheus.program("promtool")
    assert "SUCCESS" in lint.checked_by(promtool, DASHBOARDS)
    with pytest.raises(PlatformError):
        lint.checked_by(promtool, with_query("sum by (status) (floe_runs_total"))
