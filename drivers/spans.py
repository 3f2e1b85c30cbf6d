"""The spans that Jaeger keeps, through the API that its page uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers import traffic
from drivers.errors import ServiceError, brief
from reports import evidence

CALL_SECONDS: Final = 20.0
"""For one call."""

_MOST: Final = 1000
"""Traces that are given at once: more than a platform of the suite ever has of one service."""

_MICROSECONDS: Final = 1_000_000


class _Json(BaseModel):
    """Part of an answer, in Jaeger's own words."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class _Tag(_Json):
    key: str
    value: Any


class _Reference(_Json):
    kind: str = Field(alias="refType")
    trace: str = Field(alias="traceID")
    span: str = Field(alias="spanID")


class _Process(_Json):
    service: str = Field(alias="serviceName")


class _Span(_Json):
    trace: str = Field(alias="traceID")
    id: str = Field(alias="spanID")
    name: str = Field(alias="operationName")
    references: list[_Reference]
    began: int = Field(alias="startTime")
    lasted: int = Field(alias="duration")
    tags: list[_Tag]
    process: str = Field(alias="processID")


class _Trace(_Json):
    id: str = Field(alias="traceID")
    spans: list[_Span]
    processes: dict[str, _Process]


class _Traces(_Json):
    data: list[_Trace] | None


class _Names(_Json):
    data: list[str] | None


_Told = TypeVar("_Told", bound=_Json)


class Span(BaseModel):
    """A span of a trace.

    Attributes:
        trace: id of the trace, 32 hexadecimal digits.
        id: of the span, 16 of them.
        parent: id of the span it is below of, in the same trace; empty for the root.
        service: whose span it is.
        name: of what was done.
        began: in seconds since 1970.
        ended: in seconds since 1970.
        attributes: by name; Jaeger's own (`error`, `otel.status_code`) too.
        links: ids of other traces that it refers to.
        beside: ids of spans of its own trace that it refers to.
    """

    model_config = ConfigDict(frozen=True)

    trace: str
    id: str
    parent: str
    service: str
    name: str
    began: float
    ended: float
    attributes: dict[str, Any]
    links: frozenset[str]
    beside: frozenset[str] = frozenset()

    @property
    def failed(self) -> bool:
        """Whether it says of itself that it failed."""
        return bool(self.attributes.get("error", False))


class Traces:
    """Questions to one Jaeger.

    Args:
        address: gives host:port where its API answers at this moment.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self.address = address

    def services(self) -> frozenset[str]:
        """The services that it has spans of."""
        answer = self._ask("services", "list the services", {})
        return frozenset(_read(_Names, answer, "list the services").data or [])

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace, the one that began first first; none when it has none of it (yet)."""
        asked = f"give trace {trace_id}"
        answer = self._ask(f"traces/{trace_id}", asked, {}, absent='{"data": []}')
        return [span for one in _read(_Traces, answer, asked).data or [] for span in _spans(one)]

    def of_service(
        self, service: str, since: datetime, attributes: Mapping[str, str] | None = None
    ) -> dict[str, list[Span]]:
        """The traces that have a span of a service, by id, each as `trace` gives it.

        Args:
            service: by its name.
            since: traces with such a span from then on; with a time zone.
            attributes: that such a span must have.
        """
        asked = f"give the traces of {service}"
        begin = int(since.timestamp() * _MICROSECONDS)
        end = int((datetime.now(since.tzinfo) + timedelta(minutes=1)).timestamp() * _MICROSECONDS)
        parameters: dict[str, Any] = {"service": service, "start": begin, "end": end, "limit": _MOST}
        if attributes:
            parameters["tag"] = [f"{name}:{value}" for name, value in attributes.items()]
        answer = self._ask("traces", asked, parameters)
        return {one.id: _spans(one) for one in _read(_Traces, answer, asked).data or []}

    def _ask(self, path: str, asked: str, parameters: Mapping[str, Any], absent: str = "") -> str:
        """The text of an answer.

        Args:
            path: below /api.
            asked: in words.
            parameters: of the query.
            absent: what counts as the answer when there is no such thing.
        """
        with traffic.asking("Jaeger", asked):
            evidence.touched("traces")
            try:
                with httpx.Client(timeout=CALL_SECONDS, event_hooks=traffic.httpx_hooks()) as client:
                    answer = client.get(f"http://{self.address()}/api/{path}", params=parameters)
            except httpx.HTTPError as broken:
                raise ServiceError(asked, of="Jaeger", answer=brief(repr(broken))) from broken
            if answer.status_code == httpx.codes.NOT_FOUND and absent:
                return absent
            if answer.is_error:
                told = f"{answer.status_code} {brief(answer.text)}"
                raise ServiceError(asked, of="Jaeger", answer=told)
            return answer.text


def _read(kind: type[_Told], text: str, asked: str) -> _Told:
    try:
        return kind.model_validate_json(text)
    except ValidationError as broken:
        raise ServiceError(asked, of="Jaeger", answer=brief(repr(broken))) from broken


def _spans(told: _Trace) -> list[Span]:
    return sorted((_span(one, told.processes[one.process].service) for one in told.spans), key=_beginning)


def _beginning(span: Span) -> tuple[float, float]:
    # A parent may begin in the same microsecond as its first child, and ends no sooner.
    return span.began, -span.ended


def _span(told: _Span, service: str) -> Span:
    parents = [one.span for one in told.references if one.kind == "CHILD_OF" and one.trace == told.trace]
    links = frozenset(one.trace for one in told.references if one.trace != told.trace)
    own = [one for one in told.references if one.trace == told.trace and one.kind != "CHILD_OF"]
    return Span(
        trace=told.trace,
        id=told.id,
        parent=parents[0] if parents else "",
        service=service,
        name=told.name,
        began=told.began / _MICROSECONDS,
        ended=(told.began + told.lasted) / _MICROSECONDS,
        attributes={one.key: one.value for one in told.tags},
        links=links,
        beside=frozenset(one.span for one in own),
    )
