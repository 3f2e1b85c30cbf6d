"""Folders that last only as long as a step of a build."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundation.cache import cache_root


def work_root() -> Path:
    """Where they lie: on the cache's own file system, so that files can be linked and moved."""
    return cache_root() / "images-work"


@contextmanager
def work_folder() -> Iterator[Path]:
    """An empty folder, gone at the end."""
    work_root().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work_root()) as folder:
        yield Path(folder)


def sweep() -> None:
    """Remove what killed builds left. Only while no other build can run."""
    shutil.rmtree(work_root(), ignore_errors=True)
    for unfinished in (cache_root() / "images").glob(".*"):
        shutil.rmtree(unfinished, ignore_errors=True)
