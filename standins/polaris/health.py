"""The management port: health as Quarkus tells it, and a few metrics."""

from __future__ import annotations

import time
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from standins.polaris.http import Services

_DATABASE: Final = "Database connections health check"
_HOST: Final = "Iceberg host"
_OPEN_METRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Health:
    """The ASGI application of the management port."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._began = time.time()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path.rstrip("/")
        if path in ("/q/health", "/q/health/ready"):
            return await self._ready()
        if path in ("/q/health/live", "/q/health/started"):
            return JSONResponse({"status": "UP", "checks": []})
        if path == "/q/metrics":
            return await self._metrics()
        return PlainTextResponse("Resource not found", 404)

    async def _ready(self) -> Response:
        checks = {_DATABASE: await self._services.database.answers(), _HOST: self._services.host.listens}
        up = all(checks.values())
        return JSONResponse(
            {
                "status": _word(up),
                "checks": [{"name": name, "status": _word(good)} for name, good in checks.items()],
            },
            200 if up else 503,
        )

    async def _metrics(self) -> Response:
        up = await self._services.database.answers()
        lines = [
            "# TYPE process_start_time_seconds gauge",
            f"process_start_time_seconds {self._began:.3f}",
            "# TYPE polaris_database_up gauge",
            f"polaris_database_up {1 if up else 0}",
            "# EOF",
            "",
        ]
        return PlainTextResponse("\n".join(lines), media_type=_OPEN_METRICS)


def _word(up: bool) -> str:  # noqa: FBT001 - a word for a fact
    return "UP" if up else "DOWN"
