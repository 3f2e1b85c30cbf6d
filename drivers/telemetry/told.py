"""A run and what it told, as it was heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from drivers.dagster import Run
from drivers.lineage import Event
from drivers.spans import Span

LAUNCHER: Final = "dagster"
"""The service that launches runs."""

TABLES: Final = frozenset({"model", "seed"})
"""What dbt calls the nodes that are tables; the others are tests."""

SAME_SECONDS: Final = 0.002
"""What two records of one moment may differ by: dbt writes microseconds, lineage whole milliseconds."""

NOTED_SECONDS: Final = 30.0
"""Until Dagster must have recorded what dbt has done: it reads each table's figures first."""

RUN_SECONDS: Final = 3.0
"""What a run and its own record of itself may differ by: its process starts, a second is for sending."""

Value = tuple[str, str]
"""A metric, and what tells its series apart: a model, a status, both with a blank between, or nothing."""


@dataclass(frozen=True)
class Line:
    """A line of a run's log that is a JSON object.

    Attributes:
        event: what happened, in words.
        run: id of the run; empty where the line names none.
        trace: id of its trace; empty where the line names none.
        span: id of its span.
        fields: all of it.
    """

    event: str
    run: str
    trace: str
    span: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """A run, and what it told.

    Attributes:
        run: as Dagster recorded it.
        seconds: that it took, as Dagster recorded it.
        over: when it ended, in seconds since 1970, likewise.
        spans: of its trace.
        found: by service, how many seconds after the run's end its trace was found by that name.
        events: of its lineage, the first one first.
        lines: of its log.
        values: of the metrics of its product, right after it.
        at: the moment when they were these.
        ended: how many runs of its job had ended so by then, by status as metrics name it.
    """

    run: Run
    seconds: float
    over: float
    spans: Sequence[Span]
    found: Mapping[str, float]
    events: Sequence[Event]
    lines: Sequence[Line]
    values: Mapping[Value, float]
    at: datetime
    ended: Mapping[str, int]


@dataclass(frozen=True)
class Failure:
    """How a failure was told: of which model or, if of none, of the run; why, and where in which trace."""

    what: str
    reason: str
    trace: str
    span: str
