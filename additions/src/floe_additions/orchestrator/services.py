"""What a product's runs need to be there: the platform's services, and the tables that others deliver."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floe_additions.orchestrator.product import Product
    from floe_complete.health import Selected

SECONDS = 5.0
"""What each service has to answer."""

_KINDS = ("catalog", "storage", "orchestrator")
"""The types of plugin without whose service no run can succeed."""


class Services:
    """The services and sources of one product, asked anew with every call.

    Args:
        product: whose.
        environment: where the deployment says how the services are reached.
    """

    def __init__(self, product: Product, environment: Mapping[str, str] = os.environ) -> None:
        self._product = product
        self._environment = environment

    def ill(self) -> dict[str, str]:
        """Each service that does not serve, as `storage minio`, with the reason; all are asked at once."""
        from floe_complete.health import UNHEALTHY, of_plugin  # noqa: PLC0415 - only when it is asked

        with ThreadPoolExecutor() as all_at_once:
            found = all_at_once.map(
                lambda selected: of_plugin(selected, {}, self._environment, SECONDS), self._selected()
            )
            return {f"{one.type} {one.name}": one.reason for one in found if one.state == UNHEALTHY}

    @cached_property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The tables that the product reads and does not make: namespace and name of each dbt source."""
        manifest: dict[str, Any] = json.loads(self._product.dbt_manifest.read_bytes())
        return tuple(sorted({(one["schema"], one["identifier"]) for one in manifest["sources"].values()}))

    def delivered(self) -> dict[str, str | None]:
        """The current snapshot of each source as text; None of one that is not there or is empty.

        Raises:
            CatalogSilentError: the catalog gave no answer; with its words.
        """
        from floe_additions.orchestrator.lakehouse import Lakehouse  # noqa: PLC0415 - needs PyIceberg

        lakehouse = Lakehouse(self._environment)
        return {".".join(one): lakehouse.snapshot(*one) for one in self.sources}

    def _selected(self) -> list[Selected]:
        from floe_complete.health import Selected  # noqa: PLC0415

        plugins = self._product.artifacts.plugins
        refs = {kind: getattr(plugins, kind) for kind in _KINDS} if plugins else {}
        return [
            Selected(kind, ref.type, self._as_deployed(kind, ref.config or {}))
            for kind, ref in refs.items()
            if ref is not None
        ]

    def _as_deployed(self, kind: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """A plugin's settings with what the deployment says of them, as the dbt profile takes it too."""
        env = self._environment
        if kind == "storage":
            return {**settings, "endpoint": env.get("S3_ENDPOINT") or settings.get("endpoint")}
        if kind != "catalog":
            return settings
        named = {
            "client_id": "POLARIS_CLIENT_ID",
            "client_secret": "POLARIS_CLIENT_SECRET",
            "token_url": "POLARIS_OAUTH2_SERVER_URI",
            "scope": "POLARIS_SCOPE",
        }
        client = settings.get("oauth2") or {}
        return {
            **settings,
            "uri": env.get("POLARIS_URI") or settings.get("uri"),
            "warehouse": env.get("POLARIS_WAREHOUSE") or settings.get("warehouse"),
            "oauth2": {**client, **{key: env[name] for key, name in named.items() if env.get(name)}},
        }
