"""The one error of the drivers."""

from __future__ import annotations

import re

from foundation.errors import PlatformError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class ServiceError(PlatformError):
    """A service did not give what it was asked for.

    Args:
        asked: what was asked, in a few words.
        of: the service, by the name an operator knows it by.
        answer: what came back; never a credential.
    """

    def __init__(self, asked: str, *, of: str, answer: str) -> None:
        self.asked = asked
        self.of = of
        self.answer = answer
        super().__init__(f"{of} was asked to {asked} and answered: {answer}")


def brief(text: object, limit: int = 400) -> str:
    """One line of bounded length, and without colours, of whatever came back."""
    line = " ".join(_COLOUR.sub("", str(text)).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
