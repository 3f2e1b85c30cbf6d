"""Debian's packages, where the machine is one of Debian's and this is root."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from foundation.cache import locked
from foundation.errors import PlatformError
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


def unpack(package: str, place: Path, *, alone: bool = False) -> None:
    """Download a package with all it needs beyond what is installed, and unpack it; nothing is installed.

    apt works in folders below `place` alone: the machine's package lists stay as they are.

    Args:
        package: its name.
        place: where its files come to lie, at their paths.
        alone: leave out what it needs.

    Raises:
        PlatformError: there is no such package, or apt-get refused; with its last lines.
        DeadlineError: it did not end in time.
    """
    own = place / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (own / folder).mkdir(parents=True)
    options = [
        *("-o", f"Dir::State::Lists={own / 'lists'}"),
        *("-o", f"Dir::Cache={own / 'cache'}"),
        # Its own user could not write here.
        *("-o", "APT::Sandbox::User=root"),
    ]
    run(["apt-get", *options, "update", "-q"], timeout=300)
    names = [package] if alone else _wanted(package, options)
    if not names:
        raise PlatformError(f"apt-get offers no {package}: is this Debian 12?")
    run(["apt-get", *options, "download", *names], timeout=300, cwd=own)
    for archive in sorted(own.glob("*.deb")):
        run(["dpkg", "-x", archive, place], timeout=120)
    shutil.rmtree(own)


def _wanted(package: str, options: Sequence[str]) -> list[str]:
    """The packages that an installation would bring."""
    said = run(
        ["apt-get", *options, "install", "--simulate", "--no-install-recommends", package],
        timeout=120,
        env={"LC_ALL": "C"},
    )
    return re.findall(r"^Inst (\S+)", said, re.MULTILINE)
