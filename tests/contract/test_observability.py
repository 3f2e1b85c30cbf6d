"""What a run of customer-360 tells a collector and a lineage service, decoded from the wire."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from duckdb_extensions import import_extension  # type: ignore[import-untyped]

from drivers import dbt_graph, lineage
from drivers.dagster import Run
from drivers.dbt_graph import Graph
from drivers.lineage import Event
from drivers.spans import Span as JaegerSpan
from drivers.telemetry import failures, lineage_checks, log_checks, metric_checks, trace_checks
from floe_additions.observability.context import LINEAGE_VARIABLE, OTLP_VARIABLE, TRACEPARENT_TAG
from floe_additions.orchestrator.product import Product
from standins.loopback.lake import Lake
from tests.contract import local_dagster
from tests.contract.receivers import Received, Span, receiving

PRODUCT = "customer-360"
JOB = "customer_360"
NAMESPACE = "customer-360"
NOBODY = "http://127.0.0.1:9"
"""The port of the discard service, where nothing listens."""


@dataclass
class Told:
    """A run and all that was told of it."""

    verdict: str
    id: str
    tags: dict[str, str]
    received: Received
    log: list[dict[str, Any]]
    run: Run
    text: str

    @property
    def in_jaeger(self) -> list[JaegerSpan]:
        """The spans as Jaeger gives them."""
        return [one.in_jaeger for one in self.received.spans]

    @property
    def in_marquez(self) -> list[Event]:
        """The events as the lineage service gives them back."""
        return list(map(lineage.as_sent, self.received.events))

    @property
    def run_span(self) -> Span:
        (found,) = [span for span in self.received.spans if span.name == f"run {JOB}"]
        return found

    def nodes(self, *kinds: str) -> dict[str, Span]:
        return {
            span.name: span
            for span in self.received.spans
            if span.attributes.get("dbt.resource_type") in kinds
        }

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [
            event for event in self.received.events if event["job"]["facets"]["jobType"]["jobType"] == kind
        ]


@pytest.fixture(scope="module")
def dagster(
    lake: Lake, product: Product, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[local_dagster.LocalDagster]:
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    with pytest.MonkeyPatch.context() as environment:
        scratch = tmp_path_factory.mktemp("scratch")
        for name, value in {**lake.environment, "FLOE_SCRATCH": str(scratch)}.items():
            environment.setenv(name, value)
        with local_dagster.serving(NAMESPACE, product.folder, tmp_path_factory.mktemp("home")) as serving:
            yield serving


def told(dagster: local_dagster.LocalDagster, received: Received, *models: str) -> Told:
    """Launch a run that tells a server, or, where its address is nobody's, loses what it tells."""
    log = io.StringIO()
    with pytest.MonkeyPatch.context() as environment, contextlib.redirect_stderr(log):
        environment.setenv(OTLP_VARIABLE, received.address)
        environment.setenv(LINEAGE_VARIABLE, received.address)
        run = dagster.launch(NAMESPACE, list(models)).finished()
    record = dagster.workspace.instance.get_run_by_id(run.run_id)
    assert record is not None
    lines = [json.loads(line) for line in log.getvalue().splitlines() if line.startswith('{"')]
    return Told(run.verdict, run.run_id, dict(record.tags), received, lines, run, log.getvalue())


@pytest.fixture(scope="module")
def good(dagster: local_dagster.LocalDagster) -> Iterator[Told]:
    with receiving() as received:
        yield told(dagster, received)


