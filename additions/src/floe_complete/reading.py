"""Reading what a team wrote: floe.yaml and manifest.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from floe_core.compilation.loader import load_floe_spec, load_manifest
from floe_core.schemas.floe_spec import FloeSpec
from floe_core.schemas.manifest import PlatformManifest


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
