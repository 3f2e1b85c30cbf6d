"""The exit code of a run, decided here and by nobody else, with every reason it is red for.

Red means: something that was asked for is not proved. A run is judged on what it selected;
what it left out on purpose is not held against it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.text import Text

from foundation.cache import ROOT
from foundation.progress import console as progress_console
from gate import review
from gate.features import ScenarioSource, parse, read
from reports import catalogue, matrix, quarantine, results
from reports.matrix import Matrix, Row, ScenarioLine
from reports.quarantine import Entry, Key, Quarantine
from reports.results import Run
from reports.timing import JudgedPhase, spoken

RED = 1
NOTHING_RAN = 5
"""Exit code of a run in which no scenario ran, the same as pytest's own."""

_NOTHING_RAN_SAID = "no scenario ran: nothing is proved"

_BY_CATALOGUE = frozenset({"--story", "--requirement", "--edge"})
"""Options of a selection of which the catalogue can tell what they select."""
_LISTED = 4
"""How many titles a reason lists before it counts the rest."""


class Verdict(BaseModel):
    """What a run comes to.

    Attributes:
        exit_code: 0 when everything that was selected is proved.
        reasons: why it is not, a line each; empty exactly when the exit code is 0.
        warnings: what a person should know that does not make it red.
        planned: how many of the requirements that were selected have no scenario yet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    exit_code: int
    reasons: list[str]
    warnings: list[str]
    planned: int = 0


@dataclass(frozen=True)
class Rules:
    """What a run is held against beside its own results.

    Attributes:
        planned: ids that are known to have no scenario yet.
        quarantine: the scenarios that are being mended.
        sources: every scenario as it is written, which gives its name to a line of the matrix.
        stale: for each id whose text changed after its scenarios were reviewed, a line that says so.
    """

    planned: Collection[str] = ()
    quarantine: Quarantine = field(default_factory=Quarantine)
    sources: Sequence[ScenarioSource] = ()
    stale: Mapping[str, str] = field(default_factory=dict)


def judge(judged: Matrix, run: Run, rules: Rules, phases: Sequence[JudgedPhase], today: date) -> Verdict:
    """Decide a run.

    Args:
        judged: the matrix of the run.
        run: its records, with the exit code that pytest, or a verdict on less, gave it.
        rules: what holds beside the results.
        phases: those whose budgets count; none for a session that is only a part of a run.
        today: the day on which a quarantine holds or has expired.
    """
    scope = _Scope.of(run, judged)
    names = {(source.file, source.line): (source.file, source.name) for source in rules.sources}
    active, expired = rules.quarantine.active(today), rules.quarantine.expired(today)
    held = {place: active[key] for place, key in names.items() if key in active}
    some = any(record.result != "skipped" for record in run.scenarios)
    failed = [line for line in scope.lines if line.ran == "failed"]

    reasons = [f"error of the run: {error}" for error in run.errors]
    reasons += _not_run(scope, run) if some else [_NOTHING_RAN_SAID]
    reasons += [line.said_failed for line in failed if line.place not in held]
    reasons += _uncovered(scope, rules.planned)
    reasons += [f"stale: {said}" for name, said in rules.stale.items() if name in scope.ids]
    reasons += _expired(scope, names, expired)
    reasons += [_late(phase) for phase in phases if phase.verdict == "over budget"]
    if run.exit_code and not reasons and not (failed and run.exit_code == RED):
        reasons.append(f"the session ended with exit code {run.exit_code}")
    warnings = [_quarantined(line, held[line.place]) for line in scope.lines if line.place in held]
    warnings += [_late(phase) for phase in phases if phase.verdict == "just over budget"]
    planned = sum(row.status == "not covered" and row.id in rules.planned for row in scope.rows)
    code = _code(run, reasons, some=some)
    return Verdict(exit_code=code, reasons=reasons, warnings=warnings, planned=planned)


def of_run(out: Path = results.OUT, *, root: Path = ROOT) -> Verdict:
    """The verdict on the last run, its phases and their budgets included.

    Raises:
        UserError: nothing has run, or catalogue, features or quarantine cannot be read.
    """
    run = results.read(out)
    judged = matrix.of(run, root=root)
    return judge(judged, run, rules_of(root), [*judged.run.phases, judged.run.whole], _today())


def of_session(run: Run, *, root: Path = ROOT) -> Verdict:
    """The verdict on a session of pytest: everything but how long the run around it took.

    Raises:
        UserError: catalogue, features or quarantine cannot be read.
    """
    return judge(matrix.of(run, root=root), run, rules_of(root), [], _today())


def rules_of(root: Path = ROOT) -> Rules:
    """What the checkout `root` holds its runs against."""
    features = root / catalogue.FEATURES.name
    return Rules(
        planned=catalogue.load_planned(features / catalogue.PLANNED.name).planned,
        quarantine=quarantine.load(features / quarantine.QUARANTINE.name),
        sources=parse(features, root=root),
        stale=_stale(features, root),
    )


def _stale(features: Path, root: Path) -> dict[str, str]:
    """For each id whose scenarios were not read against the text it has now, a line that says so."""
    own = features / catalogue.CATALOGUE.name
    known = catalogue.load(own if own.exists() else catalogue.CATALOGUE)
    found = review.what_changed_was_reviewed(read(features, root=root), review.hashes(known))
    return {finding.problem.partition(" ")[0]: finding.line for finding in found}


def tell(verdict: Verdict, console: Console = progress_console) -> None:
    """Print what a run comes to: its last lines."""
    for line in verdict.warnings:
        console.print(Text(f"warning: {line}", style="yellow"), soft_wrap=True)
    for line in verdict.reasons:
        console.print(Text(f"red: {line}", style="red"), soft_wrap=True)
    if not verdict.reasons:
        rest = (
            f"; {verdict.planned} requirements and edge cases have no scenario yet" if verdict.planned else ""
        )
        console.print(
            Text(f"green: every scenario that was selected passed{rest}", style="green"), soft_wrap=True
        )


def _today() -> date:
    return datetime.now(UTC).date()


def _code(run: Run, reasons: Sequence[str], *, some: bool) -> int:
    if not reasons:
        return 0
    if run.exit_code not in (0, RED, NOTHING_RAN):
        return run.exit_code
    return RED if some else NOTHING_RAN


# ---- what was selected


@dataclass(frozen=True)
class _Line:
    """A scenario, or a row of an outline, and the ids it proves."""

    shown: ScenarioLine
    ids: frozenset[str]

    @property
    def ran(self) -> str:
        return self.shown.result

    @property
    def place(self) -> tuple[str, int]:
        return self.shown.feature, self.shown.line

    @property
    def name(self) -> str:
        return " ".join([*sorted(self.ids), self.shown.title])

    @property
    def said_failed(self) -> str:
        where = (self.shown.failure or "").partition("\n")[0].rstrip(":")
        return f"failed: {self.name}" + (f" ({where})" if where else "")


@dataclass(frozen=True)
class _Scope:
    """What a run was to show.

    Attributes:
        everything: whether nothing narrowed it.
        lines: the scenarios it selected; where the catalogue cannot tell, those that ran.
        rows: the requirements and edge cases it selected; none where the catalogue cannot tell.
    """

    everything: bool
    lines: list[_Line]
    rows: list[Row]

    @property
    def ids(self) -> frozenset[str]:
        """Every id it was to show something of."""
        return frozenset(row.id for row in self.rows).union(*(line.ids for line in self.lines))

    @classmethod
    def of(cls, run: Run, judged: Matrix) -> _Scope:
        """From what narrowed the run: any of its stories, and any of its ids."""
        lines = _lines(judged)
        options = list(zip(run.selection[::2], run.selection[1::2], strict=True))
        if run.places or any(option not in _BY_CATALOGUE for option, _ in options):
            return cls(everything=False, lines=[line for line in lines if line.ran != "not run"], rows=[])
        stories = {value for option, value in options if option == "--story"}
        wanted = [one for one in (stories, {value for _, value in options} - stories) if one]
        rows = [*judged.requirements, *judged.edge_cases]
        return cls(
            everything=not options,
            lines=[line for line in lines if all((line.ids | {line.shown.story}) & one for one in wanted)],
            rows=[row for row in rows if all({row.id, row.story} & one for one in wanted)],
        )


def _lines(judged: Matrix) -> list[_Line]:
    """Every scenario of the matrix once."""
    shown: dict[tuple[str, int, str], ScenarioLine] = {}
    ids: dict[tuple[str, int, str], set[str]] = defaultdict(set)
    rows = [*judged.requirements, *judged.edge_cases, *judged.gaps, *judged.success_criteria]
    of_rows = [(line, row.id) for row in rows for line in row.scenarios]
    for line, name in [*of_rows, *((line, None) for line in judged.other_scenarios)]:
        key = (line.feature, line.line, line.title)
        shown.setdefault(key, line)
        ids[key].update({name} if name else ())
    return [_Line(line, frozenset(ids[key])) for key, line in shown.items()]


# ---- the reasons


def _not_run(scope: _Scope, run: Run) -> Iterator[str]:
    """What was selected and has no result; an empty run is told otherwise."""
    skipped = {record.title for record in run.scenarios if record.result == "skipped"}
    yield from (f"skipped, which proves nothing: {title}" for title in sorted(skipped))
    silent = [line.name for line in scope.lines if line.ran == "not run" and line.shown.title not in skipped]
    recorded = {record.node for record in run.scenarios}
    silent = silent or [node for node in run.selected if node not in recorded]
    if silent:
        more = f" and {len(silent) - _LISTED} more" if len(silent) > _LISTED else ""
        yield f"selected and did not run: {'; '.join(silent[:_LISTED])}{more}"


def _uncovered(scope: _Scope, planned: Collection[str]) -> Iterator[str]:
    for row in scope.rows:
        if row.status == "not covered" and row.id not in planned:
            yield f"not covered: {row.id} {row.title} has no scenario and is not planned"


def _expired(
    scope: _Scope, names: Mapping[tuple[str, int], Key], expired: Mapping[Key, Entry]
) -> Iterator[str]:
    selected = {names.get(line.place) for line in scope.lines}
    for key, entry in expired.items():
        if scope.everything or key in selected:
            yield f'quarantine of "{key[1]}" expired on {entry.expires} ({entry.owner}): {entry.reason}'


def _quarantined(line: _Line, entry: Entry) -> str:
    result = "did not run" if line.ran == "not run" else f"{line.ran} this time"
    return f"in quarantine until {entry.expires} ({entry.owner}), {result}: {line.name}: {entry.reason}"


def _late(phase: JudgedPhase) -> str:
    took, must = phase.seconds - phase.building, phase.budget or 0.0
    return f"{phase.verdict}: {phase.name} took {spoken(took)}, must take {spoken(must)}"
