"""The pod of a run: started within the trace of its launch, and told of when it is lost.

`TracedK8sRunLauncher` belongs into Dagster's instance and runs in the daemon, which alone imports it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext

from floe_additions.observability import launch, lost
from floe_additions.observability.context import TRACEPARENT_TAG, TRACEPARENT_VARIABLE, without_sql

if TYPE_CHECKING:
    from dagster import DagsterRun
    from dagster._core.launcher import LaunchRunContext

_log = logging.getLogger(__name__)


class TracedK8sRunLauncher(K8sRunLauncher):
    """Dagster's launcher of pods, which hands each run's pod its place in the trace."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run's pod, within a span."""
        run = context.dagster_run
        below = run.tags.get(TRACEPARENT_TAG)
        with launch.span(f"start {run.job_name}", run, below=below, linked=[]):
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
        if launch.tracer() is None:
            return given
        from opentelemetry.trace import get_current_span  # noqa: PLC0415

        span = get_current_span()
        if not span.get_span_context().is_valid:
            return given
        from floe_additions.observability import telemetry  # noqa: PLC0415

        variable = {"name": TRACEPARENT_VARIABLE, "value": telemetry.traceparent_of(span)}
        return given.merge(K8sContainerContext(env=[variable]))


def _lost(run: DagsterRun, reason: str) -> None:
    """Tell that a run is given up, at a span in its trace."""
    with launch.span(
        f"lost {run.job_name}", run, below=run.tags.get(TRACEPARENT_TAG), linked=[]
    ) as traceparent:
        if traceparent:
            from opentelemetry.trace import Status, StatusCode, get_current_span  # noqa: PLC0415

            get_current_span().set_status(Status(StatusCode.ERROR, reason))
        lost.tell(run, traceparent, reason)
