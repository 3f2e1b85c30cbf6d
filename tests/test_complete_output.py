"""What a compilation leaves: settled, at one moment, all of it or nothing; and the workspace beside it."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgpack  # type: ignore[import-untyped]
import pytest
import yaml

from floe_complete import output, workspace

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def documents(root: str, clock: float) -> dict[str, Any]:
    node = {"name": "raw", "root_path": root, "created_at": clock, "columns": {"b": {}, "a": {}}}
    return {
        "metadata": {"generated_at": f"at {clock}", "invocation_id": f"id {clock}", "run_started_at": None},
        "nodes": {"seed.shop.raw": node, "model.shop.a": {"name": "a", "created_at": clock}},
        "macros": {"macro.shop.m": {"created_at": clock}},
        "disabled": {"model.shop.off": [{"created_at": clock}]},
        "files": {"shop://a.sql": {"path": {"project_root": root, "modification_time": clock}}},
    }


def settled(
    folder: Path, document: dict[str, Any], at: datetime | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(document))
    (folder / "partial_parse.msgpack").write_bytes(msgpack.packb(document))
    output.settle(folder, at)
    read = msgpack.unpackb((folder / "partial_parse.msgpack").read_bytes())
    return json.loads((folder / "manifest.json").read_bytes()), read


def test_at_one_moment_nothing_of_the_machine_or_the_clock_is_left(tmp_path: Path) -> None:
    one = settled(tmp_path / "one", documents("/home/one", 1.5), AT)
    other = settled(tmp_path / "other", documents("/srv/other", 99.25), AT)
    assert one == other
    assert one[0]["metadata"] == {
        "generated_at": "2023-11-14T22:13:20+00:00",
        "invocation_id": "00000000-0000-0000-0000-000000000000",
        "run_started_at": None,
    }


def test_without_a_moment_the_clock_is_dbts_own(tmp_path: Path) -> None:
    manifest, state = settled(tmp_path / "one", documents("/home/one", 1.5), None)
    assert manifest["metadata"] == documents("", 1.5)["metadata"]
    assert manifest["nodes"]["seed.shop.raw"]["created_at"] == 1.5
    assert manifest["nodes"]["seed.shop.raw"]["root_path"] == "."
    assert state["files"]["shop://a.sql"]["path"]["project_root"] == "."


def test_names_are_sorted_and_columns_keep_their_order(tmp_path: Path) -> None:
    manifest, _ = settled(tmp_path / "one", documents("/home/one", 1.5), None)
    assert list(manifest["nodes"]) == ["model.shop.a", "seed.shop.raw"]
    assert list(manifest["nodes"]["seed.shop.raw"]["columns"]) == ["b", "a"]


def test_the_moment_is_that_of_reproducible_builds() -> None:
    assert output.moment({"SOURCE_DATE_EPOCH": "1700000000"}) == AT
    assert output.moment({}) is None
    with pytest.raises(click.UsageError, match="'yesterday' is no number of seconds"):
        output.moment({"SOURCE_DATE_EPOCH": "yesterday"})


def tree(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return folder


def read(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_all_is_put_in_its_place_and_old_macros_go(tmp_path: Path) -> None:
    product = tree(tmp_path / "shop", models__a="sql", floe_macros__old="1", target__run_results="kept")
    made = tree(tmp_path / "made", compiled_artifacts="2", floe_macros__new="2", target__manifest="2")
    output.place(made, product)
    assert read(product) == {
        "models/a": "sql",
        "compiled_artifacts": "2",
        "floe_macros/new": "2",
        "target/manifest": "2",
        "target/run_results": "kept",
    }
    assert (product / "data").is_dir()


def test_the_artifact_comes_last(tmp_path: Path) -> None:
    made = tree(
        tmp_path / "made", **{"compiled_artifacts.json": "1", "definitions.py": "1", "target__z": "1"}
    )
    (tmp_path / "shop").mkdir()
    assert output.place(made, tmp_path / "shop")[-1] == output.ARTIFACT


def test_a_disk_that_fills_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    product = tree(tmp_path / "shop", a="1", b="1")
    made = tree(tmp_path / "made", a="2", b="2")
    real = shutil.copyfile

    def full(source: Path, target: Path) -> None:
        real(source, target)
        if source.name == "b":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        output.place(made, product)
    assert read(product) == {"a": "1", "b": "1"}


def test_the_workspace_names_every_compiled_product_once_and_sorted(tmp_path: Path) -> None:
    for name in ("zoo", "shop"):
        tree(tmp_path / name, **{"definitions.py": "", "compiled_artifacts.json": ""})
    tree(tmp_path / "half", **{"definitions.py": ""})
    manifest = tmp_path / "manifest.yaml"
    assert workspace.write(manifest, tmp_path / "shop") == ["shop", "zoo"]
    locations = yaml.safe_load((tmp_path / "workspace.yaml").read_text())["load_from"]
    assert locations[0] == {
        "python_file": {
            "relative_path": "shop/definitions.py",
            "working_directory": "shop",
            "location_name": "shop",
        }
    }
    assert [location["python_file"]["location_name"] for location in locations] == ["shop", "zoo"]


def test_a_workspace_that_cannot_be_written_is_told_before(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yaml"
    workspace.must_be_writable(manifest)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "workspace.yaml").mkdir()
    with pytest.raises(IsADirectoryError, match="is a directory"):
        workspace.must_be_writable(manifest)


def test_a_product_elsewhere_is_named_by_its_way_from_the_manifest(tmp_path: Path) -> None:
    product = tree(tmp_path / "teams" / "shop", **{"definitions.py": "", "compiled_artifacts.json": ""})
    (tmp_path / "platform").mkdir()
    assert workspace.write(tmp_path / "platform" / "manifest.yaml", product) == ["shop"]
    (location,) = yaml.safe_load((tmp_path / "platform" / "workspace.yaml").read_text())["load_from"]
    assert location["python_file"]["relative_path"] == "../teams/shop/definitions.py"
