"""customer-360 as floe 0.1.0a1 builds it by itself (ADDITIONS=off)."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.bare import select_released_plugins
from foundation.cache import ROOT
from foundation.process import run
from tests import demo_product

PROGRAMS = Path(sys.executable).parent
OURS = ("floe_additions", "floe_platform_setup", "duckdb-iceberg", "dagster-iceberg", "floe_macros/")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's folder as the image without additions holds it."""
    place = tmp_path_factory.mktemp("bare")
    folder = demo_product.copy_of_the_demo(place)
    manifest = place / "manifest.yaml"
    select_released_plugins(manifest)
    # floe makes the folder of the DuckDB file when it writes the profile; on a host it may not be /scratch.
    manifest.write_text(manifest.read_text().replace("/scratch/", f"{place}/scratch/"))
    run(
        ["sh", ROOT / "images" / "dagster" / "bare.sh", folder],
        timeout=300,
        env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "TMPDIR": str(place)},
    )
    return folder


@pytest.fixture(scope="module")
def artifact(product: Path) -> Any:
    return json.loads((product / "compiled_artifacts.json").read_bytes())


def test_only_the_plugins_of_the_additions_are_replaced(tmp_path: Path) -> None:
    ours = yaml.safe_load((ROOT / "demo" / "manifest.yaml").read_text())
    demo_product.copy_of_the_demo(tmp_path)
    select_released_plugins(tmp_path / "manifest.yaml")
    bare = yaml.safe_load((tmp_path / "manifest.yaml").read_text())
    replaced = {
        name: (ours["plugins"].pop(name), bare["plugins"].pop(name)) for name in ("compute", "orchestrator")
    }
    assert {name: (one["type"], other["type"]) for name, (one, other) in replaced.items()} == {
        "compute": ("duckdb-iceberg", "duckdb"),
        "orchestrator": ("dagster-iceberg", "dagster"),
    }
    assert bare == ours


def test_floe_compiles_the_same_models_for_its_own_plugins(artifact: Any) -> None:
    plugins = {
        name: artifact["plugins"][name]["type"] for name in ("compute", "orchestrator", "catalog", "storage")
    }
    assert plugins == {
        "compute": "duckdb",
        "orchestrator": "dagster",
        "catalog": "polaris",
        "storage": "minio",
    }
    spec = yaml.safe_load((ROOT / "demo" / "customer-360" / "floe.yaml").read_text())
    assert [model["name"] for model in artifact["transforms"]["models"]] == [
        model["name"] for model in spec["transforms"]
    ]


def test_nothing_that_was_built_names_the_additions(product: Path) -> None:
    built = [product / name for name in ("definitions.py", "compiled_artifacts.json", "target/manifest.json")]
    found = [(file.name, name) for file in built for name in OURS if name in file.read_text()]
    assert found == []
    assert "from floe_orchestrator_dagster.loader import" in (product / "definitions.py").read_text()


def test_its_code_location_loads_no_module_of_the_additions(product: Path) -> None:
    load = (
        "import runpy, sys; defs = runpy.run_path('definitions.py')['defs']; "
        "print(defs.resolve_job_def('customer_360').name, "
        "[name for name in sys.modules if name.startswith(('floe_additions', 'floe_platform_setup'))])"
    )
    # Isolated: the checkout, where an additions package could be found, is not on its path.
    said = run([PROGRAMS / "python", "-I", "-c", load], timeout=120, cwd=product)
    assert said.splitlines()[-1] == "customer_360 []"


def test_the_clients_id_is_compiled_in_as_the_manifest_has_it(artifact: Any) -> None:
    """floe resolves no variable in it, so that the chart puts in the id of the pipeline's principal."""
    assert artifact["plugins"]["catalog"]["config"]["oauth2"]["client_id"] == "${POLARIS_CLIENT_ID}"
    assert json.dumps(artifact).count("${") == 1
