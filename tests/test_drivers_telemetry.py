"""What a run told is compared with what it did: right data pass, and each wrong one is told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from drivers import dashboards
from drivers.dagster import Expectation, Materialization, Run
from drivers.dashboards import Panel
from drivers.dbt_graph import Graph
from drivers.errors import ServiceError
from drivers.lineage import Event
from drivers.metrics import Sample
from drivers.spans import Span
from drivers.telemetry import failures, lineage_checks, log_checks, metric_checks, trace_checks
from drivers.telemetry.told import Failure, Line, Told

RUN, TRACE = "5f1c", "a" * 32
GRAPH = Graph(
    seeds=frozenset({"raw"}),
    models=frozenset({"mart"}),
    edges=frozenset({("raw", "mart")}),
    tests={"unique_mart": frozenset({"mart"})},
    generic={},
)


def span(name: str, parent: str, began: float, ended: float, **attributes: Any) -> Span:
    service = attributes.pop("service", "shop")
    return Span(
        trace=TRACE,
        id=name,
        parent=parent,
        service=service,
        name=name,
        began=began,
        ended=ended,
        attributes=attributes,
        links=frozenset(),
    )


def table(name: str, kind: str, began: float, ended: float, rows: int) -> Span:
    return span(name, "shop_dbt", began, ended, **{"dbt.resource_type": kind, "floe.row_count": rows})


def check(name: str, beside: str, began: float, ended: float, **attributes: Any) -> Span:
    of = span(name, "shop_dbt", began, ended, **attributes)
    return of.model_copy(update={"beside": frozenset({beside})})


SPANS = [
    span("launch shop", "", 0.0, 0.1, service="dagster", **{"dagster.run_id": RUN}),
    span("run shop", "launch shop", 1.0, 9.0, **{"dagster.run_id": RUN}),
    span("shop_dbt", "run shop", 2.0, 8.0),
    table("raw", "seed", 3.0, 4.0, 7),
    table("mart", "model", 4.0, 5.0, 2),
    check("unique_mart", "mart", 5.0, 6.0, **{"dbt.resource_type": "test"}),
    check("few", "mart", 6.0, 6.5, **{"floe.expectation": "few", "floe.tested": "mart"}),
]


def made(name: str, rows: int, began: float, ended: float) -> Materialization:
    told = {"table": f"lake.shop.{name}", "row_count": rows, "started_at": began, "completed_at": ended}
    return Materialization(name, told)


DONE = Run(
    run_id=RUN,
    product="shop",
    status="SUCCESS",
    materializations={"raw": made("raw", 7, 3.0, 4.0), "mart": made("mart", 2, 4.0, 5.0)},
    checks={"unique_mart": "passed"},
    expectations=[Expectation("few", "mart", "passed", 100.0, 0, 100.0)],
    checked_at={"unique_mart": 6.5},
    causes=[],
    events=[],
)


def event(kind: str, job: str, inputs: set[str], outputs: set[str], **facets: Any) -> Event:
    place = {"traceCorrelation": {"trace_id": TRACE, "span_id": job.partition(".")[2] or "run shop"}}
    body = {"run": {"facets": {**place, **facets}}}
    moment = datetime.now(UTC)
    return Event(kind, moment, "run", RUN, job, frozenset(inputs), frozenset(outputs), body)


EVENTS = [
    event("START", "shop", set(), set()),
    *(
        event(kind, f"shop.{name}{suffix}", read, {f"shop.{name}"})
        for name, read in (("raw", set()), ("mart", {"shop.raw"}))
        for kind, suffix in (("START", ""), ("COMPLETE", ""), ("COMPLETE", ".asset"))
    ),
    event("COMPLETE", "shop", set(), {"shop.raw", "shop.mart"}),
]


def with_span(name: str, /, **changed: Any) -> list[Span]:
    return [one.model_copy(update=changed) if one.name == name else one for one in SPANS]


def test_a_sound_trace_is_sound() -> None:
    assert trace_checks.nodes(SPANS) == {"tables": ["mart", "raw"], "tests": ["unique_mart"]}
    assert trace_checks.parents(SPANS) == frozenset({"launch shop / run shop / shop_dbt"})
    assert trace_checks.tests_astray(SPANS, DONE, GRAPH) == {}
    assert trace_checks.lasting_astray(SPANS, RUN, 8.5) == {}
    assert trace_checks.misplaced(SPANS) == {}
    assert trace_checks.figures_astray(SPANS, DONE) == {}
    assert trace_checks.run_span(SPANS, RUN) == SPANS[1]
    assert trace_checks.runs_opened({TRACE: SPANS, "other": []}) == {TRACE: RUN, "other": "no run"}


@pytest.mark.parametrize(
    ("name", "changed", "told"),
    [
        ("raw", {"parent": "nobody"}, {"raw": "its parent is not in the trace"}),
        ("raw", {"parent": ""}, {"roots": "launch shop, raw"}),
        ("mart", {"ended": 8.5}, {"mart": "ended 0.500 s after shop_dbt"}),
        ("mart", {"began": 1.5}, {"mart": "began 0.500 s before shop_dbt"}),
        ("run shop", {"began": -1.0}, {"run shop": "began 1.000 s before launch shop"}),
    ],
)
def test_a_span_out_of_place_is_told(name: str, changed: dict[str, Any], told: dict[str, str]) -> None:
    assert trace_checks.misplaced(with_span(name, **changed)) == told


def test_a_span_that_is_missing_or_hangs_elsewhere_is_seen() -> None:
    assert trace_checks.nodes([one for one in SPANS if one.name != "unique_mart"])["tests"] == []
    elsewhere = trace_checks.parents(with_span("mart", parent="run shop"))
    assert elsewhere == frozenset({"launch shop / run shop", "launch shop / run shop / shop_dbt"})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"attributes": {"dbt.resource_type": "model", "floe.row_count": 3}}, "has 3 rows in its span and 2"),
        ({"ended": 5.4}, "took 1.400 s in its span, 1.000 s in Dagster"),
        ({"name": "other"}, "has no span"),
        (
            {"attributes": {"dbt.resource_type": "model", "floe.row_count": 2, "q": "SELECT 1"}},
            "has SQL in its span",
        ),
        (
            {"attributes": {"dbt.resource_type": "model", "floe.row_count": 2, "error": True}},
            "failed, in a run that did not",
        ),
    ],
)
def test_a_span_that_says_something_else_than_dagster_is_told(changed: dict[str, Any], told: str) -> None:
    assert trace_checks.figures_astray(with_span("mart", **changed), DONE)["mart"].startswith(told)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"beside": frozenset({"raw"})}, "refers to raw, and is of mart"),
        ({"beside": frozenset()}, "refers to nothing, and is of mart"),
        ({"beside": frozenset({"raw", "mart"})}, "refers to mart, raw, and is of mart"),
        ({"began": 4.5}, "began before its table was complete"),
        ({"ended": 5.0}, "lasted 0.000000 s"),
        ({"ended": 47.0}, "ended 40.500 s after Dagster had its result"),
    ],
)
def test_a_test_of_another_table_or_time_is_told(changed: dict[str, Any], told: str) -> None:
    assert trace_checks.tests_astray(with_span("unique_mart", **changed), DONE, GRAPH) == {
        "unique_mart": told
    }


def test_an_expectation_without_its_span_is_told() -> None:
    without = [one for one in SPANS if one.name != "few"]
    assert trace_checks.tests_astray(without, DONE, GRAPH) == {"expectations": "nothing, not few"}


def test_a_run_whose_span_lasts_too_long_is_told() -> None:
    assert trace_checks.lasting_astray(with_span("run shop", ended=69.0), RUN, 8.5) == {
        "run": "lasted 68.000 s, not 8.500 s"
    }


def test_a_line_at_another_span_or_of_another_level_is_told_and_so_is_one_that_is_missing() -> None:
    def line(event: str, span: str, kind: str = "", **fields: Any) -> Line:
        return Line(event, RUN, TRACE, span, {"dagster_event": kind, **fields})

    sound = [
        line("launched", "launch shop", step="shop_dbt"),
        line("begun", "run shop"),
        line("at work", "shop_dbt", step="shop_dbt"),
        line("model failed", "mart", node="mart", level="error"),
        *[line("made", "shop_dbt", "ASSET_MATERIALIZATION", step="shop_dbt")] * 2,
        *[line("checked", "shop_dbt", "ASSET_CHECK_EVALUATION", step="shop_dbt")] * 2,
    ]
    assert log_checks.astray(sound, DONE, SPANS) == {}
    for astray, told in (
        (line("at work", "run shop", step="shop_dbt"), {"at work": "is at run shop, and of shop_dbt"}),
        (line("begun", "gone"), {"begun": "is at no span, and of the run"}),
        (line("model failed", "mart", node="mart", level="info"), {"model failed": "has level info"}),
        (line("made", "run shop", "ASSET_MATERIALIZATION"), {"ASSET_MATERIALIZATION": "3 lines, not 2"}),
    ):
        assert log_checks.astray([*sound, astray], DONE, SPANS) == told


def test_the_end_of_a_run_is_from_its_last_step_on() -> None:
    def line(kind: str, second: float) -> Line:
        at = f"2026-11-29T10:00:{second:09.6f}Z"
        return Line("it", RUN, TRACE, "", {"dagster_event": kind, "timestamp": at})

    lines = [line("STEP_START", 1), line("STEP_SUCCESS", 2.5), line("ENGINE_EVENT", 2.6)]
    assert log_checks.seconds_at_the_end([*lines, line("PIPELINE_SUCCESS", 3)], RUN) == 0.5
    assert log_checks.seconds_at_the_end(lines, RUN) == inf


def test_sound_events_are_those_of_the_dbt_graph() -> None:
    assert lineage_checks.points(EVENTS, "shop") == lineage_checks.points_due(
        lineage_checks.POINTS, GRAPH, "shop"
    )
    assert lineage_checks.edges_due(GRAPH, "shop") == frozenset({("shop.raw", "shop.mart")})
    assert {trace for trace, _ in lineage_checks.places(EVENTS)} == {TRACE}


@pytest.mark.parametrize("changed", [{"inputs": frozenset()}, {"outputs": frozenset()}, {"kind": "FAIL"}])
@pytest.mark.parametrize("which", range(4, 7))
def test_an_event_that_says_less_is_seen(which: int, changed: dict[str, Any]) -> None:
    events = [replace(one, **changed) if at == which else one for at, one in enumerate(EVENTS)]
    assert lineage_checks.points(events, "shop") != lineage_checks.points_due(
        lineage_checks.POINTS, GRAPH, "shop"
    )


@pytest.mark.parametrize("which", range(len(EVENTS)))
def test_an_event_that_was_not_sent_is_missed(which: int) -> None:
    events = EVENTS[:which] + EVENTS[which + 1 :]
    assert lineage_checks.points(events, "shop") != lineage_checks.points_due(
        lineage_checks.POINTS, GRAPH, "shop"
    )


def test_a_failure_is_found_in_trace_lineage_and_log() -> None:
    words = {"error": True, "otel.status_description": "Overflow", "dbt.resource_type": "model"}
    due = [Failure("mart", "Overflow", TRACE, "mart")]
    failed = event("FAIL", "shop.mart", set(), set(), errorMessage={"message": "Overflow"})
    line = {"event": "model failed", "run_id": RUN, "trace_id": TRACE, "span_id": "mart"}
    log = "\n".join(
        [
            "a warning of Python",
            "[1, 2]",
            json.dumps({**line, "node": "mart", "error": "Overflow"}),
            json.dumps({"event": "RUN_FAILURE", "run_id": RUN, "trace_id": TRACE}),
        ]
    )
    lines = log_checks.lines_of(log)
    assert failures.in_trace(with_span("mart", attributes=words)) == due
    assert failures.in_lineage([*EVENTS, failed], "shop") == due
    assert failures.in_log(lines) == due
    assert log_checks.places(lines, RUN) == frozenset({(TRACE, "mart"), (TRACE, "")})
    assert failures.in_trace(SPANS) == []


def test_the_failure_of_a_run_is_told_by_no_event_of_its_models() -> None:
    failed = replace(event("FAIL", "shop", set(), set(), errorMessage={"message": "Terminated"}), run=RUN)
    of_a_model = event("FAIL", "shop.mart", set(), {"shop.mart"}, errorMessage={"message": "Overflow"})
    told = failures.of_the_run([*EVENTS, of_a_model, failed], RUN)
    assert told == [Failure("the run", "Terminated", TRACE, "run shop")]
    assert failures.of_the_run([*EVENTS, of_a_model], RUN) == []


BROKEN = {"error": True, "otel.status_description": "Overflow"}
AT_MART = Failure("mart", "Overflow in mart", TRACE, "mart")


def failed(**changed: Any) -> Told:
    """A run in which mart failed, as it was told."""
    names = ("run shop", "shop_dbt", "mart")
    spans = [
        one.model_copy(update={"attributes": {**one.attributes, **BROKEN}}) if one.name in names else one
        for one in SPANS
    ]
    whole = replace(event("FAIL", "shop", set(), set(), errorMessage={"message": "Overflow"}), run=RUN)
    told = Told(
        run=replace(DONE, status="FAILURE", events=["mart failed: Overflow"]),
        seconds=8.0,
        over=9.0,
        spans=spans,
        found={},
        events=[*EVENTS[:-1], whole],
        lines=[],
        values={},
        at=datetime.now(UTC),
        ended={},
    )
    return replace(told, **changed)


def test_a_failure_that_is_told_as_it_was_is_sound() -> None:
    assert failures.astray([AT_MART], failed(), "shop", "mart", "Overflow") == {}


@pytest.mark.parametrize(
    ("found", "changed", "about"),
    [
        ([], {}, {"told", "place"}),
        ([AT_MART, AT_MART], {}, {"told", "place"}),
        ([replace(AT_MART, what="raw")], {}, {"told"}),
        ([replace(AT_MART, reason="Killed")], {}, {"reason"}),
        ([replace(AT_MART, span="run shop")], {}, {"place"}),
        ([AT_MART], {"events": EVENTS}, {"lineage of the whole run"}),
        ([AT_MART], {"run": replace(DONE, status="FAILURE")}, {"Dagster"}),
        ([AT_MART], {"run": replace(DONE, events=["Overflow"])}, {"Dagster"}),
        ([AT_MART], {"spans": SPANS}, {"place", "spans that failed"}),
    ],
)
def test_a_failure_that_is_told_otherwise_is_astray(
    found: list[Failure], changed: dict[str, Any], about: set[str]
) -> None:
    assert failures.astray(found, failed(**changed), "shop", "mart", "Overflow").keys() == about


def test_losses_are_counted_by_line() -> None:
    lost = json.dumps({"event": "telemetry was lost", "lost": {"spans": 3, "metrics": 1}})
    assert log_checks.losses(log_checks.lines_of(f"{lost}\n{lost}")) == [{"spans": 3, "metrics": 1}] * 2


def test_metrics_that_are_what_the_run_did_are_sound_and_others_are_told() -> None:
    due = metric_checks.due(DONE, 8.0, 9.0, {"success": 1, "failure": 0}, models=2)
    samples = [
        Sample(labels={"__name__": name, "model" if "model_" in name else "status": label}, point=(0, value))
        for (name, label), value in due.items()
        if label
    ] + [Sample(labels={"__name__": "floe_run_rows", "product": "shop"}, point=(0, 9))]
    values = metric_checks.values_of(samples)
    assert metric_checks.astray(values, due) == {}
    assert len(metric_checks.astray(metric_checks.values_of([*samples, *samples]), due)) == len(due)
    for key, value in due.items():
        assert list(metric_checks.astray({**values, key: value + 4}, due)) == [key]
        without = {one: number for one, number in values.items() if one != key}
        assert list(metric_checks.astray(without, due)) == [key]


def test_a_failed_run_has_a_model_with_an_error_and_the_rest_skipped() -> None:
    failed = replace(
        DONE, status="FAILURE", materializations={"raw": DONE.materializations["raw"]}, checks={}
    )
    due = metric_checks.due(failed, 8.0, 9.0, {}, models=4)
    there = {label: value for (name, label), value in due.items() if name == "floe_run_models"}
    assert there == {"success": 1, "error": 1, "skipped": 2}


def test_what_moved_is_told_and_what_stayed_is_not() -> None:
    before = {("runs", "success"): 4.0, ("runs", "failure"): 1.0, ("rows", ""): 3.0}
    after = {("runs", "success"): 4.0, ("runs", "failure"): 2.0, ("rows", ""): 9.0}
    assert metric_checks.moved(before, after, "runs") == {"failure": 1}


class SomeMetrics:
    """A Prometheus that knows three queries."""

    def query(self, expression: str) -> list[Sample]:
        known = {"up": [Sample(labels={}, point=(0, 1))], "nan": [Sample(labels={}, point=(0, nan))]}
        if expression == "broken(":
            raise ServiceError("tell broken(", of="Prometheus", answer="400 parse error")
        return known.get(expression, [])


def test_panels_that_show_an_error_or_nothing_are_told() -> None:
    shown = [Panel("good", ["up"]), Panel("typo", ["upp"]), Panel("odd", ["nan"]), Panel("bad", ["broken("])]
    assert dashboards.without_data(SomeMetrics(), shown) == {  # type: ignore[arg-type]
        "typo": "upp: no data",
        "odd": "nan: no number",
        "bad": "broken(: 400 parse error",
    }


TOLD = {
    ("floe_runs_total", "success"): 3.0,
    ("floe_runs_total", "failure"): 1.0,
    ("floe_run_tests", "pass"): 9.0,
    ("floe_run_tests", "fail"): 1.0,
    ("floe_run_tests", "error"): 0.0,
    ("floe_model_tests", "mart pass"): 4.0,
    ("floe_model_tests", "mart fail"): 1.0,
    ("floe_model_tests", "raw pass"): 5.0,
    ("floe_model_rows", "mart"): 2.0,
    ("floe_model_rows", "raw"): 7.0,
    ("floe_run_rows", ""): 9.0,
}


@pytest.mark.parametrize(
    ("dashboard", "title", "due"),
    [
        ("floe-pipelines", "Runs by outcome", {"success": 3, "failure": 1}),
        ("floe-pipelines", "Error rate", {"": 0.25}),
        ("floe-pipelines", "Error rate by product", {"shop": 0.25}),
        ("floe-data-quality", "Tests failed", {"": 1}),
        ("floe-data-quality", "Share of tests passed", {"shop": 0.9}),
        ("floe-data-quality", "Tests by table", {"mart": 5, "raw": 5}),
        ("floe-data-quality", "Tests failed by table", {"mart": 1, "raw": 0}),
        ("floe-lineage-and-freshness", "Tables by product", {"shop": 2}),
        ("floe-lineage-and-freshness", "Rows of a run", {"shop": 9}),
    ],
)
def test_what_a_panel_must_show_is_reckoned_from_what_was_told(
    dashboard: str, title: str, due: dict[str, float]
) -> None:
    assert dashboards.DUE[dashboard][title].reckoned(TOLD, "shop", 0.0) == due


def test_ages_are_reckoned_from_the_moment_that_is_asked_of() -> None:
    told = {("floe_model_refreshed_timestamp_seconds", name): 1000.0 - age for name, age in AGES.items()}
    due = dashboards.DUE["floe-lineage-and-freshness"]
    assert due["Age by table"].reckoned(told, "shop", 1000.0) == AGES
    assert due["Oldest table"].reckoned(told, "shop", 1000.0) == {"": 90}
    assert due["Age of the oldest table"].reckoned(told, "shop", 1000.0) == {"shop": 90}


AGES = {"mart": 30.0, "raw": 90.0}


def test_every_panel_of_the_chart_is_one_that_is_reckoned() -> None:
    shown = {name: [panel.title for panel in dashboards.panels(name)] for name in dashboards.DUE}
    assert shown == {name: list(due) for name, due in dashboards.DUE.items()}


NOW = datetime(2026, 11, 29, tzinfo=UTC)


class Counted:
    """A Prometheus that knows how many runs there were at one moment."""

    def query(self, expression: str, at: datetime) -> list[Sample]:
        assert at == NOW
        labels = {"product": "shop", "status": "success"}
        return [Sample(labels=labels, point=(0, 3))] if "runs" in expression else []


def test_a_panel_that_shows_another_value_than_was_told_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    one = dashboards.DUE["floe-pipelines"]["Runs by outcome"]
    monkeypatch.setattr(dashboards, "DUE", {"d": {"Runs": one, "More": one}})

    def astray(told: dict[tuple[str, str], float], *shown: Panel) -> list[str]:
        return sorted(dashboards.with_other_values(Counted(), "d", shown, told, product="shop", at=NOW))  # type: ignore[arg-type]

    good, more = Panel("Runs", ["runs"]), Panel("More", ["runs"])
    assert astray({("floe_runs_total", "success"): 3.0}, good, more) == []
    assert astray({("floe_runs_total", "success"): 3.0}, good) == ["More"]
    assert astray({("floe_runs_total", "success"): 3.0}, good, more, Panel("Other", ["runs"])) == ["Other"]
    assert astray({("floe_runs_total", "success"): 3.0}, good, good, more) == ["Runs"]
    assert astray({("floe_runs_total", "success"): 4.0}, good, more) == ["More", "Runs"]
    assert astray(TOLD, good, Panel("More", ["rows"])) == ["More", "Runs"]


def test_a_dashboard_is_read_with_its_rows_and_its_variables_filled_in(tmp_path: Path) -> None:
    query = 'sum(increase(floe_runs_total{product=~"$product"}[$__range]))'
    panel = {"type": "stat", "title": "Runs", "targets": [{"expr": query}]}
    content = {"title": "Pipelines", "panels": [{"type": "row", "panels": [panel]}, {"type": "text"}]}
    (tmp_path / "pipelines.json").write_text(json.dumps(content))
    filled = 'sum(increase(floe_runs_total{product=~".*"}[15m]))'
    assert dashboards.panels("pipelines", tmp_path) == [Panel("Runs", [filled])]


@pytest.mark.parametrize("text", ['{"title": "x", "panels": []}', "{", '{"panels": []}'])
def test_a_dashboard_without_a_panel_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.json").write_text(text)
    with pytest.raises(ServiceError, match="show the dashboard empty"):
        dashboards.panels("empty", tmp_path)
    with pytest.raises(ServiceError, match="it has empty"):
        dashboards.panels("other", tmp_path)
