"""What a command says when it refuses a person's files, taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from drivers.errors import ServiceError
from drivers.floe import Outcome, Project

_PLACE = re.compile(r"^(?P<file>[^\s:]+)(?::(?P<line>\d+))?: (?P<rest>\S.*)$")
_FIELD = re.compile(r"^(?P<field>[A-Za-z_]\w*(?:\.[\w-]+|\[\d+\]|\[\"[^\"]*\"\])*): ")
_EXPECTED = "  expected: "


@dataclass(frozen=True)
class Reason:
    """One thing that a file is refused for.

    Attributes:
        file: as the command names it.
        line: in the file; 0 where none is named.
        field: path of the field; `-` for the file as a whole.
        expected: what the command says belongs there.
        because: what it says is wrong.
    """

    file: str
    line: int
    field: str
    expected: str
    because: str

    def __str__(self) -> str:
        words = f"{self.expected}, because of: {self.because}"
        return f"line {self.line}, {words}" if self.line else words


def verdict(outcome: Outcome, known: Sequence[Reason] = ()) -> dict[str, str]:
    """How a command ended, and by file and field what it refused.

    Args:
        outcome: of the command.
        known: reasons that are expected; where one is told in more words, its own are enough.
    """
    return told(outcome.code, (_in_known_words(one, known) for one in _reasons(outcome.err)))


def _in_known_words(told: Reason, known: Sequence[Reason]) -> Reason:
    """A reason by the words of a known one, where it has those among its own."""
    for one in known:
        if one.because in told.because and replace(told, because=one.because) == one:
            return one
    return told


def told(code: int, reasons: Iterable[Reason]) -> dict[str, str]:
    """The same, from an exit code and reasons."""
    found: dict[str, list[str]] = {}
    for one in reasons:
        found.setdefault(f"{one.file}: {one.field}", []).append(str(one))
    return {"exit code": str(code)} | {place: "; ".join(words) for place, words in found.items()}


def reason(project: Project, folder: str, row: Sequence[str]) -> Reason:
    """A reason that is expected.

    Args:
        project: where the file is.
        folder: the folder that the command is run in.
        row: file, line, field, what is expected and what is wrong. The line is given by words that stand
            on it and on no other, `-` for no line.
    """
    file, words, field, expected, because = row
    if words == "-":
        return Reason(file, 0, field, expected, because)
    path = file.removeprefix("../") if file.startswith("../") else f"{folder}/{file}"
    text = (project.folder / path).read_bytes().decode(errors="replace")
    return Reason(file, number(text, words), field, expected, because)


def number(text: str, words: str) -> int:
    """The number of the one line of a text that these words stand on, from 1.

    Raises:
        ServiceError: they stand on none, or on more.
    """
    found = [number for number, line in enumerate(text.split("\n"), 1) if words in line]
    if len(found) != 1:
        raise ServiceError(f"find the line of {words!r}", of="the file", answer=f"it is on lines {found}")
    return found[0]


def _reasons(said: str) -> Iterator[Reason]:
    for first, second in pairwise([*said.splitlines(), ""]):
        if place := _PLACE.match(first):
            field = _FIELD.match(place["rest"])
            nothing = f"nothing: {first!r} says not what belongs there"
            yield Reason(
                file=place["file"],
                line=int(place["line"] or 0),
                field=field["field"] if field else "-",
                expected=second.removeprefix(_EXPECTED) if second.startswith(_EXPECTED) else nothing,
                because=place["rest"][field.end() if field else 0 :],
            )
