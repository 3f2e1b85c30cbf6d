"""customer-360 as floe compiles it and dbt builds it; its rows are checked against plain Python.

Nothing is deployed here: the catalog's place is taken by a DuckDB file under the same name, so that
the models and the materializations' statements run as they are. Iceberg itself is the matter of
the features.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dagster import AssetKey, Definitions

from demo import seeds as generator
from drivers import customer_360, seeds
from drivers.rows import Rows
from floe_additions.orchestrator.loader import load_product_definitions
from floe_additions.orchestrator.product import Product
from floe_platform_setup.errors import SetupError
from floe_platform_setup.product import build
from foundation.cache import ROOT
from foundation.process import run

SEEDS = {"raw_customers", "raw_transactions", "raw_support_tickets"}
MODELS = {
    "stg_crm_customers": "silver",
    "stg_transactions": "silver",
    "stg_support_tickets": "silver",
    "int_customer_orders": "silver",
    "int_customer_support": "silver",
    "mart_customer_360": "gold",
}
CREDENTIALS = {"POLARIS_CLIENT_ID": "the-id", "POLARIS_CLIENT_SECRET": "the-secret"}


def copy_of_the_demo(folder: Path) -> Path:
    shutil.copy(ROOT / "demo" / "manifest.yaml", folder)
    ignored = shutil.ignore_patterns("target", "logs", "floe_macros", "*.csv")
    product = shutil.copytree(ROOT / "demo" / "customer-360", folder / "customer-360", ignore=ignored)
    generator.write("customer-360", product / "seeds", generator.scale_from("0.5"))
    return product


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Product:
    folder = copy_of_the_demo(tmp_path_factory.mktemp("products"))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        return build(folder, folder.parent / "manifest.yaml")


@pytest.fixture(scope="module")
def manifest(product: Product) -> dict[str, Any]:
    found = json.loads(product.dbt_manifest.read_bytes())
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def definitions(product: Product) -> Definitions:
    return load_product_definitions("customer-360", product.folder)


@pytest.fixture(scope="module")
def database(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product built twice, so that both the creating and the replacing statements ran."""
    work = tmp_path_factory.mktemp("engine")
    file = work / "lakehouse.duckdb"
    output = {
        **product.profiles()["customer_360"]["outputs"]["dev"],
        "database": "lakehouse",
        "config_options": {},
        "extensions": [],
        "secrets": [],
        "attach": [{"path": str(file), "alias": "lakehouse"}],
    }
    (work / "profiles.yml").write_text(
        yaml.safe_dump({"customer_360": {"target": "dev", "outputs": {"dev": output}}})
    )
    for _ in range(2):
        run(
            ["dbt", "build", "--profiles-dir", work, "--target-path", work / "target", "--log-path", work],
            cwd=product.folder,
            timeout=120,
            env={"PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"},
        )
    return file


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
        if any(value.encode() in file.read_bytes() for value in CREDENTIALS.values())
    ]
    assert found == []


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
    groups = {key.path[-1]: graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert groups == {**dict.fromkeys(SEEDS, "bronze"), **MODELS}


def test_assets_depend_as_the_models_do(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert {key.path[-1] for key in graph.get(AssetKey("mart_customer_360")).parent_keys} == {
        "stg_crm_customers",
        "int_customer_orders",
        "int_customer_support",
    }


def test_every_dbt_test_is_an_asset_check(definitions: Definitions, manifest: dict[str, Any]) -> None:
    tests = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    assert {check.name for check in definitions.resolve_asset_graph().asset_check_keys} == tests


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


def test_every_table_is_what_the_rules_say(product: Product, database: Path) -> None:
    """Recomputed from the CSV files by plain Python, which knows the rules and not the SQL."""
    expected = customer_360.expected(
        {file.stem: seeds.read(file) for file in (product.folder / "seeds").glob("*.csv")}
    )
    with duckdb.connect(str(database), read_only=True) as engine:
        differences = {}
        for name, rows in expected.items():
            columns = [column for column, _ in rows.rows[0]]
            found = engine.execute(f"select {', '.join(columns)} from customer_360.{name}").fetchall()
            there = Rows.of(name, [dict(zip(columns, row, strict=True)) for row in found])
            differences[name] = rows.differences(there)
    assert differences == {name: [] for name in SEEDS | set(MODELS)}


def test_money_and_shares_are_exact_decimals(database: Path) -> None:
    with duckdb.connect(str(database), read_only=True) as engine:
        found = dict(
            engine.execute(
                "select column_name, data_type from information_schema.columns"
                " where table_name = 'mart_customer_360'"
            ).fetchall()
        )
    assert {name: found[name] for name in ("lifetime_value", "refund_share", "average_satisfaction")} == {
        "lifetime_value": "DECIMAL(18,2)",
        "refund_share": "DECIMAL(9,4)",
        "average_satisfaction": "DECIMAL(9,2)",
    }
    assert "DOUBLE" not in found.values()


def test_a_product_without_seeds_is_refused(tmp_path: Path) -> None:
    folder = copy_of_the_demo(tmp_path)
    shutil.rmtree(folder / "seeds")
    with pytest.raises(SetupError, match="seeds has no CSV file: generate them first"):
        build(folder, tmp_path / "manifest.yaml")


def test_what_floe_refuses_is_told(tmp_path: Path) -> None:
    folder = copy_of_the_demo(tmp_path)
    spec = yaml.safe_load((folder / "floe.yaml").read_text())
    del spec["metadata"]["name"]
    (folder / "floe.yaml").write_text(yaml.safe_dump(spec))
    with pytest.raises(SetupError, match=r"(?s)`floe platform` ended with code \d+.*metadata\.name"):
        build(folder, tmp_path / "manifest.yaml")
    assert not (folder / "definitions.py").exists()
