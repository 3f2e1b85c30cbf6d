"""`floe-complete validate`: whether a product could be compiled, within a second."""

from __future__ import annotations

from pathlib import Path

import click

from floe_complete import checks, reading
from floe_complete.document import shown
from floe_complete.problems import RefusedError


@click.command("validate")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--manifest", type=click.Path(path_type=Path), help="Another manifest than floe.yaml names.")
def command(folder: Path, manifest: Path | None) -> None:
    """Check the product in FOLDER, and the manifest it names, without compiling it."""
    sources = reading.sources_of(folder, manifest)
    from floe_complete import compatibility, plugins, seeds  # noqa: PLC0415 - they bring floe and DuckDB

    plugins.quiet()
    if wrong := [*compatibility.problems(sources), *seeds.problems(folder)]:
        raise RefusedError(wrong)
    transforms = len(sources.spec.transforms)
    tables = checks.tables(folder, transforms)
    click.echo(
        f"{shown(sources.spec_file)} is valid: {transforms} transforms, {tables} tables, "
        f"with {shown(sources.manifest_file)}"
    )
