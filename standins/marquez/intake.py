"""Taking an event in: what it says of jobs, runs, datasets and columns becomes rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from psycopg.types.json import Json as AsJson
from psycopg.types.json import Jsonb

from standins.marquez import events
from standins.marquez.database import Connection, alone
from standins.marquez.events import Event, Json, facet

_NO_RUN: Final = UUID(int=0)
_DEFAULT_SOURCE: Final = "default"
Side = Literal["INPUT", "OUTPUT"]


@dataclass(frozen=True)
class _Job:
    id: UUID
    namespace: str
    name: str
    location: str | None
    current_run: UUID | None


@dataclass(frozen=True)
class _Version:
    """A dataset's version, as an event reads or writes it."""

    id: UUID
    dataset: UUID
    namespace: str
    name: str


async def take_in(connection: Connection, event: Event) -> None:
    """Keep an event and what it says."""
    await alone(connection)
    known = events.run_id(event.body["run"]["runId"]) if event.kind == "RUN_EVENT" else None
    await connection.execute(
        "insert into events (event_time, kind, run_id, event) values (%s, %s, %s, %s)",
        (event.moment, event.kind, known, AsJson(event.body)),
    )
    if event.kind == "DATASET_EVENT":
        await _dataset_event(connection, event)
    elif known is None:
        await _job_event(connection, event)
    else:
        await _run_event(connection, event, known)


async def _dataset_event(connection: Connection, event: Event) -> None:
    written = await _dataset(connection, event.body["dataset"], event.moment, None, "OUTPUT")
    await _becomes_current(connection, written, event.moment)


async def _job_event(connection: Connection, event: Event) -> None:
    job = await _job(connection, event, event.body["job"]["name"], None, None)
    reads = [await _dataset(connection, one, event.moment, None, "INPUT") for one in event.datasets("inputs")]
    writes = [
        await _dataset(connection, one, event.moment, None, "OUTPUT") for one in event.datasets("outputs")
    ]
    await _facets(connection, ("job", job.id), _NO_RUN, event.moment, event.body["job"].get("facets"))
    await _job_version(connection, job, event.moment, None, reads=reads, writes=writes)


async def _run_event(connection: Connection, event: Event, run: UUID) -> None:
    told = event.body["job"]
    parent_facet = facet(event.body["run"], "parent") or facet(event.body["run"], "parentRun")
    parent = await _parent(connection, event, parent_facet) if parent_facet else None
    name = told["name"].removeprefix(f"{parent.name}.") if parent else told["name"]
    job = await _job(connection, event, name, parent, parent.current_run if parent else run)
    parent_run = events.parent_run_id(parent_facet) if parent_facet else None
    await _run(connection, event, run, job, told_id=event.body["run"]["runId"], parent=parent_run)
    await _facets(connection, ("run", run), _NO_RUN, event.moment, event.body["run"].get("facets"))
    await _facets(connection, ("job", job.id), run, event.moment, told.get("facets"))
    for side, names in (("INPUT", event.datasets("inputs")), ("OUTPUT", event.datasets("outputs"))):
        if not names and not _ends_without_datasets(event):
            # An event that names none takes the job's present ones out of the graph, until a run ends.
            await connection.execute(
                "update job_io set is_current = false where job_id = %s and io = %s", (job.id, side)
            )
    for one in event.datasets("inputs"):
        await _dataset(connection, one, event.moment, run, "INPUT")
    written = [
        await _dataset(connection, one, event.moment, run, "OUTPUT") for one in event.datasets("outputs")
    ]
    if event.state != "RUNNING" or _streams(told):
        await _conclude(connection, event, job, run)
    if event.state == "COMPLETED":
        for version in written:
            await _becomes_current(connection, version, event.moment)


async def _conclude(connection: Connection, event: Event, job: _Job, run: UUID) -> None:
    """Give the job the version that its run makes it, with all that the run read and wrote."""
    if _ends_without_datasets(event):
        return
    reads = await _versions(
        connection,
        "select v.id, d.id as dataset, d.namespace, d.name from run_inputs i"
        " join dataset_versions v on v.id = i.version_id join datasets d on d.id = v.dataset_id"
        " where i.run_id = %s",
        run,
    )
    writes = await _versions(
        connection,
        "select v.id, d.id as dataset, d.namespace, d.name from dataset_versions v"
        " join datasets d on d.id = v.dataset_id where v.run_id = %s",
        run,
    )
    await _job_version(connection, job, event.moment, run, reads=reads, writes=writes)


