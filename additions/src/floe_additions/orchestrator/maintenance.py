"""The upkeep of a product's tables as a Dagster asset with a job and a schedule of its own."""

import os
from datetime import timedelta
from typing import NamedTuple

from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    Config,
    DefaultScheduleStatus,
    MaterializeResult,
    MetadataValue,
    ScheduleDefinition,
    asset,
    define_asset_job,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from pydantic import Field

from floe_additions.maintenance.policy import SNAPSHOTS, UNUSED_MINUTES, Kept, tables_of
from floe_additions.orchestrator.lakehouse import Lakehouse
from floe_additions.orchestrator.product import Product

GROUP = "maintenance"
"""The asset group, and the first part of the asset's key, that tell it from the product's tables."""

EVERY_TEN_MINUTES = "5-59/10 * * * *"
"""Between the runs of a product that runs every ten minutes."""

AT_WORK = "FLOE_AUTOMATION"
"""The variable that says `on` where schedules are at work as soon as they are deployed."""


class Upkeep(Config):
    """What a launch may ask for."""

    snapshots: int = Field(default=SNAPSHOTS, ge=1, description="How many snapshots of each table are kept.")
    unused_minutes: int = Field(
        default=UNUSED_MINUTES,
        ge=0,
        description="How old an object must be that no snapshot ever referred to. Less than a writer takes "
        "from its first file to its commit is safe only while nobody writes.",
    )


class UpkeepError(Exception):
    """Some tables could not be kept up; the others were."""


class Maintenance(NamedTuple):
    """What is to be part of a product's definitions."""

    assets: list[AssetsDefinition]
    jobs: list[UnresolvedAssetJobDefinition]
    schedules: list[ScheduleDefinition]


def maintenance_of(product: Product) -> Maintenance:
    """Asset, job and schedule of a product's upkeep; no service is asked before it runs.

    Raises:
        RetentionError: what a model says of its retention does not fit.
    """
    tables = tables_of(product.dbt_manifest)
    upkeep = _asset(product, tables)
    job = define_asset_job(f"{product.slug}_maintenance", selection=[upkeep])
    at_work = os.environ.get(AT_WORK) == "on"
    schedule = ScheduleDefinition(
        name=f"{product.slug}_maintenance_schedule",
        job=job,
        cron_schedule=EVERY_TEN_MINUTES,
        default_status=DefaultScheduleStatus.RUNNING if at_work else DefaultScheduleStatus.STOPPED,
    )
    return Maintenance([upkeep], [job], [schedule])


def _asset(product: Product, tables: list[Kept]) -> AssetsDefinition:
    @asset(
        key=[GROUP, product.slug],
        group_name=GROUP,
        description="Removes rows that are too old, small files, old snapshots and unused objects.",
    )
    def upkeep(context: AssetExecutionContext, config: Upkeep) -> MaterializeResult[None]:
        # Imported late: a code location lists its assets without ever reading a table.
        from pyiceberg.exceptions import NoSuchTableError  # noqa: PLC0415

        from floe_additions.maintenance.upkeep import keep_up  # noqa: PLC0415

        catalog, done, failed = Lakehouse().catalog, [], {}
        for kept in tables:
            try:
                one = keep_up(
                    catalog,
                    kept,
                    snapshots=config.snapshots,
                    unused_for=timedelta(minutes=config.unused_minutes),
                )
            except NoSuchTableError:
                context.log.info("%s.%s was never made", kept.namespace, kept.name)
            except Exception as broken:  # noqa: BLE001 - the other tables are kept up all the same
                failed[f"{kept.namespace}.{kept.name}"] = f"{type(broken).__name__} {broken}"
            else:
                context.log.info(str(one))
                done.append(one)
        if failed:
            raise UpkeepError("; ".join(f"{table}: {reason}" for table, reason in failed.items()))
        figures = {
            "tables": len(done),
            "rows_removed": sum(one.rows_removed for one in done),
            "files_replaced": sum(one.files_replaced for one in done),
            "snapshots_removed": sum(one.snapshots_removed for one in done),
            "objects_removed": sum(one.objects_removed for one in done),
            "bytes_before": sum(one.bytes_before for one in done),
            "bytes_after": sum(one.bytes_after for one in done),
        }
        return MaterializeResult(metadata={name: MetadataValue.int(value) for name, value in figures.items()})

    return upkeep
