"""The node's programs and its own images, built from Go modules."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cluster.gobuild import go_binaries, is_built
from cluster.tools import GO, KUBERNETES_VERSION
from foundation.cache import digest_of, entry
from images.model import REPOSITORY, Image

_MAJOR, _MINOR = KUBERNETES_VERSION.removeprefix("v").split(".")[:2]
_VERSION = "k8s.io/component-base/version"
_KUBE_FLAGS = (
    f"-X {_VERSION}.gitVersion={KUBERNETES_VERSION}",
    f"-X {_VERSION}.gitMajor={_MAJOR}",
    f"-X {_VERSION}.gitMinor={_MINOR}",
    f"-X {_VERSION}.gitTreeState=clean",
)
_KUBE = (GO / "kubernetes", "./kube")
_COREDNS = (GO / "kubernetes", "./coredns")
_VOLUMES = (GO / "kubernetes", "./volumes")
_NODE = (GO / "node", "./init", "./pause")


@dataclass(frozen=True)
class Programs:
    """What the node runs.

    Attributes:
        kube: folder of `kube`, every Kubernetes server in one program.
        node: folder of `init`, process 1 of the node.
        pause: image that holds a pod's namespaces open.
        coredns: image of the cluster's DNS.
        volumes: image that makes the volumes of the default StorageClass.
    """

    kube: Path
    node: Path
    pause: Image
    coredns: Image
    volumes: Image

    @property
    def images(self) -> Sequence[Image]:
        """Every image of the node itself."""
        return (self.pause, self.coredns, self.volumes)


def all_built() -> bool:
    """Whether nothing has to be built."""
    return (
        is_built(*_KUBE, ldflags=_KUBE_FLAGS)
        and is_built(*_COREDNS)
        and is_built(*_VOLUMES)
        and is_built(*_NODE)
    )


def programs() -> Programs:
    """Build what is not in the cache."""
    if all_built():
        # Only looking up: four look-ups side by side, each asks Go for its version.
        with ThreadPoolExecutor() as pool:
            kube, coredns, volumes, node = pool.map(_call, _BUILDS)
    else:
        kube, coredns, volumes, node = (build() for build in _BUILDS)
    return Programs(
        kube=kube,
        node=node,
        pause=scratch_image("pause", {"pause": node / "pause"}, entrypoint="/pause"),
        coredns=scratch_image("coredns", {"coredns": coredns / "coredns"}, entrypoint="/coredns"),
        volumes=scratch_image("volumes", {"volumes": volumes / "volumes"}, entrypoint="/volumes"),
    )


def _call(build: Callable[[], Path]) -> Path:
    return build()


_BUILDS: tuple[Callable[[], Path], ...] = (
    lambda: go_binaries(*_KUBE, ldflags=_KUBE_FLAGS, title=f"Kubernetes {KUBERNETES_VERSION}"),
    lambda: go_binaries(*_COREDNS, title="CoreDNS"),
    lambda: go_binaries(*_VOLUMES, title="what makes volumes"),
    lambda: go_binaries(*_NODE, title="the node's own programs"),
)


def scratch_image(name: str, files: Mapping[str, Path | str], *, entrypoint: str) -> Image:
    """An image of nothing but static programs, written without any container tool.

    Args:
        name: last element of its reference.
        files: name in the image's root to the program, or to the name it is a link to.
        entrypoint: what it runs.
    """
    inputs: list[Path | str] = ["scratch image 1", name, entrypoint]
    for inside, source in files.items():
        # A program from the cache is known by its digest, the name of its folder.
        inputs += [inside, source if isinstance(source, str) else f"{source.parent.name}/{source.name}"]
    digest = digest_of(inputs)
    reference = f"{REPOSITORY}/{name}:{digest}"

    def build(place: Path) -> None:
        (place / "image.tar").write_bytes(_oci_archive(reference, _layer(files), entrypoint))

    return Image(name=name, ref=reference, archive=entry("node-images", digest, build) / "image.tar")


def _layer(files: Mapping[str, Path | str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for inside, source in files.items():
            member = tarfile.TarInfo(inside)
            if isinstance(source, str):
                member.type, member.linkname = tarfile.SYMTYPE, source
                tar.addfile(member)
            else:
                data = source.read_bytes()
                member.size, member.mode = len(data), 0o755
                tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def _oci_archive(reference: str, layer: bytes, entrypoint: str) -> bytes:
    layer_digest = _sha256(layer)
    config = _json(
        {
            "architecture": _architecture(),
            "os": "linux",
            "config": {"Entrypoint": [entrypoint], "User": "0:0"},
            "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
            "history": [{"created_by": "static program, FROM scratch"}],
        }
    )
    vendor = "application/vnd.oci.image"
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{vendor}.manifest.v1+json",
            "config": _descriptor(f"{vendor}.config.v1+json", config),
            "layers": [_descriptor(f"{vendor}.layer.v1.tar", layer)],
        }
    )
    index = _json(
        {
            "schemaVersion": 2,
            "manifests": [
                _descriptor(f"{vendor}.manifest.v1+json", manifest)
                | {
                    "annotations": {
                        "io.containerd.image.name": reference,
                        "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
                    }
                }
            ],
        }
    )
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in {
            "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
            "index.json": index,
            **{f"blobs/{_sha256(blob).replace(':', '/')}": blob for blob in (manifest, config, layer)},
        }.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def _architecture() -> str:
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _sha256(content), "size": len(content)}


def _sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
