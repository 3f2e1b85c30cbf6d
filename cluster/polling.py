"""The only waiting of this package: ask again until it is so, or say what was last seen."""

from __future__ import annotations

from collections.abc import Callable

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from foundation.errors import DeadlineError
from foundation.progress import waiting


def until(question: Callable[[], str | None], what: str, *, within: float, every: float = 0.1) -> None:
    """Ask until the answer is None.

    Args:
        question: returns None when it is so, else what was seen instead.
        what: what is waited for, as the end of "waited for ...".
        within: seconds until DeadlineError, which tells the last answer.
        every: seconds between two questions.
    """
    with waiting(what, within=within) as watched:
        attempts = Retrying(
            stop=stop_after_delay(within),
            wait=wait_fixed(every),
            retry=retry_if_result(lambda seen: seen is not None),
            before_sleep=lambda state: watched.saw(state.outcome.result() if state.outcome else ""),
        )
        try:
            attempts(question)
        except RetryError as given_up:
            seen = given_up.last_attempt.result()
            raise DeadlineError(f"waited {within:.0f} s for {what}; last seen: {seen}") from given_up
