"""The routes: what each reads of its request, and what it answers."""

from __future__ import annotations

import json
from typing import Any

from psycopg.rows import DictRow
from starlette.responses import JSONResponse, Response

from standins.marquez import events, graph, intake, store, times
from standins.marquez.errors import ApiError, ConstraintError, missing, not_found, unreadable
from standins.marquez.graph import NodeId
from standins.marquez.http import Call, Route, route

_DEPTH = 20
_BEGINNING, _END = "1970-01-01T00:00:00+00:00", "2030-01-01T00:00:00+00:00"
_STATES = ("NEW", "RUNNING", "COMPLETED", "ABORTED", "FAILED")


def routes() -> list[Route]:
    """Every route of the API."""
    return [
        route("POST", "/lineage", _post_event),
        route("GET", "/lineage", _lineage),
        route("GET", "/column-lineage", _column_lineage),
        route("GET", "/events/lineage", _events),
        route("GET", "/search", _search),
        route("GET", "/namespaces", _namespaces),
        route("GET", "/namespaces/{namespace}", _get_namespace),
        route("PUT", "/namespaces/{namespace}", _put_namespace),
        route("DELETE", "/namespaces/{namespace}", _delete_namespace),
        route("GET", "/sources", _sources),
        route("GET", "/tags", _tags),
        route("GET", "/jobs", _jobs),
        route("GET", "/namespaces/{namespace}/jobs", _jobs),
        route("GET", "/namespaces/{namespace}/jobs/{job}", _job),
        route("DELETE", "/namespaces/{namespace}/jobs/{job}", _delete_job),
        route("GET", "/namespaces/{namespace}/jobs/{job}/runs", _runs),
        route("GET", "/jobs/runs/{run}", _run),
        route("GET", "/jobs/runs/{run}/facets", _run_facets),
        route("GET", "/namespaces/{namespace}/datasets", _datasets),
        route("GET", "/namespaces/{namespace}/datasets/{dataset}", _dataset),
        route("DELETE", "/namespaces/{namespace}/datasets/{dataset}", _delete_dataset),
        route("GET", "/namespaces/{namespace}/datasets/{dataset}/versions", _versions),
        route("GET", "/namespaces/{namespace}/datasets/{dataset}/versions/{version}", _version),
    ]


# --- events, lineage, search --------------------------------------------------------------


async def _post_event(call: Call) -> Response:
    await intake.take_in(call.connection, events.parse(call.body))
    return Response(status_code=201)


def _node(call: Call) -> NodeId:
    text = call.parameter("nodeId")
    if text is None:
        raise ConstraintError(400, ["query param nodeId must not be null"])
    return NodeId.read(text)


async def _lineage(call: Call) -> Response:
    return JSONResponse(await graph.lineage(call.connection, _node(call), call.number("depth", _DEPTH)))


async def _column_lineage(call: Call) -> Response:
    node = _node(call)
    downstream = (call.parameter("withDownstream") or "").lower() == "true"
    if node.version is not None and downstream:
        return Response(status_code=400)
    depth = call.number("depth", _DEPTH)
    found = await graph.column_lineage(call.connection, node, depth, with_downstream=downstream)
    return JSONResponse(found)


async def _events(call: Call) -> Response:
    try:
        before = times.read(call.parameter("before") or _END)
        after = times.read(call.parameter("after") or _BEGINNING)
    except ValueError:
        raise ApiError(400, "HTTP 400 Bad Request") from None
    limit, offset = call.page()
    ascending = (call.parameter("sortDirection") or "desc").lower() == "asc"
    found, count = await store.events(
        call.connection, before, after, ascending=ascending, limit=limit, offset=offset
    )
    return JSONResponse({"events": found, "totalCount": count})


async def _search(call: Call) -> Response:
    words = (call.parameter("q") or "").strip()
    if not words:
        raise ConstraintError(400, ["query param q must not be blank"])
    kind = call.parameter("filter")
    found = await store.search(
        call.connection,
        words,
        kind=kind.upper() if kind else None,
        sort=(call.parameter("sort") or "name").lower(),
        namespace_name=call.parameter("namespace"),
        limit=call.number("limit", 10),
    )
    return JSONResponse({"totalCount": len(found), "results": found})


# --- namespaces, sources, tags ------------------------------------------------------------


