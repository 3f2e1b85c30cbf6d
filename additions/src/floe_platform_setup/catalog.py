"""The catalog of the platform: one catalog, two principals, and exactly the rights each needs.

    principal pipeline -> principal role pipelines -> catalog role content_manager
    principal reader   -> principal role readers   -> catalog role reader

Run again, it changes nothing: credentials that still work stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from floe_platform_setup.errors import SetupError
from floe_platform_setup.kube import KubernetesSecrets, SecretStore
from floe_platform_setup.log import logger
from floe_platform_setup.polaris import Polaris
from floe_platform_setup.settings import CatalogSettings, read
from floe_platform_setup.wait import NotYetError, until

CLIENT_ID, CLIENT_SECRET = "client-id", "client-secret"


@dataclass(frozen=True)
class Access:
    """A principal, the roles between it and the catalog, and the rights at the end of them."""

    principal: str
    principal_role: str
    catalog_role: str
    privileges: tuple[str, ...]

    @property
    def secret(self) -> str:
        """The Secret that gets the principal's credentials."""
        return f"polaris-{self.principal}-credentials"


ACCESSES = (
    Access("pipeline", "pipelines", "content_manager", ("CATALOG_MANAGE_CONTENT",)),
    Access(
        "reader",
        "readers",
        "reader",
        (
            "CATALOG_READ_PROPERTIES",
            "NAMESPACE_LIST",
            "NAMESPACE_READ_PROPERTIES",
            "TABLE_LIST",
            "TABLE_READ_PROPERTIES",
            "TABLE_READ_DATA",
        ),
    ),
)


def set_up_catalog(
    settings: CatalogSettings | None = None,
    secrets: SecretStore | None = None,
    accesses: Sequence[Access] = ACCESSES,
) -> None:
    """Make what is missing and verify what is there.

    Raises:
        SetupError: Polaris or Kubernetes refused, or Polaris was not ready before the deadline.
    """
    settings = settings or read(CatalogSettings)
    secrets = secrets or KubernetesSecrets(settings.pod_namespace)
    log = logger("catalog")
    with closing(Polaris(settings.polaris_uri, settings.polaris_realm)) as polaris:
        polaris.use(
            until(
                f"root's token of realm {settings.polaris_realm} at {settings.polaris_uri}",
                lambda: _root_token(polaris, settings),
                seconds=settings.setup_deadline_seconds,
            )
        )
        log.info("catalog", name=settings.catalog_name, outcome=_ensure_catalog(polaris, settings))
        for access in accesses:
            done = _ensure_principal(polaris, access, secrets, settings.setup_deadline_seconds)
            log.info("credentials", principal=access.principal, secret=access.secret, outcome=done)
            granted = _ensure_rights(polaris, settings.catalog_name, access)
            log.info("rights", principal=access.principal, newly_granted=granted)


def _root_token(polaris: Polaris, settings: CatalogSettings) -> str:
    token = polaris.token(settings.polaris_root_client_id, settings.polaris_root_client_secret)
    if token is None:
        # The bootstrap may still be under way; if it is not, the deadline says so.
        raise NotYetError("the token endpoint answered 401: root's credentials are not the realm's (yet)")
    return token


def _ensure_catalog(polaris: Polaris, settings: CatalogSettings) -> str:
    storage = {
        "storageType": "S3",
        "allowedLocations": list(settings.allowed_locations),
        "endpoint": settings.s3_endpoint,
        "pathStyleAccess": True,
        "region": settings.aws_region,
    }
    path = f"/catalogs/{settings.catalog_name}"
    properties = {"default-base-location": settings.catalog_base_location}
    wanted = {
        "type": "INTERNAL",
        "name": settings.catalog_name,
        "properties": properties,
        "storageConfigInfo": storage,
    }
    found = polaris.find(path)
    if found is None:
        if polaris.create("/catalogs", {"catalog": wanted}) is not None:
            return "created"
        found = polaris.find(path) or {}
    base = str(found.get("properties", {}).get("default-base-location", ""))
    if base.rstrip("/") != settings.catalog_base_location.rstrip("/"):
        raise SetupError(
            f"catalog {settings.catalog_name} lies at {base}, not at {settings.catalog_base_location}; "
            "moving a catalog would lose its tables: name another CATALOG_NAME"
        )
    if _same_storage(found.get("storageConfigInfo", {}), storage):
        return "exists"
    polaris.put(
        path,
        {
            "currentEntityVersion": found["entityVersion"],
            "properties": {**found.get("properties", {}), **properties},
            "storageConfigInfo": storage,
        },
    )
    return "updated"


