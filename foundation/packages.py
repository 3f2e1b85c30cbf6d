"""Debian's packages, where the machine is one of Debian's and this is root."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from foundation.cache import locked
from foundation.process import run
from foundation.progress import say

_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def can_install() -> bool:
    """Whether this machine has Debian's package manager."""
    return shutil.which("apt-get") is not None


def install(names: Sequence[str]) -> None:
    """Install packages by name, and nothing that they merely recommend; one install at a time.

    Raises:
        PlatformError: apt-get refused; with its last lines.
        DeadlineError: it did not end in time.
    """
    with locked("apt", waiting=lambda holder: say(f"waiting: {holder} installs packages")):
        run(["apt-get", "update", "-q"], timeout=300, env=_QUIET)
        words = ["apt-get", "install", "-q", "--yes", "--no-install-recommends", *names]
        run(words, timeout=900, env=_QUIET)
