"""The token endpoint: OAuth2 client credentials, with Polaris' rule that a scope names roles."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from standins.common import audit
from standins.polaris import access, store
from standins.polaris.errors import ApiError, EmptyError, TokenError
from standins.polaris.http import Services

_FORM: Final = "application/x-www-form-urlencoded"
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name, no token
_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"


async def token(services: Services, request: Request, realm: str, body: bytes) -> Response:
    """Exchange a client's credentials, or a token that is still good, for a token."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _FORM:
        raise ApiError(415, "NotSupportedException", "HTTP 415 Unsupported Media Type")
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    grant_type = form.get("grant_type")
    if grant_type not in ("client_credentials", _EXCHANGE):
        # The real server fails with 500 when the field is missing; this one says what is wrong.
        raise TokenError(400, "unsupported_grant_type", f"Unsupported grant type: {grant_type}")
    scope = form.get("scope", "")
    if not scope or not all(part.startswith(access.SCOPE_PREFIX) for part in scope.split()):
        raise TokenError(400, "invalid_scope", f"The scope must name principal roles: '{scope}'")
    async with services.database.transaction() as connection:
        if grant_type == _EXCHANGE:
            try:
                principal_id, _ = services.tokens.read(form.get("subject_token", ""))
            except EmptyError as bad:
                raise _refused(realm, None, bad.reason) from bad
            principal = await store.principal(connection, realm, principal_id)
            client_id = principal.internal["clientId"] if principal else ""
        else:
            client_id, secret = _client(form, request.headers.get("Authorization", ""))
            principal = await store.principal_of(connection, realm, client_id, secret)
    if principal is None:
        raise _refused(realm, client_id, "unknown client or wrong secret")
    return JSONResponse(
        {
            "access_token": services.tokens.issue(principal, client_id, scope),
            "token_type": "bearer",
            "issued_token_type": _ACCESS_TOKEN,
            "expires_in": services.tokens.seconds,
        },
        headers={"Cache-Control": "no-store"},
    )


def _client(form: dict[str, str], authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() == "basic" and "client_id" not in form:
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return "", ""
        return unquote(client_id), unquote(secret)
    return form.get("client_id", ""), form.get("client_secret", "")


def _refused(realm: str, client_id: str | None, reason: str) -> TokenError:
    audit.record("authentication", "denied", realm=realm, client_id=client_id, reason=reason)
    return TokenError(401, "unauthorized_client", "The client is not authorized")
