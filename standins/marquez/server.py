"""The server: the API and its admin port, until told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import psycopg

from standins.common import audit
from standins.common.serving import listening
from standins.marquez import api
from standins.marquez.database import Database
from standins.marquez.health import Health
from standins.marquez.http import Api
from standins.marquez.metrics import Metrics
from standins.marquez.settings import Settings, SettingsError


def main() -> int:
    """Serve until told to stop; 1 when the database is not there at the start, as the real server does."""
    try:
        return asyncio.run(_serve(Settings.from_environment(os.environ)))
    except SettingsError as problem:
        print(f"marquez stand-in: {problem}", file=sys.stderr)
    except (psycopg.Error, OSError) as down:
        print(f"marquez stand-in: the database cannot be used: {type(down).__name__}", file=sys.stderr)
    return 1


async def _serve(settings: Settings) -> int:
    database = Database(settings)
    await database.migrate()
    metrics = Metrics(database)
    servers = [
        listening(
            Api(database, api.routes(), metrics, max_body=settings.max_body),
            settings.marquez_host,
            settings.marquez_port,
        ),
        listening(Health(database, metrics), settings.marquez_host, settings.marquez_admin_port),
    ]
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    told = asyncio.create_task(stopping.wait())
    audit.record("server", "started", port=settings.marquez_port, admin_port=settings.marquez_admin_port)
    done, _ = await asyncio.wait([*tasks, told], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks, return_exceptions=True)
    told.cancel()
    await database.close()
    return 0 if told in done else 1
