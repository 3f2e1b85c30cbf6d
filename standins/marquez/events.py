"""OpenLineage events: what kind they are, what they must have, and what is read from them."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from standins.marquez import times
from standins.marquez.errors import ConstraintError, PageError, unreadable

Json = dict[str, Any]
Kind = Literal["RUN_EVENT", "DATASET_EVENT", "JOB_EVENT"]

_KINDS: Final[Mapping[str, Kind]] = {
    "RunEvent": "RUN_EVENT",
    "DatasetEvent": "DATASET_EVENT",
    "JobEvent": "JOB_EVENT",
}
_KEPT: Final[Mapping[Kind, tuple[str, ...]]] = {
    "RUN_EVENT": ("eventType", "eventTime", "run", "job", "inputs", "outputs", "producer", "schemaURL"),
    "DATASET_EVENT": ("eventTime", "dataset", "producer", "schemaURL"),
    "JOB_EVENT": ("eventTime", "job", "inputs", "outputs", "producer", "schemaURL"),
}
_NEEDED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "RUN_EVENT": ("eventTime", "run", "job", "producer"),
    "DATASET_EVENT": ("eventTime", "dataset", "producer"),
    "JOB_EVENT": ("eventTime", "job", "producer"),
}
_STATES: Final = {"complete": "COMPLETED", "abort": "ABORTED", "fail": "FAILED"}
_NOT_IN_A_NAMESPACE: Final = re.compile(r"[^a-z:/A-Z0-9\-_.@+]")
_URL_NAMESPACE: Final = uuid.NAMESPACE_URL.bytes


@dataclass(frozen=True)
class Event:
    """An event that may be taken in.

    Attributes:
        kind: which of OpenLineage's three.
        moment: when it happened.
        body: its JSON, with the fields that Marquez knows.
    """

    kind: Kind
    moment: datetime
    body: Json

    @property
    def state(self) -> str:
        """The state of the run that it tells of; a type that nobody knows means that it runs."""
        return _STATES.get(str(self.body["eventType"]).lower(), "RUNNING")

    def datasets(self, side: Literal["inputs", "outputs"]) -> list[Json]:
        """The datasets that it names as read or written."""
        return list(self.body.get(side) or [])


def parse(body: bytes) -> Event:
    """The event in a request's body.

    Raises:
        ConstraintError: 422, something that an event must have is not there.
        ApiError: the body is no JSON, no object, or has a wrong time.
        PageError: a run event without a type.
    """
    if not body.strip():
        raise ConstraintError(422, ["The request body must not be null"])
    try:
        content = json.loads(body)
    except ValueError as broken:
        raise unreadable(f"The body is not JSON: {broken}") from broken
    if content is None:
        raise ConstraintError(422, ["The request body must not be null"])
    if not isinstance(content, dict):
        raise unreadable(f"Cannot read an event from a value of type {type(content).__name__}")
    kind = _KINDS.get(str(content.get("schemaURL") or "").rpartition("/")[2], "RUN_EVENT")
    known = {name: content[name] for name in _KEPT[kind] if content.get(name) is not None}
    moment = _moment(known)
    broken_rules = [f"{path} must not be null" for path in _absent(kind, known)]
    if broken_rules or moment is None:
        raise ConstraintError(422, broken_rules)
    if kind == "RUN_EVENT" and "eventType" not in known:
        # The real server stores a state of null, which its own model cannot hold.
        raise PageError(500, "Internal Server Error")
    return Event(kind, moment, known)


def _moment(known: Json) -> datetime | None:
    if "eventTime" not in known:
        return None
    try:
        return times.read(known["eventTime"])
    except ValueError as wrong:
        raise unreadable(f"Cannot read eventTime: {wrong}") from wrong


def _absent(kind: Kind, known: Json) -> Iterator[str]:
    yield from (name for name in _NEEDED[kind] if name not in known)
    if "run" in known:
        yield from _absent_in("run", known["run"], ("runId",))
    if "job" in known:
        yield from _absent_in("job", known["job"], ("namespace", "name"))
    if "dataset" in known:
        yield from _absent_in("dataset", known["dataset"], ("namespace", "name"))
    for side in ("inputs", "outputs"):
        listed = known.get(side, [])
        if not isinstance(listed, list):
            raise unreadable(f"{side} is no list")
        for place, dataset in enumerate(listed):
            yield from _absent_in(f"{side}[{place}]", dataset, ("namespace", "name"))
    parent = facet(known.get("run"), "parent") or facet(known.get("run"), "parentRun")
    if parent is not None:
        yield from _absent_in("run.facets.parent", parent, ("run", "job"))
        if parent.get("run") is not None:
            yield from _absent_in("run.facets.parent.run", parent["run"], ("runId",))
        if parent.get("job") is not None:
            yield from _absent_in("run.facets.parent.job", parent["job"], ("namespace", "name"))


def _absent_in(path: str, value: Any, needed: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(value, dict):
        raise unreadable(f"{path} is no object")
    yield from (f"{path}.{name}" for name in needed if value.get(name) is None)


def facet(holder: Json | None, name: str) -> Json | None:
    """A facet of a run, job or dataset, if it has it."""
    found = ((holder or {}).get("facets") or {}).get(name)
    return found if isinstance(found, dict) else None


def namespace(name: str) -> str:
    """A namespace as it is kept: what may not stand in one becomes an underscore."""
    return _NOT_IN_A_NAMESPACE.sub("_", name)


def run_id(text: str) -> uuid.UUID:
    """The id of a run; one that is no UUID gives one made from it."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return named(text.encode())


def parent_run_id(parent: Json) -> uuid.UUID:
    """The id of the run that a parent facet names."""
    job, told = parent["job"], str(parent["run"]["runId"])
    try:
        return uuid.UUID(told)
    except ValueError:
        return in_url_namespace(job["namespace"], without_last_part(job["name"]), told)


def without_last_part(job: str) -> str:
    """A job's name up to its last dot, as a task's name has that of its flow before it."""
    return job.rpartition(".")[0] or job


def in_url_namespace(*parts: str) -> uuid.UUID:
    """The UUID that Marquez makes of several names."""
    return named(_URL_NAMESPACE + ".".join(parts).encode())


def named(content: bytes) -> uuid.UUID:
    """A UUID of version 3 of these bytes alone."""
    return uuid.UUID(bytes=hashlib.md5(content, usedforsecurity=False).digest(), version=3)


def version(*parts: object) -> uuid.UUID:
    """The version of something, made from what it is."""
    return named("\x1f".join("" if part is None else str(part) for part in parts).encode())
