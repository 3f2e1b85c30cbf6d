"""The part of a run's trace that comes before the run: its launch by Dagster, of the service `dagster`.

`TracedRunCoordinator` runs in the web server, where a person or a program launches, and in the daemon,
where a schedule or a sensor does. Every process of an instance imports it, and so nothing of Kubernetes: the
launcher of pods is in `worker`. A run always begins a trace of its own: a caller that is in one is linked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from dagster._core.run_coordinator import QueuedRunCoordinator

from floe_additions.observability.context import (
    LAUNCHING_SERVICE,
    TRACEPARENT_TAG,
    Destinations,
    Losses,
    place_in,
)
from floe_additions.observability.run import launched_by

if TYPE_CHECKING:
    from dagster import DagsterRun
    from dagster._core.run_coordinator import SubmitRunContext
    from opentelemetry.trace import Tracer


@cache
def tracer() -> Tracer | None:
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
def span(name: str, run: DagsterRun, *, below: str | None, linked: list[str | None]) -> Iterator[str | None]:
    """A span of a launch; gives the W3C context to hand on, or None where nothing is traced.

    Args:
        name: of the span.
        run: that is launched.
        below: the context that it is part of.
        linked: contexts that have to do with it.
    """
    with_spans = tracer()
    if with_spans is None:
        yield None
        return
    from opentelemetry.trace import Link, SpanKind, get_current_span  # noqa: PLC0415

    from floe_additions.observability import telemetry  # noqa: PLC0415

    others = [get_current_span(telemetry.parent(one)).get_span_context() for one in linked if place_in(one)]
    with with_spans.start_as_current_span(
        name,
        context=telemetry.parent(below),
        kind=SpanKind.PRODUCER,
        links=[Link(other) for other in others],
        attributes={
            "dagster.run_id": run.run_id,
            "dagster.job": run.job_name,
            "launched_by": launched_by(run.tags),
        },
    ) as begun:
        yield telemetry.traceparent_of(begun)


class TracedSubmissions:
    """A run coordinator whose submissions are spans; put before the class of a coordinator."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Submit a run, with the trace that it is going to be part of in its tags."""
        run = context.dagster_run
        # A run that is repeated has the tags, and so the trace, of the one before.
        linked = [context.get_request_header("traceparent"), run.tags.get(TRACEPARENT_TAG)]
        with span(f"launch {run.job_name}", run, below=None, linked=linked) as traceparent:
            if traceparent:
                self._instance.add_run_tags(run.run_id, {TRACEPARENT_TAG: traceparent})  # type: ignore[attr-defined]
                again = self._instance.get_run_by_id(run.run_id)  # type: ignore[attr-defined]
                context = context._replace(dagster_run=again or run)
            submitted: DagsterRun = super().submit_run(context)  # type: ignore[misc]
            return submitted


class TracedRunCoordinator(TracedSubmissions, QueuedRunCoordinator[Any]):
    """Dagster's queue of runs, with a span for each submission."""
