"""Collector, Jaeger, Prometheus and Grafana in the chart: what they bring, and how they fit together."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from foundation.process import run
from images import jaeger, prometheus, published
from tests import chart
from tests.chart import CHART, Object, of_kind, pods, rendered

PARTS = {
    "collector": {
        "Deployment/otel-collector",
        "Service/otel-collector",
        "ConfigMap/otel-collector-configuration",
    },
    "jaeger": {
        "Deployment/jaeger",
        "Service/jaeger",
        "Service/jaeger-nodeport",
        "ConfigMap/jaeger-configuration",
    },
    "prometheus": {
        "StatefulSet/prometheus",
        "Service/prometheus",
        "Service/prometheus-nodeport",
        "ConfigMap/prometheus-configuration",
        "PersistentVolumeClaim/prometheus-data",
    },
    "grafana": {
        "Deployment/grafana",
        "Service/grafana",
        "Service/grafana-nodeport",
        "ConfigMap/grafana-provisioning",
        "ConfigMap/grafana-dashboards",
        "Secret/grafana-credentials",
    },
}


def names(objects: tuple[Object, ...] | list[Object]) -> set[str]:
    return {f"{item['kind']}/{item['metadata']['name']}" for item in objects}


@functools.cache
def without(part: str) -> list[Object]:
    return chart.render(("kind", "demo"), {f"global.observability.{part}": False})


def configuration(objects: tuple[Object, ...] | list[Object], of: str) -> Any:
    return yaml.safe_load(of_kind(objects, "ConfigMap")[f"{of}-configuration"]["data"]["config.yaml"])


def targets(objects: tuple[Object, ...] | list[Object]) -> dict[str, str]:
    """What Prometheus scrapes, by the name of the job: address and path."""
    told = of_kind(objects, "ConfigMap")["prometheus-configuration"]["data"]["prometheus.yml"]
    return {
        one["job_name"]: one["static_configs"][0]["targets"][0] + one.get("metrics_path", "/metrics")
        for one in yaml.safe_load(told)["scrape_configs"]
    }


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_there_until_it_is_switched_off(part: str) -> None:
    everything = names(rendered("kind", "demo"))
    assert everything - names(without(part)) == PARTS[part]
    assert names(without(part)) <= everything


def test_grafana_is_left_out_where_no_registry_has_it() -> None:
    on_kind = {name for name in names(rendered("kind")) if not name.startswith("Job/")}
    assert on_kind - names(rendered("local")) == PARTS["grafana"] - {"Service/grafana-nodeport"}


def test_all_of_them_may_be_off() -> None:
    off = {f"global.observability.{part}": False for part in PARTS}
    assert names(chart.render(("kind", "demo"), off)) == names(rendered("kind", "demo")).difference(
        *PARTS.values()
    )


def test_a_part_that_is_off_is_neither_scraped_nor_asked_nor_told() -> None:
    for part, service in (("collector", "otel-collector"), ("jaeger", "jaeger"), ("grafana", "grafana")):
        assert not [address for address in targets(without(part)).values() if address.startswith(service)]
    traces = configuration(without("jaeger"), "otel-collector")["service"]["pipelines"]["traces"]
    assert traces["exporters"] == ["nop"]
    sources = of_kind(without("prometheus"), "ConfigMap")["grafana-provisioning"]["data"]["datasources.yaml"]
    assert [one["uid"] for one in yaml.safe_load(sources)["datasources"]] == ["jaeger"]


def test_every_service_that_has_metrics_is_scraped_at_a_port_it_has() -> None:
    scraped = targets(rendered("kind"))
    assert scraped == {
        "prometheus": "localhost:9090/metrics",
        "telemetry": "otel-collector:8889/metrics",
        "otel-collector": "otel-collector:8888/metrics",
        "jaeger": "jaeger:8888/metrics",
        "grafana": "grafana:3000/metrics",
        "minio": "minio:9000/minio/v2/metrics/cluster",
        "polaris": "polaris:8182/q/metrics",
        "marquez": "marquez:5000/metrics",
    }
    offered = {
        f"{name}:{port['port']}"
        for name, item in of_kind(rendered("kind"), "Service").items()
        for port in item["spec"]["ports"]
    }
    assert {address.partition("/")[0] for address in scraped.values()} - offered == {"localhost:9090"}


def test_collector_and_jaeger_are_one_program_with_a_configuration_each() -> None:
    images = {
        pod.owner: pod.containers[0]["image"] for pod in pods(rendered()) if "image" in pod.containers[0]
    }
    assert images["Deployment/otel-collector"] == images["Deployment/jaeger"] == chart.IMAGES["jaeger"]
    collector, store = (configuration(rendered(), name) for name in ("otel-collector", "jaeger"))
    assert collector["exporters"]["otlp/jaeger"]["endpoint"] == "jaeger:4317"
    assert store["extensions"]["jaeger_storage"]["backends"]["memory"]["memory"]["max_traces"] == 2000
    assert collector["exporters"]["prometheus"]["metric_expiration"] == "24h"


@pytest.mark.parametrize("name", ["otel-collector", "jaeger"])
@pytest.mark.parametrize("objects", [rendered, lambda: without("jaeger")], ids=["all", "without Jaeger"])
def test_the_program_itself_takes_its_configuration(name: str, objects: Any, tmp_path: Path) -> None:
    told = of_kind(objects(), "ConfigMap").get(f"{name}-configuration")
    if told is None:
        assert name == "jaeger"
        return
    (tmp_path / "config.yaml").write_text(told["data"]["config.yaml"])
    run([jaeger.binary(), "validate", "--config", tmp_path / "config.yaml"], timeout=60)


@pytest.fixture
def promtool(tmp_path: Path) -> Path:
    """The folder with Prometheus' configuration, as the pod sees it."""
    for name, text in of_kind(rendered("kind"), "ConfigMap")["prometheus-configuration"]["data"].items():
        (tmp_path / name).write_text(text.replace("/etc/prometheus", str(tmp_path)))
    return tmp_path


