"""Build a product: floe compiles, dbt parses, and the folder is complete and can be read-only.

A thin order of the real commands; what they make lies in the product's own folder:
compiled_artifacts.json, definitions.py, floe_macros/, target/manifest.json.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

import yaml
from floe_core.plugins import ComputePlugin

from floe_additions.orchestrator.product import ARTIFACT, Product
from floe_platform_setup.errors import SetupError

MACROS = "floe_macros"
_ENV_VAR = re.compile(r"env_var\('([A-Z0-9_]+)'(?:, '([^']*)')?\)")
_COMPILE_SECONDS = 180
_PARSE_SECONDS = 180


def build(folder: Path, manifest: Path) -> Product:
    """Compile and parse the product in `folder` against the platform's `manifest`.

    Raises:
        SetupError: a file is missing, or floe or dbt refused; with what they said.
    """
    folder = folder.resolve()
    for needed in (folder / "floe.yaml", folder / "dbt_project.yml", manifest):
        if not needed.is_file():
            raise SetupError(f"{needed} is missing")
    if not any(folder.glob("seeds/*.csv")):
        raise SetupError(
            f"{folder}/seeds has no CSV file: generate them first "
            f"(`python -m demo.seeds {folder.name} --out {folder}/seeds`)"
        )
    for stale in (folder / "target", folder / MACROS):
        shutil.rmtree(stale, ignore_errors=True)
    _run(
        "floe",
        "platform",
        "compile",
        *("--spec", folder / "floe.yaml"),
        *("--manifest", manifest.resolve()),
        *("--output", folder / ARTIFACT),
        "--generate-definitions",
        "--no-lineage-emission",
        folder=folder,
        seconds=_COMPILE_SECONDS,
    )
    name = str(yaml.safe_load((folder / "floe.yaml").read_text())["metadata"]["name"])
    product = Product.read(name, folder)
    _place_macros(product)
    _parse(product)
    # DuckDB's iceberg extension makes an empty folder of this name where dbt runs, though its files
    # go to the object store. Here it is made once, so that the product may be read-only.
    (folder / "data").mkdir(exist_ok=True)
    return Product.load(name, folder)


def _place_macros(product: Product) -> None:
    """Copy the compute plugin's macros to where dbt_project.yml looks for them.

    floe declares `get_dbt_macro_paths` for this purpose and calls it nowhere.
    """
    plugins = product.artifacts.plugins
    chosen = plugins.compute.type if plugins else ""
    (found,) = entry_points(group="floe.computes", name=chosen) or (None,)
    plugin = found.load()() if found else None
    if not isinstance(plugin, ComputePlugin):
        raise SetupError(f"compute {chosen!r} of {product.folder / ARTIFACT} is no installed compute plugin")
    place = product.folder / MACROS
    place.mkdir()
    for source in plugin.get_dbt_macro_paths():
        for file in sorted(source.glob("*.sql")):
            shutil.copy(file, place / file.name)


def _parse(product: Product) -> None:
    profiles = product.profiles()
    # dbt resolves the profile to parse. Its defaults are the platform's own addresses: with them, and
    # not what the build happens to have, dbt's state is that of a run, which then parses nothing again.
    # No credential exists at this time and none is used.
    variables = {
        name: default or "not-known-at-build-time" for name, default in _ENV_VAR.findall(json.dumps(profiles))
    }
    with tempfile.TemporaryDirectory(prefix="profiles-") as profiles_dir:
        product.write_profiles(Path(profiles_dir))
        _run(
            "dbt",
            "--no-use-colors",
            "parse",
            *("--project-dir", product.folder),
            *("--profiles-dir", profiles_dir),
            *("--target-path", product.folder / "target"),
            *("--log-path", profiles_dir),
            folder=product.folder,
            seconds=_PARSE_SECONDS,
            env={**variables, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        )


def _run(
    program: str, *words: str | Path, folder: Path, seconds: float, env: dict[str, str] | None = None
) -> None:
    command = [str(Path(sys.executable).parent / program), *map(str, words)]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
            text=True,
        )
    except FileNotFoundError as absent:
        raise SetupError(f"{command[0]} is not installed") from absent
    except subprocess.TimeoutExpired as late:
        raise SetupError(f"`{program} {words[0]}` still ran after {seconds:.0f} s") from late
    if done.returncode != 0:
        said = "\n".join(done.stdout.strip().splitlines()[-30:])
        raise SetupError(f"`{program} {words[0]}` ended with code {done.returncode}:\n{said}")
