"""Words about what runs tell: of traces, lineage, metrics, logs and dashboards, and of who keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pytest_bdd import given, then
from pytest_bdd.parsers import parse

from demo import lineage as choices
from drivers import dashboards
from drivers.dagster import Run
from drivers.hearing import Hearing
from drivers.platform import Platform
from drivers.product import Product
from drivers.telemetry import failures, lineage_checks, log_checks, metric_checks, trace_checks
from drivers.telemetry.told import Told
from steps.pipelines import AS_PRODUCT

WAREHOUSE = "lakehouse"
"""The namespace of every table in lineage."""

AT_ONCE_SECONDS = 2.0
"""What the end of a run may take that nobody hears: a fifth of a second, and what Dagster records."""

MARQUEZ_PODS = "app.kubernetes.io/name=marquez"


@pytest.fixture(scope="module")
def hearing(platform: Platform) -> Hearing:
    """The runs of this story's platform that were listened to."""
    return Hearing(platform)


@given(parse("{product} has run, and {what}"), converters=AS_PRODUCT, target_fixture="told")
def has_told(hearing: Hearing, product: Product, what: str) -> Told:
    if what == "told of it":
        return hearing.of(product.name)
    return hearing.of_failure(product, what.removesuffix(" failed"))


# ---- the trace


@then("the trace of the run has one span for each table and test of the dbt graph, all below the run's step")
def span_for_each(platform: Platform, told: Told) -> None:
    graph, job = platform.graph(told.run.product), Product(told.run.product).job
    assert trace_checks.nodes(told.spans) == {"tables": sorted(graph.tables), "tests": sorted(graph.tests)}
    chain = [f"launch {job}", f"start {job}", f"run {job}", f"{job}_dbt"]
    assert trace_checks.parents(told.spans) == frozenset({" / ".join(chain)})


@then("no span is an orphan, outlasts its parent, or says anything else of a table than Dagster does")
def spans_are_in_place(platform: Platform, told: Told) -> None:
    assert trace_checks.misplaced(told.spans) == {}
    assert trace_checks.figures_astray(told.spans, told.run) == {}
    assert trace_checks.tests_astray(told.spans, told.run, platform.graph(told.run.product)) == {}
    assert trace_checks.lasting_astray(told.spans, told.run.run_id, told.seconds) == {}


@then(parse("the trace of the run was found under {services} within {seconds:d} s of its end"))
def trace_was_found(told: Told, services: str, seconds: int) -> None:
    there = {name: "in time" if took <= seconds else f"{took} s" for name, took in told.found.items()}
    assert there == dict.fromkeys(services.split(", "), "in time")


@then(parse("the trace id of {what} opens the trace of that very run"))
def opens_the_trace(hearing: Hearing, told: Told, what: str) -> None:
    run_id = told.run.run_id
    places = (
        lineage_checks.places(told.events)
        if what == "every lineage event"
        else log_checks.places(told.lines, run_id)
    )
    spans = hearing.traces_of(frozenset(trace for trace, _ in places))
    there = {(one.trace, one.id) for found in spans.values() for one in found}
    assert list(trace_checks.runs_opened(spans).values()) == [run_id]
    assert places - there == frozenset()
    if what == "every log line":
        assert log_checks.astray(told.lines, told.run, told.spans) == {}


# ---- lineage


@then("lineage heard of every table at each of these points, with what the dbt graph says it is made of")
def heard_at_points(platform: Platform, told: Told, datatable: list[list[str]]) -> None:
    graph, job = platform.graph(told.run.product), Product(told.run.product).job
    asked = [row[0] for row in datatable[1:]]
    assert lineage_checks.points(told.events, job) == lineage_checks.points_due(asked, graph, job)
    columns = {table: platform.lakehouse.column_types(f"{job}.{table}").keys() for table in graph.tables}
    assert lineage_checks.astray(told.events, told.spans, told.run, columns, WAREHOUSE) == {}


@then(parse("the graph that {who} draws of {product} is the graph of dbt"), converters=AS_PRODUCT)
def graph_is_dbts(platform: Platform, who: str, product: Product) -> None:
    graph, of = platform.graph(product.name), product.namespace
    if who == "Dagster":
        assert platform.orchestrator.edges(product.name) == graph.edges
        return
    mart = f"{of}.{min(product.layer('gold'))}"
    assert platform.lineage.edges(WAREHOUSE, mart) == lineage_checks.edges_due(graph, of)


