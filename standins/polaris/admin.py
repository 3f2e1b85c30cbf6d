"""The admin tool: makes the schema and a realm with its root principal."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg.types.json import Jsonb

from standins.polaris import store
from standins.polaris.database import SCHEMA, Connection, Database
from standins.polaris.settings import SettingsError, database_from_environment

ALREADY: Final = 3
"""The exit code of the real tool when a realm was bootstrapped before."""
_LOCK: Final = 0x506F6C61


class AlreadyBootstrappedError(Exception):
    """The realm has a root principal."""


def main(arguments: Sequence[str]) -> int:
    """`bootstrap -r REALM... [-c REALM,CLIENT_ID,CLIENT_SECRET...] [-p]`."""
    parser = argparse.ArgumentParser(prog="polaris-admin")
    commands = parser.add_subparsers(dest="command", required=True)
    bootstrap = commands.add_parser("bootstrap", help="make the schema and the realms named")
    bootstrap.add_argument("-r", "--realm", action="append", required=True, metavar="REALM")
    bootstrap.add_argument(
        "-c", "--credential", action="append", default=[], metavar="REALM,CLIENT_ID,CLIENT_SECRET"
    )
    bootstrap.add_argument("-p", "--print-credentials", action="store_true")
    given = parser.parse_args(arguments)
    credentials: dict[str, tuple[str, str]] = {}
    for credential in given.credential:
        parts = credential.split(",", 2)
        if len(parts) != 3 or not all(parts):
            parser.error("a credential is REALM,CLIENT_ID,CLIENT_SECRET")
        credentials[parts[0]] = (parts[1], parts[2])
    try:
        settings = database_from_environment(os.environ)
        asyncio.run(_bootstrap(Database(settings), given.realm, credentials, shown=given.print_credentials))
    except AlreadyBootstrappedError as already:
        print(f"{already}", file=sys.stderr)
        return ALREADY
    except (SettingsError, psycopg.Error) as failure:
        print(f"Bootstrap encountered errors during operation: {failure}", file=sys.stderr)
        return 1
    print("Bootstrap completed successfully.")
    return 0


async def _bootstrap(
    database: Database,
    realms: Sequence[str],
    credentials: dict[str, tuple[str, str]],
    *,
    shown: bool,
) -> None:
    for realm in realms:
        client_id, secret = credentials.get(realm) or (store.new_client_id(), store.new_secret())
        async with database.transaction() as connection:
            await connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            await _make_realm(connection, realm, client_id, secret)
        print(f"Realm '{realm}' successfully bootstrapped.")
        if shown and realm not in credentials:
            print(f"realm: {realm} root principal credentials: {client_id}:{secret}")
    await database.close()


async def _make_realm(connection: Connection, realm: str, client_id: str, secret: str) -> None:
    cursor = await connection.execute("select to_regclass('polaris_schema.entities') is null as absent")
    row = await cursor.fetchone()
    if row is None or row["absent"]:
        await connection.execute(SCHEMA)
    # The role, not root itself: a realm whose root was deleted stays locked, as in Polaris.
    if await store.find(connection, realm, "PRINCIPAL_ROLE", "service_admin") is not None:
        raise AlreadyBootstrappedError(
            f"It appears this metastore manager has already been bootstrapped: realm '{realm}'"
        )
    now = int(time.time() * 1000)
    ids = {}
    for kind, name, internal in (
        ("PRINCIPAL", "root", {"clientId": client_id}),
        ("PRINCIPAL_ROLE", "service_admin", {}),
    ):
        cursor = await connection.execute(
            "insert into entities (realm_id, type, name, created_ms, updated_ms, internal)"
            " values (%s, %s, %s, %s, %s, %s) returning id",
            (realm, kind, name, now, now, Jsonb(internal)),
        )
        made = await cursor.fetchone()
        ids[name] = made["id"] if made else 0
    await store.keep_secret(connection, realm, ids["root"], client_id, secret)
    await store.assign(connection, role=ids["service_admin"], grantee=ids["root"])
    await connection.execute(
        "insert into grant_records (grantee_id, catalog_id, level, privilege)"
        " values (%s, 0, 'root', 'SERVICE_MANAGE_ACCESS')",
        (ids["service_admin"],),
    )
