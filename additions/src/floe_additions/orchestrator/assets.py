"""One Dagster asset per dbt node, run by dbt, described by what the catalog says afterwards."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition, Config, MetadataValue, Output
from packaging.version import Version
from pydantic import Field

from floe_additions.orchestrator.engine import dbt_left_out
from floe_additions.orchestrator.lakehouse import Lakehouse
from floe_additions.orchestrator.product import BRONZE, Product, scratch

with dbt_left_out():
    from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation, DbtCliResource, dbt_assets

_GRACE_SECONDS = 5
"""What dbt has to roll back its transactions before it is killed."""


class Build(Config):
    """What a launch may ask for beyond its asset selection."""

    full_refresh: bool = Field(default=False, description="Rebuild incremental models from the start.")


class Translator(DagsterDbtTranslator):
    """Groups assets by the tier floe.yaml gives them."""

    def __init__(self, tiers: Mapping[str, str]) -> None:
        super().__init__()
        self._tiers = tiers

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Bronze, silver or gold."""
        if dbt_resource_props["resource_type"] == "seed":
            return BRONZE
        return self._tiers.get(dbt_resource_props["name"])


class Dbt(DbtCliResource):
    """dagster-dbt's dbt, without what it does before each call that is never used here.

    It runs `dbt --version` in a process of its own and loads a second adapter, for a query option
    that these assets do not take: four seconds of every run.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # type: ignore[override]  # noqa: ARG002
        return None


def product_assets(product: Product) -> list[AssetsDefinition]:
    """The product's assets.

    Today all of them are one step in which dbt builds what was selected, in dependency order.
    A step per model is the same list with one entry a model (`select=` of the one below).
    """
    # Not named like the job: a repository's ops and graphs share one set of names.
    return [_step(product, name=f"{product.slug}_dbt", select="fqn:*")]


def _step(product: Product, *, name: str, select: str) -> AssetsDefinition:
    translator = Translator(product.tiers)

    @dbt_assets(manifest=product.dbt_manifest, name=name, select=select, dagster_dbt_translator=translator)
    def build(context: AssetExecutionContext, config: Build) -> Iterator[Any]:
        work = scratch(f"dbt-{context.run_id}")
        dbt = Dbt(
            project_dir=str(product.folder),
            profiles_dir=str(product.write_profiles(work / "profiles")),
            dbt_executable=_dbt(),
        )
        words = ["build", *(["--full-refresh"] if config.full_refresh else [])]
        invocation = dbt.cli(words, context=context, target_path=work / "target")
        try:
            yield from _events(invocation, context, translator)
        finally:
            # Ends dbt too when this step ends before it: by an interrupt, or by a failing read.
            _end(invocation.process)
            shutil.rmtree(work, ignore_errors=True)

    return build


def _events(
    invocation: DbtCliInvocation, context: AssetExecutionContext, translator: Translator
) -> Iterator[Any]:
    lakehouse = Lakehouse()
    for message in invocation.stream_raw_events():
        for event in message.to_default_asset_events(
            manifest=invocation.manifest,
            dagster_dbt_translator=translator,
            context=context,
            target_path=invocation.target_path,
        ):
            if isinstance(event, Output):
                node = message.raw_event["data"]["node_info"]
                context.add_output_metadata(_evidence(lakehouse, node), output_name=event.output_name)
            yield event


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _evidence(lakehouse: Lakehouse, node: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """What the catalog says of a node, and when dbt says it ran; `node` is what dbt said at its end."""
    relation = node["node_relation"]
    figures = lakehouse.figures(relation["database"], relation["schema"], relation["alias"])
    return {
        "table": MetadataValue.text(figures.table),
        "row_count": MetadataValue.int(figures.row_count),
        "snapshot_id": MetadataValue.text(figures.snapshot_id),
        "data_files": MetadataValue.int(figures.data_files),
        "started_at": MetadataValue.float(_seconds(node["node_started_at"])),
        "completed_at": MetadataValue.float(_seconds(node["node_finished_at"])),
        "dbt_status": MetadataValue.text(str(node["node_status"])),
    }


def _seconds(moment: str) -> float:
    """Epoch seconds of a moment dbt wrote; dbt writes UTC, with or without saying so."""
    read = datetime.fromisoformat(moment)
    return read.timestamp() if read.tzinfo else datetime.fromisoformat(f"{moment}+00:00").timestamp()


def _dbt() -> str:
    """The dbt that was installed with this interpreter."""
    return str(Path(sys.executable).parent / "dbt")
