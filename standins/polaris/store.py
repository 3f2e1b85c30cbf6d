"""What is kept in PostgreSQL, as plain questions and acts. No rule of Polaris is decided here."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from standins.polaris.database import Connection

EntityType = Literal["CATALOG", "PRINCIPAL", "PRINCIPAL_ROLE", "CATALOG_ROLE"]
Level = Literal["root", "catalog", "namespace", "table", "view"]


@dataclass(frozen=True)
class Entity:
    """A catalog, principal, principal role or catalog role."""

    id: int
    realm: str
    type: EntityType
    catalog_id: int
    name: str
    version: int
    created_ms: int
    updated_ms: int
    properties: dict[str, str]
    internal: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Grant:
    """A privilege on something, held by a role."""

    grantee_id: int
    catalog_id: int
    level: Level
    namespace: str
    name: str
    privilege: str


def _entity(row: DictRow) -> Entity:
    return Entity(
        id=row["id"],
        realm=row["realm_id"],
        type=row["type"],
        catalog_id=row["catalog_id"],
        name=row["name"],
        version=row["entity_version"],
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
        properties=row["properties"],
        internal=row["internal"],
    )


def now_ms() -> int:
    """The time as Polaris writes it: milliseconds since 1970."""
    return int(time.time() * 1000)


def new_client_id() -> str:
    """Sixteen hex digits, as Polaris makes them."""
    return secrets.token_hex(8)


def new_secret() -> str:
    """128 random bits in hex."""
    return secrets.token_hex(16)


async def find(
    connection: Connection, realm: str, kind: EntityType, name: str, catalog_id: int = 0
) -> Entity | None:
    """The entity of that name."""
    cursor = await connection.execute(
        "select * from entities where realm_id = %s and type = %s and catalog_id = %s and name = %s",
        (realm, kind, catalog_id, name),
    )
    row = await cursor.fetchone()
    return _entity(row) if row else None


async def every(connection: Connection, realm: str, kind: EntityType, catalog_id: int = 0) -> list[Entity]:
    """All entities of a kind, oldest first."""
    cursor = await connection.execute(
        "select * from entities where realm_id = %s and type = %s and catalog_id = %s order by id",
        (realm, kind, catalog_id),
    )
    return [_entity(row) for row in await cursor.fetchall()]


async def add(
    connection: Connection,
    realm: str,
    kind: EntityType,
    name: str,
    *,
    catalog_id: int = 0,
    properties: dict[str, str] | None = None,
    internal: dict[str, Any] | None = None,
) -> Entity | None:
    """Make an entity; None when the name is taken."""
    now = now_ms()
    cursor = await connection.execute(
        "insert into entities"
        " (realm_id, type, catalog_id, name, created_ms, updated_ms, properties, internal)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing returning *",
        (realm, kind, catalog_id, name, now, now, Jsonb(properties or {}), Jsonb(internal or {})),
    )
    row = await cursor.fetchone()
    return _entity(row) if row else None


async def change(
    connection: Connection,
    entity: Entity,
    *,
    properties: dict[str, str] | None = None,
    internal: dict[str, Any] | None = None,
) -> Entity | None:
    """Write new values, unless somebody wrote since `entity` was read: then None."""
    cursor = await connection.execute(
        "update entities set properties = %s, internal = %s, updated_ms = %s,"
        " entity_version = entity_version + 1 where id = %s and entity_version = %s returning *",
        (
            Jsonb(entity.properties if properties is None else properties),
            Jsonb(entity.internal if internal is None else internal),
            now_ms(),
            entity.id,
            entity.version,
        ),
    )
    row = await cursor.fetchone()
    return _entity(row) if row else None


async def remove(connection: Connection, entity: Entity) -> None:
    """Delete an entity with its secret, assignments and grants; a catalog with its roles."""
    if entity.type == "CATALOG":
        await connection.execute("delete from entities where catalog_id = %s", (entity.id,))
        await connection.execute("delete from grant_records where catalog_id = %s", (entity.id,))
        await connection.execute(
            "delete from iceberg_namespace_properties where catalog_name = %s", (str(entity.id),)
        )
    await connection.execute("delete from entities where id = %s", (entity.id,))


def _digest(salt: bytes, secret: str) -> bytes:
    return hashlib.sha256(salt + secret.encode()).digest()


async def keep_secret(
    connection: Connection, realm: str, principal_id: int, client_id: str, secret: str
) -> None:
    """The principal's one secret from now on."""
    salt = secrets.token_bytes(16)
    await connection.execute(
        "insert into principal_authentication_data (realm_id, client_id, principal_id, salt, secret_digest)"
        " values (%s, %s, %s, %s, %s)"
        " on conflict (principal_id) do update set client_id = excluded.client_id,"
        " salt = excluded.salt, secret_digest = excluded.secret_digest",
        (realm, client_id, principal_id, salt, _digest(salt, secret)),
    )


