"""What is wrong with a person's files, told so that they know at once what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WRONG_INPUT = 2
"""The exit code for every refusal of a person's input."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: as the person named it, never an absolute path of the machine.
        field: path of the field (`transforms[2].dependsOn[0]`); empty for the file as a whole.
        found: what is there, in a few words; never the value of a credential.
        expected: what belongs there.
        remedy: what to do, where it is more than to put there what is expected.
        stage: the stage of the compilation that found it, one of LOAD, VALIDATE, RESOLVE, ENFORCE,
            COMPILE and GENERATE; empty outside a compilation.
        line: where in the file, from 1; 0 when no line is to blame.
    """

    file: str
    field: str
    found: str
    expected: str
    remedy: str = ""
    stage: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        lines = [": ".join(part for part in (place, self.field, self.found) if part)]
        lines.append(f"  expected: {self.expected}")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)


class RefusedError(Exception):
    """A person's input is refused; nothing was written.

    Attributes:
        problems: all that were found, in the order of the files.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