@pytest.fixture(scope="module")
def broken(dagster: local_dagster.LocalDagster, lake: Lake, good: Told) -> Iterator[Told]:
    """A run in which stg_transactions multiplies beyond its decimal."""
    assert good.verdict == "SUCCESS"
    raw = lake.catalog.load_table((JOB, "raw_transactions"))
    before = raw.metadata.current_snapshot_id
    assert before is not None
    rows = raw.scan().to_arrow().to_pylist()
    row = next(one for one in rows if all(value is not None for value in one.values()))
    huge = {**row, "transaction_id": 999_999_999, "quantity": 2147483647, "unit_price": "99999999.99"}
    schema = raw.schema().as_arrow()
    price = pa.array([huge["unit_price"]]).cast(schema.field("unit_price").type)
    columns = [
        price if name == "unit_price" else pa.array([huge[name]], schema.field(name).type)
        for name in schema.names
    ]
    raw.append(pa.Table.from_arrays(columns, schema=schema))
    with receiving() as received:
        models = ["stg_transactions", "int_customer_orders", "mart_customer_360"]
        yield told(dagster, received, *models)
    with lake.catalog.load_table((JOB, "raw_transactions")).manage_snapshots() as change:
        change.rollback_to_snapshot(before)


def manifest(product: Product) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(product.dbt_manifest.read_bytes())
    return read


def test_every_model_seed_and_test_has_one_span(product: Product, good: Told) -> None:
    nodes = manifest(product)["nodes"].values()
    expected = {
        kind: sorted(node["name"] for node in nodes if node["resource_type"] == kind)
        for kind in ("model", "seed", "test")
    }
    found = {
        kind: sorted(s.name for s in good.received.spans if s.attributes.get("dbt.resource_type") == kind)
        for kind in expected
    }
    assert (good.verdict, found) == ("SUCCESS", expected)


def test_no_span_is_an_orphan_and_every_child_lies_within_its_parent(good: Told) -> None:
    by_id = {span.id: span for span in good.received.spans}
    children = [span for span in good.received.spans if span is not good.run_span]
    orphans = [span.name for span in children if span.parent not in by_id]
    outside = [
        span.name
        for span in children
        if span.parent in by_id
        and not by_id[span.parent].began <= span.began <= span.ended <= by_id[span.parent].ended
    ]
    assert (orphans, outside) == ([], [])
    assert {span.trace for span in good.received.spans} == {good.run_span.trace}
    assert {span.service for span in good.received.spans} == {NAMESPACE}


def test_nodes_are_children_of_their_step_and_a_test_is_linked_to_what_it_tests(
    product: Product, good: Told
) -> None:
    (step,) = [span for span in good.received.spans if span.name == f"{JOB}_dbt"]
    assert step.parent == good.run_span.id
    assert {span.parent for span in good.nodes("model", "seed", "test").values()} == {step.id}
    nodes = manifest(product)["nodes"]
    tables = good.nodes("model", "seed")
    expected = {
        node["name"]: (tables[nodes[node["attached_node"]]["name"]].id,)
        for node in nodes.values()
        if node["resource_type"] == "test" and node.get("attached_node")
    }
    found = {name: span.links for name, span in good.nodes("test").items() if name in expected}
    assert found == expected


def test_spans_say_how_many_rows_and_where_and_never_sql(lake: Lake, good: Told) -> None:
    tables = good.nodes("model", "seed")
    said = {
        name: (span.attributes["floe.relation"], span.attributes["floe.row_count"])
        for name, span in tables.items()
    }
    warehouse = lake.environment["POLARIS_WAREHOUSE"]
    assert said == {
        name: (f"{warehouse}.{JOB}.{name}", lake.catalog.load_table((JOB, name)).scan().count())
        for name in tables
    }
    words = [str(value).lower() for span in good.received.spans for value in span.attributes.values()]
    assert [word for word in words if "select" in word] == []


def test_all_four_points_are_told_for_one_run(product: Product, good: Told) -> None:
    nodes = manifest(product)["nodes"]
    tables = sorted(n["name"] for n in nodes.values() if n["resource_type"] in {"model", "seed"})
    seen = {
        kind: sorted((event["eventType"], event["job"]["name"]) for event in (*good.events(kind),))
        for kind in ("JOB", "MODEL", "SEED", "ASSET")
    }
    made = sorted((state, f"{JOB}.{name}") for state in ("COMPLETE", "START") for name in tables)
    assert sorted(seen["MODEL"] + seen["SEED"]) == made
    assert seen["ASSET"] == [("COMPLETE", f"{JOB}.{name}.asset") for name in tables]
    assert seen["JOB"] == [("COMPLETE", JOB), ("START", JOB)]
    parents = {
        event["run"]["facets"]["parent"]["run"]["runId"]
        for event in good.received.events
        if event not in good.events("JOB")
    }
    assert (parents, {event["run"]["runId"] for event in good.events("JOB")}) == ({good.id}, {good.id})


