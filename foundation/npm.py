"""Tools from npm: pinned by a lock file, installed once, kept in the user's cache."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from foundation.cache import digest_of, entry
from foundation.errors import UserError
from foundation.process import run

_OLDEST_NODE = 20
_INSTALL_SECONDS = 600.0


def node() -> str:
    """Node.js of this machine.

    Raises:
        UserError: it is missing or too old.
    """
    remedy = "apt-get install nodejs npm (version 20 or newer)"
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        raise UserError("Node.js with npm is not installed", remedy=remedy)
    said = run([found, "--version"], timeout=20).strip()
    version = re.match(r"v(\d+)\.", said)
    if not version or int(version.group(1)) < _OLDEST_NODE:
        raise UserError(f"Node.js {said} is too old", remedy=remedy)
    return found


def modules(kind: str, folder: Path) -> Path:
    """The node_modules with what a folder's package-lock.json pins; installed once, then from the cache.

    Args:
        kind: the name that the cache keeps it by.
        folder: holds package.json and package-lock.json.
    """
    locked = (folder / "package.json", folder / "package-lock.json")

    def install(work: Path) -> None:
        for file in locked:
            shutil.copy(file, work)
        words = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier"]
        run(words, timeout=_INSTALL_SECONDS, cwd=work)

    return entry(kind, digest_of(locked), install) / "node_modules"
