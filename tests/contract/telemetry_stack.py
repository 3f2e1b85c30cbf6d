"""Collector, Jaeger and Prometheus on loopback, configured as the chart configures them.

Each is given the chart's own text; only addresses are exchanged, since here every service is on one host.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from drivers import wait
from drivers.metrics import Metrics
from drivers.spans import Traces
from images import jaeger, prometheus
from standins.loopback.processes import Running, free_port
from tests.chart import of_kind, rendered

_START_SECONDS = 30.0


@dataclass(frozen=True)
class Telemetry:
    """Where the three of them answer.

    Attributes:
        otlp: address of the collector for OTLP over HTTP.
        grpc: host:port of the collector for OTLP over gRPC.
        health: host:port where the collector tells how it fares.
    """

    otlp: str
    grpc: str
    health: str
    traces: Traces
    metrics: Metrics


class _Here(dict[str, str]):
    """The loopback address of each address of the cluster; an unknown one gets a port of its own."""

    def __missing__(self, address: str) -> str:
        return self.setdefault(address, f"127.0.0.1:{free_port()}")


@contextmanager
def running(folder: Path, others: Mapping[str, str]) -> Iterator[Telemetry]:
    """Start the three; they are Ready when the block begins.

    Args:
        folder: for their files.
        others: host:port of the services that are scraped besides, by what the chart calls them.
    """
    here = _Here(others)
    store = _program(folder, "jaeger", here)
    collector = _program(folder, "otel-collector", here)
    scraper = _prometheus(folder, here)
    try:
        for process, address in (
            (store, f"{here['jaeger:13133']}/status"),
            (collector, f"{here['otel-collector:13133']}/status"),
            (scraper, f"{here['localhost:9090']}/-/ready"),
        ):
            wait.until(
                functools.partial(_answers, process, f"http://{address}"),
                bool,
                what=f"an answer of {address}",
                within=_START_SECONDS,
                every=0.05,
            )
        yield Telemetry(
            otlp=f"http://{here['otel-collector:4318']}",
            grpc=here["otel-collector:4317"],
            health=here["otel-collector:13133"],
            traces=Traces(lambda: here["jaeger:16686"]),
            metrics=Metrics(lambda: here["localhost:9090"]),
        )
    finally:
        for process in (scraper, collector, store):
            process.stop()


def _program(folder: Path, name: str, here: _Here) -> Running:
    """One of the two that are Jaeger's program."""
    text = of_kind(rendered(), "ConfigMap")[f"{name}-configuration"]["data"]["config.yaml"]
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(_moved(yaml.safe_load(text), name, here)))
    return Running(name, [jaeger.binary(), "--config", file], env={}, log=folder / f"{name}.log")


def _moved(told: Any, name: str, here: _Here) -> Any:
    """A configuration in which every address is one of loopback."""
    match told:
        case {"host": "0.0.0.0", "port": int(port)}:
            host, _, free = here[f"{name}:{port}"].partition(":")
            return {"host": host, "port": int(free)}
        case dict():
            return {key: _moved(value, name, here) for key, value in told.items()}
        case list():
            return [_moved(one, name, here) for one in told]
        case str() if told.startswith("0.0.0.0:"):
            return here[told.replace("0.0.0.0", name)]
        case "jaeger:4317":
            return here[told]
        case _:
            return told


def _prometheus(folder: Path, here: _Here) -> Running:
    files = of_kind(rendered(), "ConfigMap")["prometheus-configuration"]["data"]
    told = yaml.safe_load(files["prometheus.yml"])
    told["rule_files"] = [str(folder / "rules.yml")]
    for job in told["scrape_configs"]:
        for group in job["static_configs"]:
            group["targets"] = [here[address] for address in group["targets"]]
    (folder / "rules.yml").write_text(files["rules.yml"])
    (folder / "prometheus.yml").write_text(yaml.safe_dump(told))
    (server,) = of_kind(rendered(), "StatefulSet")["prometheus"]["spec"]["template"]["spec"]["containers"]
    own = {
        "--config.file": folder / "prometheus.yml",
        "--storage.tsdb.path": folder / "prometheus",
        "--web.listen-address": here["localhost:9090"],
    }
    options = dict(word.split("=", 1) for word in server["args"])
    arguments = [f"{name}={value}" for name, value in {**options, **own}.items()]
    return Running(
        "Prometheus",
        [prometheus.program("prometheus"), *arguments],
        env={},
        log=folder / "prometheus.log",
    )


def _answers(process: Running, address: str) -> bool:
    process.must_run()
    try:
        return httpx.get(address, timeout=2).is_success
    except httpx.HTTPError:
        return False