def _same_storage(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether all that is wanted is so; Polaris answers more fields than it was given."""
    locations = {str(item).rstrip("/") for item in found.get("allowedLocations", [])}
    return {str(item).rstrip("/") for item in wanted["allowedLocations"]} <= locations and all(
        found.get(key) == value for key, value in wanted.items() if key != "allowedLocations"
    )


def _ensure_principal(polaris: Polaris, access: Access, secrets: SecretStore, seconds: float) -> str:
    path = f"/principals/{access.principal}"
    stored = secrets.read(access.secret)
    known = polaris.find(path) is not None
    if known and stored.get(CLIENT_ID) and stored.get(CLIENT_SECRET):
        working = until(
            f"token of principal {access.principal}",
            lambda: polaris.token(stored[CLIENT_ID], SecretStr(stored[CLIENT_SECRET])),
            seconds=seconds,
        )
        if working is not None:
            return "kept"
    answer = None
    if not known:
        answer = polaris.create("/principals", {"principal": {"name": access.principal}})
    if answer is None:
        # It exists, but nobody has its secret any more: a crash before it was stored, or a new Secret.
        answer = polaris.create(f"{path}/reset", {})
        done = "reset"
    else:
        done = "created"
    if not answer or "credentials" not in answer:
        raise SetupError(f"principal {access.principal}: Polaris gave no credentials")
    credentials = answer["credentials"]
    secrets.write(
        access.secret,
        {CLIENT_ID: credentials["clientId"], CLIENT_SECRET: credentials["clientSecret"]},
    )
    return done


def _ensure_rights(polaris: Polaris, catalog: str, access: Access) -> list[str]:
    """Roles, their assignments and grants; returns the privileges that were not there before."""
    if polaris.find(f"/principal-roles/{access.principal_role}") is None:
        polaris.create("/principal-roles", {"principalRole": {"name": access.principal_role}})
    of_principal = f"/principals/{access.principal}/principal-roles"
    if access.principal_role not in _names(polaris.find(of_principal)):
        polaris.put(of_principal, {"principalRole": {"name": access.principal_role}})

    roles = f"/catalogs/{catalog}/catalog-roles"
    if polaris.find(f"{roles}/{access.catalog_role}") is None:
        polaris.create(roles, {"catalogRole": {"name": access.catalog_role}})
    assigned = f"/principal-roles/{access.principal_role}/catalog-roles/{catalog}"
    if access.catalog_role not in _names(polaris.find(assigned)):
        polaris.put(assigned, {"catalogRole": {"name": access.catalog_role}})

    grants = f"{roles}/{access.catalog_role}/grants"
    held = {
        str(grant["privilege"])
        for grant in (polaris.find(grants) or {}).get("grants", [])
        if grant.get("type") == "catalog"
    }
    missing = [privilege for privilege in access.privileges if privilege not in held]
    for privilege in missing:
        polaris.put(grants, {"grant": {"type": "catalog", "privilege": privilege}})
    return missing


def _names(answer: dict[str, Any] | None) -> set[str]:
    """The names in Polaris' list of roles: `roles` of a principal role or of a catalog role."""
    return {str(role["name"]) for role in (answer or {}).get("roles", [])}
