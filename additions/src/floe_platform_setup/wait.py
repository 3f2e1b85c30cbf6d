"""The waiting of the set-up Jobs: until it works, or until the deadline, saying what was seen last."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from floe_platform_setup.errors import SetupError

T = TypeVar("T")


class NotYetError(Exception):
    """It did not work, but may in a moment; the message says what was seen."""


def until(what: str, attempt: Callable[[], T], *, seconds: float) -> T:
    """The first result of `attempt` that does not raise NotYetError.

    Raises:
        SetupError: the deadline passed; with what was waited for and what was seen last.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(NotYetError),
        stop=stop_after_delay(seconds),
        wait=wait_exponential(multiplier=0.1, max=0.5),
    )
    try:
        return retrying(attempt)
    except RetryError as over:
        last = over.last_attempt.exception()
        raise SetupError(f"{what}: not after {seconds:.0f} s; last seen: {last}") from last
