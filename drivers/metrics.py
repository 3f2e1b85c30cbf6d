"""Prometheus through its HTTP API: what a query comes to, now or over time, and whether all is scraped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers import traffic
from drivers.errors import ServiceError, brief
from reports import evidence

CALL_SECONDS: Final = 20.0
"""For one call."""


class _Answer(BaseModel):
    """Whatever Prometheus says; https://prometheus.io/docs/prometheus/latest/querying/api/ has all of it."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Sample(_Answer):
    """A value of one series at a moment.

    Attributes:
        labels: the series' own, its name as `__name__` where the query leaves it.
        point: the moment in seconds since 1970, and the value.
    """

    labels: dict[str, str] = Field(alias="metric")
    point: tuple[float, float] = Field(alias="value")

    @property
    def value(self) -> float:
        """The value."""
        return self.point[1]


class Series(_Answer):
    """The values of one series over time.

    Attributes:
        labels: the series' own.
        points: moments in seconds since 1970 and the values then, the oldest first.
    """

    labels: dict[str, str] = Field(alias="metric")
    points: tuple[tuple[float, float], ...] = Field(alias="values")


class Target(_Answer):
    """An end point that Prometheus scrapes.

    Attributes:
        address: where its metrics are.
        labels: what its series are given; `job` is the name of the service.
        health: `up`, `down`, or `unknown` until it was scraped once.
        error: why it is down; empty otherwise.
    """

    address: str = Field(alias="scrapeUrl")
    labels: dict[str, str]
    health: Literal["up", "down", "unknown"]
    error: str = Field(alias="lastError")


class _Vector(_Answer):
    kind: Literal["vector"] = Field(alias="resultType")
    result: list[Sample]


class _Matrix(_Answer):
    kind: Literal["matrix"] = Field(alias="resultType")
    result: list[Series]


class _Targets(_Answer):
    active: list[Target] = Field(alias="activeTargets")


_Told = TypeVar("_Told", bound=_Answer)


class Metrics:
    """Questions to one Prometheus.

    Args:
        address: gives host:port where it answers at this moment.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self.address = address

    def query(self, expression: str, at: datetime | None = None) -> list[Sample]:
        """What an expression comes to.

        Args:
            expression: PromQL that gives a vector; a number is given as `vector(1)`.
            at: the moment that is asked of; now unless given. With a time zone.

        Raises:
            ServiceError: Prometheus refused it, or nobody answered.
        """
        moment = {} if at is None else {"time": at.timestamp()}
        return self._ask("query", f"tell {expression}", _Vector, {"query": expression, **moment}).result

    def query_range(
        self, expression: str, begin: datetime, end: datetime, *, step: float = 5.0
    ) -> list[Series]:
        """What an expression comes to between two moments.

        Args:
            expression: PromQL that gives a vector or a number.
            begin: the first moment, with a time zone.
            end: the last one.
            step: seconds between two values.

        Raises:
            ServiceError: Prometheus refused it, or nobody answered.
        """
        asked = {"query": expression, "start": begin.timestamp(), "end": end.timestamp(), "step": step}
        return self._ask("query_range", f"tell {expression} over time", _Matrix, asked).result

    def targets(self) -> list[Target]:
        """Everything that it scrapes, with how it fares.

        Raises:
            ServiceError: nobody answered.
        """
        return self._ask("targets", "list its targets", _Targets, {"state": "active"}).active

    def _ask(self, path: str, asked: str, answer: type[_Told], parameters: Mapping[str, Any]) -> _Told:
        with traffic.asking("Prometheus", asked):
            evidence.touched("metrics")
            try:
                with httpx.Client(timeout=CALL_SECONDS, event_hooks=traffic.httpx_hooks()) as client:
                    response = client.get(f"http://{self.address()}/api/v1/{path}", params=parameters)
                if response.is_error:
                    told = f"{response.status_code} {brief(response.text)}"
                    raise ServiceError(asked, of="Prometheus", answer=told)
                return answer.model_validate(response.json()["data"])
            except (httpx.HTTPError, ValidationError, ValueError, KeyError, TypeError) as broken:
                raise ServiceError(asked, of="Prometheus", answer=brief(repr(broken))) from broken
