"""What the rest of the project knows of an image: its name, its reference, the archive that holds it."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict

from foundation.errors import UserError

REPOSITORY = "localhost/floe-e2e"
"""Where built images say they come from; no registry answers there, so nothing is ever pulled."""


class Image(BaseModel):
    """An image ready to be loaded into a cluster.

    Attributes:
        name: what it is for: postgresql, minio, polaris, polaris-admin, marquez, jaeger,
            prometheus, grafana, dagster.
        ref: the reference pods use; for images built here its tag is the digest of the inputs.
        archive: a tar file that `docker load` and `ctr images import` read.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    ref: str
    archive: Path

    @property
    def size(self) -> int:
        """Bytes of the archive."""
        return self.archive.stat().st_size

    def write_to(self, stream: IO[bytes], *, present: Collection[str] = ()) -> None:
        """Write the archive to a stream, without the layers a node has already.

        A change of one file in the last layer then moves kilobytes, not the whole image.

        Args:
            stream: gets the tar.
            present: content digests (`sha256:...`) the node's content store already holds.
        """
        known = {f"blobs/{digest.replace(':', '/')}" for digest in present}
        with (
            tarfile.open(self.archive, "r:") as whole,
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as part,
        ):
            for member in whole:
                if member.name.removeprefix("./") not in known:
                    part.addfile(member, whole.extractfile(member) if member.isfile() else None)


def references(archive: Path) -> list[str]:
    """The references of the images in an archive, as a cluster will know them.

    Args:
        archive: what `docker save`, `podman save` or `buildah push` wrote, in Docker's or OCI's layout.

    Raises:
        UserError: it is no image archive, or its images carry no name.
    """
    try:
        with tarfile.open(archive) as tar:
            found = _docker_names(tar) or _oci_names(tar)
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as broken:
        raise UserError(
            f"{archive} is not an image archive: {broken}",
            remedy="write it with `docker save NAME:TAG -o FILE`",
        ) from broken
    if not found:
        raise UserError(
            f"{archive} holds no named image",
            remedy="save it by name and tag: `docker save NAME:TAG -o FILE`",
        )
    return [full_reference(name) for name in found]


def full_reference(name: str) -> str:
    """The reference with registry and tag spelled out, as containerd stores it."""
    first, _, rest = name.partition("/")
    if not rest:
        name = f"docker.io/library/{name}"
    elif not re.search(r"[.:]", first) and first != "localhost":
        name = f"docker.io/{name}"
    last = name.rpartition("/")[2]
    return name if ":" in last or "@" in last else f"{name}:latest"


def _docker_names(tar: tarfile.TarFile) -> list[str]:
    listed = _read_json(tar, "manifest.json")
    return [tag for image in listed or [] for tag in image.get("RepoTags") or []]


def _oci_names(tar: tarfile.TarFile) -> list[str]:
    index = _read_json(tar, "index.json") or {"manifests": []}
    notes = [manifest.get("annotations") or {} for manifest in index["manifests"]]
    names = [
        note.get("io.containerd.image.name") or note.get("org.opencontainers.image.ref.name")
        for note in notes
    ]
    return [name for name in names if name]


def _read_json(tar: tarfile.TarFile, name: str) -> Any:
    for spelled in (name, f"./{name}"):
        try:
            member = tar.extractfile(spelled)
        except KeyError:
            continue
        if member is not None:
            return json.load(io.TextIOWrapper(member, "utf-8"))
    return None
