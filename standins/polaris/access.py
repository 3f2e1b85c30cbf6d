"""Who is calling, and whether they may: Polaris' tokens, roles and grants on every call."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import jwt

from standins.common import audit
from standins.polaris import store
from standins.polaris.database import Connection
from standins.polaris.errors import EmptyError, forbidden
from standins.polaris.privileges import OPERATIONS, SECONDARY, includes
from standins.polaris.settings import Settings
from standins.polaris.store import Entity, Grant

SCOPE_PREFIX: Final = "PRINCIPAL_ROLE:"
_ISSUER: Final = "polaris"


@dataclass(frozen=True)
class Caller:
    """An authenticated principal with the principal roles that its token activates."""

    principal: Entity
    roles: tuple[Entity, ...]

    @property
    def name(self) -> str:
        """The principal's name."""
        return self.principal.name

    @property
    def realm(self) -> str:
        """The realm that the request is about."""
        return self.principal.realm


@dataclass(frozen=True)
class Target:
    """Something in the tree realm, catalog, namespaces, table or view; the default is the realm."""

    catalog_id: int = 0
    namespace: str = ""
    name: str = ""

    def covered_by(self, grant: Grant) -> bool:
        """Whether a grant lies on this or on anything above it."""
        if grant.catalog_id == 0:
            return True
        if grant.catalog_id != self.catalog_id:
            return False
        if grant.level == "catalog":
            return True
        if grant.level == "namespace":
            return f"{self.namespace}.".startswith(f"{grant.namespace}.")
        return (grant.namespace, grant.name) == (self.namespace, self.name)


@dataclass(frozen=True)
class Rights:
    """All grants of a caller within one catalog (or the realm), for any number of questions."""

    caller: Caller
    catalog_roles: tuple[Entity, ...] = ()
    grants: tuple[Grant, ...] = field(default=(), repr=False)

    def allow(self, operation: str, target: Target, secondary: Target | None = None) -> bool:
        """Whether the caller holds all that the operation asks for."""
        wanted = [(privilege, target) for privilege in OPERATIONS[operation]]
        if secondary is not None:
            wanted += [(privilege, secondary) for privilege in SECONDARY[operation]]
        return all(
            any(includes(grant.privilege, privilege) and place.covered_by(grant) for grant in self.grants)
            for privilege, place in wanted
        )

    def require(self, operation: str, target: Target, secondary: Target | None = None) -> None:
        """Refuse the operation with 403, and record it, unless it is allowed."""
        if self.allow(operation, target, secondary):
            return
        roles = ", ".join(role.name for role in self.caller.roles)
        through = ", ".join(role.name for role in (*self.caller.roles, *self.catalog_roles))
        audit.record(
            "authorization",
            "denied",
            realm=self.caller.realm,
            principal=self.caller.name,
            roles=[role.name for role in self.caller.roles],
            operation=operation,
            catalog=target.catalog_id or None,
            target=".".join(part for part in (target.namespace, target.name) if part) or None,
        )
        raise forbidden(
            f"Principal '{self.caller.name}' with activated PrincipalRoles '[{roles}]' and activated"
            f" grants via '[{through}]' is not authorized for op {operation}"
        )


async def rights(connection: Connection, caller: Caller, *catalogs: Entity) -> Rights:
    """What the caller may do in the realm and in these catalogs, as granted now."""
    role_ids = [role.id for role in caller.roles]
    catalog_roles: list[Entity] = []
    for catalog in catalogs:
        catalog_roles += await store.roles_of(connection, role_ids, catalog.id)
    grants = await store.grants_of(connection, [*role_ids, *(role.id for role in catalog_roles)])
    return Rights(caller, tuple(catalog_roles), tuple(grants))


class Tokens:
    """Bearer tokens: signed, never stored."""

    def __init__(self, settings: Settings) -> None:
        # Without a key of the operator's, tokens end with the process, as the real server's do.
        self._key = settings.signing_key.get_secret_value() if settings.signing_key else secrets.token_hex(32)
        self.seconds = settings.token_seconds

    def issue(self, principal: Entity, client_id: str, scope: str) -> str:
        """A token of that principal for that scope."""
        now = int(time.time())
        claims = {
            "iss": _ISSUER,
            "sub": str(principal.id),
            "iat": now,
            "exp": now + self.seconds,
            "jti": str(uuid.uuid4()),
            "active": True,
            "client_id": client_id,
            "principalId": principal.id,
            "scope": scope,
        }
        return jwt.encode(claims, self._key, algorithm="HS256")

    def read(self, token: str) -> tuple[int, str]:
        """Principal id and scope of a valid token; 401 for any other."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                issuer=_ISSUER,
                options={"require": ["exp", "iat", "sub"], "verify_sub": False},
            )
            return int(claims["principalId"]), str(claims["scope"])
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as bad:
            raise EmptyError(401, f"token refused: {type(bad).__name__}") from bad


async def authenticate(
    connection: Connection, tokens: Tokens, realm: str, authorization: str | None
) -> Caller:
    """The caller of a request; 401 without a body unless the token is good and its principal exists."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise EmptyError(401, "no bearer token")
    principal_id, scope = tokens.read(token.strip())
    principal = await store.principal(connection, realm, principal_id)
    if principal is None:
        raise EmptyError(401, "the token's principal does not exist")
    held = await store.roles_of(connection, [principal.id])
    return Caller(principal, _activated(held, scope))


def _activated(held: Sequence[Entity], scope: str) -> tuple[Entity, ...]:
    """The roles that a scope activates.

    Naming only roles that the principal does not hold activates all it holds: Polaris 1.4.1 takes
    an empty selection for no selection, and so does this.
    """
    named = _named(scope.split())
    chosen = tuple(role for role in held if role.name in named)
    return chosen or tuple(held)


def _named(scopes: Iterable[str]) -> frozenset[str]:
    names = {scope.removeprefix(SCOPE_PREFIX) for scope in scopes if scope.startswith(SCOPE_PREFIX)}
    return frozenset() if "ALL" in names else frozenset(names)
