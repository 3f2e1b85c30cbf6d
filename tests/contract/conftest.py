"""Fixtures of the contract test: one server for all of it, started once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from standins.loopback import stack
from standins.loopback.postgres import Postgres
from standins.loopback.servers import CATALOG_DATABASE, own_folder
from standins.loopback.stack import Minio, StandIn, Target

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
    with own_folder(_PREFIX) as path:
        yield path


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL server with the catalog's user and database."""
    server = Postgres(folder / "postgres")
    server.start()
    server.execute(*CATALOG_DATABASE)
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
