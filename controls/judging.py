"""Whether a run with a planted fault was red where it must be, for the right reason, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from controls.catalogue import Fault, Red
from reports.results import Run, ScenarioResult


@dataclass(frozen=True)
class Judgement:
    """What a run under a fault showed.

    Attributes:
        caught: by scenario title, the scenarios that failed as they must, with what they said.
        wrong: what of its own scenarios is not as the fault demands, a sentence each.
        nobodys: what was red beside what the faults of this run name; nobody can say whose it is.
    """

    fault: Fault
    caught: dict[str, ScenarioResult]
    wrong: list[str]
    nobodys: list[str]

    @property
    def holds(self) -> bool:
        """Whether the suite noticed the fault, all of it, and blamed nothing else."""
        return not (self.wrong or self.nobodys)


def judge(faults: Sequence[Fault], run: Run) -> list[Judgement]:
    """Hold a run against what each of the faults planted in it demands.

    A scenario that none of them names and that is red counts against all of them: nobody can say whose it is.
    """
    named = {title for fault in faults for title in fault.expected()}
    nobodys = [f"the run itself: {error}" for error in run.errors]
    for record in run.scenarios:
        complaint = None if record.title in named else _complaint(record, None)
        nobodys += [f"{record.title}: {complaint}"] if complaint else []
    return [_judge_one(fault, run, nobodys) for fault in faults]


def _judge_one(fault: Fault, run: Run, nobodys: Sequence[str]) -> Judgement:
    ran = {record.title: record for record in run.scenarios}
    wrong = []
    caught = {}
    for title, red in fault.expected().items():
        complaint = _complaint(ran[title], red) if title in ran else "did not run"
        if complaint:
            wrong.append(f"{title}: {complaint}")
        else:
            caught[title] = ran[title]
    return Judgement(fault, caught, wrong, list(nobodys))


def _complaint(record: ScenarioResult, red: Red | None) -> str | None:
    said = record.failure or ""
    if red is None:
        return None if record.result == "passed" else f"is {record.result}, and must not be: {brief(said)}"
    if record.result != "failed":
        return f"is {record.result}: the fault was there and nobody noticed"
    if red.id not in record.ids:
        return f"proves {', '.join(record.ids)}, not {red.id}"
    if not re.search(red.because, reason(said)):
        return f"is red for another reason than /{red.because}/: {brief(said)}"
    return None


def reason(failure: str) -> str:
    """What a failure says beside the words of its step, which stand in its first line whatever went wrong."""
    _, _, said = failure.partition("\n")
    return said or failure


def brief(text: str, limit: int = 300) -> str:
    """A failure in one bounded line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
