"""The matrix as pages: one HTML file that needs nothing else, and Markdown for the repository."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from reports.allure_files import spoken_revision
from reports.matrix import STATUSES, Matrix, Row, ScenarioLine, Status, headline
from reports.results import StepResult
from reports.timing import JudgedPhase, spoken

_HERE = Path(__file__).parent
MARKS = {
    "verified": "✓",
    "verified on a stand-in": "◐",
    "failed": "✗",
    "not run": "○",
    "not covered": "·",
    "not verifiable here": "⊘",
    "passed": "✓",
    "not reached": "·",
}


def verdict(matrix: Matrix) -> tuple[str, str]:
    """The status that colours the page and the sentence that says what the run means."""
    run = matrix.run
    failed = [row.id for row in (*matrix.requirements, *matrix.edge_cases) if row.status == "failed"]
    if failed:
        return "failed", f"Not fit for release: {', '.join(failed)} failed."
    if run.errors or run.exit_code:
        return "failed", f"Not fit for release: the run ended with errors (exit code {run.exit_code})."
    if not run.full:
        return "not run", "A partial run: it proves what it ran and says nothing of the rest."
    open_rows = sum(row.status not in ("verified", "verified on a stand-in") for row in matrix.requirements)
    behind = sum(row.status == "verified on a stand-in" for row in matrix.requirements)
    said = "Every scenario of this release passed."
    if behind:
        said += f" {behind} of the requirements were proved on a stand-in, not on the real service."
    if open_rows:
        said += f" {open_rows} requirements are still without proof."
    return ("verified on a stand-in" if behind else "verified"), said


# ---- HTML


def html(matrix: Matrix) -> str:
    """The whole page."""
    tone, said = verdict(matrix)
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    run = matrix.run
    kind = "full run" if run.full else "partial run"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Requirement matrix: {escape(headline(matrix))}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>floe platform: requirement matrix</h1>
<p class="lead">{run.date:%Y-%m-%d %H:%M} UTC · {kind} {escape(_where(run.cluster.provider))}
· revision {escape(spoken_revision(run.revision))} · {spoken(run.seconds)}</p>
<div class="verdict {_class(tone)}"><strong>{escape(said)}</strong></div>
{_errors(run.errors)}
<div class="counts">{"".join(_count(matrix, one) for one in STATUSES)}</div>
</header>
<div class="filter"><input id="search" type="search" placeholder="Search ids, titles, scenarios, steps"
aria-label="Search"><span id="shown" class="note"></span>
<button id="expand" type="button">open or close all</button></div>
<main>
{"".join(_story(matrix, name, title) for name, title in matrix.stories.items())}
{_section("Gaps of the earlier suite", "each needs a scenario of its own", matrix.gaps)}
{_section("Success criteria", "as the plan states them", matrix.success_criteria)}
</main>
<h2>How this was measured</h2>
<div class="facts">{_run_card(matrix)}{_versions_card(matrix)}</div>
{_phases_card([*run.phases, run.whole])}
<div class="signature"><span>Release</span><span>Signed off by</span><span>Date</span></div>
<script>
{script}</script>
</body>
</html>
"""


def _where(provider: str) -> str:
    return "without a cluster" if provider == "none" else f"on a {provider} cluster"


def _class(status: str) -> str:
    return "is-" + status.replace(" ", "-")


def _errors(errors: Sequence[str]) -> str:
    return f"<pre>{escape(chr(10).join(errors))}</pre>" if errors else ""


def _count(matrix: Matrix, status: Status) -> str:
    number = matrix.counts[status]
    edges = matrix.edge_counts[status]
    more = f" + {edges} edge case{'s' if edges > 1 else ''}" if edges else ""
    return (
        f'<button class="count {_class(status)}" type="button" aria-pressed="false" data-status="{status}">'
        f"<b>{number}</b><span>{MARKS[status]} {status}{more}</span></button>"
    )


def _story(matrix: Matrix, name: str, title: str) -> str:
    rows = [row for row in (*matrix.requirements, *matrix.edge_cases) if row.story == name]
    return _section(f"{name} {title}", _tally(rows), rows)


