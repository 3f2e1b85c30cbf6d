"""The management API: catalogs, principals, roles and grants."""

from __future__ import annotations

import re
from typing import Any, Final, cast

from starlette.responses import JSONResponse, Response

from standins.polaris import access, store
from standins.polaris.access import Target
from standins.polaris.errors import (
    ApiError,
    EmptyError,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    invalid,
    no_namespace,
    no_table,
    no_view,
    not_found,
)
from standins.polaris.http import Call, Route, route
from standins.polaris.locations import inside, normalized, overlap
from standins.polaris.privileges import GRANTABLE
from standins.polaris.store import Entity, EntityType, Grant, Level

_BASE: Final = "/api/management/v1"
_REALM: Final = Target()
_RESERVED: Final = re.compile(r"^\s*system\$", re.IGNORECASE)
_CATALOG_ADMIN: Final = "catalog_admin"
_SERVICE_ADMIN: Final = "service_admin"
_STORAGE_FIELDS: Final = frozenset(
    {
        "storageType",
        "storageName",
        "allowedLocations",
        "roleArn",
        "externalId",
        "userArn",
        "currentKmsKey",
        "allowedKmsKeys",
        "encryptionKeys",
        "decryptionKeys",
        "region",
        "endpoint",
        "stsEndpoint",
        "stsUnavailable",
        "endpointInternal",
        "pathStyleAccess",
        "kmsUnavailable",
    }
)
_CREATED: Final = 201
_KIND_NAMES: Final[dict[EntityType, str]] = {
    "CATALOG": "Catalog",
    "PRINCIPAL": "Principal",
    "PRINCIPAL_ROLE": "PrincipalRole",
    "CATALOG_ROLE": "CatalogRole",
}


def routes() -> list[Route]:
    """All routes of the management API."""
    principal = f"{_BASE}/principals/{{principal}}"
    principal_role = f"{_BASE}/principal-roles/{{role}}"
    catalog = f"{_BASE}/catalogs/{{catalog}}"
    catalog_role = f"{catalog}/catalog-roles/{{role}}"
    return [
        route("GET", f"{_BASE}/catalogs", list_catalogs),
        route("POST", f"{_BASE}/catalogs", create_catalog),
        route("GET", catalog, get_catalog),
        route("PUT", catalog, update_catalog),
        route("DELETE", catalog, delete_catalog),
        route("GET", f"{_BASE}/principals", list_principals),
        route("POST", f"{_BASE}/principals", create_principal),
        route("GET", principal, get_principal),
        route("PUT", principal, update_principal),
        route("DELETE", principal, delete_principal),
        route("POST", f"{principal}/rotate", rotate_credentials),
        route("POST", f"{principal}/reset", reset_credentials),
        route("GET", f"{principal}/principal-roles", list_assigned_roles),
        route("PUT", f"{principal}/principal-roles", assign_principal_role),
        route("DELETE", f"{principal}/principal-roles/{{role}}", revoke_principal_role),
        route("GET", f"{_BASE}/principal-roles", list_principal_roles),
        route("POST", f"{_BASE}/principal-roles", create_principal_role),
        route("GET", principal_role, get_principal_role),
        route("PUT", principal_role, update_principal_role),
        route("DELETE", principal_role, delete_principal_role),
        route("GET", f"{principal_role}/principals", list_role_principals),
        route("GET", f"{principal_role}/catalog-roles/{{catalog}}", list_role_catalog_roles),
        route("PUT", f"{principal_role}/catalog-roles/{{catalog}}", assign_catalog_role),
        route("DELETE", f"{principal_role}/catalog-roles/{{catalog}}/{{catalog_role}}", revoke_catalog_role),
        route("GET", f"{catalog}/catalog-roles", list_catalog_roles),
        route("POST", f"{catalog}/catalog-roles", create_catalog_role),
        route("GET", catalog_role, get_catalog_role),
        route("PUT", catalog_role, update_catalog_role),
        route("DELETE", catalog_role, delete_catalog_role),
        route("GET", f"{catalog_role}/principal-roles", list_catalog_role_holders),
        route("GET", f"{catalog_role}/grants", list_grants),
        route("PUT", f"{catalog_role}/grants", add_grant),
        route("POST", f"{catalog_role}/grants", revoke_grant),
    ]


