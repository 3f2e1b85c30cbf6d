"""Fixtures of the contract test: one server for all of it, started once."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import stack
from tests.contract.postgres import Postgres
from tests.contract.stack import Minio, StandIn, Target

_PREFIX = "floe-contract-"


@pytest.fixture(scope="session")
def run() -> str:
    """What makes the names of this run differ from those of any other."""
    return secrets.token_hex(4)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where the servers of this run keep their files.

    pytest's own folders are root's alone, and PostgreSQL runs as somebody else.
    """
    _forget_killed_runs()
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as path:
        Path(path).chmod(0o711)
        yield Path(path)


def _forget_killed_runs() -> None:
    """Remove the folders of runs that were killed before they could."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL server with the catalog's user and database."""
    server = Postgres(folder / "postgres")
    server.start()
    server.execute(
        "create role polaris login password 'polaris-password'", "create database polaris owner polaris"
    )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def minio(folder: Path) -> Iterator[Minio]:
    """An object store."""
    server = Minio(folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def stand_in(folder: Path, postgres: Postgres, minio: Minio) -> Iterator[StandIn]:
    """The stand-in, its realm bootstrapped and its bucket made."""
    server = StandIn(folder, postgres, minio.endpoint)
    made = server.bootstrap()
    assert (made.returncode, made.stderr) == (0, "")
    server.start()
    server.becomes_ready()
    stack.make_bucket(server.target)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    """The server under test: a real Polaris if the environment names one, else the stand-in."""
    named = stack.given()
    if named is not None:
        stack.make_bucket(named)
        return named
    server: StandIn = request.getfixturevalue("stand_in")
    return server.target
