"""What the host must offer, and what is installed on it when missing."""

from __future__ import annotations

import ipaddress
import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.local.layout import Layout
from foundation import packages
from foundation.cache import cache_root
from foundation.errors import PlatformError, UserError
from foundation.process import run
from foundation.progress import phase

PACKAGES = {
    "containerd": "containerd",
    "ctr": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "runc": "runc",
    "etcd": "etcd-server",
    "ip": "iproute2",
    "nft": "nftables",
    "conntrack": "conntrack",
    "nsenter": "util-linux",
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
}
"""Program to Debian package: everything the node and the image builds take from the distribution."""

CNI_PACKAGE = "containernetworking-plugins"
CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
_CNI_PLUGINS = ("ptp", "host-local", "loopback")

_UNLAYERED = ("overlayfs", "nfs", "cifs", "smb2", "v9fs", "fuseblk")

GIB = 1024**3
FREE_TO_START = 3 * GIB
"""Below this the kubelet would soon evict pods, and a run would fail for no visible reason."""
FREE_TO_BUILD = 10 * GIB
"""Go's caches while Kubernetes is built, the programs, and the room to start."""


def search_path() -> str:
    """PATH with the folders of system programs, which the PATH of some root shells lacks."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def program(name: str) -> Path:
    """Full path of a system program."""
    found = shutil.which(name, path=search_path())
    if not found:
        raise PlatformError(f"{name} is not installed")
    return Path(found)


def cni_folder() -> Path:
    """The folder of the CNI plugins."""
    for folder in CNI_FOLDERS:
        if all((folder / name).exists() for name in _CNI_PLUGINS):
            return folder
    raise PlatformError(f"no CNI plugins in {' or '.join(str(folder) for folder in CNI_FOLDERS)}")


def require_root() -> None:
    """Refuse where namespaces and mounts cannot be made."""
    if platform.system() != "Linux":
        raise UserError(
            f"the local node runs on Linux only, this is {platform.system()}",
            remedy="start a Docker engine and use CLUSTER=kind",
        )
    if os.geteuid() != 0:
        raise UserError(
            "the local cluster needs root (network and mount namespaces, cgroups)",
            remedy="run as root, or choose CLUSTER=kind with Docker, or CLUSTER=existing",
        )


def require_disk(*, building: bool) -> None:
    """Refuse below the room that is needed."""
    place = cache_root()
    place.mkdir(parents=True, exist_ok=True)
    needed, free = FREE_TO_BUILD if building else FREE_TO_START, shutil.disk_usage(place).free
    if free < needed:
        raise UserError(
            f"{place} has {free / GIB:.1f} GiB free, {needed / GIB:.0f} GiB are needed "
            + ("to build and start the node" if building else "to start the node"),
            remedy="free some space, or set FLOE_E2E_CACHE to a folder on a larger disk",
        )


def require_layers() -> None:
    """Refuse a cache on which containers' layered root file systems cannot be mounted."""
    place = cache_root()
    kind = run(["stat", "--file-system", "--format", "%T", place], timeout=10).strip()
    if kind in _UNLAYERED:
        raise UserError(
            f"{place} is on {kind}, on which images cannot be layered",
            remedy="set FLOE_E2E_CACHE to a folder on a disk of its own (inside a container: on a volume)",
        )


def require_free_network(layout: Layout) -> None:
    """Refuse where the host itself already reaches something in the node's range."""
    taken = []
    for route in json.loads(run([program("ip"), "-4", "-json", "route", "show", "table", "all"], timeout=10)):
        destination = route.get("dst", "default")
        if destination == "default" or route.get("dev") == layout.name or route.get("type") == "unreachable":
            continue
        network = ipaddress.IPv4Network(destination, strict=False)
        # A wider route is no conflict: the longer prefix, which is the node's, wins.
        if network.subnet_of(layout.network.whole):
            taken.append(f"{destination} on {route.get('dev', '?')}")
    if taken:
        raise UserError(
            f"the node's addresses {layout.network.whole} are in use here: {', '.join(taken)}",
            remedy="name another private range, e.g. FLOE_E2E_NETWORK=10.231.0.0/16",
        )


def missing_packages() -> list[str]:
    """Debian packages to be installed, sorted."""
    missing = {package for name, package in PACKAGES.items() if not shutil.which(name, path=search_path())}
    if not any(all((folder / name).exists() for name in _CNI_PLUGINS) for folder in CNI_FOLDERS):
        missing.add(CNI_PACKAGE)
    return sorted(missing)


def install_packages() -> None:
    """Install what is missing, without starting any of it as a service of the host."""
    _drop_stale_policy()
    missing = missing_packages()
    if not missing:
        return
    if not packages.can_install():
        raise UserError(
            f"this machine lacks {', '.join(missing)}",
            remedy="install them (names of Debian packages), or use CLUSTER=kind with Docker",
        )
    with phase(f"install {', '.join(missing)}"), _services_stay_off():
        packages.install(missing)
    still = missing_packages()
    if still:
        raise PlatformError(f"apt-get installed its packages, and yet these are missing: {', '.join(still)}")


_POLICY = Path("/usr/sbin/policy-rc.d")
_OURS = "# Put here by the floe acceptance suite while it installs packages.\n"


@contextmanager
def _services_stay_off() -> Iterator[None]:
    """Debian starts a service when its package is installed, unless policy-rc.d says 101.

    The host's administrator may have such a file; then theirs stands and nothing is touched.
    """
    if _POLICY.exists():
        yield
        return
    part = _POLICY.with_suffix(f".{os.getpid()}")
    part.write_text(f"#!/bin/sh\n{_OURS}exit 101\n")
    part.chmod(0o755)
    part.rename(_POLICY)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def _drop_stale_policy() -> None:
    """A run that was killed while it installed left its policy: the host's services would stay off."""
    if _POLICY.exists() and _OURS in _POLICY.read_text(errors="replace"):
        _POLICY.unlink()
