"""The last requests of each driver, kept in memory for the day one of them fails.

A question is noted in the words of the driver that asks it, with the calls that its library made
for it: method and path, status, time, size. Never a header, a body or the value of a placeholder.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from drivers.errors import ServiceError, brief

if TYPE_CHECKING:
    import httpx

LAST = 50
"""Questions that are kept of each service."""
CALLS = 10
"""Calls that are kept of each question."""
BEFORE = 5
"""Questions from before the moment asked about that are shown as well."""
ALIKE = 8
"""How far back a question that is asked again and again is recognised as the same."""

_OUTCOME = 160
_OPERATION = 200
_BEGAN = "floe.began"


@dataclass(slots=True)
class Call:
    """One call on the wire: method and path, or operation; size in bytes where it is known."""

    what: str
    outcome: str
    seconds: float
    size: int | None


@dataclass(slots=True)
class Question:
    """What a driver asked of a service.

    Attributes:
        asked: in words.
        operation: how, where the calls do not say it: a command, the SQL without its values.
        moment: when it was last asked, in epoch seconds.
        first: when it was first asked, if it was asked again and again.
        times: how often.
        seconds: until the last answer.
        outcome: in a few words.
        calls: the first calls made for it.
        unnoted: how many calls came after these.
    """

    service: str
    asked: str
    operation: str
    moment: float
    first: float
    times: int = 1
    seconds: float = 0.0
    outcome: str = "no answer yet"
    calls: list[Call] = field(default_factory=list)
    unnoted: int = 0


_kept: dict[str, deque[Question]] = {}
_open: dict[int, Question] = {}
_present: ContextVar[Question | None] = ContextVar("question", default=None)
_pauses: list[None] = []


@contextmanager
def asking(service: str, asked: str, operation: str = "") -> Iterator[Question]:
    """Note a question while it is asked; its asker may set the outcome.

    Args:
        service: by the name an operator knows it by.
        asked: the question in words.
        operation: see Question.
    """
    moment = time.time()
    question = Question(service, asked, operation, moment, moment)
    began = time.perf_counter()
    _open[id(question)] = question
    token = _present.set(question)
    try:
        yield question
        if question.outcome == "no answer yet":
            question.outcome = "answered"
    except BaseException as broken:
        # The text of other errors may quote what was sent.
        answer = broken.answer if isinstance(broken, ServiceError) else type(broken).__name__
        question.outcome = brief(answer, _OUTCOME)
        raise
    finally:
        _present.reset(token)
        question.seconds = time.perf_counter() - began
        del _open[id(question)]
        _keep(question)


def called(service: str, what: str, outcome: object, seconds: float, size: int | None = None) -> None:
    """Note one call on the wire for the question under way; without one it is its own question."""
    question = _present.get()
    if question is None:
        with asking(service, what) as alone:
            alone.outcome = str(outcome)
            alone.moment = alone.first = time.time() - seconds
        return
    if len(question.calls) < CALLS:
        question.calls.append(Call(what, str(outcome), seconds, size))
    else:
        question.unnoted += 1


@contextmanager
def paused() -> Iterator[None]:
    """Note nothing meanwhile: looking at a failure must not push out what led to it."""
    _pauses.append(None)
    try:
        yield
    finally:
        _pauses.pop()


def since(moment: datetime) -> dict[str, list[Question]]:
    """By service, what was asked from a moment on and a few questions before, oldest first.

    A service of which nothing was asked since then is left out.
    """
    began = moment.timestamp()
    under_way = list(_open.values())
    found: dict[str, list[Question]] = {}
    for service in sorted({*_kept, *(one.service for one in under_way)}):
        kept = [*_kept.get(service, ()), *(one for one in under_way if one.service == service)]
        after = [one for one in kept if one.moment >= began]
        if after:
            before = [one for one in kept if one.moment < began]
            found[service] = [*before[-BEFORE:], *after]
    return found


def table(questions: list[Question]) -> str:
    """Questions as lines: UTC time, milliseconds, outcome, words; the calls of each below it."""
    lines = [f"{'UTC':<12} {'ms':>8}  asked"]
    for one in questions:
        operation = f" [{one.operation}]" if one.operation else ""
        again = f" ({one.times} times since {_clock(one.first)})" if one.times > 1 else ""
        lines.append(
            f"{_clock(one.moment)} {one.seconds * 1000:8.0f}  {one.asked}{operation}: {one.outcome}{again}"
        )
        for call in one.calls:
            size = f", {call.size} bytes" if call.size is not None else ""
            lines.append(f"{'':<12} {call.seconds * 1000:8.0f}      {call.what}: {call.outcome}{size}")
        if one.unnoted:
            lines.append(f"{'':<21}      and {one.unnoted} more calls")
    return "\n".join(lines)


def sql(query: str) -> str:
    """A query as an operation: one line, with placeholders as they are."""
    return brief(query, _OPERATION)


def httpx_hooks() -> Mapping[str, list[Callable[..., Any]]]:
    """Event hooks for an httpx client, by which its calls are noted; each client is of one service."""
    return {"request": [_httpx_begun], "response": [_httpx_answered]}


def _httpx_begun(request: httpx.Request) -> None:
    request.extensions[_BEGAN] = time.perf_counter()


def _httpx_answered(response: httpx.Response) -> None:
    request = response.request
    seconds = time.perf_counter() - request.extensions[_BEGAN]
    what = f"{request.method} {request.url.path}"
    called(request.url.host, what, response.status_code, seconds, length(response.headers))


def length(headers: Mapping[str, str]) -> int | None:
    """The size of an answer as its headers tell it."""
    told = headers.get("content-length", "")
    return int(told) if told.isdigit() else None


def _keep(question: Question) -> None:
    if _pauses:
        return
    kept = _kept.setdefault(question.service, deque(maxlen=LAST))
    for back in range(1, min(ALIKE, len(kept)) + 1):
        earlier = kept[-back]
        if (earlier.asked, earlier.outcome) == (question.asked, question.outcome):
            question.first, question.times = earlier.first, earlier.times + 1
            del kept[-back]
            break
    kept.append(question)


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S.%f")[:-3]
