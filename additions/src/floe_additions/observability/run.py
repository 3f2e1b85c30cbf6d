"""What is told of one run while it happens: by Dagster through the executor, by dbt through the assets.

Telemetry never decides about a run: whatever goes wrong here is logged once, and the run goes on untold.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property, partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

from floe_additions.observability import logs
from floe_additions.observability.context import (
    TRACEPARENT_TAG,
    Destinations,
    Losses,
    handed_over,
    without_sql,
)

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance, DagsterRun

    from floe_additions.observability.lineage import Lineage, Sender
    from floe_additions.observability.metrics import Done
    from floe_additions.observability.trace import RunTrace, Value
    from floe_additions.orchestrator.product import Product

FLUSH_SECONDS = 1.0
"""How long a finished run waits for what is still to be sent."""

_BEGUN = "LogStartLine"
_ENDED = frozenset({"LogSeedResult", "LogModelResult", "LogSnapshotResult", "LogTestResult"})
_SKIPPED = frozenset({"SkippingDetails", "LogSkipBecauseError"})
_EXPLAINED = "RunResultError"
_TABLES = frozenset({"seed", "model", "snapshot"})
_TESTS = frozenset({"test", "unit_test"})
_BROKEN = {"error", "runtime error", "fail"}

_Told = ParamSpec("_Told")

_log = logging.getLogger(__name__)
_runs: dict[str, Observer] = {}


class Observer:
    """Is told of a run, and tells nobody: of a run without any destination."""

    def prepare(self) -> None:
        """Import what will be needed; for a moment that is idle otherwise."""

    def dagster(self, event: DagsterEvent) -> None:
        """Dagster recorded an event of the run."""

    def dbt(self, step: str, message: Mapping[str, Any], rows: int | None = None) -> None:
        """Dbt said something.

        Args:
            step: the step of Dagster that dbt runs in.
            message: dbt's, of its JSON log.
            rows: in the table that it is about, where it is about one that was made.
        """

    def end(self, status: str, error: str | None) -> None:
        """The run is over.

        Args:
            status: `success`, `failure` or `canceled`.
            error: why it did not succeed.
        """


def observer_of(run_id: str) -> Observer:
    """Who is to be told of a run; one who tells nobody where the run is not observed."""
    return _runs.get(run_id) or Observer()


def observe(
    product: Product,
    run: DagsterRun,
    instance: DagsterInstance,
    environment: Mapping[str, str] = os.environ,
) -> Observer:
    """Have a run told of, if the deployment says to whom.

    What the artifact says of `observability` is about floe's own telemetry, and nothing here goes by it but
    the namespace of lineage: an address that was compiled in says nothing of where the product runs.
    """
    to = Destinations.of(environment)
    if not to.any:
        return Observer()
    observer = _runs[run.run_id] = Telling(product, run, instance, to, environment)
    return observer


def _harmless(
    method: Callable[Concatenate[Telling, _Told], None],
) -> Callable[Concatenate[Telling, _Told], None]:
    """A method whose failure is logged, and not the run's."""

    @wraps(method)
    def harmless(self: Telling, *args: _Told.args, **kwargs: _Told.kwargs) -> None:
        if self.given_up:
            return
        try:
            method(self, *args, **kwargs)
        except Exception:  # noqa: BLE001 - it is logged, with its traceback
            self.given_up = True
            _log.exception("the run goes on, and nothing more is told of it")

    return cast("Callable[Concatenate[Telling, _Told], None]", harmless)


