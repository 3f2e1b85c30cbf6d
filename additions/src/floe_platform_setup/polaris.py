"""Polaris' token endpoint and management API, as far as the set-up needs them.

Every call that makes something looks first: what is there already is left alone, and a race that
is lost (409) counts as done. Granting twice is a 500 on Polaris before 1.6.0 with PostgreSQL, so
grants are listed before they are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import SecretStr

from floe_platform_setup.errors import SetupError
from floe_platform_setup.wait import NotYetError

SCOPE = "PRINCIPAL_ROLE:ALL"
_TIMEOUT = httpx.Timeout(15, connect=3)


class Polaris:
    """One realm of a Polaris server, called as its root principal."""

    def __init__(self, uri: str, realm: str) -> None:
        self._http = httpx.Client(
            base_url=uri.rstrip("/"), headers={"Polaris-Realm": realm}, timeout=_TIMEOUT
        )

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def token(self, client_id: str, client_secret: SecretStr) -> str | None:
        """A principal's token; None when its credentials are wrong.

        Raises:
            NotYetError: the server is not there, or has no realm yet.
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret.get_secret_value(),
            "scope": SCOPE,
        }
        try:
            answer = self._http.post("/api/catalog/v1/oauth/tokens", data=form)
        except httpx.TransportError as unreachable:
            raise NotYetError(f"{self._http.base_url}: {unreachable}") from unreachable
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            return None
        if answer.status_code != HTTPStatus.OK:
            # 500 until the realm is bootstrapped, 503 while the database is away.
            raise NotYetError(f"the token endpoint answered {answer.status_code}: {_message(answer)}")
        return str(answer.json()["access_token"])

    def use(self, token: str) -> None:
        """Make the calls from here on with this token."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    def find(self, path: str) -> dict[str, Any] | None:
        """What lies under a management path; None when there is nothing."""
        answer = self._call("GET", path)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        return _object(answer)

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Make something; None when another made it in the meantime."""
        answer = self._call("POST", path, body)
        if answer.status_code == HTTPStatus.CONFLICT:
            return None
        return _object(answer)

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Assign or change something."""
        _object(self._call("PUT", path, body))

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        try:
            return self._http.request(method, f"/api/management/v1{path}", json=body)
        except httpx.TransportError as unreachable:
            raise SetupError(f"{method} {path} at {self._http.base_url}: {unreachable}") from unreachable


def _object(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        request = answer.request
        raise SetupError(
            f"{request.method} {request.url.path} answered {answer.status_code}: {_message(answer)}"
        )
    if not answer.content:
        return {}
    found = answer.json()
    if not isinstance(found, dict):
        raise SetupError(f"{answer.request.url.path} answered no JSON object")
    return found


def _message(answer: httpx.Response) -> str:
    """Polaris' own message, from either of its two error shapes."""
    try:
        body = answer.json()
    except ValueError:
        return answer.reason_phrase
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return str(error.get("message", answer.reason_phrase))
    described = body.get("error_description") if isinstance(body, dict) else None
    return str(described or error or answer.reason_phrase)
