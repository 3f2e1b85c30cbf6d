"""The gateway's own small layer over ASGI: routes, callers, errors, request ids."""

from __future__ import annotations

import json
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import psycopg
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from standins.common import audit
from standins.polaris import access
from standins.polaris.access import Caller, Tokens
from standins.polaris.database import Connection, Database
from standins.polaris.errors import ApiError, EmptyError, TokenError, bad_request
from standins.polaris.iceberg import IcebergHost
from standins.polaris.settings import Settings
from standins.polaris.vending import Vendor

LEVEL_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True)
class Services:
    """What every handler may use."""

    settings: Settings
    database: Database
    host: IcebergHost
    tokens: Tokens
    vendor: Vendor


@dataclass
class Call:
    """One request on its way through: whose it is, what it names, and one database transaction."""

    services: Services
    request: Request
    realm: str
    path: Mapping[str, str]
    connection: Connection
    caller: Caller
    body: bytes = field(default=b"", repr=False)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            content = json.loads(self.body or b"null")
        except ValueError as broken:
            raise bad_request(f"The body is not JSON: {broken}") from broken
        if not isinstance(content, dict):
            raise bad_request("The body must be a JSON object")
        return content

    def wrapped(self, name: str) -> dict[str, Any]:
        """The object under `name`, which Polaris lets a caller leave out."""
        content = self.json()
        inner = content.get(name, content)
        if not isinstance(inner, dict):
            raise bad_request(f"'{name}' must be a JSON object")
        return inner


Handler = Callable[[Call], Awaitable[Response]]
PublicHandler = Callable[[Services, Request, str, bytes], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """A method and a path, whose parts in braces stand for anything."""

    method: str
    parts: tuple[str, ...]
    handler: Handler | None = None
    public: PublicHandler | None = None

    def match(self, parts: Sequence[str]) -> dict[str, str] | None:
        """The parts in braces by name, if the path is this route's."""
        if len(parts) != len(self.parts):
            return None
        found: dict[str, str] = {}
        for wanted, part in zip(self.parts, parts, strict=True):
            if wanted.startswith("{"):
                if not part:
                    return None
                found[wanted[1:-1]] = part
            elif wanted != part:
                return None
        return found


def route(method: str, path: str, handler: Handler) -> Route:
    """A route that only authenticated callers reach."""
    return Route(method, tuple(path.strip("/").split("/")), handler)


def public_route(method: str, path: str, handler: PublicHandler) -> Route:
    """A route that authenticates by itself."""
    return Route(method, tuple(path.strip("/").split("/")), public=handler)


def error_response(problem: ApiError) -> Response:
    """An error as the API says it."""
    return JSONResponse(problem.body(), status_code=problem.status)


class Api:
    """The ASGI application of the API port."""

    def __init__(self, services: Services, routes: Sequence[Route]) -> None:
        self._services = services
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, with a request id."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        request_id = request.headers.get("X-Request-ID") or str(uuid.uuid4())
        began = time.monotonic()
        try:
            response = await self._answer(request)
        except ApiError as problem:
            response = error_response(problem)
        except EmptyError as refusal:
            response = Response(status_code=refusal.status)
            if refusal.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
                audit.record(
                    "authentication",
                    "denied",
                    reason=refusal.reason,
                    method=request.method,
                    path=request.url.path,
                    request=request_id,
                )
        except TokenError as refusal:
            response = JSONResponse(refusal.body(), status_code=refusal.status)
        except psycopg.errors.UndefinedTable:
            response = error_response(
                ApiError(500, "RuntimeException", 'relation "polaris_schema.entities" does not exist')
            )
        except (psycopg.Error, OSError) as down:
            audit.record("database", "failed", problem=type(down).__name__, request=request_id)
            response = error_response(
                ApiError(500, "RuntimeException", f"The database cannot be used: {type(down).__name__}")
            )
        except ClientDisconnect:
            return
        except Exception as defect:  # noqa: BLE001 - a defect of ours must not look like a broken line
            audit.record("request", "failed", defect=traceback.format_exception(defect), request=request_id)
            response = error_response(ApiError(500, type(defect).__name__, "Internal error of the stand-in"))
        response.headers["X-Request-ID"] = request_id
        if response.status_code >= 500:
            audit.record(
                "request",
                "failed",
                method=request.method,
                path=request.url.path,
                status=response.status_code,
                seconds=round(time.monotonic() - began, 3),
                request=request_id,
            )
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        parts = [unquote(part) for part in raw.decode("ascii", "replace").strip("/").split("/")]
        matched = [(found, route) for route in self._routes if (found := route.match(parts)) is not None]
        if not matched:
            raise ApiError(404, "NotFoundException", "Unable to find matching target resource method")
        for path, chosen in matched:
            if chosen.method == request.method:
                return await self._handle(request, chosen, path)
        raise ApiError(405, "NotAllowedException", "HTTP 405 Method Not Allowed")

    async def _handle(self, request: Request, chosen: Route, path: dict[str, str]) -> Response:
        settings = self._services.settings
        realm = request.headers.get(settings.realm_header, settings.realms[0])
        if realm not in settings.realms:
            raise ApiError(404, "MissingOrInvalidRealm", f"Unknown realm: {realm}")
        body = await self._body(request)
        if chosen.public is not None:
            return await chosen.public(self._services, request, realm, body)
        assert chosen.handler is not None
        async with self._services.database.transaction() as connection:
            caller = await access.authenticate(
                connection, self._services.tokens, realm, request.headers.get("Authorization")
            )
            call = Call(self._services, request, realm, path, connection, caller, body)
            return await chosen.handler(call)

    async def _body(self, request: Request) -> bytes:
        most = self._services.settings.max_body
        too_large = ApiError(413, "ClientErrorException", "HTTP 413 Request Entity Too Large")
        declared = request.headers.get("Content-Length", "0")
        if declared.isdigit() and int(declared) > most:
            raise too_large
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                raise too_large
        return bytes(body)


def levels(text: str) -> tuple[str, ...]:
    """The levels of a namespace as it stands in a path or a query."""
    return tuple(text.split(LEVEL_SEPARATOR)) if text else ()