def test_the_datasets_of_lineage_are_those_of_the_dbt_graph(lake: Lake, product: Product, good: Told) -> None:
    nodes = manifest(product)["nodes"]
    expected = {
        (f"{JOB}.{nodes[parent]['name']}", f"{JOB}.{node['name']}")
        for node in nodes.values()
        if node["resource_type"] == "model"
        for parent in node["depends_on"]["nodes"]
    }
    for kind in ("MODEL", "ASSET"):
        found = {
            (read["name"], made["name"])
            for event in good.events(kind)
            for made in event["outputs"]
            for read in event["inputs"]
        }
        assert found == expected
    namespaces = {
        one["namespace"] for event in good.received.events for one in (*event["inputs"], *event["outputs"])
    }
    assert namespaces == {lake.environment["POLARIS_WAREHOUSE"]}


def test_events_say_schema_rows_and_the_place_in_the_trace(lake: Lake, good: Told) -> None:
    spans = {span.id: span for span in good.received.spans}
    places = [event["run"]["facets"]["traceCorrelation"] for event in good.received.events]
    assert {place["trace_id"] for place in places} == {good.run_span.trace}
    assert {place["span_id"] for place in places} <= set(spans)
    outputs = {
        event["outputs"][0]["name"]: event["outputs"][0]
        for event in (*good.events("MODEL"), *good.events("SEED"))
        if event["eventType"] == "COMPLETE"
    }
    told_rows = {name: one["outputFacets"]["outputStatistics"]["rowCount"] for name, one in outputs.items()}
    told_columns = {
        name: [field["name"] for field in one["facets"]["schema"]["fields"]] for name, one in outputs.items()
    }
    found = {name: lake.catalog.load_table(name) for name in outputs}
    assert told_rows == {name: table.scan().count() for name, table in found.items()}
    assert told_columns == {name: [f.name for f in table.schema().fields] for name, table in found.items()}


def test_metrics_are_what_the_run_did(good: Told) -> None:
    of_run = frozenset({("product", NAMESPACE), ("dagster_job", JOB)})

    def by_status(name: str) -> dict[str, float]:
        return {
            dict(labels)["status"]: value
            for (metric, labels), value in good.received.metrics.items()
            if metric == name and of_run <= labels
        }

    tables = good.nodes("model", "seed")
    assert by_status("floe.run.models") == {"success": len(tables), "error": 0, "skipped": 0}
    assert by_status("floe.runs") == {"success": 1, "failure": 0, "canceled": 0}
    assert by_status("floe.run.tests")["fail"] == 0
    assert good.received.metrics["floe.run.rows", of_run] == sum(
        span.attributes["floe.row_count"] for span in tables.values()
    )
    seconds = (good.run_span.ended - good.run_span.began) / 1e9
    assert by_status("floe.run.duration") == {"success": pytest.approx(seconds, abs=0.01)}


def test_the_runs_tag_opens_its_trace(good: Told) -> None:
    assert good.tags[TRACEPARENT_TAG].split("-")[1] == good.run_span.trace


