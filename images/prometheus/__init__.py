"""Prometheus of Debian: its programs, for tests and checks without a cluster."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from foundation import cache, packages
from foundation.errors import UserError

_PACKAGE = "prometheus"
_INSTALLED = Path("/usr/bin")


def program(name: Literal["prometheus", "promtool"]) -> Path:
    """The path of one of its programs: the installed one, else that of Debian's package in the cache.

    Raises:
        UserError: it is not installed, and this machine has no apt-get.
        PlatformError: the package could not be had; with what apt-get said.
    """
    if (_INSTALLED / name).exists():
        return _INSTALLED / name
    if not packages.can_install():
        raise UserError(
            f"{name} is neither installed nor to be had with apt-get",
            remedy=f"install Prometheus 2.42 or newer so that {_INSTALLED / name} is there",
        )
    return cache.entry(_PACKAGE, cache.digest_of(["1", _PACKAGE]), _unpack) / "usr" / "bin" / name


def _unpack(place: Path) -> None:
    # Both programs need the C library alone; what the package needs otherwise is its web page's.
    packages.unpack(_PACKAGE, place, alone=True)
    shutil.rmtree(place / "usr" / "share", ignore_errors=True)
