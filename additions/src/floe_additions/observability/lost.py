"""The end of a run that cannot tell of it: its process is gone, and Dagster's daemon says what there is.

Of a lost run the daemon tells lineage that it failed (or was canceled, where that was under way), at a span
of its own in the run's trace. The run's models that had begun stay as they were told last.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from dagster import DagsterRunStatus

from floe_additions.observability.context import TRACEPARENT_TAG, Destinations, Losses, place_in

if TYPE_CHECKING:
    from dagster import DagsterRun

SEND_SECONDS = 3.0
"""How long the daemon waits for the lineage service; then the event is lost, and that is logged."""

_log = logging.getLogger(__name__)


def tell(run: DagsterRun, traceparent: str | None, reason: str) -> None:
    """Tell lineage that a run is over.

    Args:
        run: that is given up.
        traceparent: where in its trace that is told; the place of its launch where nothing is traced.
        reason: in one line.
    """
    to = Destinations.of()
    place = place_in(traceparent) or place_in(run.tags.get(TRACEPARENT_TAG))
    origin = run.remote_job_origin
    if not (to.lineage and place and origin):
        return
    from floe_additions.observability import lineage, telemetry  # noqa: PLC0415 - imports OpenLineage

    losses = Losses()
    courier = lineage.Courier(to.lineage, losses)
    told = lineage.Lineage(
        courier,
        lineage.Graph({"nodes": {}, "sources": {}}, {}, {}),
        # A product's code location and its namespace in lineage both have its name.
        namespace=origin.location_name,
        job=run.job_name,
        run_id=run.run_id,
        warehouse="",
        catalog="",
    )
    status = "canceled" if run.status is DagsterRunStatus.CANCELING else "failure"
    told.pipeline_ended(time.time(), place, status, reason)
    telemetry.close_all([courier.close], SEND_SECONDS)
    if losses.counts:
        _log.warning("lineage was not told that run %s is lost: %s", run.run_id, losses.reasons)
