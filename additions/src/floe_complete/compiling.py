"""`floe-complete compile`: floe.yaml and manifest.yaml become all that a run needs, or nothing does."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from floe_complete import columns, output, promises, workspace
from floe_complete.dbt import MACROS, Dbt, FailedError, shadow
from floe_complete.document import shown
from floe_complete.problems import Problem, RefusedError
from floe_complete.reading import Sources, sources_of
from floe_complete.stages import Stages, listen

if TYPE_CHECKING:
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

    from floe_complete.inheritance import Platform


_TO_COMMIT = "what its readers can count on from now on; commit it"


@dataclass(frozen=True)
class Compiled:
    """A product that was compiled.

    Attributes:
        folder: where it is.
        manifest: the manifest it was compiled with.
        artifacts: floe's compiled contract.
        files: what was made, by its path in the folder.
        locations: the code locations of the workspace beside the manifest.
        tried: whether DuckDB has judged the SQL of its models.
        kept: whether there was a record of its tables, and they are as it says, or more.
    """

    folder: Path
    manifest: Path
    artifacts: CompiledArtifacts
    files: list[str]
    locations: list[str]
    tried: bool
    kept: bool


@click.command("compile")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--manifest", type=click.Path(path_type=Path), help="Another manifest than floe.yaml names.")
@click.option(
    "--log", type=click.Path(path_type=Path, allow_dash=True), help="Where floe's log goes; - here."
)
def command(folder: Path, manifest: Path | None, log: Path | None) -> None:
    """Compile the product in FOLDER: its artifact, its definitions, its dbt profile and manifest.

    What takes part in a run lies in FOLDER afterwards, and the workspace beside the manifest names it.
    What is wrong is told, with nothing written; so is a change that readers of a table, as tables.json
    promises it to them, would not survive.
    """
    stages = Stages(lambda line: click.echo(line, err=True))
    try:
        with _log(log) as file:
            made = compile_product(folder, manifest, stages, file)
    except FailedError as failed:
        raise click.ClickException(
            f"{failed}\nnothing was written; `--log FILE` keeps what floe says"
        ) from failed
    for line in summary(made):
        click.echo(line)


def compile_product(
    folder: Path, manifest: Path | None = None, stages: Stages | None = None, log: TextIO | None = None
) -> Compiled:
    """Compile a product.

    Args:
        folder: the product's.
        manifest: another manifest than floe.yaml names.
        stages: is told how far it got.
        log: takes what floe says, one JSON object a line.

    Raises:
        RefusedError: something in the product or its platform is wrong; nothing was written.
        FailedError: something broke; nothing was written.
    """
    stages = stages or Stages(lambda _line: None)
    try:
        with warnings.catch_warnings():
            # What a manifest has too much is a problem of its own; as a warning it would name floe's code.
            warnings.simplefilter("ignore")
            return _compiled(folder, manifest, stages, log or io.StringIO())
    except RefusedError as refused:
        stages.refuse(refused.problems)
        raise


def summary(made: Compiled) -> Iterator[str]:
    """What a person reads when it is done: what was made, and what to do with it."""
    metadata, transforms = made.artifacts.metadata, made.artifacts.transforms
    models = len(transforms.models) if transforms else 0
    judged = "DuckDB takes the SQL of all" if made.tried else "their SQL could not be tried here"
    yield f"{metadata.product_name} {metadata.product_version} is compiled: {models} models, {judged}"
    purposes = {
        output.ARTIFACT: f"what floe compiled, contract {made.artifacts.version}",
        workspace.DEFINITIONS: "its Dagster code location",
        "profiles.yml": "its dbt profile; credentials are read from the environment",
        "target/manifest.json": "what dbt parsed",
        promises.FILE: "what its readers can count on, kept" if made.kept else _TO_COMMIT,
    }
    for file, purpose in ((file, purpose) for file, purpose in purposes.items() if file in made.files):
        yield f"  {shown(made.folder / file):<42} {purpose}"
    place = shown(made.manifest.parent / workspace.FILE)
    yield f"  {place:<42} {', '.join(made.locations)}"
    yield f"next: dagster dev -w {place}"


def _compiled(folder: Path, manifest: Path | None, stages: Stages, log: TextIO) -> Compiled:
    at = output.moment()
    stages.begin("LOAD")
    sources = sources_of(folder, manifest)
    stages.begin("VALIDATE")
    from floe_complete import blame, seeds  # noqa: PLC0415 - seeds brings DuckDB

    _refuse([*blame.quality_provider(sources), *seeds.problems(folder)])
    # They bring floe's plugins, which what is refused need not wait for.
    from floe_complete import compatibility, inheritance  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="floe-compile-") as place:
        work = Path(place)
        with Dbt(work) as dbt:
            stages.begin("RESOLVE")
            listen(stages, log)
            platform = inheritance.resolved(sources)
            _refuse(compatibility.problems(platform.sources))
            artifacts = _by_floe(platform, work, stages)
            stages.begin("GENERATE")
            artifacts = _completed(artifacts, platform, at)
            made = work / "made"
            made.mkdir()
            artifacts.to_json_file(made / output.ARTIFACT)
            _definitions(artifacts, made, sources)
            project = _project(artifacts, folder.resolve(), made, work, sources)
            profiles = _profiles(artifacts, made)
            tables = dbt.judge(project, profiles, made / "target", folder)
            kept = (folder / promises.FILE).exists()
            if tables is not None:
                _refuse(promises.broken(folder, tables))
                promises.write(made, tables)
                columns.write(made, tables, json.loads((made / "target" / "manifest.json").read_bytes()))
        _keep(made / "target", "manifest.json", "partial_parse.msgpack")
        output.settle(made / "target", at)
        with _must_be_writable(sources.manifest_file.parent):
            workspace.must_be_writable(sources.manifest_file)
        with _must_be_writable(folder):
            files = output.place(made, folder)
        locations = workspace.write(sources.manifest_file, folder)
    stages.end()
    return Compiled(
        folder, sources.manifest_file, artifacts, files, locations, tried=tables is not None, kept=kept
    )


def _by_floe(platform: Platform, work: Path, stages: Stages) -> CompiledArtifacts:
    """The pipeline of floe itself, all six stages of it.

    Raises:
        RefusedError: it refuses.
        FailedError: it breaks.
    """
    from floe_core.compilation.stages import compile_pipeline  # noqa: PLC0415 - slow

    from floe_complete import blame  # noqa: PLC0415

    sources = platform.sources
    spec, manifest = sources.spec_file.resolve(), platform.write(work / "manifest.yaml").resolve()
    try:
        # What floe scans for secrets is the folder it stands in; what it prints is no log of its own.
        with contextlib.chdir(spec.parent), contextlib.redirect_stdout(io.StringIO()):
            return compile_pipeline(spec, manifest, emit_lineage=False)
    except Exception as failed:
        raise blame.refusal(failed, stages.of_floe, sources) from failed


def _completed(artifacts: CompiledArtifacts, platform: Platform, at: datetime | None) -> CompiledArtifacts:
    """The artifact with what the release leaves out: a moment with its zone, the manifests it came from."""
    from floe_core.schemas.compiled_artifacts import ManifestRef  # noqa: PLC0415 - slow

    home = platform.sources.manifest_file.resolve().parent
    chain = [
        ManifestRef(
            name=tier.manifest.metadata.name,
            version=tier.manifest.metadata.version,
            scope=tier.manifest.scope,
            ref=os.path.relpath(tier.file.resolve(), home),
        )
        for tier in platform.chain
        if tier.manifest.scope is not None
    ]
    moment = at or datetime.now(UTC)
    return artifacts.model_copy(
        update={
            "metadata": artifacts.metadata.model_copy(update={"compiled_at": moment}),
            **({"mode": "centralized", "inheritance_chain": chain} if platform.inherits else {}),
        }
    )


def _definitions(artifacts: CompiledArtifacts, made: Path, sources: Sources) -> None:
    """Let the orchestrator plugin write the code location.

    Raises:
        RefusedError: it cannot make one of this product.
    """
    from floe_core.plugin_registry import get_registry  # noqa: PLC0415 - slow
    from floe_core.plugin_types import PluginType  # noqa: PLC0415
    from floe_core.plugins import OrchestratorPlugin  # noqa: PLC0415

    plugins = artifacts.plugins
    assert plugins is not None  # floe resolves them, or refuses
    try:
        plugin = get_registry().get(PluginType.ORCHESTRATOR, plugins.orchestrator.type)
        assert isinstance(plugin, OrchestratorPlugin)
        plugin.generate_entry_point_code(
            artifacts.metadata.product_name,
            str(made),
            lineage_enabled=artifacts.observability.lineage,
            iceberg_enabled=plugins.catalog is not None and plugins.storage is not None,
        )
    except Exception as refused:
        problem = Problem(
            shown(sources.manifest_file),
            "plugins.orchestrator.type",
            f"{plugins.orchestrator.type} makes no definitions: {refused}",
            "an orchestrator that can run this product",
            stage="GENERATE",
        )
        raise RefusedError([problem]) from refused


def _project(artifacts: CompiledArtifacts, folder: Path, made: Path, work: Path, sources: Sources) -> Path:
    """The product as dbt will see it, with the compute plugin's macros in it.

    floe declares `get_dbt_macro_paths` for this purpose and calls it nowhere.
    """
    from floe_core.plugin_registry import get_registry  # noqa: PLC0415 - slow
    from floe_core.plugin_types import PluginType  # noqa: PLC0415
    from floe_core.plugins import ComputePlugin  # noqa: PLC0415

    assert artifacts.plugins is not None  # floe resolves them, or refuses
    plugin = get_registry().get(PluginType.COMPUTE, artifacts.plugins.compute.type)
    assert isinstance(plugin, ComputePlugin)
    files = [file for source in plugin.get_dbt_macro_paths() for file in sorted(source.glob("*.sql"))]
    project = shadow(folder, work / "project")
    (project / MACROS).mkdir()
    (made / MACROS).mkdir()
    for file in files:
        shutil.copy(file, project / MACROS)
        shutil.copy(file, made / MACROS)
    if files:
        _refuse(_macros_unread(folder / "dbt_project.yml", sources))
    return project


def _macros_unread(project: Path, sources: Sources) -> Iterator[Problem]:
    """A dbt project that does not look where the compute plugin's macros are put."""
    import yaml  # noqa: PLC0415

    try:
        content = yaml.safe_load(project.read_bytes())
    except (OSError, yaml.YAMLError):
        return  # dbt says what is wrong with it
    paths = content.get("macro-paths") if isinstance(content, dict) else None
    if not isinstance(paths, list) or MACROS not in paths:
        yield Problem(
            shown(sources.spec_file.parent / project.name),
            "macro-paths",
            f"does not name {MACROS}, where the macros of the compute plugin are put",
            f"macro-paths: [macros, {MACROS}]",
            stage="GENERATE",
        )