async def principal_of(connection: Connection, realm: str, client_id: str, secret: str) -> Entity | None:
    """The principal that these credentials belong to, if they are right."""
    cursor = await connection.execute(
        "select salt, secret_digest, e.*"
        " from principal_authentication_data d join entities e on e.id = d.principal_id"
        " where d.realm_id = %s and d.client_id = %s",
        (realm, client_id),
    )
    row = await cursor.fetchone()
    if row is None or not hmac.compare_digest(row["secret_digest"], _digest(row["salt"], secret)):
        return None
    return _entity(row)


async def client_id_taken(connection: Connection, realm: str, client_id: str, besides: int) -> bool:
    """Whether another principal has that client id."""
    cursor = await connection.execute(
        "select 1 from principal_authentication_data"
        " where realm_id = %s and client_id = %s and principal_id <> %s",
        (realm, client_id, besides),
    )
    return await cursor.fetchone() is not None


async def principal(connection: Connection, realm: str, principal_id: int) -> Entity | None:
    """The principal of that id, if it is still there."""
    cursor = await connection.execute(
        "select * from entities where realm_id = %s and type = 'PRINCIPAL' and id = %s",
        (realm, principal_id),
    )
    row = await cursor.fetchone()
    return _entity(row) if row else None


async def roles_of(connection: Connection, grantee_ids: Sequence[int], catalog_id: int = 0) -> list[Entity]:
    """The principal roles of principals, or the roles in one catalog of principal roles."""
    cursor = await connection.execute(
        "select distinct on (e.id) e.*"
        " from role_assignments a join entities e on e.id = a.role_id"
        " where a.grantee_id = any(%s) and e.catalog_id = %s order by e.id",
        (list(grantee_ids), catalog_id),
    )
    return [_entity(row) for row in await cursor.fetchall()]


async def holders_of(connection: Connection, role_id: int) -> list[Entity]:
    """Who holds a role: principals of a principal role, principal roles of a catalog role."""
    cursor = await connection.execute(
        "select e.*"
        " from role_assignments a join entities e on e.id = a.grantee_id where a.role_id = %s order by e.id",
        (role_id,),
    )
    return [_entity(row) for row in await cursor.fetchall()]


async def assign(connection: Connection, *, role: int, grantee: int) -> None:
    """Let `grantee` hold `role`; once is enough."""
    await connection.execute(
        "insert into role_assignments (role_id, grantee_id) values (%s, %s) on conflict do nothing",
        (role, grantee),
    )


async def unassign(connection: Connection, *, role: int, grantee: int) -> None:
    """Take `role` from `grantee`."""
    await connection.execute(
        "delete from role_assignments where role_id = %s and grantee_id = %s", (role, grantee)
    )


def _grant(row: DictRow) -> Grant:
    return Grant(
        grantee_id=row["grantee_id"],
        catalog_id=row["catalog_id"],
        level=row["level"],
        namespace=row["namespace"],
        name=row["name"],
        privilege=row["privilege"],
    )


async def grants_of(connection: Connection, grantee_ids: Sequence[int]) -> list[Grant]:
    """All that these roles may do."""
    cursor = await connection.execute(
        "select * from grant_records where grantee_id = any(%s) order by level, namespace, name, privilege",
        (list(grantee_ids),),
    )
    return [_grant(row) for row in await cursor.fetchall()]


async def grant(connection: Connection, given: Grant) -> None:
    """Grant; what is granted already stays granted."""
    await connection.execute(
        "insert into grant_records (grantee_id, catalog_id, level, namespace, name, privilege)"
        " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
        (given.grantee_id, given.catalog_id, given.level, given.namespace, given.name, given.privilege),
    )


