"""The requirement matrix: one row per id of the catalogue, decided by what the run showed.

The rules are few and meant to err on the strict side. A requirement is verified when every
scenario that names it ran and passed, and none of their evidence came through a stand-in.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from foundation.cache import ROOT
from foundation.progress import Phase
from gate.features import ScenarioSource, parse
from reports import allure_files, catalogue, history, quarantine, results, seen_red, timing
from reports.catalogue import Catalogue, Limits
from reports.history import Changes, Earlier, KeptRun
from reports.results import (
    Category,
    Cluster,
    DeployedImage,
    Host,
    Revision,
    Run,
    ScenarioResult,
    StepResult,
    replace,
)
from reports.seen_red import Ledger, Sighting
from reports.timing import JudgedPhase

JSON, HTML, MARKDOWN, REPORT = "matrix.json", "matrix.html", "matrix.md", "report.yaml"
EVIDENCE = Path("docs") / "evidence"
"""Where the last full result is kept, below the checkout."""

Status = Literal[
    "verified",
    "verified on a stand-in",
    "failed",
    "quarantined",
    "not run",
    "not covered",
    "not verifiable here",
]
STATUSES: tuple[Status, ...] = (
    "verified",
    "verified on a stand-in",
    "failed",
    "quarantined",
    "not run",
    "not covered",
    "not verifiable here",
)
PROVED: frozenset[Status] = frozenset({"verified", "verified on a stand-in"})


Scenario = tuple[str, str]
"""A scenario as it is written: its feature file, below the checkout, and its name."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScenarioLine(_Part):
    """What one scenario, or one row of an outline, contributes.

    Attributes:
        node: pytest's id of it, with which it is run again; None where it did not run.
        began: when it ran (UTC); None where it did not.
        last: how it ended the last time it ran, where that was an earlier run.
        category: whose defect its failure is at first sight.
        quarantined: why it is in quarantine and proves nothing.
    """

    title: str
    feature: str
    line: int
    story: str | None
    node: str | None
    result: Literal["passed", "failed", "not run"]
    began: datetime | None
    last: Earlier | None
    seconds: float
    stand_ins: list[str]
    failure: str | None
    category: Category | None
    quarantined: str | None
    steps: list[StepResult]

    @property
    def evidence(self) -> datetime | None:
        """When it last ran, in this run or an earlier one."""
        return self.began or (self.last.date if self.last else None)


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

    @property
    def evidence(self) -> datetime | None:
        """When the last of its scenarios ran, in this run or an earlier one."""
        return max((line.evidence for line in self.scenarios if line.evidence), default=None)


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
    images: dict[str, DeployedImage]
    phases: list[JudgedPhase]
    whole: JudgedPhase
    errors: list[str]


class SeenRed(_Part):
    """How many of the requirements that have scenarios were ever seen to fail when they must."""

    seen: int
    never: int


class Matrix(_Part):
    """Everything the pages show; matrix.json is this.

    Attributes:
        changes: since the last full run; None where none is known.
    """

    run: Described
    changes: Changes | None = None
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
    """Compute the matrix of the last run, write its pages, and keep what later runs compare with.

    A run in which every scenario of the features ran also replaces docs/evidence.

    Raises:
        UserError: nothing has run, or catalogue, limits or features cannot be read.
    """
    from reports import conformance, markdown, page  # noqa: PLC0415 - they show what is defined here

    run = results.read(out)
    matrix = of(run, root=root, earlier=history.before(_date(run), out, root / EVIDENCE / JSON))
    pages = {
        JSON: as_json(matrix),
        HTML: page.html(matrix, anchors=_anchors(out)),
        MARKDOWN: markdown.markdown(matrix),
        REPORT: conformance.as_yaml(matrix),
    }
    for name, text in pages.items():
        replace(out / name, text)
    history.keep(history.remember(matrix.model_dump()), out)
    if matrix.run.full and (root / EVIDENCE.parent).is_dir():
        for name in (JSON, MARKDOWN):
            replace(root / EVIDENCE / name, pages[name])
    return matrix


def _anchors(out: Path) -> dict[str, str]:
    """Where Allure's page shows each scenario; nothing while there is no such page."""
    return allure_files.anchors(out / allure_files.RESULTS) if (out / allure_files.PAGE).exists() else {}


