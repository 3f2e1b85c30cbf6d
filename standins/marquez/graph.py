"""The lineage graph of jobs and datasets, and that of columns, as nodes with their edges."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from standins.marquez import store, times
from standins.marquez.database import Connection
from standins.marquez.errors import missing, not_found
from standins.marquez.store import Json

_PREFIXES: Final = ("dataset", "datasetField", "job", "run")


@dataclass(frozen=True)
class NodeId:
    """A node by its id: ``job:NAMESPACE:NAME``, ``dataset:NAMESPACE:NAME``, ``datasetField:...:FIELD``."""

    prefix: str
    namespace: str
    name: str
    field: str = ""
    version: UUID | None = None

    @classmethod
    def read(cls, text: str) -> NodeId:
        """The node that an id names; a namespace may have colons of its own.

        Raises:
            ApiError: 404, the id is none.
        """
        prefix, _, rest = text.partition(":")
        rest, _, version = rest.partition("#")
        parts = rest.rsplit(":", 2 if prefix == "datasetField" else 1)
        if prefix == "run":
            parts = ["", rest]
        if prefix not in _PREFIXES or len(parts) != (3 if prefix == "datasetField" else 2):
            raise not_found()
        try:
            known = UUID(version) if version else None
        except ValueError:
            raise not_found() from None
        return cls(prefix, parts[0], parts[1], "".join(parts[2:]), known)


async def lineage(connection: Connection, node: NodeId, depth: int) -> Json:
    """The jobs around a job or dataset with what they read and write, whether up or down the stream.

    Args:
        connection: to the database.
        node: where to begin.
        depth: how many jobs away from the first one; 0 gives that job with its datasets.

    Raises:
        ApiError: 404, there is no such node.
    """
    if node.prefix not in ("job", "dataset"):
        raise missing("Node", f"{node.prefix}:{node.name}") if node.prefix == "run" else not_found()
    begin, own = await _first_job(connection, node)
    jobs = await _jobs_around(connection, begin, depth) if begin else {}
    reads, writes, datasets = await _moved(connection, list(jobs))
    if own is not None and own["id"] not in datasets:
        return {"graph": [_node(_dataset_node_id(own), "DATASET", store.dataset_head(own), [], [])]}
    nodes = []
    for job_id, row in jobs.items():
        name = f"job:{row['namespace']}:{row['name']}"
        inputs = [datasets[one] for one in reads.get(job_id, [])]
        outputs = [datasets[one] for one in writes.get(job_id, [])]
        data = await _job_data(connection, row, inputs, outputs)
        into = [(_dataset_node_id(one), name) for one in inputs]
        out = [(name, _dataset_node_id(one)) for one in outputs]
        nodes.append(_node(name, "JOB", data, into, out))
    for dataset_id, row in datasets.items():
        name = _dataset_node_id(row)
        made_by = [(_job_node_id(jobs[job]), name) for job in jobs if dataset_id in writes.get(job, [])]
        read_by = [(name, _job_node_id(jobs[job])) for job in jobs if dataset_id in reads.get(job, [])]
        nodes.append(_node(name, "DATASET", store.dataset_head(row), made_by, read_by))
    return {"graph": sorted(nodes, key=lambda one: str(one["id"]))}


def _job_node_id(row: Json) -> str:
    return f"job:{row['namespace']}:{row['name']}"


def _dataset_node_id(row: Json) -> str:
    return f"dataset:{row['namespace']}:{row['name']}"


def _node(
    name: str, kind: str, data: Json, into: Iterable[tuple[str, str]], out: Iterable[tuple[str, str]]
) -> Json:
    def edges(pairs: Iterable[tuple[str, str]]) -> list[Json]:
        return [{"origin": origin, "destination": end} for origin, end in sorted(set(pairs))]

    return {"id": name, "type": kind, "data": data, "inEdges": edges(into), "outEdges": edges(out)}


async def _first_job(connection: Connection, node: NodeId) -> tuple[UUID | None, Any]:
    """The job to begin with, and the dataset that was asked for if one was."""
    if node.prefix == "job":
        row = await store.job_row(connection, node.namespace, node.name)
        if row is None:
            raise missing("Job", node.name)
        return row["id"], None
    dataset = await store.dataset_row(connection, node.namespace, node.name)
    if dataset is None:
        raise missing("Dataset", node.name)
    cursor = await connection.execute(
        "select i.job_id from job_io i join job_versions v on v.id = i.version_id"
        " join jobs j on j.id = i.job_id where i.dataset_id = %s and not j.is_hidden"
        " order by i.io desc, i.is_current desc, v.updated_at desc limit 1",
        (dataset["id"],),
    )
    found = await cursor.fetchone()
    return (found["job_id"] if found else None), dataset


async def _jobs_around(connection: Connection, begin: UUID, depth: int) -> dict[UUID, Json]:
    cursor = await connection.execute(
        "with recursive near (job_id, depth) as ("
        "  select %(begin)s::uuid, 0"
        "  union"
        "  select other.job_id, near.depth + 1 from near"
        "  join job_io mine on mine.job_id = near.job_id and mine.is_current"
        "  join job_io other on other.dataset_id = mine.dataset_id and other.is_current"
        "  where near.depth < %(depth)s and other.job_id <> near.job_id)"
        " select j.*, p.name as parent_name from jobs j left join jobs p on p.id = j.parent_id"
        " where not j.is_hidden and j.id in (select job_id from near)",
        {"begin": begin, "depth": depth},
    )
    return {row["id"]: row for row in await cursor.fetchall()}


async def _moved(
    connection: Connection, jobs: list[UUID]
) -> tuple[dict[UUID, list[UUID]], dict[UUID, list[UUID]], dict[UUID, Any]]:
    """What jobs read, what they write, and these datasets by their ids."""
    cursor = await connection.execute(
        "select i.job_id, i.io, d.*, v.schema_fields, v.lifecycle_state from job_io i"
        " join datasets d on d.id = i.dataset_id left join dataset_versions v on v.id = d.current_version"
        " where i.is_current and i.job_id = any(%s) and not d.is_hidden order by d.namespace, d.name",
        (jobs,),
    )
    sides: dict[str, dict[UUID, list[UUID]]] = {"INPUT": {}, "OUTPUT": {}}
    datasets: dict[UUID, Any] = {}
    for row in await cursor.fetchall():
        sides[row["io"]].setdefault(row["job_id"], []).append(row["id"])
        datasets[row["id"]] = row
    return sides["INPUT"], sides["OUTPUT"], datasets


async def _job_data(connection: Connection, row: Json, inputs: list[Any], outputs: list[Any]) -> Json:
    current = row["current_run"]
    parent = row["parent_id"]
    return {
        "id": store.identity(row),
        "type": row["type"],
        "name": row["name"],
        "simpleName": row["simple_name"],
        "parentJobName": row["parent_name"],
        "parentJobUuid": str(parent) if parent else None,
        "currentRunUuid": str(current) if current else None,
        "createdAt": times.told(row["created_at"]),
        "updatedAt": times.told(row["updated_at"]),
        "namespace": row["namespace"],
        "inputs": [store.identity(one) for one in inputs],
        "outputs": [store.identity(one) for one in outputs],
        "location": row["location"],
        "description": row["description"],
        "latestRun": await store.run(connection, current) if current else None,
    }


# --- columns ------------------------------------------------------------------------------

_Column = tuple[UUID, str]


async def column_lineage(connection: Connection, node: NodeId, depth: int, *, with_downstream: bool) -> Json:
    """Where the columns of a dataset (or one, or those that a job writes) come from.

    Args:
        connection: to the database.
        node: whose columns.
        depth: how many steps away.
        with_downstream: whether to tell as well what is made of them.

    Raises:
        ApiError: 404, no column is known there.
    """
    begin = await _columns(connection, node)
    if not begin:
        raise not_found() if node.prefix == "run" else missing("Node", node.name)
    edges = await _edges(connection, begin, depth, with_downstream=with_downstream)
    names = {end: row for row in edges for end in _ends(row)}
    sources: dict[_Column, list[Json]] = {}
    for row in edges:
        sources.setdefault((row["output_dataset"], row["output_field"]), []).append(row)
    versioned = node.version is not None
    nodes = []
    for column, row in names.items():
        name = _column_id(row, column, versioned=versioned)
        inputs = sources.get(column, [])
        into = [
            (name, _column_id(one, (one["input_dataset"], one["input_field"]), versioned=versioned))
            for one in inputs
        ]
        out = [
            (name, _column_id(one, (one["output_dataset"], one["output_field"]), versioned=versioned))
            for one in edges
            if (one["input_dataset"], one["input_field"]) == column
        ]
        nodes.append(_node(name, "DATASET_FIELD", _column_data(row, column, inputs), into, out))
    return {"graph": sorted(nodes, key=lambda one: str(one["id"]))}


def _ends(row: Json) -> tuple[_Column, _Column]:
    return (row["output_dataset"], row["output_field"]), (row["input_dataset"], row["input_field"])


def _side(row: Json, column: _Column) -> str:
    return "output" if column == (row["output_dataset"], row["output_field"]) else "input"


def _column_id(row: Json, column: _Column, *, versioned: bool) -> str:
    side = _side(row, column)
    name = f"datasetField:{row[f'{side}_namespace']}:{row[f'{side}_name']}:{column[1]}"
    return f"{name}#{row[f'{side}_version']}" if versioned else name


def _column_data(row: Json, column: _Column, inputs: list[Json]) -> Json:
    side = _side(row, column)
    return {
        "namespace": row[f"{side}_namespace"],
        "dataset": row[f"{side}_name"],
        "datasetVersion": str(row[f"{side}_version"]),
        "field": column[1],
        "fieldType": row[f"{side}_type"] if inputs else "",
        "transformationDescription": inputs[0]["description"] if inputs else None,
        "transformationType": inputs[0]["type"] if inputs else None,
        "inputFields": [
            {
                "namespace": one["input_namespace"],
                "dataset": one["input_name"],
                "datasetVersion": str(one["input_version"]),
                "field": one["input_field"],
                "transformationDescription": one["description"],
                "transformationType": one["type"],
            }
            for one in inputs
        ],
    }


async def _columns(connection: Connection, node: NodeId) -> set[_Column]:
    """The columns to begin with."""
    if node.prefix == "job":
        query: Any = (
            "select f.dataset_id, f.name from fields f join job_io i on i.dataset_id = f.dataset_id"
            " join jobs j on j.id = i.job_id where i.io = 'OUTPUT' and i.is_current"
            " and j.namespace = %(namespace)s and j.name = %(name)s and not j.is_hidden"
        )
    elif node.version is not None:
        query = (
            "select v.dataset_id, f.field as name from version_fields f"
            " join dataset_versions v on v.id = f.version_id where v.id = %(version)s"
        )
    else:
        query = (
            "select f.dataset_id, f.name from fields f join datasets d on d.id = f.dataset_id"
            " where d.namespace = %(namespace)s and d.name = %(name)s and not d.is_hidden"
        )
    cursor = await connection.execute(
        query, {"namespace": node.namespace, "name": node.name, "version": node.version or uuid.UUID(int=0)}
    )
    rows = await cursor.fetchall()
    return {(row["dataset_id"], row["name"]) for row in rows if not node.field or row["name"] == node.field}


async def _edges(
    connection: Connection, begin: set[_Column], depth: int, *, with_downstream: bool
) -> list[Json]:
    """The latest edge between any two columns, as far from the first columns as was asked."""
    cursor = await connection.execute(
        "select distinct on (c.output_dataset, c.output_field, c.input_dataset, c.input_field) c.*,"
        " o.namespace as output_namespace, o.name as output_name, fo.type as output_type,"
        " i.namespace as input_namespace, i.name as input_name, fi.type as input_type"
        " from column_lineage c"
        " join datasets o on o.id = c.output_dataset and not o.is_hidden"
        " join datasets i on i.id = c.input_dataset and not i.is_hidden"
        " join fields fo on fo.dataset_id = o.id and fo.name = c.output_field"
        " join fields fi on fi.dataset_id = i.id and fi.name = c.input_field"
        " order by c.output_dataset, c.output_field, c.input_dataset, c.input_field, c.updated_at desc"
    )
    every = await cursor.fetchall()
    found: dict[tuple[_Column, _Column], Json] = {}
    up, down = set(begin), set(begin)
    for _ in range(depth):
        fresh = {_ends(row): row for row in every if _ends(row)[0] in up}
        if with_downstream:
            fresh |= {_ends(row): row for row in every if _ends(row)[1] in down}
        fresh = {ends: row for ends, row in fresh.items() if ends not in found}
        if not fresh:
            break
        found |= fresh
        up = {ends[1] for ends in fresh}
        down = {ends[0] for ends in fresh}
    return list(found.values())
