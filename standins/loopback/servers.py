"""All servers at once, in a temporary folder, for as long as somebody needs them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from foundation.errors import PlatformError
from standins.loopback.postgres import Postgres
from standins.loopback.stack import Minio, StandIn, Target, make_bucket

CATALOG_DATABASE = (
    "create role polaris login password 'polaris-password'",
    "create database polaris owner polaris",
)
"""What the catalog finds in PostgreSQL before it starts for the first time."""


@contextmanager
def own_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder that servers of several users can work in; those of killed processes go.

    Args:
        prefix: begins its name; the process's id follows.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*-*"):
        pid = left.name.removeprefix(prefix).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{prefix}{os.getpid()}-") as path:
        # PostgreSQL runs as somebody else and has to pass through.
        Path(path).chmod(0o711)
        yield Path(path)


@contextmanager
def serving(folder: Path) -> Iterator[Target]:
    """PostgreSQL, MinIO and the catalog stand-in, set up and answering.

    Args:
        folder: for all that they keep; see own_folder.

    Raises:
        PlatformError: one of them does not start; with its last words.
    """
    with ExitStack() as running:
        database = Postgres(folder / "postgres")
        database.start()
        running.callback(database.stop)
        database.execute(*CATALOG_DATABASE)
        store = Minio(folder)
        running.callback(store.stop)
        catalog = StandIn(folder, database, store.endpoint)
        made = catalog.bootstrap()
        if made.returncode:
            raise PlatformError(f"the catalog's realm cannot be bootstrapped: {made.stderr.strip()}")
        catalog.start()
        running.callback(catalog.stop)
        catalog.becomes_ready()
        make_bucket(catalog.target)
        yield catalog.target
