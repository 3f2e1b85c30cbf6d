"""Fixtures of the contract test: one server for all of it, started once."""

from __future__ import annotations

import runpy
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import Definitions, ExecuteInProcessResult
from duckdb_extensions import import_extension  # type: ignore[import-untyped]

from drivers import seeds
from drivers.seeds import Seed
from floe_additions.orchestrator.product import Product
from standins.loopback import stack
from standins.loopback.lake import Lake, make_lake
from standins.loopback.postgres import Postgres
from standins.loopback.servers import CATALOG_DATABASE, own_folder
from standins.loopback.stack import Minio, StandIn, Target
from tests import demo_product
from tests.chart import of_kind, rendered
from tests.contract.in_process import launch

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
def lineage_postgres(postgres: Postgres, folder: Path) -> Postgres:
    """The same server with the lineage service's database, made as the chart makes it on an older volume."""
    script = of_kind(rendered(), "ConfigMap")["marquez-configuration"]["data"]["database.sql"]
    file = folder / "lineage-database.sql"
    file.write_text(script)
    for _ in range(2):  # what is there is left alone
        postgres.script(file, MARQUEZ_OWNER_PASSWORD="marquez-password")
    return postgres


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


# ---- a demo product on these servers; the module says which: PRODUCT


@pytest.fixture(scope="module")
def lake(target: Target, run: str) -> Lake:
    """A warehouse of the module's own."""
    return make_lake(target, run)


@pytest.fixture(scope="module")
def product(request: pytest.FixtureRequest) -> Product:
    """The module's product, compiled."""
    return demo_product.built(request.module.PRODUCT)


@pytest.fixture(scope="module")
def seed_files(product: Product) -> dict[str, Seed]:
    """What its seeds say, by table."""
    return {file.stem: seeds.read(file) for file in (product.folder / "seeds").glob("*.csv")}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where its runs keep what is theirs alone."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def dagster(lake: Lake, product: Product, scratch: Path) -> Iterator[Definitions]:
    """Its code location, loaded as the platform loads it."""
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**lake.environment, "FLOE_SCRATCH": str(scratch)}.items():
            environment.setenv(name, value)
        loaded = runpy.run_path(str(product.folder / "definitions.py"))["defs"]
        assert isinstance(loaded, Definitions)
        yield loaded


@pytest.fixture(scope="module")
def first_run(dagster: Definitions, product: Product) -> ExecuteInProcessResult:
    """Its first run, on an empty warehouse."""
    return launch(dagster, product.slug)