def _tally(rows: Sequence[Row]) -> str:
    proved = sum(row.status in ("verified", "verified on a stand-in") for row in rows)
    failed = sum(row.status == "failed" for row in rows)
    said = f"{proved} of {len(rows)} proved"
    return said + (f", {failed} failed" if failed else "")


def _section(title: str, note: str, rows: Sequence[Row]) -> str:
    return (
        f'<section class="story"><h2>{escape(title)} <small>{escape(note)}</small></h2>'
        f'<div class="rows">{"".join(map(_row, rows))}</div></section>\n'
    )


def _row(row: Row) -> str:
    is_open = " open" if row.status == "failed" else ""
    count = len(row.scenarios)
    effort = f"{count} scenario{'s' if count != 1 else ''} · {spoken(row.seconds)}" if count else ""
    partly = ' <span class="note">· in part</span>' if row.limits and count else ""
    facts = {
        "Statement": row.statement,
        "Proof": row.proof,
        "Not shown yet": row.limits,
        "Reason": row.reason,
        "Seen red": "; ".join(f"{one.seen}: {one.title} ({one.fault})" for one in row.seen_red),
    }
    facts |= {"Covers": ", ".join(row.covers), "Stand-ins": ", ".join(row.stand_ins)}
    return (
        f'<details class="row {_class(row.status)}" id="{row.id}" data-status="{row.status}"'
        f' data-scenarios="{count}"{is_open}><summary><span class="id">{row.id}</span>'
        f"<span>{escape(row.title)}{partly}</span>"
        f'<span class="badge">{MARKS[row.status]} {row.status}</span>'
        f'<span class="red">{escape(seen_red(row))}</span>'
        f'<span class="effort">{effort}</span></summary>'
        f'<div class="inside">{_list(facts)}{"".join(map(_scenario, row.scenarios))}</div></details>'
    )


def seen_red(row: Row) -> str:
    """When and by which fault it was last seen red; *never* for scenarios that always passed."""
    if row.seen_red:
        return f"{row.seen_red[0].seen} {row.seen_red[0].fault}"
    return "never" if row.scenarios else ""


def _list(facts: dict[str, str | None]) -> str:
    return (
        "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items() if v) + "</dl>"
    )


def _scenario(line: ScenarioLine) -> str:
    where = f'<span class="note">{escape(line.feature)}:{line.line} · {_effort(line)}</span>'
    failure = f"<pre>{escape(line.failure)}</pre>" if line.failure else ""
    steps = f'<ul class="steps">{"".join(map(_step, line.steps))}</ul>' if line.steps else ""
    return (
        f'<div class="scenario {_class(line.result)}"><p>{MARKS[line.result]} {escape(line.title)}</p>'
        f"{where}{steps}{failure}</div>"
    )


def _effort(line: ScenarioLine) -> str:
    return line.result if line.result == "not run" else f"{line.result} in {spoken(line.seconds)}"


def _step(step: StepResult) -> str:
    seconds = "" if step.result == "not reached" else spoken(step.seconds)
    return (
        f'<li class="{_class(step.result)}"><span class="mark">{MARKS[step.result]}</span>'
        f"<span><b>{escape(step.keyword)}</b> {escape(step.text)}</span>"
        f'<span class="seconds">{seconds or step.result}</span></li>'
    )


def _run_card(matrix: Matrix) -> str:
    return f'<div class="card"><h3>Run</h3>{_list(dict(run_facts(matrix)))}</div>'


def run_facts(matrix: Matrix) -> Iterable[tuple[str, str]]:
    """Where and on what the evidence was taken, in short lines."""
    run = matrix.run
    yield "Date", f"{run.date:%Y-%m-%d %H:%M} UTC"
    yield "Cluster", f"{run.cluster.provider}, Kubernetes {run.cluster.kubernetes or 'unknown'}"
    for node in run.cluster.nodes:
        yield "Node", f"{node.name}: {node.system}, kernel {node.kernel}, {node.architecture}"
    host = run.host
    yield "Host", f"{host.cores} cores, {host.memory_gib} GiB memory, {host.disk_gib} GiB disk, {host.system}"
    yield "Revision", spoken_revision(run.revision)
    for service, name in run.stand_ins.items():
        yield f"Stand-in for {service}", name
    yield "To repeat it", run.command
    if run.rerun_failed:
        yield "What failed", run.rerun_failed