def _profiles(artifacts: CompiledArtifacts, made: Path) -> dict[str, Any]:
    """Write profiles.yml, under the name that the dbt project has for it."""
    from floe_additions.orchestrator.product import Product  # noqa: PLC0415

    product = Product(name=artifacts.metadata.product_name, folder=made, artifacts=artifacts)
    product.write_profiles(made)
    return product.profiles()


def _keep(folder: Path, *names: str) -> None:
    """Of what dbt wrote, only what a run reads."""
    for file in folder.iterdir():
        if file.name not in names:
            shutil.rmtree(file) if file.is_dir() else file.unlink()


@contextlib.contextmanager
def _log(file: Path | None) -> Iterator[TextIO]:
    if file is None:
        yield io.StringIO()
    elif str(file) == "-":
        yield sys.stderr
    else:
        try:
            opened = file.open("w", encoding="utf-8")
        except OSError as refused:
            raise click.BadParameter(
                f"{file} cannot be written to: {refused.strerror}", param_hint="--log"
            ) from refused
        with opened:
            yield opened


@contextlib.contextmanager
def _must_be_writable(folder: Path) -> Iterator[None]:
    """Refuse a folder that cannot be written to; nothing has been by then."""
    try:
        yield
    except OSError as refused:
        said = refused.strerror or type(refused).__name__
        found = f"cannot be written to: {said}"
        raise RefusedError(
            [Problem(shown(folder), "", found, "a folder you may write to", stage="GENERATE")]
        ) from refused


def _refuse(found: Iterator[Problem] | list[Problem]) -> None:
    if problems := list(found):
        raise RefusedError(problems)
