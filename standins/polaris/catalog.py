"""The Iceberg REST catalog as Polaris serves it: each call checked, then done by Iceberg itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx
from psycopg.types.json import Jsonb
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from standins.polaris import access, store, vending
from standins.polaris.access import Rights, Target
from standins.polaris.errors import (
    ApiError,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    no_namespace,
    no_table,
    no_view,
    not_found,
)
from standins.polaris.http import LEVEL_SEPARATOR, Call, Route, levels, route
from standins.polaris.iceberg import encoded_namespace
from standins.polaris.locations import inside, normalized, overlap
from standins.polaris.privileges import TABLE_UPDATES
from standins.polaris.store import Entity, Level

_BASE: Final = "/api/catalog/v1"
_GENERIC_BASE: Final = "/api/catalog/polaris/v1"
_PURGE_PROPERTY: Final = "polaris.config.drop-with-purge.enabled"
_UNSTRUCTURED_PROPERTIES: Final = (
    "polaris.config.allow.unstructured.table.location",
    "allow.unstructured.table.location",
)
_LOCATION_PROPERTIES: Final = ("write.data.path", "write.metadata.path")
_DELEGATION: Final = "X-Iceberg-Access-Delegation"
_VENDED: Final = "vended-credentials"

_ENDPOINTS: Final = (
    "GET /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "POST /v1/{prefix}/namespaces",
    "POST /v1/{prefix}/namespaces/{namespace}/properties",
    "DELETE /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/tables/rename",
    "POST /v1/{prefix}/namespaces/{namespace}/register",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
    "POST /v1/{prefix}/transactions/commit",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
    "GET /v1/{prefix}/namespaces/{namespace}/views",
    "GET /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "POST /v1/{prefix}/namespaces/{namespace}/views",
    "POST /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "POST /v1/{prefix}/views/rename",
    "GET /polaris/v1/{prefix}/namespaces/{namespace}/generic-tables",
    "POST /polaris/v1/{prefix}/namespaces/{namespace}/generic-tables",
    "DELETE /polaris/v1/{prefix}/namespaces/{namespace}/generic-tables/{generic-table}",
    "GET /polaris/v1/{prefix}/namespaces/{namespace}/generic-tables/{generic-table}",
)


def routes() -> list[Route]:
    """All routes of the catalog API."""
    namespace = f"{_BASE}/{{prefix}}/namespaces/{{namespace}}"
    table = f"{namespace}/tables/{{table}}"
    view = f"{namespace}/views/{{view}}"
    generic = f"{_GENERIC_BASE}/{{prefix}}/namespaces/{{namespace}}/generic-tables"
    return [
        route("GET", f"{_BASE}/config", get_config),
        route("GET", f"{_BASE}/{{prefix}}/namespaces", list_namespaces),
        route("POST", f"{_BASE}/{{prefix}}/namespaces", create_namespace),
        route("GET", namespace, load_namespace),
        route("HEAD", namespace, namespace_exists),
        route("DELETE", namespace, drop_namespace),
        route("POST", f"{namespace}/properties", update_namespace),
        route("GET", f"{namespace}/tables", list_tables),
        route("POST", f"{namespace}/tables", create_table),
        route("POST", f"{namespace}/register", register_table),
        route("GET", table, load_table),
        route("HEAD", table, table_exists),
        route("POST", table, update_table),
        route("DELETE", table, drop_table),
        route("GET", f"{table}/credentials", load_credentials),
        route("POST", f"{table}/metrics", report_metrics),
        route("POST", f"{_BASE}/{{prefix}}/tables/rename", rename_table),
        route("POST", f"{_BASE}/{{prefix}}/transactions/commit", commit_transaction),
        route("GET", f"{namespace}/views", list_views),
        route("POST", f"{namespace}/views", create_view),
        route("GET", view, load_view),
        route("HEAD", view, view_exists),
        route("POST", view, replace_view),
        route("DELETE", view, drop_view),
        route("POST", f"{_BASE}/{{prefix}}/views/rename", rename_view),
        route("GET", generic, list_generic_tables),
        route("POST", generic, create_generic_table),
        route("GET", f"{generic}/{{table}}", load_generic_table),
        route("DELETE", f"{generic}/{{table}}", drop_generic_table),
    ]


@dataclass(frozen=True)
class Place:
    """A request's catalog and namespace, with what its caller may do there."""

    call: Call
    catalog: Entity
    rights: Rights
    namespace: tuple[str, ...] = ()

    @property
    def dotted(self) -> str:
        """The namespace as it is stored and spoken of."""
        return ".".join(self.namespace)

    @property
    def has_dot(self) -> bool:
        """Whether a level holds a dot: there is no such namespace here, whatever else is so spelt."""
        return any("." in level for level in self.namespace)

    @property
    def path(self) -> str:
        """The namespace's path at the Iceberg host."""
        return f"/v1/namespaces/{encoded_namespace(tuple(quote(each, safe='') for each in self.namespace))}"

    def table_path(self, name: str, kind: str = "tables") -> str:
        """A table's or view's path at the Iceberg host."""
        return f"{self.path}/{kind}/{quote(name, safe='')}"

    def target(self, name: str = "") -> Target:
        """The namespace, or a table or view in it, as grants see it."""
        return Target(self.catalog.id, self.dotted, name)

    def require(self, operation: str, name: str = "") -> None:
        """Refuse with 403 what the caller may not do."""
        self.rights.require(operation, self.target(name))

    def at(self, namespace: Sequence[str]) -> Place:
        """Another namespace of the same catalog."""
        return Place(self.call, self.catalog, self.rights, tuple(namespace))

    async def exists(self) -> bool:
        """Whether the namespace is there; the catalog's root always is."""
        return not self.namespace or (
            not self.has_dot
            and await store.namespace_exists(self.call.connection, self.catalog.id, self.dotted)
        )

    async def find(self, name: str) -> store.TableLike | None:
        """What has that name in the namespace."""
        if self.has_dot:
            return None
        return await store.table_like(self.call.connection, self.catalog.id, self.dotted, name)

    async def must_exist(self) -> None:
        """404 unless the namespace is there."""
        if not await self.exists():
            raise no_namespace(self.dotted)

    async def must_have(self, name: str, kind: str = "table") -> None:
        """404 unless the namespace has a table (or view) of that name."""
        found = await self.find(name)
        if found is None or found.kind != kind:
            identifier = f"{self.dotted}.{name}"
            raise no_view(identifier) if kind == "view" else no_table(identifier)

    async def must_not_have(self, name: str) -> None:
        """409 if the namespace has anything of that name."""
        found = await self.find(name)
        if found is not None:
            kind = {"table": "Iceberg table", "view": "View", "generic": "Generic table"}[found.kind]
            raise already_exists(f"{kind} already exists: {self.dotted}.{name}")

    async def location(self) -> str:
        """Where the tables of the namespace go."""
        stored = await store.namespace_location(self.call.connection, self.catalog.id, self.dotted)
        base = self.catalog.properties["default-base-location"].rstrip("/")
        return (stored or "/".join((base, *self.namespace))).rstrip("/")

    async def ask(self, method: str, path: str, body: object = None, **arguments: Any) -> httpx.Response:
        """Let Iceberg do it."""
        return await self.call.services.host.call(
            method,
            path,
            catalog=vending.described(self.catalog, self.call.services.settings.region),
            body=None if body is None else json.dumps(body).encode(),
            **arguments,
        )

    def flag(self, *properties: str) -> bool:
        """Whether one of these properties of the catalog is true."""
        return any(self.catalog.properties.get(name, "").lower() == "true" for name in properties)


