"""The API's own small layer over ASGI: routes, parameters, errors in Marquez' shapes."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote
from uuid import UUID

import psycopg
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from standins.common import audit
from standins.marquez import metrics
from standins.marquez.database import Connection, Database
from standins.marquez.errors import ApiError, ConstraintError, PageError, not_found
from standins.marquez.metrics import Metrics

_PAGE: Final = (
    "<html><head><title>Error</title></head><body><h2>HTTP ERROR {status} {message}</h2></body></html>"
)


@dataclass
class Call:
    """One request on its way through: what it names, and one database transaction."""

    request: Request
    path: Mapping[str, str]
    connection: Connection
    body: bytes = field(default=b"", repr=False)

    def parameter(self, name: str) -> str | None:
        """A parameter of the query, if it is given."""
        return self.request.query_params.get(name)

    def number(self, name: str, default: int) -> int:
        """A parameter that is a count.

        Raises:
            ApiError: 404, it is no number, or 400, it is below zero.
        """
        text = self.parameter(name)
        if text is None:
            return default
        try:
            value = int(text)
        except ValueError:
            raise not_found() from None
        if value < 0:
            raise ConstraintError(400, [f"query param {name} must be greater than or equal to 0"])
        return value

    def page(self) -> tuple[int, int]:
        """Limit and offset of a list."""
        return self.number("limit", 100), self.number("offset", 0)

    def uuid(self, name: str) -> UUID:
        """A part of the path that is an id.

        Raises:
            ApiError: 404, it is none.
        """
        try:
            return UUID(self.path[name])
        except ValueError:
            raise not_found() from None


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """A method and a path, whose parts in braces stand for anything."""

    method: str
    parts: tuple[str, ...]
    handler: Handler

    def match(self, parts: Sequence[str]) -> dict[str, str] | None:
        """The parts in braces by name, if the path is this route's."""
        if len(parts) != len(self.parts):
            return None
        pairs = list(zip(self.parts, parts, strict=True))
        if any(not part if wanted.startswith("{") else wanted != part for wanted, part in pairs):
            return None
        return {wanted[1:-1]: part for wanted, part in pairs if wanted.startswith("{")}


def route(method: str, path: str, handler: Handler) -> Route:
    """A route below /api/v1."""
    return Route(method, ("api", "v1", *path.strip("/").split("/")), handler)


class Api:
    """The ASGI application of the API port."""

    def __init__(
        self, database: Database, routes: Sequence[Route], measured: Metrics, *, max_body: int
    ) -> None:
        self._database = database
        self._metrics = measured
        self._routes = routes
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except PageError as problem:
            page = _PAGE.format(status=problem.status, message=problem.message)
            response = HTMLResponse(page, problem.status)
        except ApiError as problem:
            response = JSONResponse(problem.body(), problem.status)
        except (psycopg.Error, OSError) as down:
            audit.record("database", "failed", problem=type(down).__name__, path=request.url.path)
            message = "There was an error processing your request."
            response = JSONResponse(ApiError(500, message).body(), 500)
        except ClientDisconnect:
            return
        except Exception as defect:  # noqa: BLE001 - a defect of ours must not look like a broken line
            audit.record("request", "failed", defect=traceback.format_exception(defect))
            response = JSONResponse(ApiError(500, "Internal error of the stand-in").body(), 500)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if (request.method, request.url.path) == ("GET", metrics.PATH):
            return await self._metrics.for_prometheus()
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        parts = [unquote(part) for part in raw.decode("ascii", "replace").strip("/").split("/")]
        matched = [(found, route) for route in self._routes if (found := route.match(parts)) is not None]
        if not matched:
            raise not_found()
        for path, chosen in matched:
            if chosen.method == request.method:
                body = await self._body(request)
                async with self._database.transaction() as connection:
                    return await chosen.handler(Call(request, path, connection, body))
        raise ApiError(405, "HTTP 405 Method Not Allowed")

    async def _body(self, request: Request) -> bytes:
        if request.method not in ("POST", "PUT"):
            return b""
        kind = request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ApiError(415, "HTTP 415 Unsupported Media Type")
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > self._max_body:
                raise ApiError(413, "HTTP 413 Request Entity Too Large")
        return bytes(body)
