"""What builds a Containerfile: buildah in a store of its own, or Docker where kind is the cluster."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from foundation import process
from foundation.cache import cache_root, digest_of
from foundation.errors import PlatformError, UserError
from images import rootfs
from images.model import REPOSITORY
from images.packing import known_layers, pack, place_known
from images.work import work_folder

_BUILD_LIMIT = 2400.0
_LIMIT = 600.0
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class Engine(Protocol):
    """Builds a Containerfile in a folder and writes the result to an archive."""

    name: str

    def base(self, recipe: Path) -> dict[str, str]:
        """The build argument BASE for an image that stands on the root file system `recipe`."""
        ...

    def build(self, context: Path, containerfile: str, ref: str, arguments: Mapping[str, str]) -> None:
        """Build the Containerfile of this path in `context` under the reference `ref`."""
        ...

    def save(self, ref: str, archive: Path) -> None:
        """Write the image to a tar that `docker load` and `ctr images import` read."""
        ...

    def forget(self, name: str, keep: set[str]) -> None:
        """Drop the images of this name but those named; layers that others use stay."""
        ...


class Buildah:
    """buildah as root, without a container runtime, a registry or the host's container store."""

    name = "buildah"

    def __init__(self) -> None:
        self.store = cache_root() / "buildah"

    def base(self, recipe: Path) -> dict[str, str]:
        """A base image made by mmdebstrap, built into the store when it is absent."""
        containerfile = Path(__file__).with_name("rootfs.Containerfile")
        name = f"base-{recipe.name}"
        ref = f"{REPOSITORY}/{name}:{digest_of([*rootfs.inputs(recipe), containerfile])}"
        if not self.has(ref):
            tar = rootfs.rootfs(recipe)
            with work_folder() as context:
                (context / "rootfs.tar").hardlink_to(tar)
                shutil.copy(containerfile, context)
                self.build(context, containerfile.name, ref, {})
            with suppress(PlatformError):
                self.forget(name, {ref})
        return {"BASE": ref}

    def build(self, context: Path, containerfile: str, ref: str, arguments: Mapping[str, str]) -> None:
        """Build with cached layers; package clients get the host's certificates for the time of a RUN."""
        with _client_settings() as secrets:
            self._run(
                "bud",
                "--isolation=chroot",
                "--layers",
                "--pull-never",
                "--identity-label=false",
                f"--timestamp={rootfs.EPOCH}",
                *(f"--build-arg={key}={value}" for key, value in arguments.items()),
                *(f"--secret=id={key},src={path}" for key, path in secrets.items()),
                *self._package_cache(),
                f"--file={context / containerfile}",
                f"--tag={ref}",
                context,
                timeout=_BUILD_LIMIT,
            )

    def save(self, ref: str, archive: Path) -> None:
        """Write the archive; layers that an earlier archive has are taken from there."""
        known = known_layers(sorted((cache_root() / "images").glob("*/*.tar")))
        with work_folder() as folder:
            layout = folder / "layout"
            place_known(layout, known)
            self._run(
                "push",
                "--quiet",
                "--compression-format=zstd",
                "--compression-level=3",
                ref,
                f"oci:{layout}:image",
                timeout=_LIMIT,
            )
            pack(layout, ref, archive, known)

    def has(self, ref: str) -> bool:
        """Whether the store holds this image."""
        try:
            self._run("inspect", "--type=image", ref, timeout=_LIMIT)
        except PlatformError:
            return False
        return True

    def forget(self, name: str, keep: set[str]) -> None:
        """Drop older images of this name, and working containers that a killed build left."""
        self._run("rm", "--all", timeout=_LIMIT)
        listed = json.loads(self._run("images", "--json", timeout=_LIMIT) or "[]")
        names = [ref for image in listed for ref in image.get("names") or []]
        old = [ref for ref in names if ref.startswith(f"{REPOSITORY}/{name}:") and ref not in keep]
        if old:
            self._run("rmi", *old, timeout=_LIMIT)

    def _package_cache(self) -> list[str]:
        """Uv's own cache of this user, lent to RUN steps: what the suite installed is not fetched again."""
        folder = Path(os.environ.get("UV_CACHE_DIR") or Path.home() / ".cache" / "uv")
        return [f"--volume={folder}:/var/cache/uv:rw"] if folder.is_dir() else []

    def _run(self, *words: str | Path, timeout: float) -> str:
        if shutil.which("buildah") is None:
            raise UserError(
                "buildah is not installed; it builds the images",
                remedy="run `make up` as root, which installs it, or apt-get install buildah",
            )
        if os.geteuid() != 0:
            raise UserError(
                "building images for the local cluster needs root", remedy="run as root, or CLUSTER=kind"
            )
        self.store.mkdir(parents=True, exist_ok=True)
        # What a killed build left in its run root must not be taken for mounted, so each call has its own.
        with work_folder() as temporary:
            return process.run(
                [
                    *rootfs.process_cage(),
                    "buildah",
                    f"--root={self.store / 'storage'}",
                    f"--runroot={temporary / 'run'}",
                    "--storage-driver=overlay",
                    *words,
                ],
                timeout=timeout,
                env={"BUILDAH_ISOLATION": "chroot", "TMPDIR": str(temporary)},
            )


class Docker:
    """The Docker engine that kind runs on; its own cache keeps the layers."""

    name = "docker"

    def base(self, recipe: Path) -> dict[str, str]:  # noqa: ARG002
        """Nothing: the Containerfile's own default stands, a published image."""
        return {}

    def build(self, context: Path, containerfile: str, ref: str, arguments: Mapping[str, str]) -> None:
        """Build with BuildKit."""
        with _client_settings() as secrets:
            process.run(
                [
                    "docker",
                    "build",
                    *(f"--build-arg={key}={value}" for key, value in arguments.items()),
                    *(f"--secret=id={key},src={path}" for key, path in secrets.items()),
                    f"--file={context / containerfile}",
                    f"--tag={ref}",
                    context,
                ],
                timeout=_BUILD_LIMIT,
                env={"DOCKER_BUILDKIT": "1"},
            )

    def save(self, ref: str, archive: Path) -> None:
        """Write what `docker save` writes."""
        process.run(["docker", "save", "--output", archive, ref], timeout=_LIMIT)

    def forget(self, name: str, keep: set[str]) -> None:
        """Drop older images of this name."""
        listed = process.run(
            ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", f"{REPOSITORY}/{name}"],
            timeout=_LIMIT,
        )
        old = [ref for ref in listed.split() if ref not in keep]
        if old:
            process.run(["docker", "rmi", *old], timeout=_LIMIT)


@contextmanager
def _client_settings() -> Iterator[dict[str, Path]]:
    """What package clients in a RUN step need to reach a registry from here: never part of an image.

    Certificates and the address of a package index are this host's own affair; they are given as
    build secrets, which exist only while a step runs.
    """
    with tempfile.TemporaryDirectory(prefix="floe-e2e-clients-") as folder:
        secrets: dict[str, Path] = {}
        authority = Path(os.environ.get("SSL_CERT_FILE") or _CERTIFICATES)
        if authority.is_file():
            secrets["certificates"] = authority
        index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
        if index:
            path = Path(folder) / "index"
            path.touch(mode=0o600)
            path.write_text(index)
            secrets["index"] = path
        yield secrets
