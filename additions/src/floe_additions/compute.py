"""The compute plugin `duckdb-iceberg`: DuckDB computes, the Iceberg catalog keeps every row.

floe's own plugin fills a DuckDB file that is copied to Iceberg afterwards. Here the database is
`:memory:`, the catalog is attached and is the profile's database, so that a model has no other
place to go than an Iceberg table.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_compute_duckdb import DuckDBComputePlugin  # type: ignore[import-untyped]
from floe_core.compute_config import CatalogConfig, ComputeConfig
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

if TYPE_CHECKING:
    from floe_core.schemas.compiled_artifacts import DeploymentConfig, IcebergRestCatalogBinding

SCRATCH = "{{ env_var('FLOE_SCRATCH', '/scratch') }}"
"""Where the engine may spill: the only place of a run that is written to, and thrown away with it."""

_OURS = frozenset({"type", "path", "schema", "threads", "config_options", "settings"})

_MACROS = Path(__file__).parent / "dbt"

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


class DuckDBIcebergConfig(BaseModel):
    """What manifest.yaml may say under `plugins.compute.config`.

    Attributes:
        namespace: the Iceberg namespace of the product's tables; the manifest says `{product_slug}`.
        memory_limit: DuckDB's own setting, for instance `1GB`.
        extensions: further DuckDB extensions; they must be on the image, nothing is downloaded.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    namespace: str = Field(min_length=1, max_length=63)
    memory_limit: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?\s?(KB|MB|GB|KiB|MiB|GiB)$")
    extensions: tuple[str, ...] = ()

    @field_validator("namespace")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not _IDENTIFIER.fullmatch(value):
            raise ValueError("lower-case letters, digits and underscores only, not starting with a digit")
        return value


class DuckDBIcebergComputePlugin(DuckDBComputePlugin):  # type: ignore[misc]
    """DuckDB with the Iceberg catalog attached as its only persistent database."""

    @property
    def name(self) -> str:
        """The name manifest.yaml selects it by."""
        return "duckdb-iceberg"

    @property
    def version(self) -> str:
        """Version of this plugin."""
        return "0.1.0"

    @property
    def floe_api_version(self) -> str:
        """The plugin API it was written against."""
        return "1.0"

    @property
    def description(self) -> str:
        """One line for `floe`'s lists."""
        return "DuckDB as compute only; every model is an Iceberg table of the catalog"

    def generate_dbt_profile(self, config: ComputeConfig) -> dict[str, Any]:
        """The part of the profile that needs no catalog; `augment_dbt_profile` adds that.

        Raises:
            ValueError: the manifest's `plugins.compute.config` does not fit, naming the field.
        """
        try:
            wanted = DuckDBIcebergConfig.model_validate(config.connection)
        except ValidationError as invalid:
            fields = "; ".join(
                f"plugins.compute.config.{'.'.join(map(str, error['loc']))}: {error['msg']}"
                for error in invalid.errors()
            )
            raise ValueError(fields) from invalid
        profile: dict[str, Any] = {
            "type": "duckdb",
            "path": ":memory:",
            "schema": wanted.namespace,
            "threads": config.threads,
            # The image carries the extensions: a missing one is an error, never a download.
            "config_options": {
                "autoinstall_known_extensions": "false",
                "temp_directory": f"{SCRATCH}/duckdb-spill",
            },
            "extensions": list(wanted.extensions),
        }
        if wanted.memory_limit:
            profile["settings"] = {"memory_limit": wanted.memory_limit}
        return profile

    def augment_dbt_profile(
        self, profile: dict[str, Any], deployment: DeploymentConfig | None = None
    ) -> dict[str, Any]:
        """Attach the catalog and make it the profile's database.

        floe merges the storage plugin's object-store settings into the profile before this call.
        They are left out: the catalog vends credentials that reach one table only, and a profile
        that carried the store's own keys would reach everything.

        Raises:
            ValueError: no Iceberg REST catalog was compiled in, so there is no place for a table.
        """
        binding = _binding(deployment)
        warehouse = _env_var("POLARIS_WAREHOUSE", binding.warehouse)
        options = {**binding.properties, "endpoint": _env_var("POLARIS_URI", binding.uri)}
        augmented: dict[str, Any] = {
            **{key: value for key, value in profile.items() if key in _OURS},
            "database": warehouse,
            "extensions": _with(profile.get("extensions"), "httpfs", "avro", "iceberg"),
            "attach": [{"path": warehouse, "alias": warehouse, "type": "iceberg", "options": options}],
        }
        if binding.oauth2 is not None:
            options["secret"] = binding.oauth2.secret_name
            augmented["secrets"] = [
                {
                    "type": "iceberg",
                    "name": binding.oauth2.secret_name,
                    "client_id": _env_var(binding.oauth2.client_id_env),
                    "client_secret": _env_var(binding.oauth2.client_secret_env),
                    "oauth2_server_uri": _env_var(binding.oauth2.oauth2_server_uri_env),
                    "oauth2_scope": _env_var(
                        binding.oauth2.oauth2_scope_env or "POLARIS_SCOPE",
                        binding.oauth2.oauth2_scope_default or "PRINCIPAL_ROLE:ALL",
                    ),
                }
            ]
        return augmented

    def get_dbt_macro_paths(self) -> list[Path]:
        """The materializations `table`, `incremental` and `seed` for Iceberg.

        floe 0.1.0a1 declares this method and never calls it; `floe-complete compile` does.
        """
        return [_MACROS / "macros", _MACROS / "as_it_is"]

    def get_required_dbt_packages(self) -> list[str]:
        """Python packages the profile needs; duckdb 2.0 lacks calls floe makes."""
        return ["dbt-duckdb>=1.11,<1.12", "duckdb>=1.5,<2", "duckdb-extension-iceberg>=1.5,<2"]

    def get_catalog_attachment_sql(self, catalog_config: CatalogConfig) -> list[str] | None:  # noqa: ARG002
        """Nothing: the profile attaches the catalog, and SQL with the secret in it could be logged."""
        return None

    def get_config_schema(self) -> type[BaseModel] | None:
        """None on purpose: floe validates before it expands `{product_slug}`; the profile step checks."""
        return None


def _binding(deployment: DeploymentConfig | None) -> IcebergRestCatalogBinding:
    catalog = deployment.catalog if deployment else None
    from_dbt = catalog.dbt.iceberg_rest if catalog and catalog.dbt else None
    binding = from_dbt or (catalog.iceberg_rest if catalog else None)
    if binding is None:
        raise ValueError(
            "compute 'duckdb-iceberg' keeps no data of its own and needs an Iceberg REST catalog: "
            "set plugins.catalog and plugins.storage in manifest.yaml"
        )
    return binding


def _with(present: object, *needed: str) -> list[str]:
    already = [str(item) for item in present] if isinstance(present, list) else []
    return [*already, *(item for item in needed if item not in already)]


def _env_var(name: str, default: str | None = None) -> str:
    """Dbt's own placeholder: the value is read when dbt runs and never stored."""
    return (
        f"{{{{ env_var('{name}', '{default}') }}}}" if default is not None else f"{{{{ env_var('{name}') }}}}"
    )
