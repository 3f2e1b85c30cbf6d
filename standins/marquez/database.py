"""The schema in PostgreSQL; it is made when the server starts, as the real server migrates its own."""

from __future__ import annotations

from typing import Final, LiteralString

from psycopg.conninfo import make_conninfo

from standins.common.pool import Connection, Pool
from standins.marquez.settings import Settings

__all__ = ["Connection", "Database"]

_LOCK: Final = 5_001_005_000
"""Key of the advisory lock under which the tables are made and events are taken in, one at a time."""

_SCHEMA: Final[LiteralString] = """
create schema if not exists marquez;

create table if not exists namespaces (
    name text primary key,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    owner text not null default 'anonymous',
    description text,
    is_hidden boolean not null default false
);
create table if not exists sources (
    name text primary key,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    connection_url text not null
);

-- A job with a parent is called PARENT.NAME; its simple name is the part of its own.
create table if not exists jobs (
    id uuid primary key default gen_random_uuid(),
    namespace text not null references namespaces,
    name text not null,
    simple_name text not null,
    parent_id uuid references jobs,
    type text not null,
    description text,
    location text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    current_version uuid,
    current_run uuid,
    is_hidden boolean not null default false,
    unique (namespace, name)
);
create table if not exists runs (
    id uuid primary key,
    external_id text not null,
    job_id uuid not null references jobs,
    parent_id uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    state text,
    started_at timestamptz,
    ended_at timestamptz,
    nominal_start timestamptz,
    nominal_end timestamptz,
    args jsonb not null default '{}',
    job_version uuid
);
create index if not exists runs_of_job on runs (job_id, started_at desc);

create table if not exists datasets (
    id uuid primary key default gen_random_uuid(),
    namespace text not null references namespaces,
    name text not null,
    source text not null references sources,
    description text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    current_version uuid,
    is_deleted boolean not null default false,
    is_hidden boolean not null default false,
    unique (namespace, name)
);
-- Each further name of a dataset, as its symlinks facet gives it.
create table if not exists symlinks (
    namespace text not null,
    name text not null,
    dataset_id uuid not null references datasets,
    primary key (namespace, name)
);
create table if not exists fields (
    dataset_id uuid not null references datasets,
    name text not null,
    type text,
    primary key (dataset_id, name)
);
-- The id of a version is made from what it is, so that the same is told twice without a second row.
create table if not exists dataset_versions (
    id uuid primary key,
    dataset_id uuid not null references datasets,
    created_at timestamptz not null,
    run_id uuid,
    schema_version uuid,
    lifecycle_state text not null default '',
    schema_fields jsonb
);
create index if not exists versions_of_dataset on dataset_versions (dataset_id, created_at desc);
create index if not exists versions_of_run on dataset_versions (run_id);
create table if not exists version_fields (
    version_id uuid not null references dataset_versions,
    field text not null,
    primary key (version_id, field)
);
create table if not exists run_inputs (
    run_id uuid not null references runs,
    version_id uuid not null references dataset_versions,
    primary key (run_id, version_id)
);

-- What a job reads and writes belongs to its versions; the lineage graph is made of those that are current.
create table if not exists job_versions (
    id uuid primary key,
    job_id uuid not null references jobs,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    latest_run uuid
);
create table if not exists job_io (
    version_id uuid not null references job_versions,
    job_id uuid not null references jobs,
    dataset_id uuid not null references datasets,
    io text not null check (io in ('INPUT', 'OUTPUT')),
    is_current boolean not null,
    primary key (version_id, dataset_id, io)
);
create index if not exists io_of_job on job_io (job_id);

-- One row for each facet as the latest event told it: of a run, of a job in a run, of a dataset's version
-- (dataset), and of a dataset's version as a run read (input) or wrote (output) it.
create table if not exists facets (
    kind text not null check (kind in ('run', 'job', 'dataset', 'input', 'output')),
    owner uuid not null,
    run_id uuid not null,
    name text not null,
    event_time timestamptz not null,
    facet jsonb not null,
    primary key (kind, owner, run_id, name)
);
create index if not exists facets_of_run on facets (run_id);

create table if not exists column_lineage (
    output_version uuid not null references dataset_versions,
    output_dataset uuid not null references datasets,
    output_field text not null,
    input_version uuid not null references dataset_versions,
    input_dataset uuid not null references datasets,
    input_field text not null,
    description text,
    type text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (output_version, output_field, input_version, input_field)
);
create index if not exists columns_written on column_lineage (output_dataset, output_field);
create index if not exists columns_read on column_lineage (input_dataset, input_field);

create table if not exists events (
    id bigint generated always as identity primary key,
    event_time timestamptz not null,
    kind text not null,
    run_id uuid,
    event json not null
);
create index if not exists events_in_time on events (event_time desc, id desc);
"""


class Database(Pool):
    """The stand-in's own database."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(make_conninfo(**settings.connection()))

    async def migrate(self) -> None:
        """Make what is not there yet."""
        async with self.transaction() as connection:
            await alone(connection)
            await connection.execute(_SCHEMA)


async def alone(connection: Connection) -> None:
    """Let no other event be taken in until this transaction ends: two that meet would lock each other."""
    await connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