def test_a_model_that_fails_is_told_as_such_everywhere(broken: Told) -> None:
    (failed,) = [span for span in broken.nodes("model").values() if span.failed]
    assert (failed.name, broken.run_span.failed) == ("stg_transactions", True)
    assert "in multiplication of DECIMAL" in failed.message
    everything = " ".join((*failed.words, failed.message, broken.run_span.message)).lower()
    # The command that Dagster quotes has an option of that name.
    assert "select" not in everything.replace("build --select", "")
    (event,) = [event for event in broken.events("MODEL") if event["eventType"] == "FAIL"]
    assert (event["job"]["name"], event["run"]["facets"]["errorMessage"]["message"]) == (
        f"{JOB}.stg_transactions",
        failed.message,
    )
    assert [event["eventType"] for event in broken.events("JOB")] == ["START", "FAIL"]
    (line,) = [line for line in broken.log if line["event"] == "model failed"]
    assert (line["trace_id"], line["span_id"], line["node"]) == (failed.trace, failed.id, failed.name)
    status = {
        dict(labels)["status"]: value
        for (name, labels), value in broken.received.metrics.items()
        if name == "floe.runs"
    }
    assert (status["success"], status["failure"]) == (1, 1)


def test_a_run_that_nobody_listens_to_succeeds_and_its_losses_are_counted_once(
    dagster: local_dagster.LocalDagster, good: Told
) -> None:
    assert good.verdict == "SUCCESS"
    unheard = told(dagster, Received(NOBODY), "stg_support_tickets")
    assert unheard.verdict == "SUCCESS"
    (line,) = [line for line in unheard.log if line["event"] == "telemetry was lost"]
    # Its run, its two steps at most, its model and tests; START and COMPLETE of run and model, and the asset.
    assert set(line["lost"]) == {"spans", "metrics", "lineage events"}
    assert (line["lost"]["metrics"], line["lost"]["lineage events"]) == (1, 5)
    assert line["trace_id"] == unheard.tags[TRACEPARENT_TAG].split("-")[1]


def test_the_columns_of_a_mart_say_what_they_are_computed_from(lake: Lake, good: Told) -> None:
    (event,) = [
        event
        for event in good.events("MODEL")
        if (event["eventType"], event["job"]["name"]) == ("COMPLETE", f"{JOB}.mart_customer_360")
    ]
    fields = event["outputs"][0]["facets"]["columnLineage"]["fields"]
    of_amount = [
        (one["namespace"], one["name"], one["field"]) for one in fields["lifetime_value"]["inputFields"]
    ]
    warehouse = lake.environment["POLARIS_WAREHOUSE"]
    assert of_amount == [(warehouse, f"{JOB}.int_customer_orders", "settled_amount")]
    read = {one["name"] for one in event["inputs"]}
    assert {one["name"] for field in fields.values() for one in field["inputFields"]} <= read


# ---- what the scenarios of US4 look for, on these very data


@pytest.fixture(scope="module")
def graph(product: Product) -> Graph:
    return dbt_graph.read(product.dbt_manifest.read_text())


def test_the_scenarios_find_the_trace_sound(graph: Graph, good: Told) -> None:
    spans = good.in_jaeger
    assert trace_checks.nodes(spans) == {"tables": sorted(graph.tables), "tests": sorted(graph.tests)}
    assert trace_checks.parents(spans) == frozenset({f"run {JOB} / {JOB}_dbt"})
    assert trace_checks.misplaced(spans) == {}
    assert trace_checks.figures_astray(spans, good.run) == {}
    assert trace_checks.tests_astray(spans, good.run, graph) == {}
    assert trace_checks.run_span(spans, good.id) == good.run_span.in_jaeger


def test_the_scenarios_find_lineage_sound_and_in_the_trace(
    dagster: local_dagster.LocalDagster, lake: Lake, graph: Graph, good: Told
) -> None:
    assert lineage_checks.points(good.in_marquez, JOB) == lineage_checks.points_due(
        lineage_checks.POINTS, graph, JOB
    )
    warehouse = good.received.events[-1]["outputs"][0]["namespace"]
    columns = _columns(lake, graph)
    assert lineage_checks.astray(good.in_marquez, good.in_jaeger, good.run, columns, warehouse) == {}
    assert dagster.edges(NAMESPACE) == graph.edges
    places = lineage_checks.places(good.in_marquez)
    assert places - {(one.trace, one.id) for one in good.in_jaeger} == frozenset()
    assert trace_checks.runs_opened({good.run_span.trace: good.in_jaeger}) == {good.run_span.trace: good.id}


