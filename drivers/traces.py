"""Traces of the inside in what a person is told: stack traces, places of this machine, exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TELLTALES = {
    "a stack trace": r"Traceback \(most recent call last\)|^\s*File \"[^\"]+\", line \d+|\bline \d+, in \w+",
    "a place of this machine": r"(?<![\w.:/-])/(?:root|home|tmp|var|usr|opt|etc|work|mnt|private|Users)/\S*"
    r"|(?<![A-Za-z])[A-Za-z]:\\\S+|file://\S+",
    "installed code": r"site-packages|dist-packages|\bfloe_(?:core|complete|additions)[./]\S*",
    "an exception": r"\b[A-Z]\w*(?:Error|Exception|Warning)\b",
    "a link for programmers": r"\S*errors\.pydantic\.dev\S*|\[type=\w+, input_value=",
    "an object of the program": r"<[\w.]+ object at 0x[0-9a-f]+>|\b0x[0-9a-f]{8,}\b",
}
_SHOWN = 80


def heard(text: str, never: Iterable[object] = ()) -> list[str]:
    """What a text gives away, each kind once, with the words that do.

    Args:
        text: all that a person was shown.
        never: further words that must not be in it: a password, the folder of a test.
    """
    found = [
        f"{what}: {' '.join(match.group().split())[:_SHOWN]}"
        for what, pattern in _TELLTALES.items()
        if (match := re.search(pattern, text, re.MULTILINE))
    ]
    return found + [f"what nobody may hear: {word}" for word in map(str, never) if word in text]
