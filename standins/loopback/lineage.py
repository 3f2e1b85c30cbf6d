"""The lineage stand-in as a process on loopback."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx

from drivers import wait
from foundation.cache import ROOT
from standins.loopback.postgres import Postgres
from standins.loopback.processes import Running, free_port


class LineageStandIn:
    """The stand-in of Marquez, with a database of its own.

    Args:
        folder: for what it prints.
        database: the PostgreSQL server, with the service's database.
    """

    def __init__(self, folder: Path, database: Postgres) -> None:
        self.log = folder / "lineage.log"
        port, admin_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.admin_url = f"http://127.0.0.1:{admin_port}"
        self.environment = {
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(database.port),
            "POSTGRES_DB": "marquez",
            "POSTGRES_USER": "marquez",
            "POSTGRES_PASSWORD": "marquez-password",
            "MARQUEZ_HOST": "127.0.0.1",
            "MARQUEZ_PORT": str(port),
            "MARQUEZ_ADMIN_PORT": str(admin_port),
            "PYTHONPATH": str(ROOT),
        }
        self._process: Running | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it is healthy."""
        self._process = Running(
            "the lineage stand-in",
            [sys.executable, "-m", "standins.marquez"],
            env=self.environment,
            log=self.log,
        )
        wait.until(self._healthy, bool, what="the lineage stand-in's health", within=30, every=0.05)

    def stop(self) -> None:
        """Stop it as its pod is stopped."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()

    def _healthy(self) -> bool:
        assert self._process is not None
        self._process.must_run()
        try:
            return httpx.get(f"{self.admin_url}/healthcheck", timeout=5).is_success
        except httpx.HTTPError:
            return False
