"""A compiled product as it lies on the image: read-only, complete, nothing to be parsed again."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.floe_spec import FloeSpec, ScheduleSpec

SPEC = "floe.yaml"
ARTIFACT = "compiled_artifacts.json"
BRONZE = "bronze"
_REMEDY = "compile the product: `floe-complete compile FOLDER`"


@dataclass(frozen=True)
class Product:
    """A product's folder and what floe compiled from it.

    Attributes:
        name: as in floe.yaml, for instance `customer-360`.
        folder: the dbt project with the artifact, the definitions and target/manifest.json.
        artifacts: floe's compiled contract.
    """

    name: str
    folder: Path
    artifacts: CompiledArtifacts

    @classmethod
    def load(cls, name: str, folder: Path) -> Product:
        """Read a product from its folder.

        Raises:
            FileNotFoundError: the product was not compiled, or dbt has not parsed it.
            ValueError: the folder holds another product.
        """
        product = cls.read(name, folder)
        if not product.dbt_manifest.is_file():
            raise FileNotFoundError(f"{product.dbt_manifest} is missing: {_REMEDY}")
        return product

    @classmethod
    def read(cls, name: str, folder: Path) -> Product:
        """As `load`, of a product that dbt has not parsed yet."""
        if not (folder / ARTIFACT).is_file():
            raise FileNotFoundError(f"{folder / ARTIFACT} is missing: {_REMEDY}")
        artifacts = CompiledArtifacts.model_validate_json((folder / ARTIFACT).read_bytes())
        if artifacts.metadata.product_name != name:
            raise ValueError(f"{folder / ARTIFACT} is of {artifacts.metadata.product_name}, not of {name}")
        return cls(name=name, folder=folder, artifacts=artifacts)

    @property
    def slug(self) -> str:
        """The name where only letters, digits and underscores may stand: dbt, Dagster, Iceberg."""
        return self.name.replace("-", "_")

    @property
    def dbt_manifest(self) -> Path:
        """Dbt's manifest, parsed when the image was built."""
        return self.folder / "target" / "manifest.json"

    @cached_property
    def tiers(self) -> dict[str, str]:
        """Bronze, silver or gold of every model floe.yaml names; a seed is bronze."""
        transforms = self.artifacts.transforms
        return {
            model.name: model.quality_tier
            for model in (transforms.models if transforms else [])
            if model.quality_tier
        }

    @cached_property
    def schedule(self) -> ScheduleSpec | None:
        """When floe.yaml wants it to run. floe does not compile it in, so the file beside is read."""
        file = self.folder / SPEC
        return FloeSpec.model_validate(yaml.safe_load(file.read_text())).schedule if file.is_file() else None

    def profiles(self) -> dict[str, Any]:
        """The compiled dbt profiles under the name dbt_project.yml uses; credentials are placeholders."""
        compiled = self.artifacts.dbt_profiles or {}
        return {self.slug: compiled[self.name]}

    def write_profiles(self, folder: Path) -> Path:
        """Write profiles.yml into a folder of the caller's own and return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "profiles.yml").write_text(yaml.safe_dump(self.profiles(), sort_keys=False))
        return folder


def scratch(purpose: str) -> Path:
    """A new folder of this process alone under FLOE_SCRATCH, so that runs never meet.

    Falls back to the system's temporary folder outside a pod.
    """
    root = Path(os.environ.get("FLOE_SCRATCH") or tempfile.gettempdir())
    root.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=root))