# What the API says of entities ------------------------------------------------------------------


def _common(entity: Entity) -> dict[str, Any]:
    return {
        "name": entity.name,
        "properties": entity.properties,
        "createTimestamp": entity.created_ms,
        "lastUpdateTimestamp": entity.updated_ms,
        "entityVersion": entity.version,
    }


def _catalog_json(entity: Entity) -> dict[str, Any]:
    return {
        "type": "INTERNAL",
        **_common(entity),
        "storageConfigInfo": entity.internal["storageConfigInfo"],
    }


def _principal_json(entity: Entity) -> dict[str, Any]:
    return {**_common(entity), "clientId": entity.internal["clientId"]}


def _role_json(entity: Entity) -> dict[str, Any]:
    return {**_common(entity), "federated": False}


def _grant_json(grant: Grant) -> dict[str, Any]:
    body: dict[str, Any] = {"type": grant.level, "privilege": grant.privilege}
    if grant.level != "catalog":
        body["namespace"] = grant.namespace.split(".")
    if grant.level in ("table", "view"):
        body[f"{grant.level}Name"] = grant.name
    return body


# What requests say ------------------------------------------------------------------------------


def _name(content: dict[str, Any]) -> str:
    name = content.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 256:
        raise bad_request("'name' must be a text of 1 to 256 characters")
    if _RESERVED.match(name):
        raise bad_request(f"A name must not begin with SYSTEM$: '{name}'")
    return name


def _properties(content: dict[str, Any]) -> dict[str, str]:
    properties = content.get("properties") or {}
    if not isinstance(properties, dict) or not all(isinstance(value, str) for value in properties.values()):
        raise bad_request("'properties' must be an object of texts")
    return properties


def _expected_version(content: dict[str, Any], entity: Entity) -> None:
    expected = content.get("currentEntityVersion")
    if not isinstance(expected, int):
        raise bad_request("'currentEntityVersion' must be a number")
    if expected != entity.version:
        raise _stale(entity, expected)


def _stale(entity: Entity, expected: int) -> ApiError:
    return conflict(
        f"Failed to update {_KIND_NAMES[entity.type]}; currentEntityVersion '{entity.version}',"
        f" expected '{expected}'"
    )


async def _top(call: Call, kind: EntityType, name: str) -> Entity:
    entity = await store.find(call.connection, call.realm, kind, name)
    if entity is None:
        raise not_found(f"TopLevelEntity of type {kind} does not exist: {name}")
    return entity


async def _catalog_role(call: Call, catalog: Entity, name: str) -> Entity:
    entity = await store.find(call.connection, call.realm, "CATALOG_ROLE", name, catalog.id)
    if entity is None:
        raise not_found(f"CatalogRole does not exist: {name}")
    return entity


async def _require_realm(call: Call, operation: str) -> None:
    (await access.rights(call.connection, call.caller)).require(operation, _REALM)


async def _require_catalog(call: Call, operation: str, catalog: Entity) -> None:
    held = await access.rights(call.connection, call.caller, catalog)
    held.require(operation, Target(catalog.id))


async def _changed(call: Call, entity: Entity, content: dict[str, Any], **internal: Any) -> Entity:
    changed = await store.change(
        call.connection,
        entity,
        properties=_properties(content) if content.get("properties") is not None else None,
        internal={**entity.internal, **internal},
    )
    if changed is None:
        raise _stale(entity, entity.version)
    return changed


def _empty(status: int = _CREATED) -> Response:
    return Response(status_code=status)


# Catalogs ---------------------------------------------------------------------------------------