def _versions_card(matrix: Matrix) -> str:
    run = matrix.run
    tested = _list(dict(run.versions)) if run.versions else '<p class="note">nothing was deployed</p>'
    with_what = _list(dict(run.suite))
    return f'<div class="card"><h3>Tested</h3>{tested}<h3>Tested with</h3>{with_what}</div>'


def _phases_card(phases: Sequence[JudgedPhase]) -> str:
    def limit(seconds: float | None) -> str:
        return spoken(seconds) if seconds is not None else ""

    rows = "".join(
        f'<tr class="{_class(phase.verdict)}"><td>{escape(phase_name(phase))}</td>'
        f'<td class="number">{spoken(phase.seconds)}</td>'
        f'<td class="number">{limit(phase.budget)}</td><td class="number">{limit(phase.aim)}</td>'
        f'<td><span class="badge">{phase.verdict}</span></td></tr>'
        for phase in phases
    )
    return (
        '<div class="card time"><h3>Time</h3><table><tr><th>Phase</th>'
        '<th class="number">Took</th>'
        f'<th class="number">Must</th><th class="number">Aim</th><th></th></tr>{rows}</table></div>'
    )


def phase_name(phase: JudgedPhase) -> str:
    """Its name, and how much of it went into building."""
    return phase.name + (f" ({spoken(phase.building)} of it building)" if phase.building else "")


# ---- Markdown


def markdown(matrix: Matrix) -> str:
    """The matrix for readers of the repository."""
    run = matrix.run
    parts = [
        "# Requirement matrix",
        f"*Written by the suite after a {'full' if run.full else 'partial'} run; do not edit.*",
        f"**{verdict(matrix)[1]}**",
        _table(
            ["status", "requirements", "edge cases"],
            [
                [f"{MARKS[one]} {one}", str(matrix.counts[one]), str(matrix.edge_counts[one])]
                for one in STATUSES
            ],
        ),
        f"Requirements seen red: {matrix.seen_red.seen}. With scenarios and never: {matrix.seen_red.never}.",
        *([f"Errors of the run:\n\n```\n{chr(10).join(run.errors)}\n```"] if run.errors else []),
        "## Run",
        _table(["what", "found"], [[name, value] for name, value in run_facts(matrix)]),
        _table(
            ["phase", "took", "must", "aim", "verdict"],
            [
                [
                    phase_name(phase),
                    spoken(phase.seconds),
                    _limit(phase.budget),
                    _limit(phase.aim),
                    phase.verdict,
                ]
                for phase in (*run.phases, run.whole)
            ],
        ),
        "Tested: " + _versions(run.versions) + ". Tested with: " + _versions(run.suite) + ".",
    ]
    for name, title in matrix.stories.items():
        rows = [row for row in (*matrix.requirements, *matrix.edge_cases) if row.story == name]
        parts += [f"## {name} {title}", f"{_tally(rows)}.", _rows(rows)]
    parts += ["## Gaps of the earlier suite", _rows(matrix.gaps)]
    parts += ["## Success criteria", _rows(matrix.success_criteria)]
    return "\n\n".join(parts) + "\n"


def _limit(seconds: float | None) -> str:
    return "" if seconds is None else spoken(seconds)


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "nothing"


def _rows(rows: Iterable[Row]) -> str:
    return _table(
        ["id", "requirement", "status", "seen red", "scenarios", "time", "note"],
        [
            [
                row.id,
                row.title,
                f"{MARKS[row.status]} {row.status}",
                seen_red(row),
                "; ".join(f"{line.title} ({line.result})" for line in row.scenarios),
                spoken(row.seconds) if row.scenarios else "",
                " ".join(note for note in (row.limits if row.scenarios else None, row.reason) if note),
            ]
            for row in rows
        ],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)])
