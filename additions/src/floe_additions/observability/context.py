"""Where telemetry goes, which trace a run belongs to, and what of it got lost.

Nothing here imports OpenTelemetry or OpenLineage: a process that sends nothing pays for nothing.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

TRACEPARENT_TAG = "floe/traceparent"
"""The run's tag with the W3C context that it was launched in: version, trace, span and flags."""

TRACEPARENT_VARIABLE = "TRACEPARENT"
"""The environment variable with the same for the process of a run; it comes before the tag."""

OTLP_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OTLP over HTTP (http/protobuf), for instance `http://otel-collector:4318`; empty sends nothing."""

LINEAGE_VARIABLE = "OPENLINEAGE_URL"
"""The lineage service, for instance `http://marquez:5000`; empty sends nothing."""

LAUNCHING_SERVICE = "dagster"
"""The service name of what launches runs; a run's own is its product."""

_LONGEST_MESSAGE = 2000
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}")
_EXCERPT = re.compile(r"^ *LINE \d+:.*?(?:^ *\^ *$|\Z)", re.MULTILINE | re.DOTALL)
_COMPILED = re.compile(r"^ *compiled code at .*$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

_log = logging.getLogger(__name__)

Kind = Literal["spans", "metrics", "lineage events"]


class Destinations(BaseModel):
    """Where a process sends what it tells.

    Attributes:
        otlp: the collector's address for OTLP over HTTP, without a signal's path; empty for none.
        lineage: the address of the lineage service, without a path; empty for none.
    """

    model_config = ConfigDict(frozen=True)

    otlp: str = Field(default="", pattern=r"^(https?://\S+)?$")
    lineage: str = Field(default="", pattern=r"^(https?://\S+)?$")

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Destinations:
        """What the deployment says; nowhere, and a warning, where one of the two variables is no address."""
        try:
            return cls(
                otlp=environment.get(OTLP_VARIABLE, "").rstrip("/"),
                lineage=environment.get(LINEAGE_VARIABLE, "").rstrip("/"),
            )
        except ValueError as wrong:
            _log.warning("no telemetry is sent: %s", wrong)
            return cls()

    @property
    def any(self) -> bool:
        """Whether there is somebody to tell anything."""
        return bool(self.otlp or self.lineage)


class Place(NamedTuple):
    """A place in a trace.

    Attributes:
        trace_id: 32 hexadecimal digits.
        span_id: 16 hexadecimal digits.
    """

    trace_id: str
    span_id: str


def place_in(traceparent: str | None) -> Place | None:
    """The place that a W3C `traceparent` names; None when it names none."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return Place(found["trace"], found["span"]) if found else None


def handed_over(tags: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> str | None:
    """The W3C context that a run was launched in, as its process was given it; None where nobody gave one."""
    for said in (environment.get(TRACEPARENT_VARIABLE), tags.get(TRACEPARENT_TAG)):
        if place_in(said):
            return said
    return None


def without_sql(message: str) -> str:
    """An error's words in one line, without the statement that engines quote in them, and not endless."""
    plain = _COMPILED.sub("", _EXCERPT.sub("", _COLOUR.sub("", message)))
    return " ".join(plain.split())[:_LONGEST_MESSAGE]


class Losses:
    """How much was to be sent and how much of it arrived; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: Counter[Kind] = Counter()
        self._arrived: Counter[Kind] = Counter()
        self._reasons: dict[Kind, str] = {}
        self._troubled: set[Kind] = set()

    def made(self, kind: Kind, count: int = 1) -> None:
        """Something is to be sent."""
        with self._lock:
            self._made[kind] += count

    def arrived(self, kind: Kind, count: int = 1) -> None:
        """Something was taken by whom it was sent to."""
        with self._lock:
            self._arrived[kind] += count
            self._troubled.discard(kind)

    def failed(self, kind: Kind, reason: str) -> None:
        """Something was not; the first reason of its kind is kept."""
        with self._lock:
            self._reasons.setdefault(kind, without_sql(reason))
            self._troubled.add(kind)

    @property
    def troubled(self) -> bool:
        """Whether the last that was sent of any kind did not arrive."""
        with self._lock:
            return bool(self._troubled)

    @property
    def counts(self) -> dict[Kind, int]:
        """What did not arrive, by kind; empty when all did."""
        with self._lock:
            return {kind: lost for kind, made in self._made.items() if (lost := made - self._arrived[kind])}

    @property
    def reasons(self) -> dict[Kind, str]:
        """The first reason of each kind that had one."""
        with self._lock:
            return dict(self._reasons)
