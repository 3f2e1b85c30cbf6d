"""The only waiting of this package: ask again until it is so, or say what was last seen."""

from __future__ import annotations

import time
from collections.abc import Callable

from foundation.errors import DeadlineError


def until(question: Callable[[], str | None], what: str, *, within: float, every: float = 0.1) -> None:
    """Ask until the answer is None.

    Args:
        question: returns None when it is so, else what was seen instead.
        what: what is waited for, as the end of "waited for ...".
        within: seconds until DeadlineError, which tells the last answer.
        every: seconds between two questions.
    """
    end = time.monotonic() + within
    while (seen := question()) is not None:
        if time.monotonic() > end:
            raise DeadlineError(f"waited {within:.0f} s for {what}; last seen: {seen}")
        time.sleep(every)