@then(parse("Marquez has these columns of {table} computed from"))
def columns_are_computed(platform: Platform, table: str, datatable: list[list[str]]) -> None:
    of = Product.with_table(table).namespace
    edges = platform.lineage.column_edges(WAREHOUSE, f"{of}.{table}")
    expected = {column: sorted(sources.split(", ")) for column, sources in datatable[1:]}
    found = {
        column: sorted(
            source.removeprefix(f"{of}.") for source, target in edges if target == f"{of}.{table}.{column}"
        )
        for column in expected
    }
    assert found == expected


# ---- failures


@pytest.fixture
def told(hearing: Hearing, run: Run) -> Told:
    """What was told of the scenario's run, where the run itself could not tell its end."""
    return hearing.of_lost(run)


@then(parse('{who} tells that {what} failed at its span, because of "{reason}"'))
def tells_of_failure(told: Told, who: str, what: str, reason: str) -> None:
    job = Product(told.run.product).job
    assert failures.astray(failures.told_by(who, told, job), told, job, what, reason) == {}


# ---- metrics and dashboards


@then(parse("the metrics of {product} are what its run did"), converters=AS_PRODUCT)
def metrics_are(platform: Platform, told: Told, product: Product) -> None:
    graph = platform.graph(product.name)
    models = graph.tables if told.run.status == "SUCCESS" else graph.models
    due = metric_checks.due(told.run, told.seconds, told.over, told.ended, len(models))
    assert metric_checks.astray(told.values, due) == {}


@then(parse("since the run before it only {status} runs have become more, by {count:d}"))
def error_rate_moved(hearing: Hearing, told: Told, status: str, count: int) -> None:
    before = hearing.of(told.run.product).values
    assert metric_checks.moved(before, told.values, "floe_runs_total") == {status: count}


@then(parse("every panel of the dashboard {name} has data, and shows what was told of the run"))
def panels_have_data(platform: Platform, hearing: Hearing, told: Told, name: str) -> None:
    shown = dashboards.panels(name)
    assert dashboards.without_data(platform.metrics, shown) == {}
    assert platform.troubles_in_grafana(name, [panel.title for panel in shown]) == {}
    # After the good run too: after one of each, half of the runs have failed and half have not.
    for one in (hearing.of(told.run.product), told):
        astray = dashboards.with_other_values(
            platform.metrics, name, shown, one.values, product=one.run.product, at=one.at
        )
        assert astray == {}


# ---- who keeps it, and who does without


@given(parse("a manifest that chooses a {choice} database for lineage"))
def database_is_chosen(platform: Platform, tmp_path: Path, choice: str) -> Iterator[None]:
    usual, manifest = choices.settings(), tmp_path / "manifest.yaml"
    content = yaml.safe_load(choices.MANIFEST.read_text())
    content["plugins"]["lineage_backend"] = {"type": "marquez", "config": {"database": choice}}
    manifest.write_text(yaml.safe_dump(content))
    platform.choose(choices.settings(manifest), usual=usual, renews=MARQUEZ_PODS)
    yield
    platform.choose(usual, usual=usual, renews=MARQUEZ_PODS)


@then(parse("it took at most {percent:d} % longer than when it was heard, and told once that it lost {what}"))
def unheard(hearing: Hearing, told: Told, run: Run, percent: int, what: str) -> None:
    heard, took, lines = told.seconds, hearing.seconds(run), hearing.lines(run)
    longer = max(0.0, 100 * (took - heard) / heard)
    waited = log_checks.seconds_at_the_end(lines, run.run_id)
    there = {
        "longer": f"at most {percent} %" if longer <= percent else f"{longer:.0f} %: {took} s, not {heard} s",
        "end": "at once" if waited <= AT_ONCE_SECONDS else f"{waited} s after its last step",
        "lost": log_checks.losses(lines),
        "lost when heard": log_checks.losses(told.lines),
    }
    assert there == {
        "longer": f"at most {percent} %",
        "end": "at once",
        "lost": [log_checks.losses_due(told)],
        "lost when heard": [],
    }
    assert set(log_checks.losses_due(told)) == set(what.split(", "))
