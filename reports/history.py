"""Earlier runs, each kept as one small file beside the reports, and what changed since.

Output of a run is removed when the next one begins; this is what remains of it. A checkout that
has no full run of its own yet is compared with the committed evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reports.results import Revision, replace

FOLDER = "history"
"""Below the output folder."""
KEPT = 30
"""Runs that are kept; older ones are dropped."""

SLOWER_BY = 1.2
SLOWER_SECONDS = 1.0
"""A phase counts as slower from a fifth more and a second more on: below, a clock's noise would tell."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class KeptRun(_Part):
    """What is remembered of a run.

    Attributes:
        statuses: of every requirement and edge case, by its id.
        scenarios: result of every scenario that was written then, by `feature: title`.
        phases: seconds by the phase's name, without what was built in it.
    """

    date: datetime
    full: bool
    revision: Revision
    statuses: dict[str, str]
    scenarios: dict[str, str]
    phases: dict[str, float]


class Moved(_Part):
    """An id whose status is another than before."""

    id: str
    before: str
    now: str


class Slower(_Part):
    """A phase that took longer than before, in seconds."""

    phase: str
    before: float
    now: float


class Changes(_Part):
    """What is different from an earlier full run; of what either did not run, nothing is said.

    Attributes:
        since: when that run began.
        failed: scenarios that passed then and fail now.
        mended: scenarios that failed then and pass now.
    """

    since: datetime
    revision: Revision
    statuses: list[Moved]
    new: list[str]
    gone: list[str]
    failed: list[str]
    mended: list[str]
    slower: list[Slower]

    @property
    def nothing(self) -> bool:
        """Whether everything is as it was."""
        return not any((self.statuses, self.new, self.gone, self.failed, self.mended, self.slower))


class Earlier(_Part):
    """The last time a scenario ran before this run."""

    result: str
    date: datetime


class _Read(BaseModel):
    """Of a matrix only what is remembered, whatever version of the suite wrote the rest."""

    model_config = ConfigDict(extra="ignore")


class _Line(_Read):
    title: str
    feature: str
    result: str


class _Row(_Read):
    id: str
    status: str
    scenarios: list[_Line]


class _Phase(_Read):
    name: str
    seconds: float
    building: float = 0.0


class _Run(_Read):
    date: datetime
    full: bool
    revision: Revision
    phases: list[_Phase]


class _Matrix(_Read):
    run: _Run
    requirements: list[_Row]
    edge_cases: list[_Row]
    other_scenarios: list[_Line] = Field(default_factory=list)


def remember(matrix: Mapping[str, Any]) -> KeptRun:
    """What to remember of a matrix, given as the data of matrix.json.

    Raises:
        ValidationError: it is no matrix.
    """
    found = _Matrix.model_validate(matrix)
    rows = [*found.requirements, *found.edge_cases]
    lines = [*(line for row in rows for line in row.scenarios), *found.other_scenarios]
    phases: dict[str, float] = {}
    for phase in found.run.phases:
        phases[phase.name] = round(phases.get(phase.name, 0.0) + phase.seconds - phase.building, 2)
    return KeptRun(
        date=found.run.date.astimezone(UTC),
        full=found.run.full,
        revision=found.run.revision,
        statuses={row.id: row.status for row in rows},
        scenarios={scenario_key(line.feature, line.title): line.result for line in lines},
        phases=phases,
    )


def scenario_key(feature: str, title: str) -> str:
    """How a scenario is called from one run to the next; lines move, titles stay."""
    return f"{feature}: {title}"


def keep(run: KeptRun, out: Path) -> None:
    """Keep a run below the output folder, in place of what was kept of it before."""
    folder = out / FOLDER
    replace(_file(run.date, out), run.model_dump_json(indent=1) + "\n")
    for old in sorted(folder.glob("run-*.json"))[:-KEPT]:
        old.unlink()


def before(date: datetime, out: Path, evidence: Path) -> list[KeptRun]:
    """The runs kept from before this time, the latest first.

    Where none of them is full, the committed evidence joins them and is kept as well, since a
    full run replaces it.
    """
    found = [run for file in (out / FOLDER).glob("run-*.json") if (run := _read(file)) and run.date < date]
    if not any(run.full for run in found) and (committed := _committed(evidence)) and committed.date < date:
        keep(committed, out)
        found.append(committed)
    return sorted(found, key=lambda run: run.date, reverse=True)


def changes(now: KeptRun, earlier: Sequence[KeptRun]) -> Changes | None:
    """What changed since the last full run among the earlier ones; None when there is none."""
    last = next((run for run in earlier if run.full), None)
    if last is None:
        return None
    both_ran = [
        (name, last.scenarios[name], result)
        for name, result in now.scenarios.items()
        if "not run" not in (result, last.scenarios.get(name, "not run"))
    ]
    return Changes(
        since=last.date,
        revision=last.revision,
        statuses=[
            Moved(id=name, before=last.statuses[name], now=status)
            for name, status in now.statuses.items()
            if last.statuses.get(name, status) != status and "not run" not in (status, last.statuses[name])
        ],
        new=[name for name in now.scenarios if name not in last.scenarios],
        gone=[name for name in last.scenarios if name not in now.scenarios],
        failed=[name for name, then, result in both_ran if (then, result) == ("passed", "failed")],
        mended=[name for name, then, result in both_ran if (then, result) == ("failed", "passed")],
        slower=[
            Slower(phase=name, before=last.phases[name], now=seconds)
            for name, seconds in now.phases.items()
            if name in last.phases and _is_slower(last.phases[name], seconds)
        ],
    )


def last_time(name: str, earlier: Sequence[KeptRun]) -> Earlier | None:
    """When and how a scenario last ended in the earlier runs, the latest of which come first."""
    for run in earlier:
        if (result := run.scenarios.get(name, "not run")) != "not run":
            return Earlier(result=result, date=run.date)
    return None


def _is_slower(then: float, now: float) -> bool:
    return now > then * SLOWER_BY and now - then >= SLOWER_SECONDS


def _file(date: datetime, out: Path) -> Path:
    return out / FOLDER / f"run-{date:%Y-%m-%dT%H-%M-%S}Z.json"


def _read(file: Path) -> KeptRun | None:
    """A kept run; None when another version of the suite kept it."""
    try:
        return KeptRun.model_validate_json(file.read_text(encoding="utf-8"))
    except ValidationError:
        return None


def _committed(evidence: Path) -> KeptRun | None:
    try:
        return remember(json.loads(evidence.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return None
