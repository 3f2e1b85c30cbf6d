"""Archives: written here, put in by hand, and moved to a node without what it has already."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from foundation.errors import UserError
from images import archives, published, values
from images.build import ImageSet
from images.engine import Buildah, Docker
from images.model import Image, full_reference, references
from images.packing import LAYER_TYPE, Layer, known_layers, layers_of, pack, place_known

REF = "localhost/floe-e2e/tea:0123456789abcdef"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def stored(folder: Path, *blobs: bytes) -> None:
    for blob in blobs:
        (folder / "blobs" / "sha256" / digest(blob)).write_bytes(blob)


def pushed(layout: Path, layers: list[bytes], known: dict[str, Layer] | None = None) -> Path:
    """An image in an OCI layout, as buildah leaves it: what it believes to be there it only names."""
    place_known(layout, known or {})
    diffs = [diff_id(layer) for layer in layers]
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": diffs}}).encode()
    described = []
    for layer, diff in zip(layers, diffs, strict=True):
        if diff in (known or {}):
            described.append({"mediaType": "application/x-plain", "digest": diff, "size": 0})
        else:
            compressed = b"compressed " + layer
            stored(layout, compressed)
            described.append(
                {
                    "mediaType": LAYER_TYPE,
                    "digest": f"sha256:{digest(compressed)}",
                    "size": len(compressed),
                }
            )
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"digest": f"sha256:{digest(config)}", "size": len(config)},
            "layers": described,
        }
    ).encode()
    stored(layout, config, manifest)
    index = {"manifests": [{"digest": f"sha256:{digest(manifest)}", "size": len(manifest)}]}
    (layout / "index.json").write_text(json.dumps(index))
    return layout


def diff_id(layer: bytes) -> str:
    return f"sha256:{digest(layer)}"


def saved(path: Path, *names: str) -> Path:
    """An archive as `docker save` wrote it before it knew OCI."""
    content = json.dumps([{"Config": "c.json", "RepoTags": [name], "Layers": []} for name in names]).encode()
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return path


def names_in(stream: io.BytesIO) -> list[str]:
    stream.seek(0)
    with tarfile.open(fileobj=stream) as tar:
        return tar.getnames()


def blobs(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {member.name: _read(tar, member) for member in tar}


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = tar.extractfile(member)
    return content.read() if content else b""


def test_an_archive_carries_its_reference_for_containerd_and_for_docker(tmp_path: Path) -> None:
    archive = tmp_path / "tea.tar"
    pack(pushed(tmp_path / "image", [b"base" * 1000, b"leaves"]), REF, archive, {})
    held = blobs(archive)
    (described,) = json.loads(held["index.json"])["manifests"]
    assert described["annotations"]["io.containerd.image.name"] == REF
    assert json.loads(held["manifest.json"])[0]["RepoTags"] == [REF]
    assert references(archive) == [REF]


def test_every_blob_of_an_archive_is_what_its_digest_says(tmp_path: Path) -> None:
    archive = tmp_path / "tea.tar"
    pack(pushed(tmp_path / "image", [b"base" * 1000, b"leaves"]), REF, archive, {})
    held = {name: content for name, content in blobs(archive).items() if name.startswith("blobs/")}
    assert {name: f"blobs/sha256/{digest(content)}" for name, content in held.items()} == {
        name: name for name in held
    }
    (described,) = json.loads(blobs(archive)["index.json"])["manifests"]
    manifest = json.loads(held["blobs/sha256/" + described["digest"].removeprefix("sha256:")])
    sizes = {entry["digest"]: entry["size"] for entry in (*manifest["layers"], manifest["config"])}
    assert sizes == {key: len(held["blobs/" + key.replace(":", "/")]) for key in sizes}


def test_an_unchanged_layer_is_taken_from_the_archive_before(tmp_path: Path) -> None:
    base, old, new = b"base" * 1000, b"old leaves", b"new leaves"
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    pack(pushed(tmp_path / "a", [base, old]), REF, first, {})
    known = known_layers([first])
    pack(pushed(tmp_path / "b", [base, new], known), REF, second, known)
    assert layers_of(second)[diff_id(base)].digest == layers_of(first)[diff_id(base)].digest
    assert set(layers_of(second)) == {diff_id(base), diff_id(new)}
    assert (
        blobs(second).items()
        >= {
            f"blobs/sha256/{digest(b'compressed ' + layer)}": b"compressed " + layer for layer in (base, new)
        }.items()
    )


def test_a_node_gets_only_the_layers_it_lacks(tmp_path: Path) -> None:
    archive = tmp_path / "tea.tar"
    pack(pushed(tmp_path / "image", [b"base" * 1000, b"leaves"]), REF, archive, {})
    has = layers_of(archive)[diff_id(b"base" * 1000)].digest
    stream = io.BytesIO()
    Image(name="tea", ref=REF, archive=archive).write_to(stream, present={has})
    left_out = {"blobs/" + has.replace(":", "/")}
    assert set(names_in(stream)) == set(blobs(archive)) - left_out


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("postgres:15", "docker.io/library/postgres:15"),
        ("apache/polaris:1.4.1", "docker.io/apache/polaris:1.4.1"),
        ("registry:5000/floe", "registry:5000/floe:latest"),
        (REF, REF),
    ],
)
def test_a_reference_is_spelled_as_the_node_stores_it(name: str, full: str) -> None:
    assert full_reference(name) == full


def test_a_tar_put_in_by_hand_replaces_the_stand_in(tmp_path: Path) -> None:
    saved(tmp_path / "polaris.tar", "apache/polaris:1.4.1", "apache/polaris-admin-tool:1.4.1")
    chosen = ImageSet("local", Buildah(), folder=tmp_path)
    assert {name: image.ref for name, image in chosen.given.items()} == {
        "polaris": "docker.io/apache/polaris:1.4.1",
        "polaris-admin": "docker.io/apache/polaris-admin-tool:1.4.1",
    }
    assert [recipe.name for recipe in chosen.recipes] == [
        "minio",
        "jaeger",
        "prometheus",
        "postgresql",
        "marquez",
        "dagster",
    ]


def test_a_lineage_service_put_in_by_hand_replaces_its_stand_in(tmp_path: Path) -> None:
    saved(tmp_path / "marquez.tar", "marquezproject/marquez:0.51.1")
    chosen = ImageSet("local", Buildah(), folder=tmp_path)
    assert chosen.given["marquez"].ref == "docker.io/marquezproject/marquez:0.51.1"
    assert "marquez" not in [recipe.name for recipe in chosen.recipes]


def test_server_and_admin_tool_may_come_in_two_files(tmp_path: Path) -> None:
    saved(tmp_path / "polaris.tar", "apache/polaris:1.4.1")
    saved(tmp_path / "polaris-admin.tar", "apache/polaris-admin-tool:1.4.1")
    assert set(archives.given(tmp_path)) == {"polaris", "polaris-admin"}


def test_a_catalog_without_its_admin_tool_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "polaris.tar", "apache/polaris:1.4.1")
    with pytest.raises(UserError, match="not the admin tool that bootstraps its realm"):
        archives.given(tmp_path)


def test_an_archive_of_no_known_image_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "polarbear.tar", "apache/polaris:1.4.1")
    with pytest.raises(UserError, match=r"polarbear.tar replaces no image"):
        archives.given(tmp_path)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "minio.tar").write_text("not a tar")
    with pytest.raises(UserError, match="is not an image archive"):
        archives.given(tmp_path)


def test_products_that_are_built_already_cannot_do_without_additions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "dagster.tar", "registry:5000/dagster:1")
    assert "dagster" in ImageSet("local", Buildah(), folder=tmp_path).given
    monkeypatch.setenv("ADDITIONS", "off")
    with pytest.raises(UserError, match="ADDITIONS=off, but the image dagster is given as an archive"):
        ImageSet("local", Buildah(), folder=tmp_path)


def test_an_archive_without_a_name_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "minio.tar")
    with pytest.raises(UserError, match="holds no named image"):
        archives.given(tmp_path)


def test_no_archive_is_committed() -> None:
    ignored = (archives.FOLDER / ".gitignore").read_text().split()
    assert "*.tar" in ignored


def test_kind_takes_what_is_published_and_builds_the_rest(tmp_path: Path) -> None:
    chosen = ImageSet("kind", Docker(), folder=tmp_path)
    assert set(chosen.public) == {
        *("postgresql", "polaris", "polaris-admin", "marquez"),
        *("jaeger", "prometheus", "grafana"),
    }
    assert [recipe.name for recipe in chosen.recipes] == ["minio", "dagster"]


def test_published_images_are_pinned_by_version() -> None:
    assert [ref for ref in published.references().values() if ref.endswith(":latest")] == []


def content(names: dict[str, str], *, stand_ins: set[str]) -> dict[str, Any]:
    return values.values(names, stand_ins=stand_ins, additions=True)


def test_the_values_name_every_image_for_the_chart(tmp_path: Path) -> None:
    file = values.write(
        {name: f"{name}:1" for name in ("postgresql", "minio", "polaris", "marquez", "dagster")},
        stand_ins={"polaris", "marquez"},
        additions=False,
        file=tmp_path / "state" / "images-values.yaml",
    )
    assert yaml.safe_load(file.read_text()) == {
        "global": {
            "images": {
                "postgresql": "postgresql:1",
                "minio": "minio:1",
                "polaris": "polaris:1",
                "polarisAdmin": "polaris:1",
                "marquez": "marquez:1",
                "dagster": "dagster:1",
            },
            "imagePullPolicy": "IfNotPresent",
            "catalog": {"standIn": True},
            "lineage": {"standIn": True, "database": "shared"},
            "additions": False,
        }
    }
    assert [path.name for path in file.parent.iterdir()] == ["images-values.yaml"]


def test_a_real_catalog_keeps_its_own_admin_tool() -> None:
    named = content({"polaris": "p:1", "polaris-admin": "a:1"}, stand_ins=set())
    assert named["global"]["images"] == {"polaris": "p:1", "polarisAdmin": "a:1"}
    assert named["global"]["catalog"] == {"standIn": False}
    assert named["global"]["lineage"]["standIn"] is False
