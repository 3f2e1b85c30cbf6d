"""What many repetitions of one story say together: which scenario gave two results, and how they differ.

A scenario that passes and fails on the same checkout and the same cluster proves nothing either
time. One that failed every time is no flake but a failure, and is told apart.
"""

from __future__ import annotations

import shutil
import signal
import statistics
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.errors import UserError
from reports import allure_files, results
from reports.results import Run, ScenarioResult

JSON, HTML, LOG = "soak.json", "soak.html", "output.txt"
LAST_LINES = 12
"""How much is told of what a repetition printed before it ended out of order."""

ATTACHED = 40_000
"""Characters of an attachment that the page keeps, its end; the file beside it is whole."""

Outcome = Literal["passed", "failed", "skipped", "missing", "lost"]
Steadiness = Literal["steady", "flaky", "always failed", "never ran"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Ended(_Part):
    """How the process of one repetition ended.

    Attributes:
        number: from 1.
        seconds: wall time of the process.
        exit_code: negative for the signal that killed it; None when it had to be ended for its deadline.
    """

    number: int
    seconds: float
    exit_code: int | None


class Repetition(_Part):
    """One repetition: how it ended and what it showed.

    Attributes:
        wrong: why it counts as not ended in order, and the last lines it printed; empty when it did.
        folder: its evidence, below the folder of the soak.
    """

    number: int
    seconds: float
    wrong: list[str]
    folder: str


class Attachment(_Part):
    """What was taken of the platform when a scenario failed.

    Attributes:
        cut: whether the text is only the end of it.
    """

    name: str
    text: str
    cut: bool


class Side(_Part):
    """One of two results of a scenario.

    Attributes:
        record: None where the scenario is missing.
    """

    repetition: int
    record: ScenarioResult | None
    attachments: list[Attachment]


class Comparison(_Part):
    """The evidence of a scenario that is not steady: a run in which it passed, and one in which not."""

    good: Side | None
    bad: Side


class ScenarioSoak(_Part):
    """A scenario over all repetitions.

    Attributes:
        outcomes: in the order of the repetitions; `lost` where the repetition itself did not end in order
            and says nothing of this scenario.
        shortest, median, longest: seconds, of the repetitions in which it ran.
    """

    node: str
    title: str
    ids: list[str]
    verdict: Steadiness
    outcomes: list[Outcome]
    shortest: float | None
    median: float | None
    longest: float | None
    comparison: Comparison | None

    @property
    def name(self) -> str:
        """Its ids and title."""
        return " ".join([*self.ids, self.title])

    def times(self, outcome: Outcome) -> int:
        """How often it came out so."""
        return self.outcomes.count(outcome)


class Soak(_Part):
    """All repetitions of a story; soak.json is this."""

    story: str
    command: str
    asked: int
    began: datetime
    exit_code: int
    headline: str
    repetitions: list[Repetition]
    scenarios: list[ScenarioSoak]


# ---- reading


def folder_of(number: int) -> str:
    """The name of a repetition's folder."""
    return f"run-{number:02d}"


def run_of(folder: Path) -> Run | None:
    """The results of one repetition; None when it left none that can be read."""
    try:
        return results.read(folder)
    except UserError:
        return None


def why_not_in_order(ended: Ended, run: Run | None) -> list[str]:
    """Why a repetition counts as not ended in order; nothing when it did."""
    said = list(run.errors) if run else []
    if ended.exit_code is None:
        said.append("still running at its deadline")
    elif ended.exit_code < 0:
        said.append(f"killed by {signal.Signals(-ended.exit_code).name}")
    elif run is None:
        said.append(f"left no results, exit code {ended.exit_code}")
    elif not run.scenarios:
        said.append(f"ran no scenario, exit code {ended.exit_code}")
    elif ended.exit_code not in (0, 1) and not said:
        said.append(f"exit code {ended.exit_code}")
    return said


def _told(ended: Ended, run: Run | None, log: Path) -> list[str]:
    """Why it did not end in order, and what it printed last."""
    said = why_not_in_order(ended, run)
    printed = log.read_text(encoding="utf-8", errors="replace").strip() if log.exists() else ""
    return [*said, *printed.splitlines()[-LAST_LINES:]] if said else []


def is_green(ended: Ended, run: Run | None) -> bool:
    """Whether every scenario that was to run ran and passed."""
    if run is None or why_not_in_order(ended, run):
        return False
    passed = {record.node for record in run.scenarios if record.result == "passed"}
    return bool(passed) and passed == {*run.selected, *(record.node for record in run.scenarios)}


def keep_results_only(folder: Path) -> None:
    """Bound the disk: of a green repetition only the records are wanted."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != results.RESULTS_NAME:
            path.unlink()


# ---- deciding


def gather(
    out: Path, *, story: str, command: str, asked: int, began: datetime, ended: Sequence[Ended]
) -> Soak:
    """Hold the repetitions in `out` against each other.

    Args:
        out: the folder with a folder for each repetition.
        story: what was repeated.
        command: what to type to do it again.
        asked: how many repetitions were asked for; fewer have ended when the soak was interrupted.
        began: when it began.
        ended: how each repetition ended, in order.
    """
    runs = [run_of(out / folder_of(one.number)) for one in ended]
    repetitions = [
        Repetition(
            number=one.number,
            seconds=one.seconds,
            wrong=_told(one, run, out / folder_of(one.number) / LOG),
            folder=folder_of(one.number),
        )
        for one, run in zip(ended, runs, strict=True)
    ]
    scenarios = _scenarios(out, repetitions, runs)
    bad = any(one.verdict != "steady" for one in scenarios) or any(one.wrong for one in repetitions)
    return Soak(
        story=story,
        command=command,
        asked=asked,
        began=began,
        exit_code=1 if bad or not scenarios else 0,
        headline=_headline(asked, repetitions, scenarios),
        repetitions=repetitions,
        scenarios=scenarios,
    )


def write(soak: Soak, out: Path) -> None:
    """Write soak.json and the page."""
    from reports import soak_page  # noqa: PLC0415 - the page renders what is defined here

    results.replace(out / JSON, soak.model_dump_json(indent=1) + "\n")
    results.replace(out / HTML, soak_page.html(soak))


def _scenarios(
    out: Path, repetitions: Sequence[Repetition], runs: Sequence[Run | None]
) -> list[ScenarioSoak]:
    records = [{record.node: record for record in run.scenarios} if run else {} for run in runs]
    known = [node for run in runs if run for node in (*run.selected, *(one.node for one in run.scenarios))]
    return [_scenario(out, node, repetitions, records) for node in dict.fromkeys(known)]


def _scenario(
    out: Path,
    node: str,
    repetitions: Sequence[Repetition],
    records: Sequence[dict[str, ScenarioResult]],
) -> ScenarioSoak:
    found = [of_run.get(node) for of_run in records]
    outcomes = [_outcome(record, one) for record, one in zip(found, repetitions, strict=True)]
    ran = [record for record in found if record and record.result != "skipped"]
    seconds = [record.seconds for record in ran]
    some = next((record for record in found if record), None)
    verdict = steadiness(outcomes)
    return ScenarioSoak(
        node=node,
        title=some.title if some else node,
        ids=some.ids if some else [],
        verdict=verdict,
        outcomes=outcomes,
        shortest=min(seconds, default=None),
        median=round(statistics.median(seconds), 3) if seconds else None,
        longest=max(seconds, default=None),
        comparison=None if verdict == "steady" else _compared(out, repetitions, found, outcomes),
    )


def _outcome(record: ScenarioResult | None, repetition: Repetition) -> Outcome:
    if record is not None:
        return record.result
    return "lost" if repetition.wrong else "missing"


def steadiness(outcomes: Iterable[Outcome]) -> Steadiness:
    """What the outcomes of a scenario say of it; a repetition that did not end in order says nothing."""
    seen = set(outcomes) - {"lost"}
    if len(seen) > 1:
        return "flaky"
    if seen == {"passed"}:
        return "steady"
    return "always failed" if seen == {"failed"} else "never ran"


def _compared(
    out: Path,
    repetitions: Sequence[Repetition],
    found: Sequence[ScenarioResult | None],
    outcomes: Sequence[Outcome],
) -> Comparison | None:
    """A repetition in which it passed beside the first in which it did not, a failure before all else."""

    def side(place: int) -> Side:
        folder = out / repetitions[place].folder / allure_files.RESULTS
        record = found[place]
        attached = list(_attachments(folder, record)) if record and record.result != "passed" else []
        return Side(repetition=repetitions[place].number, record=record, attachments=attached)

    bad = next((outcomes.index(kind) for kind in ("failed", "skipped", "missing") if kind in outcomes), None)
    if bad is None:
        return None
    good = outcomes.index("passed") if "passed" in outcomes else None
    return Comparison(good=None if good is None else side(good), bad=side(bad))


def _headline(asked: int, repetitions: Sequence[Repetition], scenarios: Sequence[ScenarioSoak]) -> str:
    flaky, failed, never = (
        [one.name for one in scenarios if one.verdict == kind]
        for kind in ("flaky", "always failed", "never ran")
    )
    wrong = [str(one.number) for one in repetitions if one.wrong]
    said = [
        f"{_count(flaky, 'flake')}: {'; '.join(flaky)}" if flaky else "",
        f"{_count(failed, 'scenario')} failed every time: {'; '.join(failed)}" if failed else "",
        f"{_count(never, 'scenario')} never ran: {'; '.join(never)}" if never else "",
        f"{_count(wrong, 'repetition')} did not end in order: {', '.join(wrong)}" if wrong else "",
        "" if scenarios else "nothing ran, so nothing is known",
    ]
    told = ". ".join(part for part in said if part)
    done = _count(repetitions, "repetition")
    of = done if len(repetitions) == asked else f"{done}, {asked} were asked for"
    return f"{told or '0 flakes in ' + _count(scenarios, 'scenario')} ({of})"


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


# ---- Allure's files


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _File(_Loose):
    name: str
    source: str
    type: str = ""


class _Step(_Loose):
    """A step or a fixture."""

    status: str = ""
    attachments: list[_File] = Field(default_factory=list)
    steps: list[_Step] = Field(default_factory=list)


class _Result(_Step):
    name: str
    uuid: str
    fullName: str  # noqa: N815 - Allure's own name


class _Container(_Loose):
    children: list[str] = Field(default_factory=list)
    befores: list[_Step] = Field(default_factory=list)
    afters: list[_Step] = Field(default_factory=list)


def _attachments(folder: Path, record: ScenarioResult) -> list[Attachment]:
    """What was attached to a failed scenario: beside its steps, in those that failed, in its fixtures."""
    name = record.node.partition("[")[0].replace(".py::", "#").replace("/", ".")
    ours = [
        result
        for result in _read(folder.glob("*-result.json"), _Result)
        if (result.name, result.fullName) == (record.title, name)
    ]
    ids = {result.uuid for result in ours}
    around = [one for one in _read(folder.glob("*-container.json"), _Container) if ids & {*one.children}]
    parts = [*ours, *(fixture for one in around for fixture in (*one.befores, *one.afters))]
    files = {file.source: file for part in parts for file in _files(part)}
    return [_attachment(folder, file) for file in files.values()]


def _files(part: _Step) -> Iterator[_File]:
    yield from (file for file in part.attachments if file.type.startswith(("text/", "application/json")))
    for step in part.steps:
        if step.status != "passed":
            yield from _files(step)


def _attachment(folder: Path, file: _File) -> Attachment:
    path = folder / Path(file.source).name
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else "(the file is gone)"
    return Attachment(name=file.name, text=text[-ATTACHED:], cut=len(text) > ATTACHED)


_Model = TypeVar("_Model", bound=_Loose)


def _read(files: Iterable[Path], model: type[_Model]) -> Iterator[_Model]:
    for file in sorted(files):
        try:
            yield model.model_validate_json(file.read_text(encoding="utf-8"))
        except ValidationError:
            continue  # a killed repetition leaves half of a file; its records tell what it showed