def _streams(job: Json) -> bool:
    return str((facet(job, "jobType") or {}).get("processingType", "")).upper() == "STREAMING"


def _ends_without_datasets(event: Event) -> bool:
    named = event.datasets("inputs") or event.datasets("outputs")
    return _streams(event.body["job"]) and event.state in ("COMPLETED", "FAILED") and not named


async def _namespace(connection: Connection, name: str, moment: datetime) -> str:
    kept = events.namespace(name)
    await connection.execute(
        "insert into namespaces (name, created_at, updated_at) values (%s, %s, %s)"
        " on conflict (name) do update set updated_at = excluded.updated_at, is_hidden = false",
        (kept, moment, moment),
    )
    return kept


async def _parent(connection: Connection, event: Event, parent: Json) -> _Job:
    """The job of the run that a parent facet names; both are made when nobody told of them yet."""
    run, told = events.parent_run_id(parent), parent["job"]
    own_name = event.body["job"]["name"]
    name = events.without_last_part(told["name"]) if told["name"] == own_name else told["name"]
    cursor = await connection.execute(
        "select j.id, j.namespace, j.name, j.location, j.current_run"
        " from runs r join jobs j on j.id = r.job_id where r.id = %s and not j.is_hidden",
        (run,),
    )
    row = await cursor.fetchone()
    if row is not None:
        known = _Job(**row)
        if (known.namespace, known.name) == (told["namespace"], name):
            return known
        # The same run id under another job is taken for an accident: that run gets an id of its own.
        run = events.in_url_namespace(told["namespace"], name, str(run))
    made = await _job(connection, event, name, None, run, described=False)
    await _run(connection, event, run, made, told_id=str(parent["run"]["runId"]), parent=None, own=False)
    return made


async def _job(
    connection: Connection,
    event: Event,
    simple_name: str,
    parent: _Job | None,
    current_run: UUID | None,
    *,
    described: bool = True,
) -> _Job:
    told = event.body["job"]
    namespace = await _namespace(connection, told["namespace"], event.moment)
    name = f"{parent.name}.{simple_name}" if parent else simple_name
    cursor = await connection.execute(
        "insert into jobs (namespace, name, simple_name, parent_id, type, description, location,"
        " created_at, updated_at, current_run) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (namespace, name) do update set updated_at = now(),"
        " parent_id = coalesce(jobs.parent_id, excluded.parent_id),"
        " simple_name = case when excluded.parent_id is null then jobs.name else excluded.simple_name end,"
        " type = excluded.type, description = excluded.description, location = excluded.location,"
        " current_run = excluded.current_run, is_hidden = false"
        " returning id, namespace, name, location, current_run",
        (
            namespace,
            name,
            simple_name,
            parent.id if parent else None,
            "STREAM" if _streams(told) else "BATCH",
            (facet(told, "documentation") or {}).get("description") if described else None,
            (facet(told, "sourceCodeLocation") or {}).get("url"),
            event.moment,
            event.moment,
            current_run,
        ),
    )
    row = await cursor.fetchone()
    assert row is not None
    return _Job(**row)


async def _run(
    connection: Connection,
    event: Event,
    run: UUID,
    job: _Job,
    *,
    told_id: str,
    parent: UUID | None,
    own: bool = True,
) -> None:
    nominal = facet(event.body["run"], "nominalTime") or {}
    args = _arguments(event.body["run"]) if own else {}
    state = event.state
    await connection.execute(
        "insert into runs (id, external_id, job_id, parent_id, created_at, updated_at, state, nominal_start,"
        " nominal_end, args) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (id) do update set external_id = excluded.external_id,"
        " updated_at = excluded.updated_at, state = excluded.state,"
        " nominal_start = coalesce(excluded.nominal_start, runs.nominal_start),"
        " nominal_end = coalesce(excluded.nominal_end, runs.nominal_end)",
        (
            run,
            told_id,
            job.id,
            parent,
            event.moment,
            event.moment,
            state,
            nominal.get("nominalStartTime"),
            nominal.get("nominalEndTime"),
            Jsonb(args),
        ),
    )
    if state == "RUNNING":
        await connection.execute("update runs set started_at = %s where id = %s", (event.moment, run))
    else:
        await connection.execute("update runs set ended_at = %s where id = %s", (event.moment, run))