async def _namespaces(call: Call) -> Response:
    return JSONResponse({"namespaces": await store.namespaces(call.connection, *call.page())})


async def _namespace(call: Call) -> dict[str, Any]:
    found = await store.namespace(call.connection, call.path["namespace"])
    if found is None:
        raise missing("Namespace", call.path["namespace"])
    return found


async def _get_namespace(call: Call) -> Response:
    return JSONResponse(await _namespace(call))


async def _put_namespace(call: Call) -> Response:
    try:
        told = json.loads(call.body)
    except ValueError as broken:
        raise unreadable(broken) from broken
    if not isinstance(told, dict) or not told.get("ownerName"):
        raise ConstraintError(422, ["ownerName must not be null"])
    name = call.path["namespace"]
    await store.put_namespace(call.connection, name, told["ownerName"], told.get("description"))
    return JSONResponse(await _namespace(call))


async def _delete_namespace(call: Call) -> Response:
    found = await _namespace(call)
    await store.hide_namespace(call.connection, call.path["namespace"])
    return JSONResponse(found)


async def _sources(call: Call) -> Response:
    return JSONResponse({"sources": await store.sources(call.connection, *call.page())})


async def _tags(call: Call) -> Response:
    call.page()
    return JSONResponse({"tags": []})


# --- jobs and runs ------------------------------------------------------------------------


async def _job_row(call: Call) -> DictRow:
    await _namespace(call)
    row = await store.job_row(call.connection, call.path["namespace"], call.path["job"])
    if row is None:
        raise missing("Job", call.path["job"])
    return row


async def _jobs(call: Call) -> Response:
    states = call.request.query_params.getlist("lastRunStates") or list(_STATES)
    found, count = await store.jobs(call.connection, call.path.get("namespace"), states, *call.page())
    return JSONResponse({"jobs": found, "totalCount": count})


async def _job(call: Call) -> Response:
    return JSONResponse(await store.job(call.connection, await _job_row(call)))


async def _delete_job(call: Call) -> Response:
    row = await _job_row(call)
    told = await store.job(call.connection, row, bare=True)
    await store.hide_job(call.connection, row["id"])
    return JSONResponse(told)


async def _runs(call: Call) -> Response:
    row = await _job_row(call)
    found = await store.job_runs(call.connection, row["id"], *call.page())
    return JSONResponse({"runs": found, "totalCount": await store.count_runs(call.connection, row["id"])})


async def _known_run(call: Call) -> dict[str, Any]:
    run_id = call.uuid("run")
    found = await store.run(call.connection, run_id)
    if found is None:
        raise missing("Run", run_id)
    return found


async def _run(call: Call) -> Response:
    return JSONResponse(await _known_run(call))


async def _run_facets(call: Call) -> Response:
    kind = (call.parameter("type") or "").lower()
    found = await _known_run(call)
    if not kind:
        raise ConstraintError(400, ["query param type must not be null"])
    if kind not in ("run", "job"):
        raise not_found()
    facets = await store.run_facets(call.connection, call.uuid("run"), kind)
    return JSONResponse({"runId": found["id"], "facets": facets})


# --- datasets -----------------------------------------------------------------------------


async def _dataset_row(call: Call) -> DictRow:
    await _namespace(call)
    row = await store.dataset_row(call.connection, call.path["namespace"], call.path["dataset"])
    if row is None:
        raise missing("Dataset", call.path["dataset"])
    return row


async def _datasets(call: Call) -> Response:
    await _namespace(call)
    found, count = await store.datasets(call.connection, call.path["namespace"], *call.page())
    return JSONResponse({"datasets": found, "totalCount": count})


async def _dataset(call: Call) -> Response:
    return JSONResponse(await store.dataset(call.connection, await _dataset_row(call)))


async def _delete_dataset(call: Call) -> Response:
    row = await _dataset_row(call)
    told = await store.dataset(call.connection, row)
    await store.hide_dataset(call.connection, row["id"])
    return JSONResponse(told)


async def _versions(call: Call) -> Response:
    found, count = await store.versions(call.connection, await _dataset_row(call), *call.page())
    return JSONResponse({"versions": found, "totalCount": count})


async def _version(call: Call) -> Response:
    row, version = await _dataset_row(call), call.uuid("version")
    found, _ = await store.versions(call.connection, row, 1, 0, version)
    if not found:
        raise missing("Dataset version", version)
    return JSONResponse(found[0])
