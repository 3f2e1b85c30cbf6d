"""The server: the gateway on two ports, and the Iceberg host that lives and dies with it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from standins.common import audit
from standins.common.serving import listening
from standins.polaris import catalog, management, oauth
from standins.polaris.access import Tokens
from standins.polaris.database import Database
from standins.polaris.health import Health
from standins.polaris.http import Api, Services, public_route
from standins.polaris.iceberg import HostError, IcebergHost, classpath
from standins.polaris.settings import Settings, SettingsError
from standins.polaris.vending import Vendor


def main() -> int:
    """Serve until told to stop."""
    try:
        settings = Settings.from_environment(os.environ)
        jars = classpath(Path(os.environ.get("POLARIS_STANDIN_JARS", "/opt/polaris/jars")))
        return asyncio.run(_serve(settings, jars))
    except (SettingsError, HostError) as problem:
        print(f"polaris stand-in: {problem}", file=sys.stderr)
        return 1


async def _serve(settings: Settings, jars: str) -> int:
    host = IcebergHost(settings, jars)
    vendor = Vendor(host, has_keys=settings.has_aws_keys)
    services = Services(settings, Database(settings.database), host, Tokens(settings), vendor)
    api = Api(
        services,
        [
            public_route("POST", "/api/catalog/v1/oauth/tokens", oauth.token),
            *management.routes(),
            *catalog.routes(),
        ],
    )
    servers = [
        listening(api, settings.host, settings.port),
        listening(Health(services), settings.management_host, settings.management_port),
    ]
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    gone = asyncio.create_task(host.run())
    told = asyncio.create_task(stopping.wait())
    audit.record("server", "started", port=settings.port, management_port=settings.management_port)
    done, _ = await asyncio.wait([*tasks, gone, told], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks, return_exceptions=True)
    if gone in done:
        problem = str(gone.exception() or f"the Iceberg host ended with code {gone.result()}")
        audit.record("server", "failed", problem=problem)
    told.cancel()
    await host.stop()
    gone.cancel()
    await services.database.close()
    return 0 if told in done else 1
