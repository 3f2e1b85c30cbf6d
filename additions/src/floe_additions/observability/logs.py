"""A run's log as JSON, one object a line, by structlog; every line has the run's trace.

`JsonLines` is a handler for Dagster's instance (`python_logs.dagster_handler_config`), which gives it every
event of a run and everything its code logs. `told` writes a line of our own.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from floe_additions.observability.context import TRACEPARENT_TAG, place_in, without_sql

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.stdlib import ProcessorFormatter

    from floe_additions.observability.context import Place

_places: dict[tuple[str, str], Place] = {}
"""Where runs and their steps are in their traces, by run id and step key; the run itself has an empty key."""


def placed(run_id: str, step: str, place: Place) -> None:
    """From now on the lines of a run, or of a step of it, bear this place."""
    _places[run_id, step] = place


def forget(run_id: str) -> None:
    """The run is over."""
    for key in [key for key in _places if key[0] == run_id]:
        del _places[key]


def told(level: str, event: str, place: Place | None, **fields: object) -> None:
    """Write a line of a run.

    Args:
        level: `info`, `warning` or `error`.
        event: what happened, in a few words that are always the same.
        place: in the run's trace.
        fields: what is known of it; none is SQL or a credential.
    """
    trace = place._asdict() if place else {}
    getattr(_logger(), level)(event, **fields, **trace)


class JsonLines(logging.StreamHandler[Any]):
    """Writes every record to standard error as one JSON object."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def format(self, record: logging.LogRecord) -> str:
        """A record as one line."""
        # A copy: the formatter leaves a record changed, and other handlers get it after this one.
        return _formatter().format(logging.makeLogRecord(record.__dict__))


@cache
def _formatter() -> ProcessorFormatter:
    # Imported late: a process that writes no line need not have it.
    import structlog  # noqa: PLC0415

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[_of_dagster, structlog.processors.JSONRenderer(default=str)],
    )


@cache
def _logger() -> Any:
    import structlog  # noqa: PLC0415

    class ToStandardError:
        """Standard error as it is now, not as it was when the first line was written."""

        def msg(self, line: str) -> None:
            print(line, file=sys.stderr, flush=True)

        info = warning = error = msg

    return structlog.wrap_logger(
        ToStandardError(),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(default=str),
        ],
    )


def _of_dagster(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What Dagster says of a record in place of the record itself, with its place in the trace."""
    record: logging.LogRecord = event.pop("_record")
    event.pop("_from_structlog", None)
    meta: dict[str, Any] = getattr(record, "dagster_meta", None) or {}
    run_id, step = meta.get("run_id") or "", meta.get("step_key") or ""
    happened = meta.get("dagster_event")
    event["event"] = without_sql(str(meta.get("orig_message") or event["event"]))
    event["logger"] = record.name
    said = {
        "job": meta.get("job_name"),
        "run_id": run_id,
        "step": step,
        "dagster_event": happened.event_type_value if happened else None,
    }
    event.update({name: value for name, value in said.items() if value})
    handed = place_in((meta.get("job_tags") or {}).get(TRACEPARENT_TAG))
    place = _places.get((run_id, step)) or _places.get((run_id, "")) or handed
    if place:
        event.update(place._asdict())
    return event