def _arguments(run: Json) -> dict[str, str]:
    nominal, parent = facet(run, "nominalTime"), facet(run, "parent") or facet(run, "parentRun")
    found: dict[str, str] = {}
    if nominal and nominal.get("nominalStartTime"):
        found["nominal_start_time"] = nominal["nominalStartTime"]
        if nominal.get("nominalEndTime"):
            found["nominal_end_time"] = nominal["nominalEndTime"]
    if parent:
        job = parent["job"]
        found |= {"run_id": parent["run"]["runId"], "name": job["name"], "namespace": job["namespace"]}
    return found


async def _facets(
    connection: Connection, of: tuple[str, UUID], run: UUID, moment: datetime, told: Json | None
) -> None:
    """Keep facets; of two events that tell the same facet, the later one's is kept."""
    for name, content in (told or {}).items():
        await connection.execute(
            "insert into facets (kind, owner, run_id, name, event_time, facet)"
            " values (%s, %s, %s, %s, %s, %s) on conflict (kind, owner, run_id, name) do update"
            " set event_time = excluded.event_time, facet = excluded.facet"
            " where excluded.event_time >= facets.event_time",
            (*of, run, name, moment, Jsonb(content)),
        )


async def _dataset(
    connection: Connection, told: Json, moment: datetime, run: UUID | None, side: Side
) -> _Version:
    """Keep a dataset, and the version of it that is read or written."""
    dataset, source, current = await _dataset_row(connection, told, moment)
    namespace, name = events.namespace(told["namespace"]), told["name"]
    schema = (facet(told, "schema") or {}).get("fields") or []
    for one in schema:
        await connection.execute(
            "insert into fields (dataset_id, name, type) values (%s, %s, %s)"
            " on conflict (dataset_id, name) do update set type = excluded.type",
            (dataset, one["name"], one.get("type")),
        )
    version = current if side == "INPUT" else None
    if version is None:
        version = await _new_version(
            connection, told, moment, dataset=dataset, source=source, run=run, side=side
        )
    found = _Version(version, dataset, namespace, name)
    for one in schema:
        await connection.execute(
            "insert into version_fields (version_id, field) values (%s, %s) on conflict do nothing",
            (version, one["name"]),
        )
    if side == "INPUT" and run is not None:
        await connection.execute(
            "insert into run_inputs (run_id, version_id) values (%s, %s) on conflict do nothing",
            (run, version),
        )
        if current is None:
            await _becomes_current(connection, found, moment)
    if side == "OUTPUT" and run is not None:
        await _columns(connection, told, found, moment, run)
    await _facets(connection, ("dataset", version), run or _NO_RUN, moment, told.get("facets"))
    own = ("input", "inputFacets") if side == "INPUT" else ("output", "outputFacets")
    await _facets(connection, (own[0], version), run or _NO_RUN, moment, told.get(own[1]))
    return found


async def _dataset_row(connection: Connection, told: Json, moment: datetime) -> tuple[UUID, str, UUID | None]:
    namespace = await _namespace(connection, told["namespace"], moment)
    given = facet(told, "dataSource") or {}
    source = str(given.get("name") or _DEFAULT_SOURCE)
    await connection.execute(
        "insert into sources (name, created_at, updated_at, connection_url) values (%s, %s, %s, %s)"
        " on conflict (name) do update set updated_at = excluded.updated_at",
        (source, moment, moment, str(given.get("uri") or "")),
    )
    state = (facet(told, "lifecycleStateChange") or {}).get("lifecycleStateChange") or ""
    cursor = await connection.execute(
        "insert into datasets (namespace, name, source, description, created_at, updated_at, is_deleted)"
        " values (%s, %s, %s, %s, %s, %s, %s) on conflict (namespace, name) do update set"
        " source = excluded.source, updated_at = excluded.updated_at,"
        " description = coalesce(excluded.description, datasets.description),"
        " is_deleted = excluded.is_deleted, is_hidden = false returning id, current_version",
        (
            namespace,
            told["name"],
            source,
            (facet(told, "documentation") or {}).get("description"),
            moment,
            moment,
            str(state).upper() == "DROP",
        ),
    )
    row = await cursor.fetchone()
    assert row is not None
    for link in (facet(told, "symlinks") or {}).get("identifiers") or []:
        await connection.execute(
            "insert into symlinks (namespace, name, dataset_id) values (%s, %s, %s) on conflict do nothing",
            (await _namespace(connection, link["namespace"], moment), link["name"], row["id"]),
        )
    return row["id"], source, row["current_version"]


