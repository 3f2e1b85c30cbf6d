"""What a run did, as numbers: told once, at its end, by OpenTelemetry's SDK.

A run is a process of its own, so no counter of it can go on where the last run's ended. What one run did is a
gauge, which the next run of the product replaces; how many runs there were is a counter over all of Dagster's
memory, which every run tells anew. As Prometheus calls them:

| metric | labels | |
| --- | --- | --- |
| `floe_runs_total` | product, dagster_job, status | runs that ended so: `success`, `failure`, `canceled` |
| `floe_run_duration_seconds` | product, dagster_job, status | what the last run with this status took |
| `floe_run_ended_timestamp_seconds` | product, dagster_job, status | when it ended |
| `floe_run_models` | product, dagster_job, status | the last run's models: `success`, `error`, `skipped` |
| `floe_run_tests` | product, dagster_job, status | its tests: `pass`, `warn`, `fail`, `error` |
| `floe_run_rows` | product, dagster_job | rows in all tables that the last run made |
| `floe_model_rows` | product, model | rows in the table, when it was last made |
| `floe_model_duration_seconds` | product, model | what it took |
| `floe_model_refreshed_timestamp_seconds` | product, model | when that was: freshness is the time since |
| `floe_model_tests` | product, model, status | its tests in the last run that had any: as `floe_run_tests` |
| `floe_model_quality_score` | product, model | what floe makes of its expectations, from 0 to 100 |

Seeds count as models, expectations as tests. `job` is Prometheus' own label: a collector's exporter gives it
the service's name, and drops a metric that brings one itself.
Models are those of a product's dbt project, so no label is unbounded; no run has a label of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)

from floe_additions.observability.telemetry import EXPORT_SECONDS, IMPATIENT_SECONDS, TRACER

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from floe_additions.observability.context import Losses


@dataclass
class Model:
    """What a run made of a model or seed.

    Attributes:
        rows: in its table.
        seconds: that it took.
        refreshed: when it was done, in seconds since 1970.
    """

    rows: int
    seconds: float
    refreshed: float


def _no_tests() -> dict[str, int]:
    return {"pass": 0, "warn": 0, "fail": 0, "error": 0}


@dataclass
class Done:
    """What a run did.

    Attributes:
        status: `success`, `failure` or `canceled`.
        seconds: that it took.
        ended: when it ended, in seconds since 1970.
        models: how many models and seeds, by status.
        tests: how many tests and expectations, by status.
        made: what it made of each model that succeeded.
        tested: the tests and expectations of each model or seed that had any, by status.
        scores: what floe's calculator gives each table with expectations, from 0 to 100.
        runs: how many runs there were of this job, this one included, by status.
    """

    status: str = "success"
    seconds: float = 0.0
    ended: float = 0.0
    models: dict[str, int] = field(default_factory=lambda: {"success": 0, "error": 0, "skipped": 0})
    tests: dict[str, int] = field(default_factory=_no_tests)
    made: dict[str, Model] = field(default_factory=dict)
    tested: dict[str, dict[str, int]] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows in all tables that it made."""
        return sum(one.rows for one in self.made.values())

    def test_ended(self, status: str, model: str | None) -> None:
        """A test or expectation came to an end.

        Args:
            status: `pass`, `warn`, `fail`; anything else is an `error`.
            model: the model or seed that it is of; None where it is of none.
        """
        known = status if status in self.tests else "error"
        self.tests[known] += 1
        if model is not None:
            self.tested.setdefault(model, _no_tests())[known] += 1


class CountedMetricExporter(OTLPMetricExporter):
    """The SDK's exporter, which says whether its metrics arrived.

    Args:
        endpoint: of the collector, without the signal's path.
        losses: is told, and knows whether something arrived last: if not, less is waited for.
    """

    def __init__(self, endpoint: str, losses: Losses) -> None:
        patience = IMPATIENT_SECONDS if losses.troubled else EXPORT_SECONDS
        super().__init__(endpoint=f"{endpoint}/v1/metrics", timeout=patience)
        self._losses = losses

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = None, **kwargs: Any
    ) -> MetricExportResult:
        """Send what was collected."""
        result = super().export(metrics_data, timeout_millis=timeout_millis, **kwargs)
        if result is MetricExportResult.SUCCESS:
            self._losses.arrived("metrics")
        else:
            self._losses.failed("metrics", f"{self._endpoint} took no metrics")
        return result


def reader(endpoint: str, losses: Losses) -> MetricReader:
    """A reader that collects when it is told to (`send`), and never by itself."""
    return PeriodicExportingMetricReader(
        CountedMetricExporter(endpoint, losses), export_interval_millis=math.inf
    )


def told(done: Done, common: Resource, product: str, job: str, into: MetricReader) -> MeterProvider:
    """A provider that knows what a run did, and has not told it yet."""
    provider = MeterProvider([into], resource=common, shutdown_on_exit=False)
    meter = provider.get_meter(TRACER)
    of_run = {"product": product, "dagster_job": job}

    def gauge(name: str, unit: str, values: Iterable[tuple[float, Mapping[str, str]]]) -> None:
        one = meter.create_gauge(name, unit=unit)
        for value, labels in values:
            one.set(value, dict(labels))

    def runs(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(count, {**of_run, "status": status}) for status, count in done.runs.items()]

    meter.create_observable_counter("floe.runs", callbacks=[runs])
    ended = {**of_run, "status": done.status}
    gauge("floe.run.duration", "s", [(done.seconds, ended)])
    gauge("floe.run.ended.timestamp", "s", [(done.ended, ended)])
    gauge("floe.run.rows", "", [(done.rows, of_run)])
    gauge("floe.run.models", "", [(count, {**of_run, "status": one}) for one, count in done.models.items()])
    gauge("floe.run.tests", "", [(count, {**of_run, "status": one}) for one, count in done.tests.items()])
    models = {name: {"product": product, "model": name} for name in done.made}
    gauge("floe.model.rows", "", [(done.made[name].rows, labels) for name, labels in models.items()])
    gauge("floe.model.duration", "s", [(done.made[name].seconds, labels) for name, labels in models.items()])
    gauge(
        "floe.model.refreshed.timestamp",
        "s",
        [(done.made[name].refreshed, labels) for name, labels in models.items()],
    )
    gauge(
        "floe.model.tests",
        "",
        [
            (count, {"product": product, "model": model, "status": one})
            for model, counts in done.tested.items()
            for one, count in counts.items()
        ],
    )
    scores = done.scores.items()
    gauge(
        "floe.model.quality.score",
        "",
        [(score, {"product": product, "model": model}) for model, score in scores],
    )
    return provider


def send(provider: MeterProvider) -> None:
    """Tell what a provider knows, and be done with it."""
    provider.force_flush(int(EXPORT_SECONDS * 1000))
    provider.shutdown()
