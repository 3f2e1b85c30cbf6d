"""What begins a product's runs when nobody does: its first run, its schedule, new data."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from dagster import (
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    ScheduleDefinition,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from floe_additions.orchestrator.lakehouse import CatalogSilentError
from floe_additions.orchestrator.services import Services

if TYPE_CHECKING:
    from dagster import JobDefinition
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

    from floe_additions.orchestrator.product import Product

    Job = JobDefinition | UnresolvedAssetJobDefinition

AT_WORK = "FLOE_AUTOMATION"
"""The variable that says `on` where schedule and sensors are at work as soon as they are deployed."""

PRODUCT_TAG = "floe/automated"
"""On every run that nobody launched, with the product: the platform lets one of each at a time run."""

LOOK_SECONDS = 5
"""Between two looks of a sensor."""

EVERY_TEN_MINUTES = "*/10 * * * *"
"""When a product runs whose floe.yaml says nothing of it."""


class Automation(NamedTuple):
    """What is to be part of a product's definitions."""

    schedules: list[ScheduleDefinition]
    sensors: list[SensorDefinition]


def automation_of(product: Product, job: Job) -> Automation:
    """The schedule and the sensors of a product; no service is asked before one of them ticks."""
    services = Services(product)
    sensors = [_first_run(product, job, services)]
    if services.sources:
        sensors.append(_new_data(product, job, services))
    return Automation([_schedule(product, job)], sensors)


def _schedule(product: Product, job: Job) -> ScheduleDefinition:
    said = product.schedule
    running = _at_work() and (said is None or said.enabled)
    return ScheduleDefinition(
        name=f"{product.slug}_schedule",
        job=job,
        cron_schedule=(said.cron if said else None) or EVERY_TEN_MINUTES,
        execution_timezone=said.timezone if said else "UTC",
        tags=_tags(product),
        default_status=DefaultScheduleStatus.RUNNING if running else DefaultScheduleStatus.STOPPED,
    )


def _first_run(product: Product, job: Job, services: Services) -> SensorDefinition:
    @sensor(
        name=f"{product.slug}_first_run",
        job=job,
        minimum_interval_seconds=LOOK_SECONDS,
        default_status=_status(),
        description="Begins the first run once every service is healthy and every source is there.",
    )
    def first_run(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        if context.cursor:
            return SkipReason("the first run was begun")
        succeeded = RunsFilter(job_name=product.slug, statuses=[DagsterRunStatus.SUCCESS])
        if context.instance.get_runs_count(succeeded):
            return SensorResult(skip_reason="it has run before", cursor="before")
        if ill := services.ill():
            return SkipReason("; ".join(f"{name}: {reason}" for name, reason in sorted(ill.items())))
        try:
            awaited = [name for name, snapshot in services.delivered().items() if snapshot is None]
        except CatalogSilentError as silent:
            return SkipReason(str(silent))
        if awaited:
            return SkipReason(f"nothing was delivered yet to {', '.join(awaited)}")
        # By its key no second one is begun, even if the cursor is lost.
        first = RunRequest(run_key="first", tags=_tags(product))
        return SensorResult(run_requests=[first], cursor="begun")

    return first_run


def _new_data(product: Product, job: Job, services: Services) -> SensorDefinition:
    @sensor(
        name=f"{product.slug}_new_data",
        job=job,
        minimum_interval_seconds=LOOK_SECONDS,
        default_status=_status(),
        description="Begins a run when a table that the product reads from others has another snapshot.",
    )
    def new_data(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        try:
            now = services.delivered()
        except CatalogSilentError as silent:
            return SkipReason(str(silent))
        seen = json.dumps(now, sort_keys=True)
        if context.cursor is None:
            return SensorResult(skip_reason="the next change begins a run", cursor=seen)
        known = json.loads(context.cursor)
        changed = [name for name, snapshot in now.items() if snapshot not in (None, known.get(name))]
        if not changed:
            return SensorResult(skip_reason="no source has changed", cursor=seen)
        run_key = ", ".join(f"{name} at {now[name]}" for name in changed)
        begun = RunRequest(run_key=run_key, tags=_tags(product))
        return SensorResult(run_requests=[begun], cursor=seen)

    return new_data


def _tags(product: Product) -> dict[str, str]:
    return {PRODUCT_TAG: product.name}


def _at_work() -> bool:
    return os.environ.get(AT_WORK) == "on"


def _status() -> DefaultSensorStatus:
    return DefaultSensorStatus.RUNNING if _at_work() else DefaultSensorStatus.STOPPED
