"""The additions are plugins as floe defines them: found by it, complete, and clear about bad input."""

from __future__ import annotations

import inspect
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from dagster_dbt import DbtCliResource
from floe_core.compute_config import ComputeConfig
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugins import ComputePlugin, OrchestratorPlugin
from floe_core.plugins.compute import CatalogConfig
from floe_core.schemas.compiled_artifacts import (
    CatalogDeploymentBinding,
    DeploymentConfig,
    IcebergRestCatalogBinding,
)
from pydantic import SecretStr

from floe_additions.compute import DuckDBIcebergComputePlugin
from floe_additions.orchestrator.lakehouse import Lakehouse, NotInTheCatalogError
from floe_additions.orchestrator.plugin import DagsterIcebergOrchestratorPlugin
from floe_additions.orchestrator.product import Product, scratch
from floe_additions.portable import PortableComputePlugin


def config(**connection: object) -> ComputeConfig:
    return ComputeConfig(plugin="duckdb-iceberg", threads=2, timeout_seconds=60, connection=connection)


@pytest.mark.parametrize(
    ("group", "name", "contract"),
    [
        ("floe.computes", "duckdb-iceberg", ComputePlugin),
        ("floe.computes", "duckdb-iceberg-portable", ComputePlugin),
        ("floe.orchestrators", "dagster-iceberg", OrchestratorPlugin),
    ],
)
def test_floe_finds_a_complete_plugin(group: str, name: str, contract: type[PluginMetadata]) -> None:
    (found,) = entry_points(group=group, name=name)
    plugin = found.load()()
    assert isinstance(plugin, contract)
    assert not inspect.isabstract(type(plugin))
    assert (plugin.name, plugin.version, plugin.floe_api_version) == (name, "0.1.0", "1.0")
    assert plugin.description


@pytest.mark.parametrize("plugin", [DuckDBIcebergComputePlugin, DagsterIcebergOrchestratorPlugin])
def test_overrides_keep_the_contracts_signatures(plugin: type[Any]) -> None:
    """A caller that knows only floe's base class can call each override."""
    changed = {}
    for name, method in vars(plugin).items():
        inherited = getattr(plugin.__mro__[1], name, None)
        if inspect.isfunction(method) and inspect.isfunction(inherited):
            ours, theirs = inspect.signature(method), inspect.signature(inherited)
            if list(ours.parameters) != list(theirs.parameters):
                changed[name] = (str(ours), str(theirs))
    assert changed == {}


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ({}, "plugins.compute.config.namespace: Field required"),
        ({"namespace": "Customer-360"}, "plugins.compute.config.namespace: Value error, lower-case letters"),
        (
            {"namespace": "a", "memory_limit": "lots"},
            "plugins.compute.config.memory_limit: String should match",
        ),
        ({"namespace": "a", "path": "/tmp/x.duckdb"}, "plugins.compute.config.path: Extra inputs"),
    ],
)
def test_a_wrong_configuration_names_its_field(connection: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DuckDBIcebergComputePlugin().generate_dbt_profile(config(**connection))


def test_without_a_catalog_there_is_no_profile() -> None:
    plugin = DuckDBIcebergComputePlugin()
    profile = plugin.generate_dbt_profile(config(namespace="shop"))
    with pytest.raises(ValueError, match="needs an Iceberg REST catalog"):
        plugin.augment_dbt_profile(profile, None)


def test_the_stores_own_keys_do_not_reach_the_profile() -> None:
    plugin = DuckDBIcebergComputePlugin()
    profile = {
        **plugin.generate_dbt_profile(config(namespace="shop", memory_limit="1GB")),
        "s3_access_key_id": "{{ env_var('AWS_ACCESS_KEY_ID') }}",
        "s3_endpoint": "http://minio:9000",
    }
    binding = IcebergRestCatalogBinding(
        catalog_name="c", uri="http://polaris:8181/api/catalog", warehouse="lakehouse"
    )
    deployment = DeploymentConfig.model_construct(
        catalog=CatalogDeploymentBinding.model_construct(provider="polaris", iceberg_rest=binding, dbt=None)
    )
    augmented = plugin.augment_dbt_profile(profile, deployment)
    assert set(augmented) == {
        *("type", "path", "schema", "threads", "config_options", "settings"),
        *("database", "extensions", "attach"),
    }
    assert augmented["extensions"] == ["httpfs", "avro", "iceberg"]
    assert augmented["settings"] == {"memory_limit": "1GB"}


def test_no_sql_with_a_secret_in_it_is_offered() -> None:
    catalog = CatalogConfig(
        catalog_type="rest",
        catalog_name="lake",
        catalog_uri="http://polaris:8181",
        credentials={"client_id": SecretStr("i"), "client_secret": SecretStr("s")},
    )
    assert DuckDBIcebergComputePlugin().get_catalog_attachment_sql(catalog) is None


@pytest.mark.parametrize("plugin", [DuckDBIcebergComputePlugin, PortableComputePlugin])
def test_the_macros_are_where_the_plugin_says(plugin: type[DuckDBIcebergComputePlugin]) -> None:
    files = [file.name for folder in plugin().get_dbt_macro_paths() for file in folder.glob("*.sql")]
    assert sorted(files) == [
        "iceberg_incremental.sql",
        "iceberg_partitioning.sql",
        "iceberg_properties.sql",
        "iceberg_seed.sql",
        "iceberg_table.sql",
    ]


def test_the_portable_compute_differs_in_what_it_asks_of_a_table_alone() -> None:
    first, second = DuckDBIcebergComputePlugin(), PortableComputePlugin()
    wanted = config(namespace="shop")
    assert first.generate_dbt_profile(wanted) == second.generate_dbt_profile(wanted)
    shared, own = first.get_dbt_macro_paths()
    assert [path for path in second.get_dbt_macro_paths() if path in (shared, own)] == [shared]


@pytest.mark.parametrize("name", ['x"; import os', "Customer 360", "", "../up"])
def test_definitions_are_written_for_product_names_only(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is not a product name"):
        DagsterIcebergOrchestratorPlugin().generate_entry_point_code(
            name, str(tmp_path), iceberg_enabled=True
        )
    assert list(tmp_path.iterdir()) == []


def test_definitions_need_a_catalog(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"needs plugins\.catalog and plugins\.storage"):
        DagsterIcebergOrchestratorPlugin().generate_entry_point_code("shop", str(tmp_path))


def test_a_product_that_was_not_built_says_how(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="compile the product: `floe-complete compile"):
        Product.load("shop", tmp_path)


def test_runs_never_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_SCRATCH", str(tmp_path / "scratch"))
    first, second = scratch("dbt-run"), scratch("dbt-run")
    assert first != second
    assert {first.parent, second.parent} == {tmp_path / "scratch"}


def test_another_database_than_the_catalog_is_refused_unseen() -> None:
    with pytest.raises(NotInTheCatalogError, match="dbt built orders in the database shop of the engine"):
        Lakehouse({"POLARIS_WAREHOUSE": "lakehouse"}).figures("shop", "shop", "orders")


def test_what_is_overridden_in_dagster_dbt_exists() -> None:
    """Two names that are not public: should an upgrade rename them, this says so, not a slow run."""
    assert {"_cli_version", "_initialize_dbt_core_adapter"} <= set(vars(DbtCliResource))