async def _new_version(
    connection: Connection,
    told: Json,
    moment: datetime,
    *,
    dataset: UUID,
    source: str,
    run: UUID | None,
    side: Side,
) -> UUID:
    schema = (facet(told, "schema") or {}).get("fields")
    state = (facet(told, "lifecycleStateChange") or {}).get("lifecycleStateChange") or ""
    columns = [(one["name"], one.get("type"), one.get("description")) for one in schema or []]
    version = events.version(told["namespace"], source, told["name"], state, sorted(map(str, columns)), run)
    await connection.execute(
        "insert into dataset_versions (id, dataset_id, created_at, run_id, schema_version, lifecycle_state,"
        " schema_fields) values (%s, %s, %s, %s, %s, %s, %s)"
        " on conflict (id) do update set run_id = excluded.run_id",
        (
            version,
            dataset,
            moment,
            None if side == "INPUT" else run,
            events.version(dataset, sorted(map(str, columns))),
            state,
            None if schema is None else Jsonb(schema),
        ),
    )
    return version


async def _becomes_current(connection: Connection, version: _Version, moment: datetime) -> None:
    await connection.execute(
        "update datasets set current_version = %s, updated_at = %s where id = %s",
        (version.id, moment, version.dataset),
    )


async def _columns(
    connection: Connection, told: Json, written: _Version, moment: datetime, run: UUID
) -> None:
    """Keep which columns the columns of an output come from.

    Only columns count that a schema told of: those of the output in this event, those of the inputs in
    the versions that the run read.
    """
    lineage = (facet(told, "columnLineage") or {}).get("fields") or {}
    own = {one["name"] for one in (facet(told, "schema") or {}).get("fields") or []}
    if not own.intersection(lineage):
        return
    cursor = await connection.execute(
        "select d.namespace, d.name, f.field, v.id as version, d.id as dataset from run_inputs i"
        " join dataset_versions v on v.id = i.version_id join datasets d on d.id = v.dataset_id"
        " join version_fields f on f.version_id = v.id where i.run_id = %s",
        (run,),
    )
    readable = {
        (row["namespace"], row["name"], row["field"]): (row["version"], row["dataset"])
        for row in await cursor.fetchall()
    }
    for column in own.intersection(lineage):
        how: Json = lineage[column]
        for source in how.get("inputFields") or []:
            found = readable.get((source["namespace"], source["name"], source["field"]))
            if found is not None:
                await connection.execute(
                    "insert into column_lineage values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                    " on conflict (output_version, output_field, input_version, input_field) do update set"
                    " description = excluded.description, type = excluded.type,"
                    " updated_at = excluded.updated_at",
                    (
                        written.id,
                        written.dataset,
                        column,
                        *found,
                        source["field"],
                        how.get("transformationDescription"),
                        how.get("transformationType"),
                        moment,
                        moment,
                    ),
                )


async def _versions(connection: Connection, query: Any, run: UUID) -> list[_Version]:
    cursor = await connection.execute(query, (run,))
    return [_Version(**row) for row in await cursor.fetchall()]


async def _job_version(
    connection: Connection,
    job: _Job,
    moment: datetime,
    run: UUID | None,
    *,
    reads: list[_Version],
    writes: list[_Version],
) -> None:
    names = [sorted((one.namespace, one.name) for one in side) for side in (reads, writes)]
    version = events.version(job.namespace, job.name, *names, job.location)
    await connection.execute(
        "insert into job_versions (id, job_id, created_at, updated_at, latest_run)"
        " values (%s, %s, %s, %s, %s) on conflict (id) do update set updated_at = excluded.updated_at,"
        " latest_run = coalesce(excluded.latest_run, job_versions.latest_run)",
        (version, job.id, moment, moment, run),
    )
    sides: tuple[tuple[Side, list[_Version]], ...] = (("INPUT", reads), ("OUTPUT", writes))
    for side, datasets in sides:
        if datasets:
            await connection.execute(
                "update job_io set is_current = false where job_id = %s and io = %s and version_id <> %s",
                (job.id, side, version),
            )
        for one in datasets:
            await connection.execute(
                "insert into job_io (version_id, job_id, dataset_id, io, is_current)"
                " values (%s, %s, %s, %s, true)"
                " on conflict (version_id, dataset_id, io) do update set is_current = true",
                (version, job.id, one.dataset, side),
            )
    if run is not None:
        await connection.execute("update runs set job_version = %s where id = %s", (version, run))
    await connection.execute("update jobs set current_version = %s where id = %s", (version, job.id))
