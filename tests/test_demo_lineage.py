"""Where the lineage service keeps its state is said in the manifest, in a place that floe leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from floe_core.schemas import PlatformManifest
from floe_lineage_marquez import MarquezConfig  # type: ignore[import-untyped]

from demo import lineage
from foundation.errors import UserError


def manifest(folder: Path, config: dict[str, Any] | None) -> Path:
    """The demo's manifest with a lineage backend configured like this; None: without one."""
    content = yaml.safe_load(lineage.MANIFEST.read_text())
    content["plugins"].pop("lineage_backend", None)
    if config is not None:
        content["plugins"]["lineage_backend"] = {"type": "marquez", "config": config}
    file = folder / "manifest.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.mark.parametrize(
    ("config", "chosen"),
    [
        (None, "shared"),
        ({}, "shared"),
        ({"database": "shared"}, "shared"),
        ({"database": "dedicated"}, "dedicated"),
    ],
    ids=["no backend", "nothing said", "shared", "dedicated"],
)
def test_the_manifest_chooses(tmp_path: Path, config: dict[str, Any] | None, chosen: str) -> None:
    assert lineage.settings(manifest(tmp_path, config)) == {"global.lineage.database": chosen}


def test_another_word_is_refused_by_field(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"plugins\.lineage_backend\.config\.database is 'somewhere'"):
        lineage.database(manifest(tmp_path, {"database": "somewhere"}))


def test_the_demo_chooses_the_shared_one() -> None:
    assert lineage.database() == "shared"


def test_floe_and_its_plugin_take_the_choice(tmp_path: Path) -> None:
    config = {"url": "http://marquez:5000", "allow_insecure_http": True, "database": "dedicated"}
    read = PlatformManifest.model_validate(yaml.safe_load(manifest(tmp_path, config).read_text()))
    backend = read.plugins.lineage_backend
    assert backend is not None
    assert backend.config == config
    assert MarquezConfig.model_validate(backend.config).url == "http://marquez:5000"
