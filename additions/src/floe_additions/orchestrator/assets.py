"""One Dagster asset per dbt node, run by dbt, described by what the catalog says afterwards."""

import json
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition, Config, MetadataValue, Output
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation, DbtCliResource, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCliEventMessage
from dagster_dbt.errors import DagsterDbtCliRuntimeError
from packaging.version import Version
from pydantic import Field

from floe_additions.observability.run import Observer, observer_of
from floe_additions.orchestrator import dbt_ahead, quality, storage
from floe_additions.orchestrator.lakehouse import Lakehouse
from floe_additions.orchestrator.outage import Patience, ridden_out
from floe_additions.orchestrator.product import BRONZE, Product, scratch

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
            dbt_executable=dbt_ahead.command(dbt_command()),
        )
        words = _command(context, config)
        target = work / "target"
        patience = Patience.of(context)
        observer = observer_of(context.run.run_id)
        messages = ridden_out(
            lambda: _begun(dbt.cli(words, context=context, target_path=target), product, observer),
            lambda done: dbt.cli([*words, *_but(product, done)], context=context, target_path=target),
            lambda invocation: _end(invocation.process),
            patience,
        )
        try:
            # Closing it ends dbt too when this step ends before it: by an interrupt, or by a failing read.
            with closing(messages):
                yield from _events(messages, context, translator, patience, observer)
        except DagsterDbtCliRuntimeError as failed:
            if full := storage.full(str(failed)):
                raise full from failed
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)

    return build


def _command(context: AssetExecutionContext, config: Build) -> list[str]:
    """What dbt is asked to do; tests alone are asked for as such.

    `dbt build` leaves out every test after one that failed, as if there were a table to keep from being made.
    """
    if not context.selected_asset_keys:
        return ["test"]
    return ["build", *(["--full-refresh"] if config.full_refresh else [])]


def _but(product: Product, done: Collection[str]) -> list[str]:
    """What leaves these nodes out, and no test for its table's sake."""
    nodes = json.loads(product.dbt_manifest.read_bytes())["nodes"]
    left_out = (f"fqn:{'.'.join(nodes[node]['fqn'])}" for node in sorted(done))
    # One word: dagster-dbt takes it apart, and adds it to what the launch leaves out.
    return ["--indirect-selection", "empty", "--exclude", " ".join(left_out)]


def _events(
    messages: Iterator[tuple[DbtCliInvocation, DbtCliEventMessage]],
    context: AssetExecutionContext,
    translator: Translator,
    patience: Patience,
    observer: Observer,
) -> Iterator[Any]:
    """What Dagster is told of each node; every result of dbt passes here, once."""
    lakehouse = Lakehouse()
    step = context.op_execution_context.get_step_execution_context().step.key
    for invocation, message in messages:
        events = list(
            message.to_default_asset_events(
                manifest=invocation.manifest,
                dagster_dbt_translator=translator,
                context=context,
                target_path=invocation.target_path,
            )
        )
        rows: int | None = None
        for event in events:
            if isinstance(event, Output):
                node = message.raw_event["data"]["node_info"]
                rows, figures = patience.outlast(partial(_evidence, lakehouse, node))
                context.add_output_metadata(figures, output_name=event.output_name)
        observer.dbt(step, message.raw_event, rows)
        yield from events


def _begun(invocation: DbtCliInvocation, product: Product, observer: Observer) -> DbtCliInvocation:
    """While dbt starts, which takes it seconds, this process has nothing to do."""
    observer.prepare()
    quality.warm_up(product)
    return invocation


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _evidence(lakehouse: Lakehouse, node: Mapping[str, Any]) -> tuple[int, dict[str, MetadataValue]]:
    """Rows of a node's table, and all that is told of it; `node` is what dbt said at its end."""
    relation = node["node_relation"]
    figures = lakehouse.figures(relation["database"], relation["schema"], relation["alias"])
    return figures.row_count, {
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


def dbt_command() -> str:
    """The dbt that was installed with this interpreter."""
    return str(Path(sys.executable).parent / "dbt")
