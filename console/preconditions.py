"""What the machine must have before anything is begun; each lack is one line and its remedy."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster import gobuild
from foundation import process
from foundation.cache import ROOT, cache_root
from foundation.errors import PlatformError, UserError

Check = Callable[[], None]
"""A check returns quietly or raises UserError."""

GIB = 1024**3

DISK_BUILT = 6 * GIB
"""Free space that a run needs when everything is built: volumes, logs, snapshots of containers."""

DISK_FRESH = 25 * GIB
"""Free space that the first run needs: Go's module and build caches, images, the node's store."""


def check(checks: Sequence[Check]) -> None:
    """Make every check; the first that fails raises its UserError."""
    for one in checks:
        one()


def root() -> None:
    """A local node needs root: namespaces, mounts and cgroups are made."""
    if os.geteuid() != 0:
        raise UserError(
            "the local cluster needs root (network and mount namespaces, cgroups)",
            remedy="run as root, or choose CLUSTER=kind with Docker, or CLUSTER=existing",
        )


def go() -> None:
    """A Go new enough for every module that is built here."""
    gobuild.go_version(ROOT)


def java() -> None:
    """A JDK 17 and Maven build the catalog stand-in."""
    _tool("javac", ["-version"], r"javac (\d+)", (17,), "apt-get install openjdk-17-jdk-headless")
    _tool("mvn", ["-v"], r"Maven (\d+)", (3,), "apt-get install maven")


def node() -> None:
    """Node.js builds the Allure report."""
    _tool("node", ["--version"], r"v(\d+)", (18,), "install Node.js 20")
    _tool("npm", ["--version"], r"(\d+)", (9,), "install Node.js 20 with npm")


def disk() -> None:
    """Room in the user's cache: much for a first run, little once everything is built."""
    place = _existing(cache_root())
    free = shutil.disk_usage(place).free
    needed = DISK_BUILT if (cache_root() / "go").is_dir() else DISK_FRESH
    if free < needed:
        raise UserError(
            f"{place} has {free / GIB:.1f} GiB free; this run needs {needed / GIB:.0f} GiB",
            remedy="free some room, or set FLOE_E2E_CACHE to a folder on a larger disk",
        )


def _tool(name: str, ask: list[str], pattern: str, least: tuple[int, ...], remedy: str) -> None:
    wanted = ".".join(str(number) for number in least)
    if shutil.which(name) is None:
        raise UserError(f"{name} is not on PATH; {wanted} or newer is needed", remedy=remedy)
    try:
        said = process.run([name, *ask], timeout=60)
    except PlatformError as broken:
        raise UserError(f"{name} does not run: {broken}", remedy=remedy) from broken
    found = re.search(pattern, said)
    if found is None or tuple(int(group) for group in found.groups()) < least:
        raise UserError(
            f"{name} is {said.strip().splitlines()[0]!r}; {wanted} or newer is needed", remedy=remedy
        )


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
