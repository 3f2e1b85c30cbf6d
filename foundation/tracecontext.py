"""Where in a trace this thread is at work, for whoever asks something of somebody else on its behalf."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

HEADER: Final = "traceparent"
"""W3C Trace Context's header."""

_present: ContextVar[str] = ContextVar("traceparent", default="")
"""Of the thread: what another one does meanwhile is on nobody's behalf."""


def enter(traceparent: str) -> None:
    """From here on this thread is at this place; an empty one is none."""
    _present.set(traceparent)


def carrier() -> dict[str, str]:
    """The header of a request that says where it was made; none where nobody knows."""
    traceparent = _present.get()
    return {HEADER: traceparent} if traceparent else {}
