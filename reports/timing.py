"""How long things may take (design.md, Time), and the phases of a run held against it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from foundation.progress import Phase

Verdict = Literal["within aim", "within budget", "just over budget", "over budget", "no budget", "failed"]

TOLERANCE = 1.2
"""How many times its budget a phase may take before the run is red; up to it there is a warning."""


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
    Budget("helm install to all Ready", re.compile(r"\bplatform Ready\b"), 120, 45),
    Budget("make demo, built", re.compile(r"^demo$"), 600, 180),
)
# With three products, their troubles and their tables a run takes 12 minutes on two cores, a third more where
# others share them.
BUILT = Budget("everything, built", re.compile(r"$^"), 15 * 60, 12 * 60)
FIRST = Budget("everything, first time on a fresh machine", re.compile(r"$^"), 45 * 60, 25 * 60)
_BUILDING = re.compile(r"\bbuild\b|^install ", re.IGNORECASE)
_REALLY_BUILT = 60.0
"""Seconds of building from which on a run was a first one, and the first-time budget holds."""


class JudgedPhase(BaseModel):
    """A phase of the run with its budget and what came of it.

    Attributes:
        building: seconds of it that went into building what a later run finds built; the
            budgets are for what is built, so they do not count against it.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    began: datetime
    seconds: float
    building: float = 0.0
    budget: float | None
    aim: float | None
    verdict: Verdict


def judge(phases: Sequence[Phase]) -> list[JudgedPhase]:
    """Each phase, in the order they began, against the budget it was given or that of the table."""
    return [_judged(phase, phases) for phase in sorted(phases, key=lambda one: one.began)]


def whole(began: datetime, ended: datetime, phases: Sequence[Phase]) -> JudgedPhase:
    """The run from its first phase to its last scenario against the budget for everything.

    A run that built little is held to the budget for what is built, without what it built.
    """
    first = min([began, *(phase.began for phase in phases)])
    building = _length([_span(phase) for phase in phases if _BUILDING.search(phase.name)])
    row = FIRST if building > _REALLY_BUILT else BUILT
    seconds = round((ended - first).total_seconds(), 1)
    return JudgedPhase(
        name=row.what,
        began=first,
        seconds=seconds,
        building=building,
        budget=row.must,
        aim=row.aim,
        verdict=verdict(seconds - (0.0 if row is FIRST else building), row.must, row.aim),
    )


def verdict(seconds: float, must: float | None, aim: float | None) -> Verdict:
    """What a duration means against its budget."""
    if must is None:
        return "no budget"
    if seconds > must:
        return "over budget" if seconds > must * TOLERANCE else "just over budget"
    return "within aim" if aim is not None and seconds <= aim else "within budget"


def spoken(seconds: float) -> str:
    """A duration as a person says it: 120 ms, 4.2 s, 3 min 05 s."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def _judged(phase: Phase, phases: Sequence[Phase]) -> JudgedPhase:
    row = next((row for row in TABLE if row.phases.search(phase.name)), None)
    must = phase.budget if phase.budget is not None else (row.must if row else None)
    aim = row.aim if row else None
    building = _building_within(phase, phases)
    return JudgedPhase(
        name=phase.name,
        began=phase.began,
        seconds=phase.seconds,
        building=building,
        budget=must,
        aim=aim,
        verdict=verdict(phase.seconds - building, must, aim) if phase.ok else "failed",
    )


_Span = tuple[float, float]


def _span(phase: Phase) -> _Span:
    start = phase.began.timestamp()
    return start, start + phase.seconds


def _building_within(phase: Phase, phases: Sequence[Phase]) -> float:
    start, end = _span(phase)
    spans = [_span(one) for one in phases if one is not phase and _BUILDING.search(one.name)]
    return _length(
        [(max(start, begin), min(end, stop)) for begin, stop in spans if begin < end and stop > start]
    )


def _length(spans: Sequence[_Span]) -> float:
    """Seconds covered by spans that may lie within each other."""
    covered = 0.0
    reached = float("-inf")
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return round(covered, 1)
