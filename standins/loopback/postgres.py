"""A PostgreSQL server of the tests' own: a process on loopback, never a service of the machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import psycopg

from drivers import wait
from foundation import cache, packages, process
from foundation.errors import UserError
from standins.loopback.processes import Running, as_user, free_port

_INSTALLED: Final = Path("/usr/lib/postgresql/15")
_NOBODY: Final = 65534
_PACKAGE: Final = "postgresql-15"


class Postgres:
    """A cluster in a folder of its own, run by an unprivileged user: postgres refuses root."""

    def __init__(self, folder: Path) -> None:
        self._root = programs(folder)
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self.port = free_port()
        self._process: Running | None = None
        self._data.mkdir(parents=True)
        if os.geteuid() == 0:
            os.chown(self._data, _NOBODY, _NOBODY)
            folder.chmod(0o711)
        process.run(
            [
                "setpriv",
                *as_user(user()),
                self._root / "bin" / "initdb",
                "-D",
                self._data,
                "-U",
                "postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            timeout=60,
            cwd=Path("/"),
            env=libraries(self._root),
        )

    @property
    def jdbc_url(self) -> str:
        """The address of the catalog's database."""
        return f"jdbc:postgresql://127.0.0.1:{self.port}/polaris"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process = Running(
            "PostgreSQL",
            [
                self._root / "bin" / "postgres",
                "-D",
                self._data,
                "-p",
                str(self.port),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
                "-c",
                "fsync=off",
            ],
            env=libraries(self._root),
            log=self._log,
            user=user(),
        )
        wait.until(self._answers, bool, what="PostgreSQL answering", within=30, every=0.05)

    def stop(self) -> None:
        """Stop at once, as when its pod is deleted."""
        if self._process is not None:
            self._process.stop(quick=True)

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser."""
        with psycopg.connect(self._address(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def script(self, file: Path, **environment: str) -> str:
        """Have psql run a file as the superuser, as the chart's containers do; gives what it prints.

        Args:
            file: holds psql's commands.
            environment: variables that they read.

        Raises:
            PlatformError: a statement failed; with psql's last lines.
        """
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres"}
        return process.run(
            [self._root / "bin" / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file", file],
            timeout=60,
            env={**libraries(self._root), **where, **environment},
        )

    def _answers(self) -> bool:
        assert self._process is not None
        self._process.must_run()
        try:
            psycopg.connect(self._address("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _address(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database} connect_timeout=2"


def user() -> int | None:
    """Who runs PostgreSQL: it refuses root."""
    return _NOBODY if os.geteuid() == 0 else None


def libraries(root: Path) -> dict[str, str]:
    """Debian's own copy finds its libraries; the unpacked one is told where they lie beside it."""
    if root == _INSTALLED:
        return {}
    tree = root.parents[3]
    folders = [str(path) for path in (tree / "usr/lib").glob("*-linux-gnu")]
    return {"LD_LIBRARY_PATH": ":".join(folders)}


def programs(folder: Path) -> Path:
    """The installed server, else Debian's package unpacked into the cache; nothing is installed."""
    if (_INSTALLED / "bin" / "postgres").exists():
        return _INSTALLED
    if not packages.can_install():
        raise UserError(
            "PostgreSQL 15 is neither installed nor to be had with apt-get",
            remedy=f"install PostgreSQL 15 so that {_INSTALLED}/bin/postgres is there",
        )
    kept = cache.entry("postgresql", cache.digest_of(["2", _PACKAGE]), _unpack)
    # The cache may lie where only root can go, and PostgreSQL runs as nobody.
    tree = folder / "programs"
    shutil.copytree(kept, tree, symlinks=True)
    return tree / _INSTALLED.relative_to("/")


def _unpack(place: Path) -> None:
    packages.unpack(_PACKAGE, place)
    # Half of it compiles queries to machine code, which no test needs, and manuals.
    for unused in (*place.glob("usr/lib/*/libLLVM*"), *place.glob("usr/lib/postgresql/15/lib/bitcode")):
        shutil.rmtree(unused) if unused.is_dir() else unused.unlink()
    for name in ("doc", "locale", "man", "postgresql/15/man"):
        shutil.rmtree(place / "usr/share" / name, ignore_errors=True)
