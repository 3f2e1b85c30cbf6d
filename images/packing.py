"""From layers to an archive that containerd and Docker read, small and without doing work twice.

Layers are compressed with zstd. Measured with the dagster image of 1.3 GB: the archive and the node's
copy of it take 370 MB instead of 1350 MB each, and the node imports it in two thirds of the time.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_EPOCH = 1767225600


@dataclass(frozen=True)
class Layer:
    """A compressed layer in a file: its own digest, where it begins, and how long it is."""

    digest: str
    file: Path
    offset: int
    size: int


def known_layers(archives: Iterable[Path]) -> dict[str, Layer]:
    """The compressed layers in archives written here, by the digest of their uncompressed content."""
    return {diff: layer for archive in archives for diff, layer in layers_of(archive).items()}


def place_known(layout: Path, known: Iterable[str]) -> None:
    """Begin an OCI layout that claims to hold these layers, so that buildah spends no time on them.

    It takes a layer for there when a file has its digest; `pack` puts the real ones in.
    """
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for digest in known:
        (blobs / digest.removeprefix("sha256:")).touch()


def pack(layout: Path, ref: str, archive: Path, known: Mapping[str, Layer]) -> None:
    """Write an OCI layout with one image as a tar named `ref`.

    containerd reads index.json and wants the name in an annotation; Docker reads manifest.json.

    Args:
        layout: as buildah wrote it, over what `place_known` began.
        ref: the name the image shall have.
        archive: the tar file to write.
        known: layers that are taken from where they lie instead of from the layout.
    """
    (described,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads((layout / _blob(described["digest"])).read_text())
    config = (layout / _blob(manifest["config"]["digest"])).read_bytes()
    layers = []
    for entry in manifest["layers"]:
        file = layout / _blob(entry["digest"])
        layers.append(known.get(entry["digest"]) or Layer(entry["digest"], file, 0, entry["size"]))
    manifest["layers"] = [
        {"mediaType": LAYER_TYPE, "digest": layer.digest, "size": layer.size} for layer in layers
    ]
    _write(archive, ref, json.dumps(manifest).encode(), config, layers)


def layers_of(archive: Path) -> dict[str, Layer]:
    """The layers in an archive written here, by the digest of their uncompressed content."""
    with tarfile.open(archive, "r:") as tar:
        members = {member.name: member for member in tar}
        index = _json(tar, members, "index.json")
        if not index or len(index["manifests"]) != 1:
            return {}
        manifest = _json(tar, members, _blob(index["manifests"][0]["digest"])) or {}
        config = _json(tar, members, _blob(manifest["config"]["digest"])) if "config" in manifest else None
    if not config:
        return {}
    found = {}
    for diff, described in zip(config["rootfs"]["diff_ids"], manifest["layers"], strict=True):
        member = members.get(_blob(described["digest"]))
        if member is not None and described["mediaType"] == LAYER_TYPE:
            found[diff] = Layer(described["digest"], archive, member.offset_data, member.size)
    return found


def _write(archive: Path, ref: str, manifest: bytes, config: bytes, layers: list[Layer]) -> None:
    digest = hashlib.sha256(manifest).hexdigest()
    described = {
        "mediaType": _MANIFEST_TYPE,
        "digest": f"sha256:{digest}",
        "size": len(manifest),
        "annotations": {
            "io.containerd.image.name": ref,
            "org.opencontainers.image.ref.name": ref.rpartition(":")[2],
        },
    }
    config_name = _blob(json.loads(manifest)["config"]["digest"])
    docker = {"Config": config_name, "RepoTags": [ref], "Layers": [_blob(layer.digest) for layer in layers]}
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
        _add(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        _add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": [described]}).encode())
        _add(tar, "manifest.json", json.dumps([docker]).encode())
        _add(tar, f"blobs/sha256/{digest}", manifest)
        _add(tar, config_name, config)
        for layer in dict.fromkeys(layers):
            with layer.file.open("rb") as file:
                file.seek(layer.offset)
                tar.addfile(_member(_blob(layer.digest), layer.size), file)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    tar.addfile(_member(name, len(content)), io.BytesIO(content))


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    member.mtime = _EPOCH
    return member


def _json(tar: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo], name: str) -> Any:
    if name not in members:
        return None
    content: IO[bytes] | None = tar.extractfile(members[name])
    return json.load(content) if content else None


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
