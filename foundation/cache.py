"""The user's cache: what was built once is kept under the digest of what it was built from.

Two runs may race and either may be killed: an entry is built in a folder of its own and
moved into place in one rename, under a lock that the kernel releases with its holder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

SYSTEM_VARIABLE = "FLOE_E2E_SYSTEM"
"""The variable by which another system than the checkout's is tested."""

SYSTEM = Path(os.environ.get(SYSTEM_VARIABLE) or ROOT)
"""Where chart, images and products are taken from: the checkout, or a copy of it with a planted fault."""

STATE = ROOT / ".cluster"
"""What belongs to this checkout alone (kubeconfig, image list); ignored by git."""


def cache_root() -> Path:
    """The suite's folder in the user's cache: FLOE_E2E_CACHE, else XDG_CACHE_HOME/floe-e2e."""
    chosen = os.environ.get("FLOE_E2E_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "floe-e2e"


def digest_of(inputs: Iterable[Path | str]) -> str:
    """Sixteen hex digits over the inputs: a string counts as itself, a path with its content.

    A folder counts with the relative names and contents of all its files; bytecode and
    git-ignored build folders do not count.
    """
    total = hashlib.sha256()
    for item in inputs:
        if isinstance(item, str):
            total.update(b"s" + item.encode() + b"\0")
        elif item.is_dir():
            for file in sorted(_files(item)):
                total.update(b"f" + str(file.relative_to(item)).encode() + b"\0")
                total.update(_fingerprint(file))
        else:
            total.update(b"f" + item.name.encode() + b"\0" + _fingerprint(item))
    return total.hexdigest()[:16]


_NOT_INPUT = frozenset(
    {"__pycache__", "target", "logs", "dbt_packages", "node_modules", ".pytest_cache", ".user.yml"}
)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        relative = path.relative_to(folder).parts
        if path.is_file() and not _NOT_INPUT.intersection(relative) and not relative[-1].endswith(".pyc"):
            yield path


def _fingerprint(file: Path) -> bytes:
    executable = b"x" if os.access(file, os.X_OK) else b"-"
    return executable + hashlib.sha256(file.read_bytes()).digest()


@contextmanager
def locked(name: str, *, waiting: Callable[[str], None] = lambda _holder: None) -> Iterator[None]:
    """Hold the lock `name` of the cache; tells `waiting` once who holds it, then waits."""
    path = cache_root() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked_file(path, f"pid {os.getpid()} of {ROOT}", waiting=waiting):
        yield


@contextmanager
def locked_file(path: Path, holder: str, *, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock that is this file, and leave in it who does.

    The lock is the kernel's (flock), so a killed holder never leaves it behind.

    Args:
        path: the file; made when absent, and left.
        holder: what others are told of this process.
        waiting: told once who holds the lock, before waiting for it.
    """
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            waiting(handle.read().strip() or "another run")
            fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        handle.truncate()
        handle.write(holder)
        handle.flush()
        yield


def entry(kind: str, digest: str, build: Callable[[Path], None]) -> Path:
    """The folder of what `build` makes from inputs of this digest; built only when absent.

    `build` gets an empty folder and fills it. A failed or killed build leaves nothing that
    a later call takes for finished.
    """
    place = cache_root() / kind / digest
    if place.is_dir():
        return place
    with locked(f"{kind}-{digest}"):
        if place.is_dir():
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        for stale in place.parent.glob(f".{digest}.*"):
            shutil.rmtree(stale, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f".{digest}.", dir=place.parent))
        try:
            build(work)
            work.chmod(0o755)
            work.rename(place)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return place
