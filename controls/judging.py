"""Whether a run with a planted fault was red where it must be, for the right reason, and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from controls.catalogue import Fault, Red
from reports.results import Run, ScenarioResult


@dataclass(frozen=True)
class Judgement:
    """What a run under a fault showed.

    Attributes:
        caught: by scenario title, the scenarios that failed as they must, with what they said.
        wrong: what is not as the fault demands, a sentence each; empty when the control is green.
    """

    fault: Fault
    caught: dict[str, ScenarioResult]
    wrong: list[str]

    @property
    def holds(self) -> bool:
        """Whether the suite noticed the fault, all of it, and blamed nothing else."""
        return not self.wrong


def judge(fault: Fault, run: Run) -> Judgement:
    """Hold a run against what the fault demands of it."""
    expected = fault.expected()
    ran = {record.title: record for record in run.scenarios}
    wrong = [f"the run itself: {error}" for error in run.errors]
    wrong += [f"{title}: did not run" for title in expected if title not in ran]
    caught = {}
    for title, record in ran.items():
        complaint = _complaint(record, expected.get(title))
        if complaint:
            wrong.append(f"{title}: {complaint}")
        elif title in expected:
            caught[title] = record
    return Judgement(fault, caught, wrong)


def _complaint(record: ScenarioResult, red: Red | None) -> str | None:
    said = record.failure or ""
    if red is None:
        return None if record.result == "passed" else f"is {record.result}, and must not be: {brief(said)}"
    if record.result != "failed":
        return f"is {record.result}: the fault was there and nobody noticed"
    if red.id not in record.ids:
        return f"proves {', '.join(record.ids)}, not {red.id}"
    if not re.search(red.because, said):
        return f"is red for another reason than /{red.because}/: {brief(said)}"
    return None


def brief(text: str, limit: int = 300) -> str:
    """A failure in one bounded line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