def of(run: Run, *, root: Path = ROOT, earlier: Sequence[KeptRun] = ()) -> Matrix:
    """The matrix of a run, with what the checkout `root` says of catalogue, features and evidence.

    Args:
        run: what ran.
        root: the checkout.
        earlier: the runs before this one, the latest first.

    Raises:
        UserError: something of the checkout cannot be read.
    """
    features = root / "features"
    own = features / catalogue.CATALOGUE.name
    in_quarantine = quarantine.load(features / quarantine.QUARANTINE.name).active(_date(run).date())
    return build(
        run,
        catalogue.load(own if own.exists() else catalogue.CATALOGUE),
        catalogue.load_limits(features / catalogue.LIMITS.name),
        parse(features, root=root),
        _phases(root),
        ledger=seen_red.read(root),
        quarantined=quarantine.reasons(in_quarantine),
        earlier=earlier,
    )


def forget(out: Path) -> None:
    """Remove an earlier run's output, so that nobody takes it for the present one's.

    What later runs compare with stays (reports/history.py).
    """
    for name in (results.RESULTS_NAME, JSON, HTML, MARKDOWN, REPORT):
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
    quarantined: Mapping[Scenario, str] | None = None,
    earlier: Sequence[KeptRun] = (),
) -> Matrix:
    """Decide every row from the run's records and the features as they are written.

    Args:
        run: what ran.
        known: the catalogue.
        limits: what this release cannot show.
        sources: the scenarios as they are written.
        phases: of the run, for the table of times.
        ledger: what was seen red; nothing when absent.
        quarantined: the scenarios in quarantine, and why.
        earlier: the runs before this one, the latest first.
    """
    limits.check(known, catalogue.LIMITS)
    lines = _Lines(run, quarantined or {}, earlier).all(sources, known)
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
    matrix = Matrix(
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
    return matrix.model_copy(
        update={"changes": history.changes(history.remember(matrix.model_dump()), earlier)}
    )


_Line = tuple[ScenarioLine, frozenset[str]]


class _Lines:
    """Makes lines from the scenarios as they are written and as they ran."""

    def __init__(self, run: Run, quarantined: Mapping[Scenario, str], earlier: Sequence[KeptRun]) -> None:
        self._run = run
        self._quarantined = quarantined
        self._earlier = earlier

    def all(self, sources: Sequence[ScenarioSource], known: Catalogue) -> list[_Line]:
        """Every scenario as written with its record, and then records of no written scenario."""
        records: dict[tuple[str, int, tuple[tuple[str, str], ...]], list[ScenarioResult]] = defaultdict(list)
        for record in self._run.scenarios:
            records[record.feature, record.line, tuple(record.example.items())].append(record)
        lines: list[_Line] = []
        for source in sources:
            for row, tags in source.rows or (((), frozenset()),):
                ids = (source.tags | tags) & known.ids
                story = next((name for name in known.stories if name in source.tags | tags), None)
                found = records.get((source.file, source.line, row))
                if found:
                    lines.append((self._ran(found.pop(0), source.name), ids))
                else:
                    lines.append((self._never_ran(source, row, story), ids))
        left = [record for found in records.values() for record in found]
        return lines + [(self._ran(record, record.title), frozenset(record.ids)) for record in left]

    def _ran(self, record: ScenarioResult, name: str) -> ScenarioLine:
        skipped = record.result == "skipped"
        return ScenarioLine(
            title=record.title,
            feature=record.feature,
            line=record.line,
            story=record.story,
            node=record.node,
            result="not run" if record.result == "skipped" else record.result,
            began=None if skipped else record.began.astimezone(UTC).replace(microsecond=0),
            last=self._last(record.feature, record.title) if skipped else None,
            seconds=record.seconds,
            stand_ins=sorted(set(record.touched) & set(self._run.facts.stand_ins)),
            failure=record.failure,
            category=record.category,
            quarantined=self._quarantined.get((record.feature, name)),
            steps=record.steps,
        )

    def _never_ran(
        self, source: ScenarioSource, row: tuple[tuple[str, str], ...], story: str | None
    ) -> ScenarioLine:
        title = _title(source, row)
        return ScenarioLine(
            title=title,
            feature=source.file,
            line=source.line,
            story=story,
            node=None,
            result="not run",
            began=None,
            last=self._last(source.file, title),
            seconds=0.0,
            stand_ins=[],
            failure=None,
            category=None,
            quarantined=self._quarantined.get((source.file, source.name)),
            steps=[],
        )

    def _last(self, feature: str, title: str) -> Earlier | None:
        return history.last_time(history.scenario_key(feature, title), self._earlier)


def _title(source: ScenarioSource, row: tuple[tuple[str, str], ...]) -> str:
    """What a report calls a scenario, or a row of an outline."""
    name = source.name
    for column, value in row:
        name = name.replace(f"<{column}>", value)
    return results.row_title(source.name, name, dict(row), [dict(one) for one, _ in source.rows])


def written_scenarios(known: Catalogue, root: Path = ROOT) -> dict[tuple[str, str], frozenset[str]]:
    """By story and title, as a report calls it, the ids that each scenario as written proves."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for source in parse(root / "features", root=root):
        for row, tags in source.rows or (((), frozenset()),):
            story = next((name for name in known.stories if name in source.tags | tags), "")
            found[story, _title(source, row)] = (source.tags | tags) & known.ids
    return found


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
        not_verifiable = bool(declared and self._provider in declared.on)
        quarantined = [line.quarantined for line in scenarios if line.quarantined]
        reason = declared.reason if declared and not_verifiable else None
        return Row(
            id=name,
            story=story,
            title=title,
            statement=statement,
            proof=proof,
            covers=list(covers),
            status=status(
                [_counted(line) for line in scenarios],
                stand_ins=stand_ins,
                not_verifiable=not_verifiable,
                quarantined=bool(quarantined),
            ),
            seen_red=self._ledger.of(name),
            scenarios=scenarios,
            seconds=round(sum(line.seconds for line in scenarios), 1),
            stand_ins=stand_ins,
            limits=self._limits.limits.get(name),
            reason=reason or "; ".join(dict.fromkeys(quarantined)) or None,
        )

    def _stand_ins(self, name: str, scenarios: Iterable[ScenarioLine]) -> list[str]:
        """Stand-ins the proof went through: those met, and those it cannot have gone without."""
        ran = [line for line in scenarios if line.result != "not run"]
        met = {service for line in ran for service in line.stand_ins}
        declared = {service for service, ids in self._limits.through.items() if ran and name in ids}
        return sorted(met | (declared & set(self._deployed)))


def _counted(line: ScenarioLine) -> str:
    """Its result; a failure in quarantine is known and judged by whoever reads the quarantine."""
    return "passed" if line.quarantined and line.result == "failed" else line.result


def status(
    results_of_scenarios: Sequence[str],
    *,
    stand_ins: Sequence[str],
    not_verifiable: bool = False,
    quarantined: bool = False,
) -> Status:
    """What the results of an id's scenarios say of it."""
    if "failed" in results_of_scenarios:
        return "failed"
    if results_of_scenarios and set(results_of_scenarios) == {"passed"}:
        if quarantined:
            return "quarantined"
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
        date=_date(run),
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
        images=run.facts.images,
        phases=timing.judge(phases),
        whole=whole,
        errors=run.errors,
    )


