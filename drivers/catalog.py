"""Polaris' management API through the apache-polaris SDK, as root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from apache_polaris.sdk.management import (  # type: ignore[import-untyped]
    ApiClient,
    Configuration,
    PolarisDefaultApi,
)
from apache_polaris.sdk.management.exceptions import ApiException  # type: ignore[import-untyped]
from pydantic import SecretStr
from urllib3.exceptions import HTTPError

from drivers import traffic
from drivers.errors import ServiceError, brief
from drivers.lakehouse import SCOPE

CALL_SECONDS = 20.0


class Management:
    """Catalogs and principals of one Polaris.

    Args:
        address: gives host:port where its API answers at this moment.
        client_id: of root.
        client_secret: of root.
    """

    def __init__(self, address: Callable[[], str], client_id: SecretStr, client_secret: SecretStr) -> None:
        self._address = address
        self._client_id = client_id
        self._client_secret = client_secret

    def catalogs(self) -> frozenset[str]:
        """The names of all catalogs."""
        found = self._ask("list the catalogs", lambda api: api.list_catalogs(_request_timeout=CALL_SECONDS))
        return frozenset(catalog.name for catalog in found.catalogs)

    def base_location(self, catalog: str) -> str:
        """Where a catalog keeps its tables unless told otherwise."""
        found = self._ask(
            f"tell of catalog {catalog}", lambda api: api.get_catalog(catalog, _request_timeout=CALL_SECONDS)
        )
        return str(found.properties.default_base_location)

    def principals(self) -> frozenset[str]:
        """The names of all principals."""
        found = self._ask(
            "list the principals", lambda api: api.list_principals(_request_timeout=CALL_SECONDS)
        )
        return frozenset(principal.name for principal in found.principals)

    def _ask(self, asked: str, call: Callable[[PolarisDefaultApi], Any]) -> Any:
        base = f"http://{self._address()}/api"
        with traffic.asking("Polaris", asked):
            try:
                token = _token(base, self._client_id, self._client_secret)
                settings = Configuration(host=f"{base}/management/v1", access_token=token)
                with ApiClient(settings) as client:
                    return call(PolarisDefaultApi(client))
            except ApiException as refused:
                answer = f"{refused.status} {brief(refused.body or refused.reason)}"
                raise ServiceError(asked, of="Polaris", answer=answer) from refused
            except (HTTPError, httpx.HTTPError, OSError) as broken:
                raise ServiceError(asked, of="Polaris", answer=brief(broken)) from broken


def _token(base: str, client_id: SecretStr, client_secret: SecretStr) -> str:
    answer = httpx.post(
        f"{base}/catalog/v1/oauth/tokens",
        data={
            "grant_type": "client_credentials",
            "client_id": client_id.get_secret_value(),
            "client_secret": client_secret.get_secret_value(),
            "scope": SCOPE,
        },
        timeout=CALL_SECONDS,
    )
    if answer.status_code != httpx.codes.OK:
        said = f"{answer.status_code} {brief(answer.text)}"
        raise ServiceError("give a token", of="Polaris", answer=said)
    return str(answer.json()["access_token"])
