"""The schema in PostgreSQL, and the pool of connections to it."""

from __future__ import annotations

from typing import Final, LiteralString

from psycopg.conninfo import make_conninfo

from standins.common.pool import Connection, Pool
from standins.polaris.settings import DatabaseSettings

__all__ = ["SCHEMA", "Connection", "Database"]

SCHEMA: Final[LiteralString] = """
create schema if not exists polaris_schema;

create table version (version_key text primary key, version_value integer not null);
insert into version values ('version', 4);

-- Catalogs, principals, principal roles and catalog roles. A catalog role lies in its catalog;
-- all others have 0 there, so that one constraint keeps every name unique where it must be.
create table entities (
    id bigint generated always as identity primary key,
    realm_id text not null,
    type text not null check (type in ('CATALOG', 'PRINCIPAL', 'PRINCIPAL_ROLE', 'CATALOG_ROLE')),
    catalog_id bigint not null default 0,
    name text not null,
    entity_version integer not null default 1,
    created_ms bigint not null,
    updated_ms bigint not null,
    properties jsonb not null default '{}',
    internal jsonb not null default '{}',
    unique (realm_id, type, catalog_id, name)
);

-- A secret is 128 random bits, so a salted digest keeps it: nothing can be guessed from a list.
create table principal_authentication_data (
    realm_id text not null,
    client_id text not null,
    principal_id bigint not null unique references entities on delete cascade,
    salt bytea not null,
    secret_digest bytea not null,
    primary key (realm_id, client_id)
);

-- A principal holds principal roles, a principal role holds catalog roles.
create table role_assignments (
    role_id bigint not null references entities on delete cascade,
    grantee_id bigint not null references entities on delete cascade,
    primary key (role_id, grantee_id)
);
create index on role_assignments (grantee_id);

-- What a role may do, and on what: catalog 0 is the realm itself.
create table grant_records (
    grantee_id bigint not null references entities on delete cascade,
    catalog_id bigint not null,
    level text not null check (level in ('root', 'catalog', 'namespace', 'table', 'view')),
    namespace text not null default '',
    name text not null default '',
    privilege text not null,
    primary key (grantee_id, catalog_id, level, namespace, name, privilege)
);
create index on grant_records (catalog_id);

create table generic_tables (
    catalog_id bigint not null references entities on delete cascade,
    namespace text not null,
    name text not null,
    definition jsonb not null,
    primary key (catalog_id, namespace, name)
);

-- The tables of Iceberg's JDBC catalog (schema version V1), with its names and keys.
create table iceberg_tables (
    catalog_name varchar(255) not null,
    table_namespace varchar(255) not null,
    table_name varchar(255) not null,
    metadata_location text,
    previous_metadata_location text,
    iceberg_type varchar(5),
    primary key (catalog_name, table_namespace, table_name)
);
create table iceberg_namespace_properties (
    catalog_name varchar(255) not null,
    namespace varchar(255) not null,
    property_key varchar(255),
    property_value text,
    primary key (catalog_name, namespace, property_key)
);
"""


class Database(Pool):
    """The catalog's own database."""

    def __init__(self, settings: DatabaseSettings) -> None:
        super().__init__(make_conninfo(**settings.connection()))