def _date(run: Run) -> datetime:
    return run.began.astimezone(UTC).replace(microsecond=0)


_MAKE_VARIABLES = {"--story": "STORY", "--requirement": "REQ", "--edge": "EDGE", "--tags": "TAGS"}


def _command(run: Run) -> str:
    """What to type to take this evidence again."""
    pairs = list(zip(run.selection[::2], run.selection[1::2], strict=True))
    options = [option for option, _ in pairs]
    if len({*options}) == len(options) and all(option in _MAKE_VARIABLES for option in options):
        chosen = [f"{_MAKE_VARIABLES[option]}={shlex.quote(value)}" for option, value in pairs]
        return " ".join(["make e2e", *chosen, *_variables(run), *_cluster(run.facts.cluster)])
    return again(run.selection, run.facts.cluster)


def _variables(run: Run) -> list[str]:
    """What else a person had set, as it is typed after a command."""
    return [f"{name}={shlex.quote(value)}" for name, value in sorted(run.facts.variables.items())]


def rerun(run: Run) -> str | None:
    """What to type to run exactly what failed, or nothing when nothing did."""
    failed = [record.node for record in run.scenarios if record.result == "failed"]
    return again(failed, run.facts.cluster) if failed else None


def again(words: Sequence[str], cluster: Cluster) -> str:
    """What to type to run the scenarios that these words name to pytest, on such a cluster."""
    return " ".join([*_cluster(cluster), ".venv/bin/pytest --gherkin-terminal-reporter", shlex.join(words)])


def _cluster(cluster: Cluster) -> list[str]:
    """The cluster that was asked for, as it is typed before or after a command."""
    return [f"CLUSTER={cluster.asked}"] if cluster.asked else []


def _phases(root: Path) -> list[Phase]:
    file = root / ".cluster" / "phases.jsonl"
    if not file.exists():
        return []
    return [Phase.model_validate_json(line) for line in file.read_text(encoding="utf-8").splitlines()]
