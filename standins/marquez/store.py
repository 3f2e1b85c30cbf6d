"""What is read from PostgreSQL, in the JSON of the API. No rule about events is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg.rows import DictRow

from standins.marquez.database import Connection
from standins.marquez.times import told

Json = dict[str, Any]

LATEST_RUNS: Final = 10
"""Runs that a job is told with."""

_RUN: Final[LiteralString] = (
    "select r.*, j.namespace, j.name as job_name from runs r join jobs j on j.id = r.job_id"
)
_JOB: Final[LiteralString] = (
    "select j.*, p.name as parent_name from jobs j left join jobs p on p.id = j.parent_id"
)
_DATASET: Final[LiteralString] = (
    "select d.*, v.schema_fields, v.lifecycle_state from datasets d"
    " left join dataset_versions v on v.id = d.current_version"
)


def identity(row: DictRow) -> Json:
    """What a job or dataset is known by."""
    return {"namespace": row["namespace"], "name": row["name"]}


# --- namespaces ---------------------------------------------------------------------------


def _namespace(row: DictRow) -> Json:
    return {
        "name": row["name"],
        "createdAt": told(row["created_at"]),
        "updatedAt": told(row["updated_at"]),
        "ownerName": row["owner"],
        "description": row["description"],
        "isHidden": row["is_hidden"],
    }


async def namespaces(connection: Connection, limit: int, offset: int) -> list[Json]:
    """All namespaces by name."""
    cursor = await connection.execute(
        "select * from namespaces order by name limit %s offset %s", (limit, offset)
    )
    return [_namespace(row) for row in await cursor.fetchall()]


async def namespace(connection: Connection, name: str) -> Json | None:
    """A namespace."""
    cursor = await connection.execute("select * from namespaces where name = %s", (name,))
    row = await cursor.fetchone()
    return _namespace(row) if row else None


async def put_namespace(connection: Connection, name: str, owner: str, description: str | None) -> None:
    """Make a namespace, or give it another owner."""
    await connection.execute(
        "insert into namespaces (name, created_at, updated_at, owner, description)"
        " values (%s, now(), now(), %s, %s) on conflict (name) do update set updated_at = now(),"
        " owner = excluded.owner, description = excluded.description, is_hidden = false",
        (name, owner, description),
    )


async def hide_namespace(connection: Connection, name: str) -> None:
    """Take a namespace away, with its jobs and datasets; an event that names it brings it back."""
    await connection.execute("update datasets set is_hidden = true where namespace = %s", (name,))
    await connection.execute("update jobs set is_hidden = true where namespace = %s", (name,))
    await connection.execute("update namespaces set is_hidden = true where name = %s", (name,))


async def sources(connection: Connection, limit: int, offset: int) -> list[Json]:
    """Where datasets come from, by name."""
    cursor = await connection.execute(
        "select * from sources order by name limit %s offset %s", (limit, offset)
    )
    return [
        {
            "type": "POSTGRESQL",
            "name": row["name"],
            "createdAt": told(row["created_at"]),
            "updatedAt": told(row["updated_at"]),
            "connectionUrl": row["connection_url"],
            "description": None,
        }
        for row in await cursor.fetchall()
    ]


# --- runs ---------------------------------------------------------------------------------


async def _runs(connection: Connection, rows: Sequence[DictRow]) -> list[Json]:
    """Runs with their facets, and what they read and wrote."""
    ids = [row["id"] for row in rows]
    facets = await _facets(connection, "run", ids)
    cursor = await connection.execute(
        "select i.run_id, 'input' as side, v.id as version, d.namespace, d.name from run_inputs i"
        " join dataset_versions v on v.id = i.version_id join datasets d on d.id = v.dataset_id"
        " where i.run_id = any(%(runs)s) union all"
        " select v.run_id, 'output', v.id, d.namespace, d.name from dataset_versions v"
        " join datasets d on d.id = v.dataset_id where v.run_id = any(%(runs)s) order by 4, 5",
        {"runs": ids},
    )
    moved = await cursor.fetchall()
    cursor = await connection.execute(
        "select kind, owner, run_id, name, facet from facets"
        " where run_id = any(%s) and kind in ('input', 'output') order by event_time",
        (ids,),
    )
    special: dict[tuple[UUID, str, UUID], Json] = {}
    for row in await cursor.fetchall():
        special.setdefault((row["run_id"], row["kind"], row["owner"]), {})[row["name"]] = row["facet"]

    def side(run: UUID, which: str, key: str) -> list[Json]:
        return [
            {
                key: {**identity(one), "version": str(one["version"])},
                "facets": special.get((run, which, one["version"]), {}),
            }
            for one in moved
            if one["run_id"] == run and one["side"] == which
        ]

    return [
        {
            **_run(row),
            "inputDatasetVersions": side(row["id"], "input", "datasetVersionId"),
            "outputDatasetVersions": side(row["id"], "output", "datasetVersionId"),
            "facets": facets.get(row["id"], {}),
        }
        for row in rows
    ]


def _run(row: DictRow) -> Json:
    began, ended = row["started_at"], row["ended_at"]
    duration = None if began is None or ended is None else int((ended - began).total_seconds() * 1000)
    version = None
    if row["job_version"] is not None:
        version = {
            "namespace": row["namespace"],
            "name": row["job_name"],
            "version": str(row["job_version"]),
        }
    return {
        "id": str(row["id"]),
        "createdAt": told(row["created_at"]),
        "updatedAt": told(row["updated_at"]),
        "nominalStartTime": told(row["nominal_start"]),
        "nominalEndTime": told(row["nominal_end"]),
        "state": row["state"] or "NEW",
        "startedAt": told(began),
        "endedAt": told(ended),
        "durationMs": duration,
        "args": row["args"],
        "jobVersion": version,
    }


async def run(connection: Connection, run_id: UUID) -> Json | None:
    """A run."""
    cursor = await connection.execute(_RUN + " where r.id = %s", (run_id,))
    found = await _runs(connection, await cursor.fetchall())
    return found[0] if found else None


async def job_runs(connection: Connection, job_id: UUID, limit: int, offset: int) -> list[Json]:
    """The runs of a job, the latest first."""
    cursor = await connection.execute(
        _RUN + " where r.job_id = %s order by r.started_at desc nulls last limit %s offset %s",
        (job_id, limit, offset),
    )
    return await _runs(connection, await cursor.fetchall())


async def run_facets(connection: Connection, run_id: UUID, kind: str) -> Json:
    """The facets of a run, or those that its job had in it."""
    if kind == "run":
        return (await _facets(connection, "run", [run_id])).get(run_id, {})
    cursor = await connection.execute(
        "select name, facet from facets where kind = 'job' and run_id = %s order by event_time", (run_id,)
    )
    return {row["name"]: row["facet"] for row in await cursor.fetchall()}


async def _facets(connection: Connection, kind: str, owners: Sequence[UUID]) -> dict[UUID, Json]:
    cursor = await connection.execute(
        "select owner, name, facet from facets where kind = %s and owner = any(%s) order by event_time",
        (kind, list(owners)),
    )
    found: dict[UUID, Json] = {}
    for row in await cursor.fetchall():
        found.setdefault(row["owner"], {})[row["name"]] = row["facet"]
    return found


# --- jobs ---------------------------------------------------------------------------------


async def job_row(connection: Connection, namespace_name: str, name: str) -> DictRow | None:
    """A job as it is kept; a hidden one is not there."""
    cursor = await connection.execute(
        _JOB + " where j.namespace = %s and j.name = %s and not j.is_hidden", (namespace_name, name)
    )
    return await cursor.fetchone()


async def jobs(
    connection: Connection, namespace_name: str | None, states: Sequence[str], limit: int, offset: int
) -> tuple[list[Json], int]:
    """Jobs, those last changed first, and how many there are in all.

    Args:
        connection: to the database.
        namespace_name: whose jobs; None for those of all.
        states: of the current run; a job without a run is told in any case.
        limit: most that are told.
        offset: how many are left out first.
    """
    chosen = {"namespace": namespace_name, "states": list(states), "limit": limit, "offset": offset}
    cursor = await connection.execute(
        _JOB + " left join runs r on r.id = j.current_run where not j.is_hidden"
        " and (%(namespace)s::text is null or j.namespace = %(namespace)s)"
        " and (r.id is null or r.state = any(%(states)s))"
        " order by j.updated_at desc, j.name limit %(limit)s offset %(offset)s",
        chosen,
    )
    found = [await job(connection, row) for row in await cursor.fetchall()]
    cursor = await connection.execute(
        "select count(*) as n from jobs"
        " where not is_hidden and (%(namespace)s::text is null or namespace = %(namespace)s)",
        chosen,
    )
    return found, _count(await cursor.fetchone())


def _count(row: DictRow | None) -> int:
    assert row is not None
    return int(row["n"])


async def job(connection: Connection, row: DictRow, *, bare: bool = False) -> Json:
    """A job in full, or `bare`: without runs, and what they read and wrote."""
    runs = [] if bare else await job_runs(connection, row["id"], LATEST_RUNS, 0)
    inputs: list[Json] = []
    outputs: list[Json] = []
    if runs:
        inputs = [_of_version(one) for one in runs[0]["inputDatasetVersions"]]
        outputs = [_of_version(one) for one in runs[0]["outputDatasetVersions"]]
    if not bare:
        current = await _current_datasets(connection, row["id"])
        inputs, outputs = current["INPUT"] or inputs, current["OUTPUT"] or outputs
    return {
        "id": identity(row),
        "type": row["type"],
        "name": row["name"],
        "simpleName": row["simple_name"],
        "parentJobName": row["parent_name"],
        "parentJobUuid": str(row["parent_id"]) if row["parent_id"] else None,
        "createdAt": told(row["created_at"]),
        "updatedAt": told(row["updated_at"]),
        "namespace": row["namespace"],
        "inputs": inputs,
        "outputs": outputs,
        "location": row["location"],
        "description": row["description"],
        "latestRun": runs[0] if runs else None,
        "latestRuns": runs or None,
        "facets": await _job_facets(connection, row),
        "currentVersion": str(row["current_version"]) if row["current_version"] else None,
        "labels": [],
        "tags": [],
    }


def _of_version(moved: Json) -> Json:
    version = moved["datasetVersionId"]
    return {"namespace": version["namespace"], "name": version["name"]}


async def _current_datasets(connection: Connection, job_id: UUID) -> dict[str, list[Json]]:
    cursor = await connection.execute(
        "select i.io, d.namespace, d.name from job_io i join datasets d on d.id = i.dataset_id"
        " where i.job_id = %s and i.is_current order by d.namespace, d.name",
        (job_id,),
    )
    found: dict[str, list[Json]] = {"INPUT": [], "OUTPUT": []}
    for row in await cursor.fetchall():
        found[row["io"]].append(identity(row))
    return found


async def _job_facets(connection: Connection, row: DictRow) -> Json:
    """The facets that a job had in the latest run of its current version, or in an event without a run."""
    cursor = await connection.execute(
        "select f.name, f.facet from facets f join job_versions v on v.id = %s"
        " where f.kind = 'job' and f.owner = %s"
        " and f.run_id = coalesce(v.latest_run, '00000000-0000-0000-0000-000000000000')"
        " order by f.event_time",
        (row["current_version"], row["id"]),
    )
    return {found["name"]: found["facet"] for found in await cursor.fetchall()}


async def count_runs(connection: Connection, job_id: UUID) -> int:
    """How many runs a job had."""
    cursor = await connection.execute("select count(*) as n from runs where job_id = %s", (job_id,))
    return _count(await cursor.fetchone())


async def hide_job(connection: Connection, job_id: UUID) -> None:
    """Take a job away; an event that names it brings it back."""
    await connection.execute("update jobs set is_hidden = true where id = %s", (job_id,))


# --- datasets -----------------------------------------------------------------------------


async def dataset_row(connection: Connection, namespace_name: str, name: str) -> DictRow | None:
    """A dataset as it is kept, by its name or a symlink; a hidden one is not there."""
    cursor = await connection.execute(
        _DATASET  # noqa: S608 - only constants are put together
        + " where not d.is_hidden"
        " and (d.namespace = %(namespace)s and d.name = %(name)s"
        " or d.id = (select dataset_id from symlinks s"
        " where s.namespace = %(namespace)s and s.name = %(name)s))"
        " order by d.name = %(name)s desc limit 1",
        {"namespace": namespace_name, "name": name},
    )
    return await cursor.fetchone()


async def datasets(
    connection: Connection, namespace_name: str, limit: int, offset: int
) -> tuple[list[Json], int]:
    """The datasets of a namespace by name, and how many there are in all."""
    cursor = await connection.execute(
        _DATASET + " where d.namespace = %s and not d.is_hidden order by d.name limit %s offset %s",
        (namespace_name, limit, offset),
    )
    found = [await dataset(connection, row) for row in await cursor.fetchall()]
    cursor = await connection.execute(
        "select count(*) as n from datasets where namespace = %s and not is_hidden", (namespace_name,)
    )
    return found, _count(await cursor.fetchone())


def dataset_head(row: DictRow) -> Json:
    """What every telling of a dataset begins with."""
    return {
        "id": identity(row),
        "type": "DB_TABLE",
        "name": row["name"],
        "physicalName": row["name"],
        "createdAt": told(row["created_at"]),
        "updatedAt": told(row["updated_at"]),
        "namespace": row["namespace"],
        "sourceName": row["source"],
        "fields": _fields(row["schema_fields"]),
        "tags": [],
        "lastModifiedAt": None,
        "lastLifecycleState": row["lifecycle_state"],
        "description": row["description"],
    }


def _fields(schema: list[Json] | None) -> list[Json]:
    return [
        {
            "name": field["name"],
            "type": field.get("type"),
            "tags": [],
            "description": field.get("description"),
        }
        for field in schema or []
    ]


async def dataset(connection: Connection, row: DictRow) -> Json:
    """A dataset in full."""
    current = row["current_version"]
    return {
        **dataset_head(row),
        "currentVersion": str(current) if current else None,
        "columnLineage": await _column_lineage(connection, row["id"]),
        "facets": (await _facets(connection, "dataset", [current])).get(current, {}) if current else {},
        "deleted": row["is_deleted"],
    }


async def _column_lineage(connection: Connection, dataset_id: UUID) -> list[Json]:
    """Where the columns of a dataset come from, as it was last told."""
    cursor = await connection.execute(
        "select distinct on (c.output_field, c.input_dataset, c.input_field) c.output_field, c.input_field,"
        " c.description, c.type, d.namespace, d.name from column_lineage c"
        " join datasets d on d.id = c.input_dataset where c.output_dataset = %s"
        " order by c.output_field, c.input_dataset, c.input_field, c.updated_at desc",
        (dataset_id,),
    )
    found: dict[str, list[Json]] = {}
    for row in await cursor.fetchall():
        source = {
            "namespace": row["namespace"],
            "dataset": row["name"],
            "field": row["input_field"],
            "transformationDescription": row["description"],
            "transformationType": row["type"],
        }
        found.setdefault(row["output_field"], []).append(source)
    return [
        {
            "name": name,
            "inputFields": inputs,
            "transformationDescription": inputs[0]["transformationDescription"],
            "transformationType": inputs[0]["transformationType"],
        }
        for name, inputs in found.items()
    ]


async def versions(
    connection: Connection, owner: DictRow, limit: int, offset: int, version: UUID | None = None
) -> tuple[list[Json], int]:
    """The versions of a dataset, the latest first (or one of them), and how many there are in all."""
    cursor = await connection.execute(
        "select * from dataset_versions where dataset_id = %(dataset)s"
        " and (%(version)s::uuid is null or id = %(version)s)"
        " order by created_at desc limit %(limit)s offset %(offset)s",
        {"dataset": owner["id"], "version": version, "limit": limit, "offset": offset},
    )
    rows = await cursor.fetchall()
    facets = await _facets(connection, "dataset", [row["id"] for row in rows])
    found = [
        {
            "id": identity(owner),
            "type": "DB_TABLE",
            "name": owner["name"],
            "physicalName": owner["name"],
            "createdAt": told(row["created_at"]),
            "version": str(row["id"]),
            "namespace": owner["namespace"],
            "sourceName": owner["source"],
            "fields": _fields(row["schema_fields"]),
            "tags": [],
            "lifecycleState": row["lifecycle_state"],
            "description": owner["description"],
            "currentSchemaVersion": str(row["schema_version"]),
            "createdByRun": await run(connection, row["run_id"]) if row["run_id"] else None,
            "facets": facets.get(row["id"], {}),
        }
        for row in rows
    ]
    cursor = await connection.execute(
        "select count(*) as n from dataset_versions where dataset_id = %s", (owner["id"],)
    )
    return found, _count(await cursor.fetchone())


async def hide_dataset(connection: Connection, dataset_id: UUID) -> None:
    """Take a dataset away; an event that names it brings it back."""
    await connection.execute("update datasets set is_hidden = true where id = %s", (dataset_id,))


# --- events and search --------------------------------------------------------------------


async def events(
    connection: Connection, before: object, after: object, *, ascending: bool, limit: int, offset: int
) -> tuple[list[Json], int]:
    """Run events in the order of their times, and how many there are in all.

    Args:
        connection: to the database.
        before: moment; only events before it.
        after: moment; only events at it or after it.
        ascending: whether the oldest come first.
        limit: most that are told.
        offset: how many are left out first.
    """
    order: LiteralString = "event_time, id" if ascending else "event_time desc, id desc"
    where: LiteralString = " from events where kind = 'RUN_EVENT' and event_time < %s and event_time >= %s"
    cursor = await connection.execute(
        "select event" + where + " order by " + order + " limit %s offset %s", (before, after, limit, offset)
    )
    found = [row["event"] for row in await cursor.fetchall()]
    cursor = await connection.execute("select count(*) as n" + where, (before, after))
    return found, _count(await cursor.fetchone())


async def search(
    connection: Connection, words: str, *, kind: str | None, sort: str, namespace_name: str | None, limit: int
) -> list[Json]:
    """Datasets and jobs whose name contains the words, whatever their case."""
    cursor = await connection.execute(
        "select * from ("
        " select 'DATASET' as type, name, updated_at, namespace from datasets where not is_hidden"
        " union all select 'JOB', name, updated_at, namespace from jobs where not is_hidden) as found"
        " where strpos(lower(name), lower(%(words)s)) > 0"
        " and (%(kind)s::text is null or type = %(kind)s)"
        " and (%(namespace)s::text is null or namespace = %(namespace)s)"
        " order by case when %(latest)s then updated_at end desc, name, type limit %(limit)s",
        {
            "words": words,
            "kind": kind,
            "namespace": namespace_name,
            "latest": sort == "update_at",
            "limit": limit,
        },
    )
    return [
        {
            "type": row["type"],
            "name": row["name"],
            "updatedAt": told(row["updated_at"]),
            "namespace": row["namespace"],
            "nodeId": f"{row['type'].lower()}:{row['namespace']}:{row['name']}",
        }
        for row in await cursor.fetchall()
    ]
