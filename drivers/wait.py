"""The only waiting code: look until it is so, with a deadline, and say what was last seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    Future,
    RetryError,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
)

from drivers.errors import ServiceError
from foundation.errors import DeadlineError
from foundation.progress import waiting

Seen = TypeVar("Seen")

PACE = 0.5
"""Seconds between two looks where nothing can be watched."""


def minutes(number: float) -> float:
    """Seconds of so many minutes."""
    return number * 60


def until(
    look: Callable[[], Seen],
    done: Callable[[Seen], bool],
    *,
    what: str,
    within: float,
    last: Callable[[Seen], str] = str,
    every: float = PACE,
) -> Seen:
    """Look again and again until `done`, and return what was then seen.

    A driver's error counts as not yet: what cannot be asked now may answer in a moment.

    Args:
        look: the question.
        done: whether an answer is the one waited for.
        what: what is waited for, as the subject of a sentence ("run 3f2a of customer-360").
        within: seconds until the wait is given up.
        last: an answer in words, for the message.
        every: seconds between two looks.

    Raises:
        DeadlineError: it was never so; with what was last seen, or the last error.
    """
    began = time.monotonic()

    def words(attempt: Future) -> str:
        error = attempt.exception()
        return str(error) if error else last(attempt.result())

    with waiting(what, within=within) as watched:
        attempts = Retrying(
            stop=stop_after_delay(within),
            wait=wait_fixed(every),
            retry=retry_if_result(lambda seen: not done(seen)) | retry_if_exception_type(ServiceError),
            before_sleep=lambda state: watched.saw(words(state.outcome) if state.outcome else ""),
        )
        try:
            return attempts(look)
        except RetryError as given_up:
            attempt = given_up.last_attempt
            told = f"{what} {words(attempt)} after {time.monotonic() - began:.0f} s"
            raise DeadlineError(told) from attempt.exception()


def settled(
    look: Callable[[], Seen],
    done: Callable[[Seen], bool],
    *,
    what: str,
    within: float,
    last: Callable[[Seen], str] = str,
) -> Seen:
    """What is seen once it is `done`, or else what is there when the time is over.

    For what is judged by its reader, who can say better than a deadline what is missing.

    Args:
        look: the question.
        done: whether an answer is the one waited for.
        what: what is waited for, as the subject of a sentence.
        within: seconds until the answer of then is taken.
        last: an answer in words, for who watches.
    """
    try:
        return until(look, done, what=what, within=within, last=last)
    except DeadlineError:
        return look()
