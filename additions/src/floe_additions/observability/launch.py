"""The part of a run's trace that comes before the run: its launch by Dagster, of the service `dagster`.

`TracedRunCoordinator` runs in the web server, where a person or a program launches, and in the daemon,
where a schedule or a sensor does; `TracedK8sRunLauncher` runs in the daemon, starts the run's pod, and tells
of a run whose pod is lost (`lost`). Both belong into Dagster's instance. A run always begins a trace of its
own: a caller that is in one is linked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext

from floe_additions.observability import lost
from floe_additions.observability.context import (
    LAUNCHING_SERVICE,
    TRACEPARENT_TAG,
    TRACEPARENT_VARIABLE,
    Destinations,
    Losses,
    place_in,
    without_sql,
)
from floe_additions.observability.run import launched_by

if TYPE_CHECKING:
    from dagster import DagsterRun
    from dagster._core.launcher import LaunchRunContext
    from dagster._core.run_coordinator import SubmitRunContext
    from opentelemetry.trace import Tracer

_log = logging.getLogger(__name__)


@cache
def _tracer() -> Tracer | None:
    """The process's tracer; None where the deployment names no collector."""
    to = Destinations.of()
    if not to.otlp:
        return None
    from floe_additions.observability import telemetry  # noqa: PLC0415 - imports OpenTelemetry's SDK

    telemetry.silence_the_senders()
    provider = telemetry.tracing(
        telemetry.resource(LAUNCHING_SERVICE, attributes={"service.namespace": "floe"}),
        telemetry.CountedSpanExporter(to.otlp, Losses()),
    )
    return provider.get_tracer(telemetry.TRACER)


@contextmanager
def _span(name: str, run: DagsterRun, *, below: str | None, linked: list[str | None]) -> Iterator[str | None]:
    """A span of a launch; gives the W3C context to hand on, or None where nothing is traced.

    Args:
        name: of the span.
        run: that is launched.
        below: the context that it is part of.
        linked: contexts that have to do with it.
    """
    tracer = _tracer()
    if tracer is None:
        yield None
        return
    from opentelemetry.trace import Link, SpanKind, get_current_span  # noqa: PLC0415

    from floe_additions.observability import telemetry  # noqa: PLC0415

    others = [get_current_span(telemetry.parent(one)).get_span_context() for one in linked if place_in(one)]
    with tracer.start_as_current_span(
        name,
        context=telemetry.parent(below),
        kind=SpanKind.PRODUCER,
        links=[Link(other) for other in others],
        attributes={
            "dagster.run_id": run.run_id,
            "dagster.job": run.job_name,
            "launched_by": launched_by(run.tags),
        },
    ) as span:
        yield telemetry.traceparent_of(span)


def _lost(run: DagsterRun, reason: str) -> None:
    """Tell that a run is given up, at a span in its trace."""
    with _span(f"lost {run.job_name}", run, below=run.tags.get(TRACEPARENT_TAG), linked=[]) as traceparent:
        if traceparent:
            from opentelemetry.trace import Status, StatusCode, get_current_span  # noqa: PLC0415

            get_current_span().set_status(Status(StatusCode.ERROR, reason))
        lost.tell(run, traceparent, reason)


class TracedSubmissions:
    """A run coordinator whose submissions are spans; put before the class of a coordinator."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Submit a run, with the trace that it is going to be part of in its tags."""
        run = context.dagster_run
        # A run that is repeated has the tags, and so the trace, of the one before.
        linked = [context.get_request_header("traceparent"), run.tags.get(TRACEPARENT_TAG)]
        with _span(f"launch {run.job_name}", run, below=None, linked=linked) as traceparent:
            if traceparent:
                self._instance.add_run_tags(run.run_id, {TRACEPARENT_TAG: traceparent})  # type: ignore[attr-defined]
                again = self._instance.get_run_by_id(run.run_id)  # type: ignore[attr-defined]
                context = context._replace(dagster_run=again or run)
            submitted: DagsterRun = super().submit_run(context)  # type: ignore[misc]
            return submitted


class TracedRunCoordinator(TracedSubmissions, QueuedRunCoordinator[Any]):
    """Dagster's queue of runs, with a span for each submission."""


class TracedK8sRunLauncher(K8sRunLauncher):
    """Dagster's launcher of pods, which hands each run's pod its place in the trace."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run's pod, within a span."""
        run = context.dagster_run
        below = run.tags.get(TRACEPARENT_TAG)
        with _span(f"start {run.job_name}", run, below=below, linked=[]):
            super().launch_run(context)

    def get_run_worker_debug_info(
        self,
        run: DagsterRun,
        include_container_logs: bool | None = True,  # noqa: FBT001, FBT002 - as Dagster calls it
    ) -> str | None:
        """What Kubernetes says of a run's pod.

        Dagster asks when it gives a run up, and in no other case: so the loss is told here.
        """
        said = super().get_run_worker_debug_info(run, include_container_logs)
        try:
            _lost(run, without_sql(said or "its pod is gone"))
        except Exception:  # noqa: BLE001 - it is logged, and Dagster must give the run up
            _log.exception("nothing is told of the loss of run %s", run.run_id)
        return said

    def get_container_context_for_run(self, dagster_run: DagsterRun) -> K8sContainerContext:
        """What the run's pod is given: as Dagster has it, and the context of the span that starts it."""
        given = super().get_container_context_for_run(dagster_run)
        if _tracer() is None:
            return given
        from opentelemetry.trace import get_current_span  # noqa: PLC0415

        span = get_current_span()
        if not span.get_span_context().is_valid:
            return given
        from floe_additions.observability import telemetry  # noqa: PLC0415

        variable = {"name": TRACEPARENT_VARIABLE, "value": telemetry.traceparent_of(span)}
        return given.merge(K8sContainerContext(env=[variable]))
