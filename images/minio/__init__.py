"""MinIO, built from its Go module: the program, for the image and for tests without a cluster."""

from __future__ import annotations

import re
from pathlib import Path

MODULE = Path(__file__).resolve().parent
PACKAGE = "github.com/minio/minio"


def version() -> str:
    """The release built here, as MinIO writes it: the time of its commit, from go.mod."""
    found = re.search(rf"{PACKAGE} v0\.0\.0-(\d{{4}})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)-", _mod())
    if found is None:
        raise ValueError(f"{MODULE / 'go.mod'} requires no {PACKAGE}")
    year, month, day, hour, minute, second = found.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"


def binary() -> Path:
    """The static program `minio`; built on first use (some minutes), then from the cache."""
    from cluster.gobuild import go_binaries  # noqa: PLC0415 - images can be described without cluster

    return go_binaries(MODULE, PACKAGE, ldflags=_flags(), title="MinIO") / "minio"


def _flags() -> list[str]:
    release = version()
    return [
        f"-X {PACKAGE}/cmd.Version={release}",
        f"-X {PACKAGE}/cmd.ReleaseTag=RELEASE.{release.replace(':', '-')}",
    ]


def _mod() -> str:
    return (MODULE / "go.mod").read_text()
