"""Errors that are meant for a person, not for a debugger."""

from __future__ import annotations


class UserError(Exception):
    """Something the person at the keyboard can mend: bad input, a missing tool, a busy port.

    The front door prints the two lines and ends with exit code 2; nothing else was done.

    Args:
        problem: what is wrong, naming the file and the field where there is one.
        remedy: what to do about it, as a command where there is one.
    """

    exit_code = 2

    def __init__(self, problem: str, *, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}\n  remedy: {remedy}")


class PlatformError(Exception):
    """The platform, or a tool that builds it, did not do what it was asked. Exit code 1."""

    exit_code = 1


class DeadlineError(PlatformError):
    """A wait ran out. The message says what was waited for, how long, and what was last seen."""