async def revoke(connection: Connection, taken: Grant) -> bool:
    """Take a grant back; False when it was not there."""
    cursor = await connection.execute(
        "delete from grant_records where grantee_id = %s and catalog_id = %s and level = %s"
        " and namespace = %s and name = %s and privilege = %s",
        (taken.grantee_id, taken.catalog_id, taken.level, taken.namespace, taken.name, taken.privilege),
    )
    return cursor.rowcount > 0


async def forget_grants(
    connection: Connection, catalog_id: int, levels: Sequence[Level], namespace: str, name: str = ""
) -> None:
    """Delete the grants on something that was dropped."""
    await connection.execute(
        "delete from grant_records"
        " where catalog_id = %s and level = any(%s) and namespace = %s and name = %s",
        (catalog_id, list(levels), namespace, name),
    )


async def move_grants(
    connection: Connection,
    catalog_id: int,
    levels: Sequence[Level],
    source: tuple[str, str],
    target: tuple[str, str],
) -> None:
    """Let the grants on a table or view follow its new name."""
    await connection.execute(
        "update grant_records set namespace = %s, name = %s"
        " where catalog_id = %s and level = any(%s) and namespace = %s and name = %s",
        (*target, catalog_id, list(levels), *source),
    )


async def namespace_exists(connection: Connection, catalog_id: int, namespace: str) -> bool:
    """Whether Iceberg's catalog has the namespace."""
    cursor = await connection.execute(
        "select 1 from iceberg_namespace_properties where catalog_name = %s and namespace = %s limit 1",
        (str(catalog_id), namespace),
    )
    return await cursor.fetchone() is not None


async def namespace_location(connection: Connection, catalog_id: int, namespace: str) -> str | None:
    """Where the namespace's tables go by default."""
    cursor = await connection.execute(
        "select property_value from iceberg_namespace_properties"
        " where catalog_name = %s and namespace = %s and property_key = 'location'",
        (str(catalog_id), namespace),
    )
    row = await cursor.fetchone()
    return str(row["property_value"]) if row else None


@dataclass(frozen=True)
class TableLike:
    """A table, view or generic table: what it is and where its metadata or data lies."""

    kind: Literal["table", "view", "generic"]
    location: str | None


async def table_like(connection: Connection, catalog_id: int, namespace: str, name: str) -> TableLike | None:
    """What has that name in the namespace, if anything has."""
    cursor = await connection.execute(
        "select iceberg_type as kind, metadata_location as location from iceberg_tables"
        " where catalog_name = %s and table_namespace = %s and table_name = %s"
        " union all select 'GENERIC', definition ->> 'base-location' from generic_tables"
        " where catalog_id = %s and namespace = %s and name = %s",
        (str(catalog_id), namespace, name, catalog_id, namespace, name),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    kinds: dict[str, Literal["table", "view", "generic"]] = {"VIEW": "view", "GENERIC": "generic"}
    return TableLike(kinds.get(row["kind"] or "", "table"), row["location"])


async def locations(connection: Connection, catalog_id: int) -> list[tuple[str, str]]:
    """The location of each table and view of a catalog, with its name.

    Iceberg keeps metadata in the folder `metadata` of a table's location unless told otherwise.
    """
    cursor = await connection.execute(
        "select table_namespace || '.' || table_name as name, metadata_location as location"
        " from iceberg_tables where catalog_name = %s",
        (str(catalog_id),),
    )
    return [(row["name"], str(row["location"]).rsplit("/metadata/", 1)[0]) for row in await cursor.fetchall()]


async def has_content(connection: Connection, catalog_id: int, namespace: str | None = None) -> bool:
    """Whether a catalog, or a namespace with all below it, contains anything."""
    name = str(catalog_id)
    if namespace is None:
        cursor = await connection.execute(
            "select 1 from iceberg_namespace_properties where catalog_name = %s limit 1", (name,)
        )
    else:
        below = namespace + "."
        cursor = await connection.execute(
            "select 1 from iceberg_namespace_properties"
            " where catalog_name = %s and starts_with(namespace, %s)"
            " union all select 1 from iceberg_tables where catalog_name = %s and table_namespace = %s"
            " union all select 1 from generic_tables where catalog_id = %s and namespace = %s limit 1",
            (name, below, name, namespace, catalog_id, namespace),
        )
    return await cursor.fetchone() is not None
