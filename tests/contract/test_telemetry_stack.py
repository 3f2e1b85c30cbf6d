"""What the collector is told is found in Jaeger and Prometheus, configured as the chart configures them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from duckdb_extensions import import_extension  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from drivers import answers, dashboards, wait
from drivers.metrics import Sample
from drivers.telemetry.metric_checks import values_of
from floe_additions.observability.context import OTLP_VARIABLE
from floe_additions.orchestrator.product import Product
from standins.loopback.lake import Lake
from standins.loopback.lineage import LineageStandIn
from standins.loopback.postgres import Postgres
from standins.loopback.servers import own_folder
from standins.loopback.stack import Minio, StandIn
from tests.chart import of_kind, rendered
from tests.contract import local_dagster, telemetry_stack
from tests.contract.telemetry_stack import Telemetry

PRODUCT = "customer-360"
JOB = "customer_360"
SOON = 5.0
"""Seconds until a trace must be found (SC-004)."""

SCRAPED = 12.0
"""Seconds until a metric must be found: two rounds of scraping, and what the collector holds back."""


@pytest.fixture(scope="module")
def telemetry(
    folder: Path, lineage_postgres: Postgres, minio: Minio, stand_in: StandIn
) -> Iterator[Telemetry]:
    """Collector, Jaeger and Prometheus, and beside them all services of a platform that have metrics."""
    lineage = LineageStandIn(folder, lineage_postgres)
    lineage.start()
    others = {
        "minio:9000": minio.endpoint.removeprefix("http://"),
        "polaris:8182": f"127.0.0.1:{stand_in.management_port}",
        "marquez:5000": lineage.url.removeprefix("http://"),
    }
    with own_folder("floe-telemetry-") as place, telemetry_stack.running(place, others) as running:
        yield running
    lineage.stop()


def found(telemetry: Telemetry, expression: str, least: int = 1) -> list[Sample]:
    """What an expression comes to as soon as it has so many series."""
    return wait.until(
        lambda: telemetry.metrics.query(expression),
        lambda samples: len(samples) >= least,
        what=f"{expression} in Prometheus",
        within=SCRAPED,
        every=0.2,
        last=lambda samples: f"has {len(samples)} series",
    )


def test_everything_that_has_metrics_is_scraped_and_healthy(telemetry: Telemetry) -> None:
    told = of_kind(rendered(), "ConfigMap")["prometheus-configuration"]["data"]["prometheus.yml"]
    jobs = {line.split()[-1] for line in told.splitlines() if "job_name" in line}
    fares = wait.until(
        lambda: {one.labels["job"]: (one.health, one.error) for one in telemetry.metrics.targets()},
        lambda seen: {health for health, _ in seen.values()} == {"up"},
        what="the targets of Prometheus",
        within=SCRAPED,
        last=str,
    )
    assert fares == dict.fromkeys(jobs, ("up", ""))


def test_each_part_says_of_itself_that_it_serves(telemetry: Telemetry) -> None:
    assert {
        "collector": answers.collector(telemetry.health),
        "jaeger": answers.jaeger(telemetry.traces.address()),
        "prometheus": answers.prometheus(telemetry.metrics.address()),
    } == {"collector": "status StatusOK", "jaeger": "lists services", "prometheus": "up 1"}


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_span_that_the_collector_is_sent_is_found_in_jaeger(telemetry: Telemetry, protocol: str) -> None:
    service = f"sender-{secrets.token_hex(4)}"
    exporter: SpanExporter = (
        OTLPSpanExporter(endpoint=f"{telemetry.otlp}/v1/traces")
        if protocol == "http"
        else GrpcSpanExporter(endpoint=telemetry.grpc, insecure=True)
    )
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("outer") as outer, tracer.start_as_current_span("inner") as inner:
        inner.set_attribute("rows", 7)
    provider.shutdown()
    trace = f"{outer.get_span_context().trace_id:032x}"
    spans = wait.until(
        lambda: telemetry.traces.trace(trace),
        lambda seen: len(seen) == 2,
        what=f"trace {trace} in Jaeger",
        within=SOON,
        every=0.05,
    )
    there = {span.name: (span.service, span.parent, span.attributes.get("rows")) for span in spans}
    assert there == {"outer": (service, "", None), "inner": (service, spans[0].id, 7)}
    assert service in telemetry.traces.services()
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert set(telemetry.traces.of_service(service, since, {"rows": "7"})) == {trace}
    assert telemetry.traces.of_service(service, since, {"rows": "8"}) == {}


def test_a_metric_that_the_collector_is_sent_is_found_in_prometheus(telemetry: Telemetry) -> None:
    name = f"told_{secrets.token_hex(4)}"
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{telemetry.otlp}/v1/metrics"))
    provider = MeterProvider([reader], resource=Resource.create({"service.name": "sender"}))
    provider.get_meter("test").create_counter(name).add(42, {"product": "tea", "model": "leaves"})
    provider.shutdown()
    (sample,) = found(telemetry, f"{name}_total")
    assert sample.value == 42
    assert sample.labels == {
        "__name__": f"{name}_total",
        "job": "sender",
        "product": "tea",
        "model": "leaves",
        "instance": sample.labels["instance"],
    }


@pytest.fixture(scope="module")
def run_id(
    telemetry: Telemetry, lake: Lake, product: Product, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A run of the product that tells the collector."""
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    with pytest.MonkeyPatch.context() as environment:
        scratch = tmp_path_factory.mktemp("scratch")
        for name, value in {**lake.environment, "FLOE_SCRATCH": str(scratch)}.items():
            environment.setenv(name, value)
        environment.setenv(OTLP_VARIABLE, telemetry.otlp)
        with local_dagster.serving(PRODUCT, product.folder, tmp_path_factory.mktemp("home")) as dagster:
            run = dagster.launch(PRODUCT).finished()
    assert run.verdict == "SUCCESS"
    return run.run_id