def _columns(lake: Lake, graph: Graph) -> dict[str, list[str]]:
    return {name: lake.catalog.load_table((JOB, name)).schema().column_names for name in graph.tables}


WRONG: dict[str, Any] = {
    "rows": lambda one: one["outputs"][0]["outputFacets"]["outputStatistics"].update(rowCount=-1),
    "version": lambda one: one["outputs"][0]["facets"]["version"].update(datasetVersion="1"),
    "columns": lambda one: one["outputs"][0]["facets"].pop("schema"),
    "namespaces of datasets": lambda one: one["outputs"][0].update(namespace="elsewhere"),
    "namespace of the job": lambda one: one["job"].update(namespace="default"),
    "jobType": lambda one: one["job"]["facets"]["jobType"].update(integration="SPARK"),
    "parent": lambda one: one["run"]["facets"]["parent"]["job"].update(name="other"),
    "span": lambda one: one["run"]["facets"]["traceCorrelation"].update(span_id="0" * 16),
    "its time": lambda one: one.update(eventTime="2026-01-01T00:00:00+00:00"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_scenarios_find_what_is_wrong_with_an_event(
    what: str, lake: Lake, graph: Graph, good: Told
) -> None:
    events = copy.deepcopy(good.received.events)
    warehouse = events[-1]["outputs"][0]["namespace"]
    asset = next(one for one in events if one["job"]["name"] == f"{JOB}.stg_transactions.asset")
    WRONG[what](asset)
    sent = list(map(lineage.as_sent, events))
    found = lineage_checks.astray(sent, good.in_jaeger, good.run, _columns(lake, graph), warehouse)
    assert {what in f"{whose} {told}" for whose, told in found.items()} == {True}
    assert {"stg_transactions.asset" in whose for whose in found if "its time" not in whose} <= {True}


def test_the_scenarios_find_the_failure_in_trace_lineage_and_log(broken: Told) -> None:
    (span,) = [one for one in broken.in_jaeger if one.failed and one.name == "stg_transactions"]
    found = {
        "trace": failures.in_trace(broken.in_jaeger),
        "lineage": failures.in_lineage(broken.in_marquez, JOB),
        "log": failures.in_log(log_checks.lines_of(broken.text)),
    }
    assert failures.failed_spans(broken.in_jaeger) == [f"{JOB}_dbt", f"run {JOB}", "stg_transactions"]
    (whole,) = failures.of_the_run(broken.in_marquez, broken.id)
    assert (whole.span, "in multiplication of DECIMAL" in whole.reason) == (broken.run_span.id, True)
    assert {
        who: [(one.what, "in multiplication of DECIMAL" in one.reason, one.trace, one.span) for one in told]
        for who, told in found.items()
    } == {who: [("stg_transactions", True, span.trace, span.id)] for who in found}


@pytest.mark.parametrize("which", ["good", "broken"])
def test_the_scenarios_find_the_metrics_sound(
    request: pytest.FixtureRequest, graph: Graph, which: str
) -> None:
    run: Told = request.getfixturevalue(which)
    names = {"runs": "runs_total", "run.duration": "run_duration_seconds"}
    values = {}
    for (name, labels), value in run.received.metrics.items():
        short, told = name.removeprefix("floe."), dict(labels)
        key = names.get(short, short.replace(".", "_"))
        key += "_seconds" if short in {"model.duration"} or short.endswith("timestamp") else ""
        values[f"floe_{key}", " ".join(told[one] for one in ("model", "status") if one in told)] = value
    ended = {"success": 1, "failure": int(which == "broken"), "canceled": 0}
    status = "success" if which == "good" else "failure"
    took, over = (values[f"floe_run_{one}_seconds", status] for one in ("duration", "ended_timestamp"))
    models = len(graph.tables) if which == "good" else 3
    due = metric_checks.due(run.run, took, over, ended, models)
    assert metric_checks.astray(values, due) == {}
