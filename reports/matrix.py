"""The requirement matrix: one row per id of the catalogue, decided by what the run showed.

The rules are few and meant to err on the strict side. A requirement is verified when every
scenario that names it ran and passed, and none of their evidence came through a stand-in.
"""

from __future__ import annotations

import json
import os
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from foundation.cache import ROOT
from foundation.progress import Phase
from reports import allure_files, catalogue, gate, results, seen_red, timing
from reports.catalogue import Catalogue, Limits
from reports.gate import ScenarioSource
from reports.results import Cluster, Host, Revision, Run, ScenarioResult, StepResult, replace
from reports.seen_red import Ledger, Sighting
from reports.timing import JudgedPhase

JSON, HTML, MARKDOWN = "matrix.json", "matrix.html", "matrix.md"
EVIDENCE = Path("docs") / "evidence"
"""Where the last full result is kept, below the checkout."""

Status = Literal[
    "verified", "verified on a stand-in", "failed", "not run", "not covered", "not verifiable here"
]
STATUSES: tuple[Status, ...] = (
    "verified",
    "verified on a stand-in",
    "failed",
    "not run",
    "not covered",
    "not verifiable here",
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScenarioLine(_Part):
    """What one scenario, or one row of an outline, contributes."""

    title: str
    feature: str
    line: int
    story: str | None
    result: Literal["passed", "failed", "not run"]
    seconds: float
    stand_ins: list[str]
    failure: str | None
    steps: list[StepResult]


class Row(_Part):
    """An id of the catalogue and what is known of it after the run.

    Attributes:
        seen_red: the planted faults under which its scenarios failed as they must, the latest first;
            empty when they have never been seen to fail.
        limits: the part of it that its scenarios do not show yet.
        reason: why it cannot be verified here.
    """

    id: str
    story: str | None
    title: str
    statement: str
    proof: str | None
    covers: list[str]
    status: Status
    seen_red: list[Sighting]
    scenarios: list[ScenarioLine]
    seconds: float
    stand_ins: list[str]
    limits: str | None
    reason: str | None


class Described(_Part):
    """The run in which the evidence was taken."""

    date: datetime
    seconds: float
    full: bool
    exit_code: int
    command: str
    rerun_failed: str | None
    cluster: Cluster
    host: Host
    revision: Revision
    versions: dict[str, str]
    suite: dict[str, str]
    stand_ins: dict[str, str]
    phases: list[JudgedPhase]
    whole: JudgedPhase
    errors: list[str]


class SeenRed(_Part):
    """How many of the requirements that have scenarios were ever seen to fail when they must."""

    seen: int
    never: int


class Matrix(_Part):
    """Everything the pages show; matrix.json is this."""

    run: Described
    counts: dict[Status, int]
    edge_counts: dict[Status, int]
    seen_red: SeenRed
    stories: dict[str, str]
    requirements: list[Row]
    edge_cases: list[Row]
    gaps: list[Row]
    success_criteria: list[Row]
    other_scenarios: list[ScenarioLine] = Field(default_factory=list)


def write(out: Path = results.OUT, *, root: Path = ROOT) -> Matrix:
    """Compute the matrix of the last run and write its pages.

    A run in which every scenario of the features ran also replaces docs/evidence.

    Raises:
        UserError: nothing has run, or catalogue, limits or features cannot be read.
    """
    from reports import page  # noqa: PLC0415 - page renders what is defined here

    features = root / "features"
    own = features / catalogue.CATALOGUE.name
    matrix = build(
        results.read(out),
        catalogue.load(own if own.exists() else catalogue.CATALOGUE),
        catalogue.load_limits(features / catalogue.LIMITS.name),
        gate.parse(features, root=root),
        _phases(root),
        ledger=seen_red.read(root),
    )
    pages = {JSON: as_json(matrix), HTML: page.html(matrix), MARKDOWN: page.markdown(matrix)}
    for name, text in pages.items():
        replace(out / name, text)
    if matrix.run.full and (root / EVIDENCE.parent).is_dir():
        for name in (JSON, MARKDOWN):
            replace(root / EVIDENCE / name, pages[name])
    return matrix


def forget(out: Path) -> None:
    """Remove an earlier run's output, so that nobody takes it for the present one's."""
    for name in (results.RESULTS_NAME, JSON, HTML, MARKDOWN):
        (out / name).unlink(missing_ok=True)
    for folder in (out / allure_files.RESULTS, out / "allure"):
        for file in folder.glob("*") if folder.is_dir() else ():
            if file.is_file():
                file.unlink()


def as_json(matrix: Matrix) -> str:
    """The matrix as JSON a diff can be read of."""
    return json.dumps(matrix.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"


def headline(matrix: Matrix) -> str:
    """The counts in one line."""
    parts = [f"{number} {status}" for status, number in matrix.counts.items() if number]
    seen = f"seen red {matrix.seen_red.seen}, never {matrix.seen_red.never}"
    return f"{len(matrix.requirements)} requirements: {', '.join(parts)}; {seen}"


def build(
    run: Run,
    known: Catalogue,
    limits: Limits,
    sources: Sequence[ScenarioSource],
    phases: Sequence[Phase],
    *,
    ledger: Ledger | None = None,
) -> Matrix:
    """Decide every row from the run's records and the features as they are written.

    Args:
        run: what ran.
        known: the catalogue.
        limits: what this release cannot show.
        sources: the scenarios as they are written.
        phases: of the run, for the table of times.
        ledger: what was seen red; nothing when absent.
    """
    limits.check(known, catalogue.LIMITS)
    lines = _lines(run, sources, known)
    rows = _Rows(run, known, limits, lines, ledger or Ledger())
    requirements = [
        rows.row(item.id, title=item.title, statement=item.statement, story=item.story, proof=item.proof)
        for item in known.requirements
    ]
    edge_cases = [
        rows.row(
            case.id,
            title=known.title_of(case.id),
            statement=case.statement,
            story=case.story,
            covers=case.covers,
        )
        for case in known.edge_cases
    ]
    gaps = [
        rows.row(name, title=gap.topic, statement=gap.topic, covers=gap.covers)
        for name, gap in known.gaps.items()
    ]
    criteria = [rows.row(name, title=text, statement=text) for name, text in known.success_criteria.items()]
    return Matrix(
        run=_described(run, [line for line, _ in lines], phases),
        counts=_counts(requirements),
        edge_counts=_counts(edge_cases),
        seen_red=_seen_red(requirements),
        stories={name: story.title for name, story in known.stories.items()},
        requirements=requirements,
        edge_cases=edge_cases,
        gaps=gaps,
        success_criteria=criteria,
        other_scenarios=[line for line, ids in lines if not ids & known.provable],
    )


_Line = tuple[ScenarioLine, frozenset[str]]


def _lines(run: Run, sources: Sequence[ScenarioSource], known: Catalogue) -> list[_Line]:
    """Every scenario as written with its record, and then records of no written scenario."""
    records: dict[tuple[str, int, tuple[tuple[str, str], ...]], list[ScenarioResult]] = defaultdict(list)
    for record in run.scenarios:
        records[record.feature, record.line, tuple(record.example.items())].append(record)
    lines: list[_Line] = []
    for source in sources:
        for row, tags in source.rows or (((), frozenset()),):
            ids = (source.tags | tags) & known.ids
            story = next((name for name in known.stories if name in source.tags | tags), None)
            found = records.get((source.file, source.line, row))
            if found:
                lines.append((_ran(found.pop(0), run), ids))
            else:
                lines.append((_never_ran(source, row, story), ids))
    left = [record for found in records.values() for record in found]
    return lines + [(_ran(record, run), frozenset(record.ids)) for record in left]


def _ran(record: ScenarioResult, run: Run) -> ScenarioLine:
    return ScenarioLine(
        title=record.title,
        feature=record.feature,
        line=record.line,
        story=record.story,
        result="not run" if record.result == "skipped" else record.result,
        seconds=record.seconds,
        stand_ins=sorted(set(record.touched) & set(run.facts.stand_ins)),
        failure=record.failure,
        steps=record.steps,
    )


def _never_ran(source: ScenarioSource, row: tuple[tuple[str, str], ...], story: str | None) -> ScenarioLine:
    name = source.name
    for column, value in row:
        name = name.replace(f"<{column}>", value)
    return ScenarioLine(
        title=results.row_title(source.name, name, dict(row), [dict(one) for one, _ in source.rows]),
        feature=source.file,
        line=source.line,
        story=story,
        result="not run",
        seconds=0.0,
        stand_ins=[],
        failure=None,
        steps=[],
    )


class _Rows:
    """Makes rows from what the run and the declared limits say."""

    def __init__(
        self, run: Run, known: Catalogue, limits: Limits, lines: Iterable[_Line], ledger: Ledger
    ) -> None:
        self._ledger = ledger
        self._provider = run.facts.cluster.provider
        self._deployed = run.facts.stand_ins
        self._known = known
        self._limits = limits
        self._of: dict[str, list[ScenarioLine]] = defaultdict(list)
        for line, ids in lines:
            for name in ids:
                self._of[name].append(line)

    def row(
        self,
        name: str,
        *,
        title: str,
        statement: str,
        story: str | None = None,
        proof: str | None = None,
        covers: Sequence[str] = (),
    ) -> Row:
        scenarios = self._of[name]
        stand_ins = self._stand_ins(name, scenarios)
        declared = self._limits.not_verifiable.get(name)
        reason = declared.reason if declared and self._provider in declared.on else None
        return Row(
            id=name,
            story=story,
            title=title,
            statement=statement,
            proof=proof,
            covers=list(covers),
            status=status(
                [line.result for line in scenarios], stand_ins=stand_ins, not_verifiable=bool(reason)
            ),
            seen_red=self._ledger.of(name),
            scenarios=scenarios,
            seconds=round(sum(line.seconds for line in scenarios), 1),
            stand_ins=stand_ins,
            limits=self._limits.limits.get(name),
            reason=reason,
        )

    def _stand_ins(self, name: str, scenarios: Iterable[ScenarioLine]) -> list[str]:
        """Stand-ins the proof went through: those met, and those it cannot have gone without."""
        ran = [line for line in scenarios if line.result != "not run"]
        met = {service for line in ran for service in line.stand_ins}
        declared = {service for service, ids in self._limits.through.items() if ran and name in ids}
        return sorted(met | (declared & set(self._deployed)))


def status(
    results_of_scenarios: Sequence[str], *, stand_ins: Sequence[str], not_verifiable: bool = False
) -> Status:
    """What the results of an id's scenarios say of it."""
    if "failed" in results_of_scenarios:
        return "failed"
    if results_of_scenarios and set(results_of_scenarios) == {"passed"}:
        return "verified on a stand-in" if stand_ins else "verified"
    if not_verifiable:
        return "not verifiable here"
    return "not run" if results_of_scenarios else "not covered"


def _counts(rows: Iterable[Row]) -> dict[Status, int]:
    found = Counter(row.status for row in rows)
    return {one: found[one] for one in STATUSES}


def _seen_red(rows: Sequence[Row]) -> SeenRed:
    seen = sum(bool(row.seen_red) for row in rows)
    return SeenRed(seen=seen, never=sum(bool(row.scenarios) and not row.seen_red for row in rows))


def _described(run: Run, lines: Sequence[ScenarioLine], phases: Sequence[Phase]) -> Described:
    full = bool(lines) and not run.errors and all(line.result != "not run" for line in lines)
    whole = timing.whole(run.began, run.ended, phases)
    return Described(
        date=run.began.astimezone(UTC).replace(microsecond=0),
        seconds=whole.seconds,
        full=full,
        exit_code=run.exit_code,
        command=_command(run),
        rerun_failed=rerun(run),
        cluster=run.facts.cluster,
        host=run.facts.host,
        revision=run.facts.revision,
        versions=dict(sorted(run.facts.versions.items(), key=lambda pair: pair[0].lower())),
        suite=run.facts.suite,
        stand_ins=run.facts.stand_ins,
        phases=timing.judge(phases),
        whole=whole,
        errors=run.errors,
    )


_MAKE_VARIABLES = {"--story": "STORY", "--requirement": "REQ"}


def _command(run: Run) -> str:
    """What to type to take this evidence again."""
    pairs = list(zip(run.selection[::2], run.selection[1::2], strict=True))
    provider = os.environ.get("CLUSTER")
    chosen = [f"CLUSTER={provider}"] if provider and provider != "auto" else []
    if all(option in _MAKE_VARIABLES for option, _ in pairs):
        return " ".join(["make e2e", *(f"{_MAKE_VARIABLES[o]}={shlex.quote(v)}" for o, v in pairs), *chosen])
    return shlex.join([".venv/bin/pytest", "--gherkin-terminal-reporter", *run.selection])


def rerun(run: Run) -> str | None:
    """What to type to run exactly what failed, or nothing when nothing did."""
    failed = [record.node for record in run.scenarios if record.result == "failed"]
    return shlex.join([".venv/bin/pytest", "--gherkin-terminal-reporter", *failed]) if failed else None


def _phases(root: Path) -> list[Phase]:
    file = root / ".cluster" / "phases.jsonl"
    if not file.exists():
        return []
    return [Phase.model_validate_json(line) for line in file.read_text(encoding="utf-8").splitlines()]
