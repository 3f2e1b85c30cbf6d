"""What a generated definitions.py calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster import AssetSelection, Definitions, define_asset_job

from floe_additions.imports import dbt_left_out, uncollected

with uncollected(), dbt_left_out():
    # Before everything that imports parts of it.
    import dagster_dbt  # noqa: F401

# ruff: isort: split
from floe_additions.observability.executor import observed_executor
from floe_additions.orchestrator import dbt_ahead
from floe_additions.orchestrator.assets import dbt_command, product_assets
from floe_additions.orchestrator.automation import automation_of
from floe_additions.orchestrator.maintenance import maintenance_of
from floe_additions.orchestrator.product import Product, scratch
from floe_additions.orchestrator.quality import quality_checks

if TYPE_CHECKING:
    from pathlib import Path


def load_product_definitions(product_name: str, project_dir: Path) -> Definitions:
    """The definitions of a compiled product; touches no service and parses no dbt project.

    Args:
        product_name: as in floe.yaml.
        project_dir: the product's folder, compiled by `floe-complete compile`.
    """
    product = Product.load(product_name, project_dir)
    dbt_ahead.begin(product.slug, dbt_command(), scratch)
    assets, upkeep = product_assets(product), maintenance_of(product)
    keys = {key.path[-1]: key for one in assets for key in one.keys}
    job = define_asset_job(product.slug, selection=AssetSelection.assets(*assets))
    schedules, sensors = automation_of(product, job)
    return Definitions(
        assets=[*assets, *upkeep.assets],
        asset_checks=quality_checks(product, keys),
        jobs=[job, *upkeep.jobs],
        schedules=[*schedules, *upkeep.schedules],
        sensors=sensors,
        # The run has a pod of its own already; dbt is the parallel part.
        executor=observed_executor(product),
    )
