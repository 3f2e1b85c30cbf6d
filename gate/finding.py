"""What a rule of the gate says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A broken rule: where, what, and what to do about it."""

    place: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}\n  remedy: {self.remedy}"

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"{self.place}: {self.problem} — {self.remedy}"