async def list_catalogs(call: Call) -> Response:
    """All catalogs."""
    await _require_realm(call, "LIST_CATALOGS")
    found = await store.every(call.connection, call.realm, "CATALOG")
    return JSONResponse({"catalogs": [_catalog_json(catalog) for catalog in found]})


def _storage(content: Any, base: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise bad_request("'storageConfigInfo' is missing")
    if content.get("storageType") != "S3":
        raise bad_request(f"Unsupported storage type: {content.get('storageType')}")
    unknown = sorted(set(content) - _STORAGE_FIELDS)
    if unknown:
        raise bad_request(f"Unknown fields of 'storageConfigInfo': {', '.join(unknown)}")
    allowed = content.get("allowedLocations") or []
    if not isinstance(allowed, list) or not all(isinstance(location, str) for location in allowed):
        raise bad_request("'allowedLocations' must be a list of texts")
    if not inside(base, allowed):
        allowed = [*allowed, base]
    for location in allowed:
        if not location.startswith(("s3://", "s3a://")):
            raise bad_request(f"Location prefix not allowed: '{location}', expected prefixes: s3, s3a")
    given = {name: value for name, value in content.items() if value is not None}
    return {**given, "allowedLocations": allowed}


async def _refuse_overlap(call: Call, name: str, wanted: list[str]) -> None:
    for other in await store.every(call.connection, call.realm, "CATALOG"):
        if other.name != name and any(
            overlap(mine, theirs)
            for mine in wanted
            for theirs in other.internal["storageConfigInfo"]["allowedLocations"]
        ):
            raise invalid(
                f"Cannot create Catalog {name}."
                " One or more of its locations overlaps with an existing catalog"
            )


async def create_catalog(call: Call) -> Response:
    """A new catalog with its admin role, which service_admin gets."""
    content = call.wrapped("catalog")
    await _require_realm(call, "CREATE_CATALOG")
    name = _name(content)
    if content.get("type", "INTERNAL") != "INTERNAL":
        raise bad_request("Only INTERNAL catalogs are served")
    properties = _properties(content)
    base = properties.get("default-base-location")
    if not base:
        raise bad_request("'default-base-location' is missing in the properties")
    storage = _storage(content.get("storageConfigInfo"), base)
    # One at a time: two creations that do not see each other could overlap.
    await call.connection.execute("select pg_advisory_xact_lock(hashtext('catalogs'))")
    if await store.find(call.connection, call.realm, "CATALOG", name) is not None:
        raise already_exists(f"Cannot create Catalog {name}. Catalog already exists or resolution failed")
    await _refuse_overlap(call, name, [normalized(location) for location in storage["allowedLocations"]])
    catalog = await store.add(
        call.connection,
        call.realm,
        "CATALOG",
        name,
        properties=properties,
        internal={"storageConfigInfo": storage},
    )
    assert catalog is not None
    admin = await store.add(
        call.connection, call.realm, "CATALOG_ROLE", _CATALOG_ADMIN, catalog_id=catalog.id
    )
    assert admin is not None
    for privilege in ("CATALOG_MANAGE_ACCESS", "CATALOG_MANAGE_METADATA"):
        await store.grant(call.connection, Grant(admin.id, catalog.id, "catalog", "", "", privilege))
    service_admin = await store.find(call.connection, call.realm, "PRINCIPAL_ROLE", _SERVICE_ADMIN)
    if service_admin is not None:
        await store.assign(call.connection, role=admin.id, grantee=service_admin.id)
    return JSONResponse(_catalog_json(catalog), _CREATED)


async def get_catalog(call: Call) -> Response:
    """One catalog."""
    catalog = await _top(call, "CATALOG", call.path["catalog"])
    await _require_catalog(call, "GET_CATALOG", catalog)
    return JSONResponse(_catalog_json(catalog))


async def update_catalog(call: Call) -> Response:
    """New properties or storage for a catalog, if the caller knows its present version."""
    content = call.json()
    catalog = await _top(call, "CATALOG", call.path["catalog"])
    await _require_catalog(call, "UPDATE_CATALOG", catalog)
    _expected_version(content, catalog)
    base = catalog.properties["default-base-location"]
    if content.get("properties") is not None:
        content["properties"].setdefault("default-base-location", base)
        base = _properties(content)["default-base-location"]
    storage = catalog.internal["storageConfigInfo"]
    if content.get("storageConfigInfo") is not None:
        storage = _storage(content["storageConfigInfo"], base)
    wanted = [*storage["allowedLocations"], base]
    await call.connection.execute("select pg_advisory_xact_lock(hashtext('catalogs'))")
    await _refuse_overlap(call, catalog.name, [normalized(location) for location in wanted])
    return JSONResponse(_catalog_json(await _changed(call, catalog, content, storageConfigInfo=storage)))


async def delete_catalog(call: Call) -> Response:
    """Delete a catalog that has no namespaces and no roles besides its admin role."""
    catalog = await _top(call, "CATALOG", call.path["catalog"])
    await _require_catalog(call, "DELETE_CATALOG", catalog)
    roles = await store.every(call.connection, call.realm, "CATALOG_ROLE", catalog.id)
    if len(roles) > 1 or await store.has_content(call.connection, catalog.id):
        raise bad_request(f"Catalog '{catalog.name}' cannot be dropped, it is not empty")
    await store.remove(call.connection, catalog)
    return _empty(204)


# Principals -------------------------------------------------------------------------------------


async def list_principals(call: Call) -> Response:
    """All principals."""
    await _require_realm(call, "LIST_PRINCIPALS")
    found = await store.every(call.connection, call.realm, "PRINCIPAL")
    return JSONResponse({"principals": [_principal_json(principal) for principal in found]})


def _with_credentials(principal: Entity, client_id: str, secret: str) -> dict[str, Any]:
    return {
        "principal": _principal_json(principal),
        "credentials": {"clientId": client_id, "clientSecret": secret},
    }


async def create_principal(call: Call) -> Response:
    """A new principal; the answer is the only place where its secret is ever shown."""
    content = call.wrapped("principal")
    await _require_realm(call, "CREATE_PRINCIPAL")
    name = _name(content)
    client_id, secret = store.new_client_id(), store.new_secret()
    principal = await store.add(
        call.connection,
        call.realm,
        "PRINCIPAL",
        name,
        properties=_properties(content),
        internal={"clientId": client_id},
    )
    if principal is None:
        raise already_exists(f"Cannot create Principal {name}. Principal already exists or resolution failed")
    await store.keep_secret(call.connection, call.realm, principal.id, client_id, secret)
    return JSONResponse(_with_credentials(principal, client_id, secret), _CREATED)


async def get_principal(call: Call) -> Response:
    """One principal."""
    principal = await _top(call, "PRINCIPAL", call.path["principal"])
    await _require_realm(call, "GET_PRINCIPAL")
    return JSONResponse(_principal_json(principal))


async def update_principal(call: Call) -> Response:
    """New properties for a principal."""
    content = call.json()
    principal = await _top(call, "PRINCIPAL", call.path["principal"])
    await _require_realm(call, "UPDATE_PRINCIPAL")
    _expected_version(content, principal)
    return JSONResponse(_principal_json(await _changed(call, principal, content)))


async def delete_principal(call: Call) -> Response:
    """Delete a principal; its tokens end with it. Even root can be deleted, as in Polaris."""
    principal = await _top(call, "PRINCIPAL", call.path["principal"])
    await _require_realm(call, "DELETE_PRINCIPAL")
    await store.remove(call.connection, principal)
    return _empty(204)


async def rotate_credentials(call: Call) -> Response:
    """A new secret for the caller itself; nobody else may ask for it."""
    principal = await _top(call, "PRINCIPAL", call.path["principal"])
    if principal.id != call.caller.principal.id:
        await _require_realm(call, "ROTATE_CREDENTIALS")
    client_id, secret = principal.internal["clientId"], store.new_secret()
    await store.keep_secret(call.connection, call.realm, principal.id, client_id, secret)
    return JSONResponse(_with_credentials(principal, client_id, secret))


async def reset_credentials(call: Call) -> Response:
    """A new secret for any principal, by root alone."""
    principal = await _top(call, "PRINCIPAL", call.path["principal"])
    if call.caller.name != "root":
        raise forbidden("Only Root principal(service-admin) can perform RESET_CREDENTIALS")
    content = call.json() if call.body else {}
    client_id = content.get("clientId") or principal.internal["clientId"]
    secret = content.get("clientSecret") or store.new_secret()
    if not isinstance(client_id, str) or not isinstance(secret, str):
        raise bad_request("'clientId' and 'clientSecret' must be texts")
    if await store.client_id_taken(call.connection, call.realm, client_id, principal.id):
        raise already_exists(f"Client ID already in use: {client_id}")
    await store.keep_secret(call.connection, call.realm, principal.id, client_id, secret)
    if client_id != principal.internal["clientId"]:
        principal = await _changed(call, principal, {}, clientId=client_id)
    return JSONResponse(_with_credentials(principal, client_id, secret))


async def list_assigned_roles(call: Call) -> Response:
    """The principal roles of a principal."""
    principal = await _top(call, "PRINCIPAL", call.path["principal"])
    await _require_realm(call, "LIST_PRINCIPAL_ROLES_ASSIGNED")
    found = await store.roles_of(call.connection, [principal.id])
    return JSONResponse({"roles": [_role_json(role) for role in found]})


async def assign_principal_role(call: Call) -> Response:
    """Give a principal role to a principal."""
    name = _name(call.wrapped("principalRole"))
    principal = await _top(call, "PRINCIPAL", call.path["principal"])
    role = await _top(call, "PRINCIPAL_ROLE", name)
    await _require_realm(call, "ASSIGN_PRINCIPAL_ROLE")
    await store.assign(call.connection, role=role.id, grantee=principal.id)
    return _empty()


async def revoke_principal_role(call: Call) -> Response:
    """Take a principal role from a principal."""
    principal = await _top(call, "PRINCIPAL", call.path["principal"])
    role = await _top(call, "PRINCIPAL_ROLE", call.path["role"])
    await _require_realm(call, "REVOKE_PRINCIPAL_ROLE")
    await store.unassign(call.connection, role=role.id, grantee=principal.id)
    return _empty(204)


# Principal roles --------------------------------------------------------------------------------


async def list_principal_roles(call: Call) -> Response:
    """All principal roles."""
    await _require_realm(call, "LIST_PRINCIPAL_ROLES")
    found = await store.every(call.connection, call.realm, "PRINCIPAL_ROLE")
    return JSONResponse({"roles": [_role_json(role) for role in found]})


async def create_principal_role(call: Call) -> Response:
    """A new principal role."""
    content = call.wrapped("principalRole")
    await _require_realm(call, "CREATE_PRINCIPAL_ROLE")
    name = _name(content)
    role = await store.add(
        call.connection, call.realm, "PRINCIPAL_ROLE", name, properties=_properties(content)
    )
    if role is None:
        raise already_exists(
            f"Cannot create PrincipalRole {name}. PrincipalRole already exists or resolution failed"
        )
    return JSONResponse(_role_json(role), _CREATED)


async def get_principal_role(call: Call) -> Response:
    """One principal role."""
    role = await _top(call, "PRINCIPAL_ROLE", call.path["role"])
    await _require_realm(call, "GET_PRINCIPAL_ROLE")
    return JSONResponse(_role_json(role))


async def update_principal_role(call: Call) -> Response:
    """New properties for a principal role."""
    content = call.json()
    role = await _top(call, "PRINCIPAL_ROLE", call.path["role"])
    await _require_realm(call, "UPDATE_PRINCIPAL_ROLE")
    _expected_version(content, role)
    return JSONResponse(_role_json(await _changed(call, role, content)))


async def delete_principal_role(call: Call) -> Response:
    """Delete a principal role; service_admin cannot be deleted."""
    role = await _top(call, "PRINCIPAL_ROLE", call.path["role"])
    await _require_realm(call, "DELETE_PRINCIPAL_ROLE")
    if role.name == _SERVICE_ADMIN:
        raise bad_request(f"Principal role '{role.name}' cannot be dropped")
    await store.remove(call.connection, role)
    return _empty(204)


async def list_role_principals(call: Call) -> Response:
    """The principals that hold a principal role."""
    role = await _top(call, "PRINCIPAL_ROLE", call.path["role"])
    await _require_realm(call, "LIST_ASSIGNEE_PRINCIPALS_FOR_PRINCIPAL_ROLE")
    found = await store.holders_of(call.connection, role.id)
    return JSONResponse({"principals": [_principal_json(principal) for principal in found]})


async def list_role_catalog_roles(call: Call) -> Response:
    """The roles in a catalog that a principal role holds."""
    role = await _top(call, "PRINCIPAL_ROLE", call.path["role"])
    catalog = await _top(call, "CATALOG", call.path["catalog"])
    await _require_realm(call, "LIST_CATALOG_ROLES_FOR_PRINCIPAL_ROLE")
    found = await store.roles_of(call.connection, [role.id], catalog.id)
    return JSONResponse({"roles": [_role_json(each) for each in found]})


async def assign_catalog_role(call: Call) -> Response:
    """Give a catalog role to a principal role."""
    name = _name(call.wrapped("catalogRole"))
    role = await _top(call, "PRINCIPAL_ROLE", call.path["role"])
    catalog = await _top(call, "CATALOG", call.path["catalog"])
    catalog_role = await _catalog_role(call, catalog, name)
    await _require_catalog(call, "ASSIGN_CATALOG_ROLE_TO_PRINCIPAL_ROLE", catalog)
    await store.assign(call.connection, role=catalog_role.id, grantee=role.id)
    return _empty()


async def revoke_catalog_role(call: Call) -> Response:
    """Take a catalog role from a principal role."""
    role = await _top(call, "PRINCIPAL_ROLE", call.path["role"])
    catalog = await _top(call, "CATALOG", call.path["catalog"])
    catalog_role = await _catalog_role(call, catalog, call.path["catalog_role"])
    await _require_catalog(call, "REVOKE_CATALOG_ROLE_FROM_PRINCIPAL_ROLE", catalog)
    await store.unassign(call.connection, role=catalog_role.id, grantee=role.id)
    return _empty(204)


# Catalog roles and grants -----------------------------------------------------------------------


async def list_catalog_roles(call: Call) -> Response:
    """The roles of a catalog."""
    catalog = await _top(call, "CATALOG", call.path["catalog"])
    await _require_catalog(call, "LIST_CATALOG_ROLES", catalog)
    found = await store.every(call.connection, call.realm, "CATALOG_ROLE", catalog.id)
    return JSONResponse({"roles": [_role_json(role) for role in found]})


async def create_catalog_role(call: Call) -> Response:
    """A new role in a catalog."""
    content = call.wrapped("catalogRole")
    catalog = await _top(call, "CATALOG", call.path["catalog"])
    await _require_catalog(call, "CREATE_CATALOG_ROLE", catalog)
    name = _name(content)
    role = await store.add(
        call.connection,
        call.realm,
        "CATALOG_ROLE",
        name,
        catalog_id=catalog.id,
        properties=_properties(content),
    )
    if role is None:
        raise already_exists(
            f"Cannot create CatalogRole {name} in {catalog.name}."
            " CatalogRole already exists or resolution failed"
        )
    return JSONResponse(_role_json(role), _CREATED)


async def _role_in_catalog(call: Call, operation: str) -> tuple[Entity, Entity]:
    catalog = await _top(call, "CATALOG", call.path["catalog"])
    role = await _catalog_role(call, catalog, call.path["role"])
    await _require_catalog(call, operation, catalog)
    return catalog, role


async def get_catalog_role(call: Call) -> Response:
    """One role of a catalog."""
    _, role = await _role_in_catalog(call, "GET_CATALOG_ROLE")
    return JSONResponse(_role_json(role))


async def update_catalog_role(call: Call) -> Response:
    """New properties for a role of a catalog."""
    content = call.json()
    _, role = await _role_in_catalog(call, "UPDATE_CATALOG_ROLE")
    _expected_version(content, role)
    return JSONResponse(_role_json(await _changed(call, role, content)))


async def delete_catalog_role(call: Call) -> Response:
    """Delete a role of a catalog; its admin role cannot be deleted."""
    _, role = await _role_in_catalog(call, "DELETE_CATALOG_ROLE")
    if role.name == _CATALOG_ADMIN:
        raise bad_request(f"Catalog role '{role.name}' cannot be dropped")
    await store.remove(call.connection, role)
    return _empty(204)


async def list_catalog_role_holders(call: Call) -> Response:
    """The principal roles that hold a role of a catalog."""
    _, role = await _role_in_catalog(call, "LIST_ASSIGNEE_PRINCIPAL_ROLES_FOR_CATALOG_ROLE")
    found = await store.holders_of(call.connection, role.id)
    return JSONResponse({"roles": [_role_json(each) for each in found]})


async def list_grants(call: Call) -> Response:
    """What a role of a catalog may do."""
    _, role = await _role_in_catalog(call, "LIST_GRANTS_FOR_CATALOG_ROLE")
    found = await store.grants_of(call.connection, [role.id])
    return JSONResponse({"grants": [_grant_json(grant) for grant in found]})


def _levels(content: dict[str, Any]) -> str:
    namespace = content.get("namespace")
    if (
        not isinstance(namespace, list)
        or not namespace
        or not all(isinstance(each, str) for each in namespace)
    ):
        raise bad_request("'namespace' must be a list of texts")
    if any("." in level for level in namespace):
        raise no_namespace("/".join(namespace))
    return ".".join(namespace)


async def _wanted_grant(call: Call, verb: str) -> Grant:
    """The grant that a request names, after its target's existence and the caller's right were checked."""
    content = call.wrapped("grant")
    level = str(content.get("type"))
    if level not in GRANTABLE:
        raise EmptyError(400, f"unknown kind of grant: {level}")
    if content.get("privilege") not in GRANTABLE[level]:
        raise EmptyError(400, "unknown privilege")
    catalog = await _top(call, "CATALOG", call.path["catalog"])
    role = await _catalog_role(call, catalog, call.path["role"])
    namespace, name = "", ""
    if level != "catalog":
        namespace = _levels(content)
        if not await store.namespace_exists(call.connection, catalog.id, namespace):
            raise no_namespace(namespace)
    if level in ("table", "view"):
        name = str(content.get(f"{level}Name") or "")
        found = await store.table_like(call.connection, catalog.id, namespace, name)
        if found is None or (found.kind == "view") != (level == "view"):
            missing = no_view if level == "view" else no_table
            raise missing(f"{namespace}.{name}")
    held = await access.rights(call.connection, call.caller, catalog)
    preposition = "TO" if verb == "ADD" else "FROM"
    held.require(
        f"{verb}_{level.upper()}_GRANT_{preposition}_CATALOG_ROLE", Target(catalog.id, namespace, name)
    )
    return Grant(role.id, catalog.id, cast("Level", level), namespace, name, content["privilege"])


async def add_grant(call: Call) -> Response:
    """Grant a privilege. Granting it twice is success here; Polaris 1.4.1 fails on PostgreSQL."""
    await store.grant(call.connection, await _wanted_grant(call, "ADD"))
    return _empty()


async def revoke_grant(call: Call) -> Response:
    """Take a privilege back."""
    grant = await _wanted_grant(call, "REVOKE")
    if not await store.revoke(call.connection, grant):
        raise not_found(f"Grant does not exist: {grant.privilege}")
    return _empty()