async def _place(call: Call, *, existing: bool = True) -> Place:
    catalog = await store.find(call.connection, call.realm, "CATALOG", call.path["prefix"])
    if catalog is None:
        raise no_namespace("")
    held = await access.rights(call.connection, call.caller, catalog)
    place = Place(call, catalog, held, levels(call.path.get("namespace", "")))
    if existing:
        await place.must_exist()
    return place


def _empty(status: int = 204) -> Response:
    return Response(status_code=status)


def _checked_levels(content: object) -> tuple[str, ...]:
    if not isinstance(content, list) or not all(isinstance(each, str) and each for each in content):
        raise bad_request("A namespace must be a list of texts")
    for level in content:
        # Iceberg's JDBC catalog joins levels with dots.
        if "." in level or LEVEL_SEPARATOR in level:
            raise bad_request(f"The stand-in takes no dot in a namespace's level: '{level}'")
    return tuple(content)


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise bad_request(f"'{name}' must be a text")
    return value


def _texts(content: Mapping[str, Any], name: str) -> dict[str, str]:
    value = content.get(name) or {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise bad_request(f"'{name}' must be an object of texts")
    return value


def _objects(content: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = content.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise bad_request(f"'{name}' must be a list of objects")
    return value


def _identifier(content: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], str]:
    value = content.get(name)
    if not isinstance(value, dict):
        raise bad_request(f"'{name}' must name a namespace and a name")
    return _checked_levels(value.get("namespace")), _text(value, "name")


def _wants_credentials(request: Request) -> bool:
    modes = {mode.strip() for mode in request.headers.get(_DELEGATION, "").split(",") if mode.strip()}
    if modes and _VENDED not in modes:
        raise bad_request(f"Unsupported access delegation mode: {', '.join(sorted(modes))}")
    return bool(modes)


# Configuration ----------------------------------------------------------------------------------


async def get_config(call: Call) -> Response:
    """What a client needs to know of a catalog; any principal may ask."""
    warehouse = call.request.query_params.get("warehouse")
    if not warehouse:
        raise bad_request("Please specify a warehouse")
    catalog = await store.find(call.connection, call.realm, "CATALOG", warehouse)
    if catalog is None:
        raise not_found(f"Unable to find warehouse {warehouse}")
    return JSONResponse(
        {
            "defaults": catalog.properties,
            "overrides": {"prefix": quote(catalog.name, safe="")},
            "endpoints": _ENDPOINTS,
        }
    )


# Namespaces -------------------------------------------------------------------------------------


async def list_namespaces(call: Call) -> Response:
    """The namespaces right below another one, or at the top."""
    place = await _place(call)
    parent = place.at(levels(call.request.query_params.get("parent", "")))
    await parent.must_exist()
    parent.require("LIST_NAMESPACES")
    query = {"parent": parent.dotted} if parent.namespace else {}
    return JSONResponse((await place.ask("GET", "/v1/namespaces", query=query)).json())


async def create_namespace(call: Call) -> Response:
    """A new namespace, with its location among its properties. Polaris answers 200, not 201."""
    place = await _place(call)
    content = call.json()
    namespace = _checked_levels(content.get("namespace"))
    properties = _texts(content, "properties")
    if not namespace:
        raise already_exists("Cannot create root namespace, as it already exists implicitly.")
    new, parent = place.at(namespace), place.at(namespace[:-1])
    await parent.must_exist()
    parent.require("CREATE_NAMESPACE")
    if await new.exists():
        raise already_exists(f"Cannot create namespace {new.dotted}. Namespace already exists")
    properties = {**properties, "location": await _namespace_location(parent, namespace[-1], properties)}
    answer = await place.ask(
        "POST", "/v1/namespaces", {"namespace": list(namespace), "properties": properties}
    )
    return JSONResponse(answer.json())


async def _namespace_location(parent: Place, name: str, properties: Mapping[str, str]) -> str:
    default = f"{await parent.location()}/{name}/"
    wanted = properties.get("location")
    if wanted is not None and normalized(wanted) != normalized(default):
        raise bad_request(
            f"Namespace {name} has a custom location, which is not enabled. Expected location: [{default}]"
        )
    return default


async def load_namespace(call: Call) -> Response:
    """A namespace with its properties."""
    place = await _place(call)
    place.require("LOAD_NAMESPACE_METADATA")
    return JSONResponse((await place.ask("GET", place.path)).json())


async def namespace_exists(call: Call) -> Response:
    """204 when the namespace is there."""
    place = await _place(call)
    place.require("NAMESPACE_EXISTS")
    return _empty()


async def drop_namespace(call: Call) -> Response:
    """Drop an empty namespace and the grants on it."""
    place = await _place(call)
    place.require("DROP_NAMESPACE")
    if await store.has_content(call.connection, place.catalog.id, place.dotted):
        raise ApiError(409, "NamespaceNotEmptyException", f"Namespace {place.dotted} is not empty")
    await place.ask("DELETE", place.path)
    await store.forget_grants(call.connection, place.catalog.id, ["namespace"], place.dotted)
    return _empty()


async def update_namespace(call: Call) -> Response:
    """Set and remove properties of a namespace.

    With updates and removals in one request Polaris applies the updates and then answers that somebody
    else changed the namespace, always. Its clients have to live with that, so they meet it here too.
    """
    place = await _place(call)
    content = call.json()
    updates, removals = _texts(content, "updates"), content.get("removals") or []
    if not isinstance(removals, list) or not all(isinstance(each, str) for each in removals):
        raise bad_request("'removals' must be a list of texts")
    place.require("UPDATE_NAMESPACE_PROPERTIES")
    both = sorted(set(updates) & set(removals))
    if both:
        raise ApiError(
            422, "UnprocessableEntityException", f"Cannot update and remove the same keys: {', '.join(both)}"
        )
    location = updates.get("location")
    if location is not None and normalized(location) != normalized(await place.location()):
        raise bad_request(f"Namespace {place.dotted} has a custom location, which is not enabled")
    if updates and removals:
        await place.ask("POST", f"{place.path}/properties", {"updates": updates, "removals": []})
        raise conflict(f"Concurrent modification of namespace: {place.dotted}")
    answer = await place.ask("POST", f"{place.path}/properties", {"updates": updates, "removals": removals})
    return JSONResponse(answer.json())


# Tables -----------------------------------------------------------------------------------------


async def list_tables(call: Call) -> Response:
    """The tables of a namespace."""
    place = await _place(call)
    place.require("LIST_TABLES")
    return JSONResponse((await place.ask("GET", f"{place.path}/tables")).json())


async def _check_locations(place: Place, name: str, wanted: Sequence[str]) -> None:
    """Refuse locations outside the namespace's, and such as another table uses."""
    allowed = [await place.location()]
    if place.flag(*_UNSTRUCTURED_PROPERTIES):
        allowed = vending.storage_of(place.catalog)["allowedLocations"]
    for location in wanted:
        if not inside(location, allowed):
            raise forbidden(f"Invalid locations '[{location}]' for identifier '{place.dotted}.{name}'")
    taken = await store.locations(place.call.connection, place.catalog.id)
    for other, location in taken:
        if other != f"{place.dotted}.{name}" and any(overlap(each, location) for each in wanted):
            raise forbidden(
                f"Unable to create entity at location '{wanted[0]}' because it conflicts with existing"
                f" table or namespace at location '{location}'"
            )


async def _vended(place: Place, name: str, location: str, *, writable: bool) -> dict[str, str]:
    if not inside(location, vending.storage_of(place.catalog)["allowedLocations"]):
        raise forbidden(
            f"Table '{place.dotted}.{name}' has locations outside the catalog's current allowed locations:"
            f" {location}"
        )
    namespace = quote(LEVEL_SEPARATOR.join(place.namespace), safe="")
    prefix = quote(place.catalog.name, safe="")
    return await place.call.services.vendor.credentials(
        place.catalog,
        f"{place.dotted}.{name}",
        location,
        writable=writable,
        refresh=f"v1/{prefix}/namespaces/{namespace}/tables/{quote(name, safe='')}/credentials",
    )


def _table_response(
    place: Place, answer: httpx.Response, location: str, given: Mapping[str, str] | None
) -> Response:
    body = answer.json()
    body["config"] = {
        **body.get("config", {}),
        **vending.client_config(place.catalog),
        **(given or {}),
    }
    if given:
        config = {key: value for key, value in given.items() if key != "client.refresh-credentials-endpoint"}
        body["storage-credentials"] = [{"prefix": location, "config": config}]
    headers = {"ETag": answer.headers["ETag"]} if "ETag" in answer.headers else {}
    return JSONResponse(body, headers=headers)


def _paths_in(properties: Mapping[str, Any]) -> list[str]:
    return [str(properties[key]) for key in _LOCATION_PROPERTIES if properties.get(key)]


async def create_table(call: Call) -> Response:
    """A new table, or the stage of one, in its namespace's location unless told otherwise."""
    place = await _place(call)
    content = call.json()
    name = _text(content, "name")
    if not isinstance(content.get("schema"), dict):
        raise bad_request("'schema' must be an object")
    vended = _wants_credentials(call.request)
    staged = content.get("stage-create") is True
    place.require(
        ("CREATE_TABLE_STAGED" if staged else "CREATE_TABLE_DIRECT")
        + ("_WITH_WRITE_DELEGATION" if vended else "")
    )
    await place.must_not_have(name)
    location = str(content.get("location") or f"{await place.location()}/{name}").rstrip("/")
    await _check_locations(place, name, [location, *_paths_in(_texts(content, "properties"))])
    given = await _vended(place, name, location, writable=True) if vended else None
    answer = await place.ask("POST", f"{place.path}/tables", {**content, "location": location})
    return _table_response(place, answer, location, given)


async def register_table(call: Call) -> Response:
    """A table from metadata that exists already."""
    place = await _place(call)
    content = call.json()
    name, metadata = _text(content, "name"), _text(content, "metadata-location")
    vended = _wants_credentials(call.request)
    place.require("CREATE_TABLE_DIRECT_WITH_WRITE_DELEGATION" if vended else "REGISTER_TABLE")
    await place.must_not_have(name)
    await _check_locations(place, name, [metadata.rsplit("/metadata/", 1)[0]])
    answer = await place.ask("POST", f"{place.path}/register", content)
    found = answer.json()["metadata"]
    location = found["location"]
    try:
        # The file may name any location: nobody gets another table's data by registering a file.
        await _check_locations(place, name, [location, *_paths_in(found.get("properties", {}))])
    except ApiError:
        await place.ask("DELETE", place.table_path(name))
        raise
    given = await _vended(place, name, location, writable=True) if vended else None
    return _table_response(place, answer, location, given)


def _require_load(place: Place, name: str, *, vended: bool) -> bool:
    """Refuse, or tell whether credentials for this caller may write."""
    if not vended:
        place.require("LOAD_TABLE", name)
        return False
    if place.rights.allow("LOAD_TABLE_WITH_WRITE_DELEGATION", place.target(name)):
        return True
    place.require("LOAD_TABLE_WITH_READ_DELEGATION", name)
    return False


async def load_table(call: Call) -> Response:
    """A table's metadata, with credentials for its location if asked for."""
    place = await _place(call, existing=False)
    name = call.path["table"]
    await place.must_have(name)
    vended = _wants_credentials(call.request)
    writable = _require_load(place, name, vended=vended)
    seen = call.request.headers.get("If-None-Match")
    snapshots = call.request.query_params.get("snapshots")
    if snapshots not in (None, "all", "refs"):
        raise bad_request(f"Unrecognized snapshots: {snapshots}")
    answer = await place.ask(
        "GET",
        place.table_path(name),
        query={"snapshots": snapshots} if snapshots else {},
        headers={"If-None-Match": seen} if seen else {},
    )
    if answer.status_code == 304:
        return Response(status_code=304, headers={"ETag": seen or ""})
    location = answer.json()["metadata"]["location"]
    given = await _vended(place, name, location, writable=writable) if vended else None
    return _table_response(place, answer, location, given)


async def load_credentials(call: Call) -> Response:
    """New credentials for a table's location."""
    place = await _place(call, existing=False)
    name = call.path["table"]
    await place.must_have(name)
    writable = _require_load(place, name, vended=True)
    answer = await place.ask("GET", place.table_path(name), query={"snapshots": "refs"})
    location = answer.json()["metadata"]["location"]
    given = await _vended(place, name, location, writable=writable)
    return JSONResponse({"storage-credentials": [{"prefix": location, "config": given}]})


async def table_exists(call: Call) -> Response:
    """204 when the table is there."""
    place = await _place(call, existing=False)
    name = call.path["table"]
    await place.must_have(name)
    place.require("TABLE_EXISTS", name)
    return _empty()


def _new_locations(updates: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for update in updates:
        if update.get("action") == "set-location":
            found.append(str(update.get("location")))
        elif update.get("action") == "set-properties":
            found += _paths_in(update.get("updates") or {})
    return found


async def update_table(call: Call) -> Response:
    """Commit changes to a table, or the first commit of a staged one."""
    place = await _place(call, existing=False)
    name = call.path["table"]
    content = call.json()
    updates = _objects(content, "updates")
    requirements = _objects(content, "requirements")
    if any(requirement.get("type") == "assert-create" for requirement in requirements):
        await place.must_exist()
        place.require("UPDATE_TABLE_FOR_STAGED_CREATE")
    else:
        await place.must_have(name)
        operations = {TABLE_UPDATES.get(str(update.get("action")), "UPDATE_TABLE") for update in updates}
        for operation in sorted(operations or {"UPDATE_TABLE"}):
            place.require(operation, name)
    wanted = _new_locations(updates)
    if wanted:
        await _check_locations(place, name, wanted)
    answer = await place.ask("POST", place.table_path(name), content)
    headers = {"ETag": answer.headers["ETag"]} if "ETag" in answer.headers else {}
    return JSONResponse(answer.json(), headers=headers)


async def drop_table(call: Call) -> Response:
    """Drop a table; its files stay unless purging is enabled and asked for."""
    place = await _place(call, existing=False)
    name = call.path["table"]
    await place.must_have(name)
    purge = call.request.query_params.get("purgeRequested", "false").lower() == "true"
    place.require("DROP_TABLE_WITH_PURGE" if purge else "DROP_TABLE_WITHOUT_PURGE", name)
    if purge and not (call.services.settings.purge_allowed or place.flag(_PURGE_PROPERTY)):
        raise forbidden(
            f"Unable to purge entity: {name}. To enable this feature, set the Polaris configuration"
            f" DROP_WITH_PURGE_ENABLED or the catalog configuration {_PURGE_PROPERTY}"
        )
    query = {"purgeRequested": "true"} if purge else {}
    await place.ask("DELETE", place.table_path(name), query=query)
    await store.forget_grants(call.connection, place.catalog.id, ["table"], place.dotted, name)
    return _empty()


async def report_metrics(call: Call) -> Response:
    """Take a report of a scan or a commit; it is checked and forgotten."""
    place = await _place(call, existing=False)
    name = call.path["table"]
    await place.must_have(name)
    content = call.json()
    scan = content.get("report-type") == "scan-report"
    place.require("REPORT_READ_METRICS" if scan else "REPORT_WRITE_METRICS", name)
    await place.ask("POST", f"{place.table_path(name)}/metrics", content)
    return _empty()


async def _rename(call: Call, kind: Level) -> Response:
    place = await _place(call, existing=False)
    content = call.json()
    source_namespace, source_name = _identifier(content, "source")
    target_namespace, target_name = _identifier(content, "destination")
    source, target = place.at(source_namespace), place.at(target_namespace)
    await source.must_have(source_name, kind)
    await target.must_exist()
    await target.must_not_have(target_name)
    place.rights.require(f"RENAME_{kind.upper()}", source.target(source_name), target.target())
    await place.ask("POST", f"/v1/{kind}s/rename", content)
    await store.move_grants(
        call.connection,
        place.catalog.id,
        [kind],
        (source.dotted, source_name),
        (target.dotted, target_name),
    )
    # Polaris answers 200 with this body where Iceberg's specification says 204.
    return JSONResponse("NO_CONTENT")


async def rename_table(call: Call) -> Response:
    """Give a table another name, or move it to another namespace."""
    return await _rename(call, "table")


async def commit_transaction(call: Call) -> Response:
    """Commit changes to several tables: all or none."""
    place = await _place(call, existing=False)
    changes = _objects(call.json(), "table-changes")
    named = [(*_identifier(change, "identifier"), change) for change in changes]
    for namespace, name, change in named:
        if any(each.get("type") == "assert-create" for each in _objects(change, "requirements")):
            raise bad_request("Unsupported operation: a staged table in a transaction of several tables")
        await place.at(namespace).must_have(name)
    for namespace, name, change in named:
        table = place.at(namespace)
        table.require("COMMIT_TRANSACTION", name)
        wanted = _new_locations(_objects(change, "updates"))
        if wanted:
            await _check_locations(table, name, wanted)
    await place.ask("POST", "/v1/transactions/commit", call.json())
    return _empty()


# Views ------------------------------------------------------------------------------------------


async def list_views(call: Call) -> Response:
    """The views of a namespace."""
    place = await _place(call)
    place.require("LIST_VIEWS")
    return JSONResponse((await place.ask("GET", f"{place.path}/views")).json())


async def create_view(call: Call) -> Response:
    """A new view."""
    place = await _place(call)
    content = call.json()
    name = _text(content, "name")
    place.require("CREATE_VIEW")
    await place.must_not_have(name)
    location = str(content.get("location") or f"{await place.location()}/{name}").rstrip("/")
    await _check_locations(place, name, [location])
    answer = await place.ask("POST", f"{place.path}/views", {**content, "location": location})
    return JSONResponse(answer.json())


async def _view(call: Call, operation: str) -> tuple[Place, str]:
    place = await _place(call, existing=False)
    name = call.path["view"]
    await place.must_have(name, "view")
    place.require(operation, name)
    return place, name


async def load_view(call: Call) -> Response:
    """A view's metadata."""
    place, name = await _view(call, "LOAD_VIEW")
    return JSONResponse((await place.ask("GET", place.table_path(name, "views"))).json())


async def view_exists(call: Call) -> Response:
    """204 when the view is there."""
    await _view(call, "VIEW_EXISTS")
    return _empty()


async def replace_view(call: Call) -> Response:
    """Commit changes to a view."""
    place, name = await _view(call, "REPLACE_VIEW")
    content = call.json()
    wanted = _new_locations(_objects(content, "updates"))
    if wanted:
        await _check_locations(place, name, wanted)
    return JSONResponse((await place.ask("POST", place.table_path(name, "views"), content)).json())


async def drop_view(call: Call) -> Response:
    """Drop a view and the grants on it."""
    place, name = await _view(call, "DROP_VIEW")
    await place.ask("DELETE", place.table_path(name, "views"))
    await store.forget_grants(call.connection, place.catalog.id, ["view"], place.dotted, name)
    return _empty()


async def rename_view(call: Call) -> Response:
    """Give a view another name."""
    return await _rename(call, "view")


# Polaris' generic tables: names and properties of what is no Iceberg table ----------------------


def _generic_json(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {"table": dict(definition)}


async def list_generic_tables(call: Call) -> Response:
    """The generic tables of a namespace."""
    place = await _place(call)
    place.require("LIST_TABLES")
    cursor = await call.connection.execute(
        "select name from generic_tables where catalog_id = %s and namespace = %s order by name",
        (place.catalog.id, place.dotted),
    )
    names = [row["name"] for row in await cursor.fetchall()]
    return JSONResponse(
        {"identifiers": [{"namespace": list(place.namespace), "name": name} for name in names]}
    )


async def create_generic_table(call: Call) -> Response:
    """Note a table of another format."""
    place = await _place(call)
    content = call.json()
    name = _text(content, "name")
    definition = {
        "name": name,
        "format": _text(content, "format"),
        "doc": content.get("doc"),
        "base-location": content.get("base-location"),
        "properties": _texts(content, "properties"),
    }
    place.require("CREATE_TABLE_DIRECT")
    await place.must_not_have(name)
    if definition["base-location"]:
        await _check_locations(place, name, [str(definition["base-location"])])
    definition = {key: value for key, value in definition.items() if value is not None}
    await call.connection.execute(
        "insert into generic_tables (catalog_id, namespace, name, definition) values (%s, %s, %s, %s)",
        (place.catalog.id, place.dotted, name, Jsonb(definition)),
    )
    return JSONResponse(_generic_json(definition))


async def _generic(call: Call, operation: str) -> tuple[Place, str]:
    place = await _place(call, existing=False)
    name = call.path["table"]
    await place.must_have(name, "generic")
    place.require(operation, name)
    return place, name


async def load_generic_table(call: Call) -> Response:
    """What was noted of a generic table."""
    place, name = await _generic(call, "LOAD_TABLE")
    cursor = await call.connection.execute(
        "select definition from generic_tables where catalog_id = %s and namespace = %s and name = %s",
        (place.catalog.id, place.dotted, name),
    )
    row = await cursor.fetchone()
    assert row is not None
    return JSONResponse(_generic_json(row["definition"]))


async def drop_generic_table(call: Call) -> Response:
    """Forget a generic table."""
    place, name = await _generic(call, "DROP_TABLE_WITHOUT_PURGE")
    await call.connection.execute(
        "delete from generic_tables where catalog_id = %s and namespace = %s and name = %s",
        (place.catalog.id, place.dotted, name),
    )
    await store.forget_grants(call.connection, place.catalog.id, ["table"], place.dotted, name)
    return _empty()