class Telling(Observer):
    """Tells of a run: trace, lineage, metrics, log lines.

    Args:
        product: whose run it is.
        run: Dagster's.
        instance: knows of the runs before.
        to: whom to tell.
        environment: says where the catalog is, and in which trace the run was launched.
    """

    def __init__(
        self,
        product: Product,
        run: DagsterRun,
        instance: DagsterInstance,
        to: Destinations,
        environment: Mapping[str, str],
    ) -> None:
        self._product = product
        self._run = run
        self._instance = instance
        self._to = to
        self._environment = environment
        self._began = time.time_ns()
        self._step_began: dict[str, int] = {}
        self._last_check: dict[str, int] = {}
        self._dbt_steps: set[str] = set()
        self._errors: dict[str, str] = {}
        self._nodes_of: dict[str, set[str]] = {}
        self.losses = Losses()
        self.given_up = False

    # ---- what is made when it is first needed, which is while dbt starts

    @cached_property
    def _resource(self) -> Any:
        from floe_additions.observability import telemetry  # noqa: PLC0415 - imports OpenTelemetry's SDK

        return telemetry.resource(
            self._product.name,
            self._product.artifacts.metadata.product_version,
            {"service.namespace": "floe"},
        )

    @cached_property
    def _provider(self) -> Any:
        from floe_additions.observability import telemetry  # noqa: PLC0415

        telemetry.silence_the_senders()
        exporter = telemetry.CountedSpanExporter(self._to.otlp, self.losses) if self._to.otlp else None
        return telemetry.tracing(self._resource, exporter)

    @cached_property
    def _trace(self) -> RunTrace:
        from floe_additions.observability import telemetry, trace  # noqa: PLC0415

        run, metadata = self._run, self._product.artifacts.metadata
        handed = handed_over(run.tags, self._environment)
        attributes: dict[str, Value] = {
            "floe.product": self._product.name,
            "floe.product.version": metadata.product_version,
            "dagster.run_id": run.run_id,
            "dagster.job": run.job_name,
            "launched_by": launched_by(run.tags),
        }
        made = trace.RunTrace(
            self._provider.get_tracer(telemetry.TRACER),
            self.losses,
            f"run {run.job_name}",
            traceparent=handed,
            at=self._began,
            attributes=attributes,
        )
        logs.placed(run.run_id, "", made.place)
        if handed is None:
            # Nobody launched it in a trace: who looks at the run finds its trace all the same.
            self._instance.add_run_tags(run.run_id, {TRACEPARENT_TAG: made.traceparent})
        if lineage := self._lineage:
            lineage.pipeline_began(self._began / 1e9, made.place)
        for step, at in self._step_began.items():
            made.step_began(step, at)
            logs.placed(run.run_id, step, made.place_of(step))
        return made

    @cached_property
    def _sender(self) -> Sender | None:
        if not self._to.lineage:
            return None
        from floe_additions.observability.lineage import Courier  # noqa: PLC0415 - imports OpenLineage

        return Courier(self._to.lineage, self.losses)

    @cached_property
    def _lineage(self) -> Lineage | None:
        if self._sender is None:
            return None
        from floe_additions.observability import lineage  # noqa: PLC0415

        return lineage.Lineage(
            self._sender,
            lineage.Graph.of(self._product.folder, self._manifest),
            namespace=self._product.artifacts.observability.lineage_namespace,
            job=self._run.job_name,
            run_id=self._run.run_id,
            warehouse=self._environment.get("POLARIS_WAREHOUSE", ""),
            catalog=self._environment.get("POLARIS_URI", ""),
        )

    @cached_property
    def _done(self) -> Done:
        from floe_additions.observability.metrics import Done  # noqa: PLC0415

        return Done()

    @cached_property
    def _manifest(self) -> Mapping[str, Any]:
        from dagster_dbt.dbt_manifest import validate_manifest  # noqa: PLC0415 - reads it once a process

        return validate_manifest(self._product.dbt_manifest)

    @cached_property
    def _by_asset(self) -> Mapping[str, str]:
        nodes = self._manifest["nodes"].items()
        return {node["name"]: unique for unique, node in nodes if node["resource_type"] in _TABLES}

    # ---- what happens

    @_harmless
    def prepare(self) -> None:
        """Import what will be needed; for a moment that is idle otherwise."""
        _ = self._trace, self._done

    @_harmless
    def dagster(self, event: DagsterEvent) -> None:
        """Dagster recorded an event of the run."""
        step, at = event.step_key or "", time.time_ns()
        kind = event.event_type_value
        if kind == "STEP_START":
            self._step(step, at)
        elif kind == "STEP_SUCCESS":
            self._trace.step_ended(step, at, None)
        elif kind == "STEP_FAILURE":
            failure = event.step_failure_data
            self._step_failed(step, at, without_sql(failure.error_display_string.partition("Stack Trace")[0]))
        elif kind == "ASSET_MATERIALIZATION":
            self._materialized(event, at)
        elif kind == "ASSET_CHECK_EVALUATION" and step not in self._dbt_steps:
            self._checked(step, event, at)

    @_harmless
    def dbt(self, step: str, message: Mapping[str, Any], rows: int | None = None) -> None:
        """Dbt said something."""
        self._dbt_steps.add(step)
        name, data = message["info"]["name"], message["data"]
        node = data.get("node_info") or {}
        if not node.get("unique_id"):
            return
        if name == _BEGUN:
            self._node_began(step, node)
        elif name == _EXPLAINED:
            self._errors[node["unique_id"]] = without_sql(str(data.get("msg", "")))
        elif name in _SKIPPED and node["resource_type"] in _TABLES:
            self._done.models["skipped"] += 1
        elif name in _ENDED:
            self._node_ended(step, node, data, rows)

    def end(self, status: str, error: str | None) -> None:
        """The run is over: tell it, and wait for what is under way, a moment and no longer."""
        self._ended(status, error)
        _runs.pop(self._run.run_id, None)
        logs.forget(self._run.run_id)

    # ---- how it is told

    def _step(self, step: str, at: int) -> None:
        self._step_began[step] = self._last_check[step] = at
        if "_trace" in self.__dict__:
            self._trace.step_began(step, at)
            logs.placed(self._run.run_id, step, self._trace.place_of(step))

    def _step_failed(self, step: str, at: int, error: str) -> None:
        for node in self._nodes_of.pop(step, set()):
            self._trace.ended(node, at, {}, error)
            if self._lineage:
                self._lineage.model_ended(node, at / 1e9, self._trace.place_of(node), error)
        self._trace.step_ended(step, at, error)

    def _node_began(self, step: str, node: Mapping[str, Any]) -> None:
        unique, at = node["unique_id"], _nanoseconds(node["node_started_at"])
        tested = self._tested(unique) if node["resource_type"] in _TESTS else None
        attributes: dict[str, Value] = {
            "dagster.run_id": self._run.run_id,
            "dbt.unique_id": unique,
            "dbt.resource_type": node["resource_type"],
            "dbt.materialization": node["materialized"],
        }
        if tested:
            attributes["dbt.tested"] = tested
        if node["resource_type"] in _TABLES:
            relation = node["node_relation"]
            attributes["floe.relation"] = ".".join(
                (relation["database"], relation["schema"], relation["alias"])
            )
        self._trace.began(step, unique, node["node_name"], at, attributes=attributes, tested=tested)
        self._nodes_of.setdefault(step, set()).add(unique)
        if self._lineage:
            self._lineage.model_began(unique, at / 1e9, self._trace.place_of(unique))

    def _node_ended(
        self, step: str, node: Mapping[str, Any], data: Mapping[str, Any], rows: int | None
    ) -> None:
        unique, status = node["unique_id"], node["node_status"]
        began, at = _nanoseconds(node["node_started_at"]), _nanoseconds(node["node_finished_at"])
        error = None
        if status in _BROKEN:
            error = self._errors.get(unique) or _of_test(data) or status
        attributes: dict[str, Value] = {"dbt.status": status}
        if rows is not None:
            attributes["floe.row_count"] = rows
        if data.get("num_failures") is not None:
            attributes["dbt.failures"] = int(data["num_failures"])
        self._trace.ended(unique, at, attributes, error)
        self._nodes_of.get(step, set()).discard(unique)
        if node["resource_type"] in _TESTS:
            self._done.test_ended(status, _name_of(self._tested(unique)))
        else:
            self._made(node, (at - began) / 1e9, at / 1e9, error, rows)
        if error is not None:
            logs.told(
                "error",
                "test failed" if node["resource_type"] in _TESTS else "model failed",
                self._trace.place_of(unique),
                product=self._product.name,
                run_id=self._run.run_id,
                node=node["node_name"],
                unique_id=unique,
                error=error,
            )

    def _made(
        self, node: Mapping[str, Any], seconds: float, at: float, error: str | None, rows: int | None
    ) -> None:
        from floe_additions.observability.metrics import Model  # noqa: PLC0415

        self._done.models["error" if error else "success"] += 1
        if error is None and rows is not None:
            self._done.made[node["node_name"]] = Model(rows, seconds, at)
        if self._lineage:
            place = self._trace.place_of(node["unique_id"])
            self._lineage.model_ended(node["unique_id"], at, place, error, rows)

    def _tested(self, test: str) -> str | None:
        """The model or seed that a test is of; the first that it reads where it is of none alone."""
        node = self._manifest["nodes"].get(test, {})
        read: list[str] = node.get("depends_on", {}).get("nodes", [])
        return node.get("attached_node") or next(iter(read), None)

    def _node_of(self, asset: str) -> str:
        """The unique id of the model or seed that an asset is; empty where it is none of dbt's."""
        return self._by_asset.get(asset, "")

    def _materialized(self, event: DagsterEvent, at: int) -> None:
        if not self._lineage:
            return
        made = event.step_materialization_data.materialization
        metadata = {name: value.value for name, value in made.metadata.items()}
        name = made.asset_key.path[-1]
        node = self._node_of(name)
        rows, snapshot = metadata.get("row_count"), metadata.get("snapshot_id")
        self._lineage.materialized(
            node,
            at / 1e9,
            self._trace.place_of(node),
            asset=name,
            rows=rows if isinstance(rows, int) else None,
            snapshot=str(snapshot) if snapshot else None,
        )

    def _checked(self, step: str, event: DagsterEvent, at: int) -> None:
        """An expectation of floe.yaml was evaluated; they are evaluated one after the other."""
        check = event.asset_check_evaluation_data
        asset = check.asset_key.path[-1]
        key = f"expectation.{asset}.{check.check_name}"
        severe = check.severity.value == "ERROR"
        error = None if check.passed else f"{check.check_name} of {asset} is not met"
        attributes: dict[str, Value] = {
            "dagster.run_id": self._run.run_id,
            "floe.expectation": check.check_name,
            "floe.tested": asset,
            "floe.passed": check.passed,
            "floe.severity": check.severity.value,
        }
        self._trace.began(
            step,
            key,
            check.check_name,
            self._last_check.get(step, at),
            attributes=attributes,
            tested=self._node_of(asset),
        )
        self._trace.ended(key, at, {}, error if severe else None)
        self._last_check[step] = at
        self._done.test_ended("pass" if check.passed else ("fail" if severe else "warn"), asset)
        score = check.metadata.get("table_score")
        if score is not None and isinstance(score.value, float):
            self._done.scores[asset] = score.value

    @_harmless
    def _ended(self, status: str, error: str | None) -> None:
        from floe_additions.observability import telemetry  # noqa: PLC0415

        at, done, trace = time.time_ns(), self._done, self._trace
        done.status, done.seconds, done.ended = status, (at - self._began) / 1e9, at / 1e9
        told = without_sql(error) if error is not None else None
        trace.close(at, {**_summary(done), "floe.status": status}, told)
        if self._lineage:
            self._lineage.pipeline_ended(at / 1e9, trace.place, status, told)
        closing: list[Callable[[], object]] = [self._provider.shutdown]
        if self._sender:
            closing.append(self._sender.close)
        if self._to.otlp:
            closing.append(self._metrics())
        patience = telemetry.IMPATIENT_SECONDS if self.losses.troubled else FLUSH_SECONDS
        telemetry.close_all(closing, patience)
        if lost := self.losses.counts:
            logs.told(
                "warning",
                "telemetry was lost",
                trace.place,
                product=self._product.name,
                run_id=self._run.run_id,
                lost=lost,
                reasons=self.losses.reasons,
            )

    def _metrics(self) -> Callable[[], object]:
        from floe_additions.observability import metrics  # noqa: PLC0415

        self._done.runs = self._runs_so_far()
        self.losses.made("metrics")
        provider = metrics.told(
            self._done,
            self._resource,
            self._product.name,
            self._run.job_name,
            metrics.reader(self._to.otlp, self.losses),
        )
        return partial(metrics.send, provider)

    def _runs_so_far(self) -> dict[str, int]:
        """How many runs of this job ended so, by status; with this one, which Dagster does not know yet."""
        from dagster import DagsterRunStatus, RunsFilter  # noqa: PLC0415

        counted = {
            "success": DagsterRunStatus.SUCCESS,
            "failure": DagsterRunStatus.FAILURE,
            "canceled": DagsterRunStatus.CANCELED,
        }
        job = self._run.job_name
        return {
            name: self._instance.get_runs_count(RunsFilter(job_name=job, statuses=[status]))
            + (name == self._done.status)
            for name, status in counted.items()
        }


def launched_by(tags: Mapping[str, str]) -> str:
    """What launched a run: `schedule NAME`, `sensor NAME`, or a `request`."""
    for kind in ("schedule", "sensor"):
        if name := tags.get(f"dagster/{kind}_name"):
            return f"{kind} {name}"
    return "request"


def _summary(done: Done) -> dict[str, Value]:
    return {
        **{f"floe.models.{status}": count for status, count in done.models.items()},
        **{f"floe.tests.{status}": count for status, count in done.tests.items()},
        "floe.row_count": done.rows,
    }


def _of_test(data: Mapping[str, Any]) -> str | None:
    failures = data.get("num_failures")
    return f"{failures} rows are against it" if failures else None


def _name_of(unique: str | None) -> str | None:
    """The last part of dbt's name of a node: of a source it is the table's name."""
    return unique.rpartition(".")[2] if unique else None


def _nanoseconds(moment: str) -> int:
    """A moment as dbt writes it, in UTC with or without saying so, in nanoseconds since 1970."""
    read = datetime.fromisoformat(moment)
    read = read if read.tzinfo else read.replace(tzinfo=UTC)
    since = read - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
