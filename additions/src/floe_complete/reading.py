"""Reading what a team wrote: floe.yaml and manifest.yaml."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from floe_core.compilation.loader import load_floe_spec, load_manifest
from floe_core.schemas.floe_spec import FloeSpec
from floe_core.schemas.manifest import PlatformManifest

from floe_complete.problems import Problem, RefusedError


@dataclass(frozen=True)
class Sources:
    """A product and the platform it is compiled for, read and found right."""

    spec_file: Path
    manifest_file: Path
    spec: FloeSpec
    manifest: PlatformManifest


def read(spec_file: Path, manifest_file: Path) -> Sources:
    """Read both files.

    Raises:
        RefusedError: something in them is wrong; with all that is.
    """
    return Sources(spec_file, manifest_file, load_floe_spec(spec_file), load_manifest(manifest_file))


def sources_of(folder: Path, manifest: Path | None = None) -> Sources:
    """Read a product's folder, and the manifest that its floe.yaml names.

    Args:
        folder: holds floe.yaml.
        manifest: another manifest to read than `platform.manifest` names.

    Raises:
        RefusedError: something in them is wrong; with all that is.
    """
    spec_file = folder / "floe.yaml"
    for file in (spec_file, *([manifest] if manifest else [])):
        if not file.is_file():
            raise RefusedError([Problem(str(file), "", "there is no such file", file.name, stage="LOAD")])
    spec = load_floe_spec(spec_file)
    named = folder / (spec.platform.manifest if spec.platform else "manifest.yaml")
    return read(spec_file, manifest or Path(os.path.normpath(named)))
