"""Programs built from Go modules: once per digest of what they are made from, then from the cache."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from foundation.cache import cache_root, digest_of, entry
from foundation.errors import UserError
from foundation.process import run
from foundation.progress import phase

_OLDEST_GO = (1, 25)
_BUILD_DEADLINE = 3600.0

STATIC = {
    # Static binaries run FROM scratch and on any libc; nothing of the machine's own Go settings
    # may change what is built, else two machines would not build the same from the same inputs.
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
    "GOWORK": "off",
    "GO111MODULE": "on",
}


def go() -> str:
    """The Go tool, or a UserError that says how to get it."""
    found = shutil.which("go")
    if not found:
        raise UserError(
            "Go is not installed, and the node's programs are built from their Go modules",
            remedy="install Go 1.25 or newer (https://go.dev/dl) and have `go` in PATH",
        )
    return found


def go_version(folder: Path) -> str:
    """Version of the toolchain that builds the module in `folder`, like `go1.26.1`."""
    tool = go()
    # Asked outside the module, so that an old Go is named rather than downloading a newer one.
    version = run([tool, "env", "GOVERSION"], cwd=folder, timeout=120, env={"GOFLAGS": ""}).strip()
    match = re.match(r"go(\d+)\.(\d+)", version)
    if match and (int(match[1]), int(match[2])) < _OLDEST_GO:
        raise UserError(
            f"{version} is too old for the modules built here",
            remedy="install Go 1.25 or newer (https://go.dev/dl)",
        )
    return version


def go_binaries(folder: Path, *packages: str, ldflags: Sequence[str] = (), title: str | None = None) -> Path:
    """Build `packages` of the Go module in `folder`; return the folder that holds the programs.

    A package is a path in the module (`./kube`) or the import path of a dependency's command.
    The cache entry is keyed by go.mod, go.sum, the sources of packages in the module, the flags
    and the version of Go.

    Args:
        folder: holds go.mod and go.sum, both committed.
        packages: what to build; each program is called after its package's last element.
        ldflags: flags of the linker beside those that strip symbols.
        title: what a person reads while it is built.
    """
    version = go_version(folder)
    digest = go_digest(folder, *packages, ldflags=ldflags, version=version)

    def build(place: Path) -> None:
        names = title or ", ".join(package.rsplit("/", 1)[-1] for package in packages)
        with phase(f"build {names} with {version}"):
            run(
                [
                    *(["nice", "-n", "5"] if shutil.which("nice") else []),
                    go(),
                    "build",
                    "-ldflags",
                    " ".join(["-s", "-w", *ldflags]),
                    "-o",
                    f"{place}{os.sep}",
                    *packages,
                ],
                cwd=folder,
                env=STATIC,
                timeout=_BUILD_DEADLINE,
            )

    return entry("go", digest, build)


def go_digest(folder: Path, *packages: str, ldflags: Sequence[str], version: str) -> str:
    """The digest of all that decides what `go_binaries` builds."""
    sources: list[Path] = [folder / "go.mod"]
    if (folder / "go.sum").exists():
        sources.append(folder / "go.sum")
    if any(package.startswith("./") for package in packages):
        sources += sorted(path for path in folder.rglob("*.go") if not path.name.endswith("_test.go"))
    return digest_of([version, *packages, "--", *ldflags, "--", *sources])


def is_built(folder: Path, *packages: str, ldflags: Sequence[str] = ()) -> bool:
    """Whether the cache already holds what `go_binaries` would build."""
    digest = go_digest(folder, *packages, ldflags=ldflags, version=go_version(folder))
    return (cache_root() / "go" / digest).is_dir()