def test_the_trace_of_a_run_is_found_by_the_products_name(telemetry: Telemetry, run_id: str) -> None:
    since = datetime.now(UTC) - timedelta(minutes=10)
    traces = wait.until(
        lambda: telemetry.traces.of_service(PRODUCT, since),
        # A run's own span ends last, and comes when those of its models may have been looked at already.
        lambda seen: any(span.name == f"run {JOB}" for spans in seen.values() for span in spans),
        what=f"a whole trace of {PRODUCT}",
        within=SOON,
        every=0.1,
    )
    (spans,) = traces.values()
    named = [span for span in spans if run_id in span.attributes.values()]
    assert [span.name for span in named][:1] == [f"run {JOB}"]
    ids = {span.id for span in spans}
    assert [span.name for span in spans if span.parent not in ids] == [f"run {JOB}"]


def test_the_metrics_of_a_run_are_found_with_their_labels(
    telemetry: Telemetry, run_id: str, product: Product
) -> None:
    assert run_id
    nodes = json.loads(product.dbt_manifest.read_bytes())["nodes"].values()
    tables = {node["name"] for node in nodes if node["resource_type"] in ("model", "seed")}
    rows = found(telemetry, "floe_model_rows", least=len(tables))
    assert {(one.labels["product"], one.labels["model"]) for one in rows} == {
        (PRODUCT, table) for table in tables
    }
    (total,) = found(telemetry, "floe_run_rows")
    assert total.value == sum(one.value for one in rows)
    (runs,) = found(telemetry, 'floe_runs_total{status="success"}')
    assert (runs.value, runs.labels["dagster_job"]) == (1, JOB)
    values = values_of(telemetry.metrics.query(f'{{__name__=~"floe_.*",product="{PRODUCT}"}}'))
    now = datetime.now(UTC)
    for name in dashboards.DUE:
        shown = dashboards.panels(name)
        assert (
            dashboards.with_other_values(telemetry.metrics, name, shown, values, product=PRODUCT, at=now)
            == {}
        )
    refreshed = found(telemetry, "time() - floe_model_refreshed_timestamp_seconds", least=len(rows))
    assert max(one.value for one in refreshed) < 600
