"""customer-360 as floe compiles it and Dagster sees it; what it does with rows is tests/contract's matter."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, Definitions

from demo import seeds as generator
from floe_additions.orchestrator.loader import load_product_definitions
from floe_additions.orchestrator.product import Product
from floe_complete.compiling import compile_product
from floe_complete.problems import RefusedError
from foundation.process import run
from tests import demo_product

SEEDS = {"raw_customers", "raw_transactions", "raw_support_tickets"}
MODELS = {
    "stg_crm_customers": "silver",
    "stg_transactions": "silver",
    "stg_support_tickets": "silver",
    "int_customer_orders": "silver",
    "int_customer_support": "silver",
    "mart_customer_360": "gold",
}


@pytest.fixture(scope="module")
def product() -> Product:
    return demo_product.built()


@pytest.fixture(scope="module")
def manifest(product: Product) -> dict[str, Any]:
    found = json.loads(product.dbt_manifest.read_bytes())
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def definitions(product: Product) -> Definitions:
    return load_product_definitions("customer-360", product.folder)


def test_floe_compiles_what_floe_yaml_says(product: Product) -> None:
    artifacts = product.artifacts
    assert artifacts.plugins is not None
    assert artifacts.plugins.catalog is not None
    assert artifacts.transforms is not None
    assert (artifacts.metadata.product_name, artifacts.metadata.product_version) == ("customer-360", "1.0.0")
    assert (artifacts.plugins.compute.type, artifacts.plugins.orchestrator.type) == (
        "duckdb-iceberg",
        "dagster-iceberg",
    )
    assert artifacts.plugins.catalog.type == "polaris"
    assert {model.name: model.quality_tier for model in artifacts.transforms.models} == MODELS


def test_the_profile_leaves_no_place_but_the_catalog(product: Product) -> None:
    output = product.profiles()["customer_360"]["outputs"]["dev"]
    warehouse = "{{ env_var('POLARIS_WAREHOUSE', 'lakehouse') }}"
    assert (output["path"], output["schema"], output["database"]) == (":memory:", "customer_360", warehouse)
    assert output["attach"] == [
        {
            "path": warehouse,
            "alias": warehouse,
            "type": "iceberg",
            "options": {
                "endpoint": "{{ env_var('POLARIS_URI', 'http://polaris:8181/api/catalog') }}",
                "secret": "polaris",
            },
        }
    ]
    assert output["config_options"]["autoinstall_known_extensions"] == "false"
    assert not [key for key in output if key.startswith("s3_")], "the store's own keys reach every table"


def test_no_credential_is_in_what_was_built(product: Product) -> None:
    built = [file for file in product.folder.rglob("*") if file.is_file()]
    found = [
        str(file)
        for file in built
        if any(value.encode() in file.read_bytes() for value in demo_product.CREDENTIALS.values())
    ]
    assert found == []


def test_a_run_on_the_platform_parses_nothing_again(product: Product, tmp_path: Path) -> None:
    shutil.copy(product.folder / "target" / "partial_parse.msgpack", tmp_path)
    on_the_platform = {
        "POLARIS_URI": "http://polaris:8181/api/catalog",
        "POLARIS_OAUTH2_SERVER_URI": "http://polaris:8181/api/catalog/v1/oauth/tokens",
        "POLARIS_WAREHOUSE": "lakehouse",
        "POLARIS_SCOPE": "PRINCIPAL_ROLE:ALL",
        "POLARIS_CLIENT_ID": "pipeline",
        "POLARIS_CLIENT_SECRET": "another",
        "FLOE_SCRATCH": "/scratch",
    }
    run(
        [
            *(Path(sys.executable).parent / "dbt", "parse", "--project-dir", product.folder),
            *("--profiles-dir", product.write_profiles(tmp_path)),
            *("--target-path", tmp_path, "--log-path", tmp_path),
        ],
        timeout=60,
        env=on_the_platform,
    )
    assert "no changes found, skipping parsing" in (tmp_path / "dbt.log").read_text()


def test_every_layer_has_tests(manifest: dict[str, Any]) -> None:
    tested = Counter(
        manifest["nodes"][node["attached_node"]]["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("attached_node")
    )
    assert set(tested) == SEEDS | set(MODELS)


def test_every_node_is_described(manifest: dict[str, Any]) -> None:
    silent = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in {"model", "seed"} and not node["description"]
    ]
    assert silent == []


def test_every_seed_column_has_a_type(manifest: dict[str, Any]) -> None:
    typed = {
        node["name"]: tuple(node["config"]["column_types"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "seed"
    }
    assert typed == {seed.table: seed.columns for seed in generator.RECIPES["customer-360"].seeds}


def test_one_asset_a_node_in_its_tier(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    groups = {"/".join(key.path): graph.get(key).group_name for key in graph.get_all_asset_keys()}
    upkeep = {"maintenance/customer_360": "maintenance"}
    assert groups == {**dict.fromkeys(SEEDS, "bronze"), **MODELS, **upkeep}


def test_assets_depend_as_the_models_do(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert {key.path[-1] for key in graph.get(AssetKey("mart_customer_360")).parent_keys} == {
        "stg_crm_customers",
        "int_customer_orders",
        "int_customer_support",
    }


def test_every_dbt_test_and_expectation_is_an_asset_check(
    definitions: Definitions, manifest: dict[str, Any]
) -> None:
    tests = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    expectations = {"email_is_an_address", "last_name_is_known"}
    expectations |= {"refund_share_is_a_share", "there_are_customers"}
    found = {check.name for check in definitions.resolve_asset_graph().asset_check_keys}
    assert found == tests | expectations


def test_the_job_runs_every_asset(definitions: Definitions) -> None:
    job = definitions.resolve_job_def("customer_360")
    assert {key.path[-1] for key in job.asset_layer.selected_asset_keys} == SEEDS | set(MODELS)


def test_the_generated_file_loads_without_a_service(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith(("POLARIS", "AWS", "S3_")):
            monkeypatch.delenv(name)
    found: dict[str, Any] = {"__file__": str(product.folder / "definitions.py")}
    exec((product.folder / "definitions.py").read_text(), found)
    assert isinstance(found["defs"], Definitions)


def test_a_product_without_seeds_is_refused(tmp_path: Path) -> None:
    folder = demo_product.copy_of_the_demo(tmp_path)
    for file in folder.glob("seeds/*.csv"):
        file.unlink()
    with pytest.raises(RefusedError, match=r"the seed has no file\n  expected: .*seeds/raw_\w+\.csv"):
        compile_product(folder)
    assert not (folder / "definitions.py").exists()
