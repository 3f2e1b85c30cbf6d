"""How long things may take (design.md, Time), and the phases of a run held against it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from foundation.progress import Phase

Verdict = Literal["within aim", "within budget", "over budget", "no budget", "failed"]


@dataclass(frozen=True)
class Budget:
    """A line of the time table, in seconds.

    Attributes:
        phases: the names of the phases it judges.
    """

    what: str
    phases: re.Pattern[str]
    must: float
    aim: float


TABLE = (
    Budget("local cluster up, built", re.compile(r"^cluster: \w+ up\b"), 60, 15),
    Budget(
        "helm install to all Ready", re.compile(r"^(install\b|platform\b.*\b(up|ready)\b)", re.I), 120, 45
    ),
    Budget("make demo, built", re.compile(r"^demo\b"), 600, 180),
)
BUILT = Budget("everything, built", re.compile(r"$^"), 15 * 60, 8 * 60)
FIRST = Budget("everything, first time on a fresh machine", re.compile(r"$^"), 45 * 60, 25 * 60)
_BUILDING = re.compile(r"\bbuild", re.I)
_REALLY_BUILT = 60.0
"""Build phases that took longer than this in sum built something: then the first-time budget holds."""


class JudgedPhase(BaseModel):
    """A phase of the run with its budget and what came of it."""

    model_config = ConfigDict(extra="forbid")

    name: str
    began: datetime
    seconds: float
    budget: float | None
    aim: float | None
    verdict: Verdict


def judge(phases: Sequence[Phase]) -> list[JudgedPhase]:
    """Each phase against the budget it was given, or that of the table."""
    return [_judged(phase) for phase in phases]


def whole(began: datetime, ended: datetime, phases: Sequence[Phase]) -> JudgedPhase:
    """The run from its first phase to its last scenario against the budget for everything."""
    first = min([began, *(phase.began for phase in phases)])
    building = sum(phase.seconds for phase in phases if _BUILDING.search(phase.name))
    row = FIRST if building > _REALLY_BUILT else BUILT
    seconds = round((ended - first).total_seconds(), 1)
    return JudgedPhase(
        name=row.what,
        began=first,
        seconds=seconds,
        budget=row.must,
        aim=row.aim,
        verdict=verdict(seconds, row.must, row.aim),
    )


def verdict(seconds: float, must: float | None, aim: float | None) -> Verdict:
    """What a duration means against its budget."""
    if must is None:
        return "no budget"
    if seconds > must:
        return "over budget"
    return "within aim" if aim is not None and seconds <= aim else "within budget"


def spoken(seconds: float) -> str:
    """A duration as a person says it: 120 ms, 4.2 s, 3 min 05 s."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def _judged(phase: Phase) -> JudgedPhase:
    row = next((row for row in TABLE if row.phases.search(phase.name)), None)
    must = phase.budget if phase.budget is not None else (row.must if row else None)
    aim = row.aim if row else None
    return JudgedPhase(
        name=phase.name,
        began=phase.began,
        seconds=phase.seconds,
        budget=must,
        aim=aim,
        verdict=verdict(phase.seconds, must, aim) if phase.ok else "failed",
    )
