"""From layers to an archive that containerd and Docker read, small and without doing work twice.

Layers are compressed with zstd on all cores. Measured with the 1.3 GB dagster image: the archive and
the node's copy of it take 370 MB instead of 1350 MB each, and the node imports it in two thirds of the time.
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

import zstandard

_LEVEL = 3
_PIECE = 1 << 20
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_EPOCH = 1767225600


@dataclass(frozen=True)
class Layer:
    """A compressed layer in a file: its own digest, where it begins, and how long it is."""

    digest: str
    file: Path
    offset: int
    size: int


def pack(folder: Path, ref: str, archive: Path, *, earlier: Iterable[Path] = ()) -> None:
    """Write an image in a folder as a tar named `ref`.

    containerd reads index.json and wants the name in an annotation; Docker reads manifest.json.

    Args:
        folder: as buildah writes it: manifest.json, and each blob under the hex of its SHA-256;
            layers are uncompressed. Layers are deleted as they are compressed.
        ref: the name the image shall have.
        archive: the tar file to write.
        earlier: archives written before; a layer that one of them holds is copied from it.
    """
    manifest = json.loads((folder / "manifest.json").read_text())
    config = (folder / _hex(manifest["config"]["digest"])).read_bytes()
    known = {diff: layer for file in earlier for diff, layer in layers_of(file).items()}
    layers = []
    for described in manifest["layers"]:
        # An uncompressed layer's digest is what the image's configuration calls its diff id.
        diff = described["digest"]
        if diff not in known:
            known[diff] = _compressed(folder / _hex(diff))
        layers.append(known[diff])
    manifest["layers"] = [
        {"mediaType": _LAYER_TYPE, "digest": layer.digest, "size": layer.size} for layer in layers
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
        if member is not None and described["mediaType"] == _LAYER_TYPE:
            found[diff] = Layer(described["digest"], archive, member.offset_data, member.size)
    return found


def _compressed(file: Path) -> Layer:
    out = file.with_suffix(".zst")
    total = hashlib.sha256()
    compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=-1, write_checksum=True)
    with file.open("rb") as plain, out.open("wb") as packed:
        for piece in compressor.read_to_iter(plain, size=file.stat().st_size, read_size=_PIECE):
            total.update(piece)
            packed.write(piece)
    file.unlink()
    return Layer(f"sha256:{total.hexdigest()}", out, 0, out.stat().st_size)


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


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
