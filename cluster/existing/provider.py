"""A cluster of the user's: never made or ended here, images go through a registry they name."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

from cluster import remote
from cluster.provider import KUBECONFIG, Status, named_kubeconfig
from cluster.tools import kubectl
from foundation.errors import PlatformError, UserError
from foundation.process import run
from foundation.progress import phase
from images.model import REPOSITORY, Image

_PUSH_DEADLINE = 1800


class Existing:
    """The current context of the kubeconfig the user names."""

    name = "existing"

    @property
    def kubeconfig(self) -> Path:
        """Access to the cluster: the current context alone, copied into this checkout."""
        return KUBECONFIG

    def up(self) -> None:
        """Copy the access and see that the cluster is Ready and images have somewhere to go."""
        registry()
        named = named_kubeconfig()
        if not named or not Path(named).is_file():
            raise UserError(
                f"CLUSTER=existing needs a kubeconfig, {named or 'none'} is "
                + ("not a file" if named else "named"),
                remedy="FLOE_E2E_KUBECONFIG=/path/to/kubeconfig IMAGE_REGISTRY=registry/path make up",
            )
        view: list[str | Path] = [
            kubectl(),
            "--kubeconfig",
            named,
            "config",
            "view",
            "--raw",
            "--minify",
            "--flatten",
        ]
        try:
            remote.write_kubeconfig(run(view, timeout=30))
        except PlatformError as unreadable:
            raise UserError(f"{named}: {unreadable}", remedy="set its current-context") from unreadable
        if not self.status().ready:
            raise UserError(
                f"the cluster of {named} does not answer, or not all of its nodes are Ready",
                remedy=f"kubectl --kubeconfig {named} get nodes",
            )

    def down(self) -> None:
        """Forget the access; the cluster is the user's."""
        KUBECONFIG.unlink(missing_ok=True)

    def status(self) -> Status:
        """What runs."""
        if not KUBECONFIG.exists():
            return Status(provider=self.name, running=False)
        return remote.status(self.name, KUBECONFIG)

    def node_address(self) -> str:
        """The first node's address; whether node ports are let through is the cluster's affair."""
        address = self.status().address
        if not address:
            raise PlatformError("the cluster names no address of any node")
        return address

    def load(self, images: Sequence[Image]) -> None:
        """Push what the registry lacks."""
        for image in images:
            if not self.has(image.ref):
                with phase(f"push {image.name} ({image.size / 1e6:.0f} MB)"):
                    _push(image.archive, self.reference(image.ref))

    def has(self, ref: str) -> bool:
        """Whether the registry has this image."""
        try:
            _inspect(self.reference(ref))
        except PlatformError:
            return False
        return True

    def reference(self, ref: str) -> str:
        """The same image in the user's registry."""
        inside = ref.removeprefix(f"{REPOSITORY}/")
        return ref if inside == ref else f"{registry()}/{inside}"


def registry() -> str:
    """Where images are pushed and pulled."""
    named = os.environ.get("IMAGE_REGISTRY", "").rstrip("/")
    if not named:
        raise UserError(
            "CLUSTER=existing needs a registry for the images that are built here",
            remedy="name one that takes your pushes and that the nodes pull from: "
            "IMAGE_REGISTRY=registry.example.com/floe",
        )
    return named


def transport(archive: Path) -> str:
    """How containers' tools call the archive's layout."""
    with tarfile.open(archive) as tar:
        names = {name.removeprefix("./") for name in tar.getnames()}
    return "oci-archive" if "oci-layout" in names and "manifest.json" not in names else "docker-archive"


def _push(archive: Path, reference: str) -> None:
    source = f"{transport(archive)}:{archive}"
    if shutil.which("skopeo"):
        run(["skopeo", "copy", source, f"docker://{reference}"], timeout=_PUSH_DEADLINE)
        return
    _require_buildah()
    pulled = run(["buildah", "pull", "--quiet", source], timeout=_PUSH_DEADLINE).split()[-1]
    try:
        run(["buildah", "push", "--quiet", pulled, f"docker://{reference}"], timeout=_PUSH_DEADLINE)
    finally:
        run(["buildah", "rmi", pulled], timeout=60)


def _inspect(reference: str) -> None:
    if shutil.which("skopeo"):
        run(["skopeo", "inspect", "--raw", f"docker://{reference}"], timeout=60)
    else:
        _require_buildah()
        run(["buildah", "manifest", "inspect", f"docker://{reference}"], timeout=60)


def _require_buildah() -> None:
    if not shutil.which("buildah"):
        raise UserError(
            "neither skopeo nor buildah is installed to push images with",
            remedy="apt-get install skopeo",
        )
