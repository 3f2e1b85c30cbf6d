"""The admin port: health as Dropwizard tells it, and a few metrics."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from standins.marquez import metrics
from standins.marquez.database import Database
from standins.marquez.metrics import Metrics


class Health:
    """The ASGI application of the admin port."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        response = await self._answer(Request(scope, receive).url.path.rstrip("/"))
        await response(scope, receive, send)

    async def _answer(self, path: str) -> Response:
        if path == "/ping":
            return PlainTextResponse("pong\n")
        if path == "/healthcheck":
            return await self._health()
        if path == metrics.PATH:
            return await self._metrics.for_a_person()
        return PlainTextResponse("Not Found", 404)

    async def _health(self) -> Response:
        up = await self._database.answers()
        database: dict[str, object] = {"healthy": up, "duration": 0}
        if not up:
            database["message"] = "Unable to successfully check in the database"
        checks = {"deadlocks": {"healthy": True, "duration": 0}, "postgresql": database}
        return JSONResponse(checks, 200 if up else 500)
