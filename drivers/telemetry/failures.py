"""How those who were told of a failed run have it: which model failed, why, and where in which trace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from drivers.lineage import Event
from drivers.spans import Span
from drivers.telemetry.lineage_checks import places, point
from drivers.telemetry.told import TABLES, Failure, Line, Told

THE_RUN: Final = "the run"
"""What failed, where it was no table of it."""


def told_by(who: str, told: Told, job: str) -> list[Failure]:
    """How one of those who were told of a failed run has it.

    Args:
        who: `Jaeger`, `Marquez` or `the log`; of a run that failed as a whole `Marquez as well as Dagster`.
        told: the run.
        job: its job's name.
    """
    return {
        "Jaeger": lambda: in_trace(told.spans),
        "Marquez": lambda: in_lineage(told.events, job),
        "Marquez as well as Dagster": lambda: of_the_run(told.events, told.run.run_id),
        "the log": lambda: in_log(told.lines),
    }[who]()


def astray(found: Sequence[Failure], told: Told, job: str, what: str, reason: str) -> dict[str, str]:
    """How a failure was told otherwise than it was: once, for its reason, at its span; and who told it not.

    Args:
        found: how it was told.
        told: the run.
        job: its job's name.
        what: the table that failed, or `THE_RUN`.
        reason: words that the failure is told with.
    """
    lost = what == THE_RUN
    name = f"lost {job}" if lost else what
    spans = [(one.trace, one.id) for one in told.spans if one.name == name and one.failed]
    failed = [name] if lost else sorted([f"run {job}", f"{job}_dbt", name])
    whole = of_the_run(told.events, told.run.run_id)
    there: dict[str, tuple[object, object]] = {
        "told": ([one.what for one in found], [what]),
        "reason": ([one.reason for one in found if reason not in one.reason], []),
        "place": ([(one.trace, one.span) for one in found], spans),
        "spans that failed": (failed_spans(told.spans), failed),
        "lineage of the whole run": ([reason in one.reason for one in whole], [True]),
        "Dagster": ((told.run.outcome, told.run.said(reason)), ("fails", True)),
    }
    return {about: f"{has}, not {due}" for about, (has, due) in there.items() if has != due}


def failed_spans(spans: Iterable[Span]) -> list[str]:
    """The names of all spans that say that something failed, in alphabetical order."""
    return sorted(one.name for one in spans if one.failed)


def in_trace(spans: Iterable[Span]) -> list[Failure]:
    """The tables whose spans say that they failed."""
    return [
        Failure(one.name, str(one.attributes.get("otel.status_description", "")), one.trace, one.id)
        for one in spans
        if one.failed and one.attributes.get("dbt.resource_type") in TABLES
    ]


def in_lineage(events: Iterable[Event], product: str) -> list[Failure]:
    """The tables of which lineage has a FAIL."""
    found = []
    for one in events:
        if (one.kind, point(one, product)) == ("FAIL", "model completion"):
            ((trace, span),) = places([one])
            found.append(Failure(one.job.removeprefix(f"{product}."), _reason(one), trace, span))
    return found


def of_the_run(events: Iterable[Event], run_id: str) -> list[Failure]:
    """How lineage was told that a run failed as a whole."""
    return [
        Failure(THE_RUN, _reason(one), trace, span)
        for one in events
        if (one.kind, one.run) == ("FAIL", run_id)
        for trace, span in places([one])
    ]


def in_log(lines: Iterable[Line]) -> list[Failure]:
    """The tables of which a line of the log says that they failed."""
    return [
        Failure(str(one.fields.get("node", "")), str(one.fields.get("error", "")), one.trace, one.span)
        for one in lines
        if one.event == "model failed"
    ]


def _reason(event: Event) -> str:
    facets = event.body["run"]["facets"]
    return str((facets.get("errorMessage") or {}).get("message", ""))