def test_promtool_takes_configuration_and_rules(promtool: Path) -> None:
    said = run([prometheus.program("promtool"), "check", "config", promtool / "prometheus.yml"], timeout=60)
    assert "3 rules found" in said


ENDED = 'floe_run_ended_timestamp_seconds{{product="{}", dagster_job="j", status="{}"}}'
SERIES = {
    "failed after a success": [(ENDED.format("a", "success"), 100), (ENDED.format("a", "failure"), 200)],
    "mended since": [(ENDED.format("b", "success"), 200), (ENDED.format("b", "failure"), 100)],
    "never succeeded": [(ENDED.format("c", "failure"), 100)],
    "never failed": [(ENDED.format("d", "success"), 100)],
    "tests": [
        ('floe_run_tests{product="a", dagster_job="j", status="fail"}', 2),
        ('floe_run_tests{product="a", dagster_job="j", status="pass"}', 40),
        ('floe_run_tests{product="b", dagster_job="j", status="fail"}', 0),
    ],
    "services": [('up{job="minio", instance="x"}', 0), ('up{job="polaris", instance="y"}', 1)],
}


def test_alerts_tell_of_what_is_wrong_and_of_nothing_else(promtool: Path) -> None:
    def alert(name: str, summary: str, **labels: str) -> dict[str, Any]:
        expected = [{"exp_labels": labels, "exp_annotations": {"summary": summary}}] if labels else []
        return {"eval_time": "1m", "alertname": name, "exp_alerts": expected}

    failed = [
        {"exp_labels": {"product": name}, "exp_annotations": {"summary": f"the last run of {name} failed"}}
        for name in ("a", "c")
    ]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "5s",
        "tests": [
            {
                "interval": "5s",
                "input_series": [
                    {"series": series, "values": f"{value}x20"}
                    for several in SERIES.values()
                    for series, value in several
                ],
                "alert_rule_test": [
                    {"eval_time": "1m", "alertname": "LastRunFailed", "exp_alerts": failed},
                    alert("TestsFailed", "2 tests of the last run of a failed", product="a"),
                    alert(
                        "ServiceWithoutMetrics",
                        "minio has not answered for 30 s",
                        job="minio",
                        instance="x",
                    ),
                ],
            }
        ],
    }
    (promtool / "test.yml").write_text(yaml.safe_dump(test))
    run(
        [prometheus.program("promtool"), "test", "rules", "test.yml"],
        cwd=promtool,
        timeout=60,
    )


def test_grafana_finds_its_source_by_the_name_that_dashboards_use() -> None:
    maps = of_kind(rendered("kind"), "ConfigMap")
    told = yaml.safe_load(maps["grafana-provisioning"]["data"]["datasources.yaml"])["datasources"]
    assert {one["uid"]: one["url"] for one in told} == {
        "prometheus": "http://prometheus:9090",
        "jaeger": "http://jaeger:16686",
    }


def test_grafana_gets_every_dashboard_of_the_folder_as_it_is() -> None:
    given = of_kind(rendered("kind"), "ConfigMap")["grafana-dashboards"].get("data", {})
    folder = CHART / "charts" / "grafana" / "dashboards"
    assert {name: json.loads(text) for name, text in given.items()} == {
        file.name: json.loads(file.read_text()) for file in folder.glob("*.json")
    }


def test_what_is_published_is_the_release_that_is_built_here() -> None:
    assert published.references()["jaeger"] == f"docker.io/jaegertracing/jaeger:{jaeger.RELEASE[1:]}"
    assert jaeger.version() == "v1.76.0"
