"""The matrix as one HTML page that needs nothing else: what a run means, in a minute, then in detail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from reports.allure_files import PAGE as ALLURE_PAGE
from reports.allure_files import spoken_image, spoken_revision
from reports.history import Changes
from reports.matrix import PROVED, REPORT, STATUSES, Matrix, Row, ScenarioLine, Status, again, headline
from reports.results import StepResult
from reports.timing import JudgedPhase, spoken

_HERE = Path(__file__).parent
MARKS = {
    "verified": "✓",
    "verified on a stand-in": "◐",
    "failed": "✗",
    "quarantined": "⏸",
    "not run": "○",
    "not covered": "·",
    "not verifiable here": "⊘",
    "passed": "✓",
    "not reached": "·",
}
STALE_DAYS = 30
"""Age at the time of the run from which on a sighting of red is worth repeating."""


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
    open_rows = sum(row.status not in PROVED for row in matrix.requirements)
    behind = sum(row.status == "verified on a stand-in" for row in matrix.requirements)
    held = sum(row.status == "quarantined" for row in (*matrix.requirements, *matrix.edge_cases))
    said = "Every scenario of this release passed."
    if held:
        said = f"Every scenario outside quarantine passed. {held} ids are in quarantine: not verified."
    if behind:
        said += f" {behind} of the requirements were proved on a stand-in, not on the real service."
    if open_rows:
        said += f" {open_rows} requirements are still without proof."
    return ("quarantined" if held else "verified on a stand-in" if behind else "verified"), said


def tally(rows: Sequence[Row]) -> str:
    """How many of the rows are proved, in words."""
    proved = sum(row.status in PROVED for row in rows)
    failed = sum(row.status == "failed" for row in rows)
    said = f"{proved} of {len(rows)} proved"
    return said + (f", {failed} failed" if failed else "")


def seen_red(row: Row) -> str:
    """When and by which fault it was last seen red; *never* for scenarios that always passed."""
    if row.seen_red:
        return f"{row.seen_red[0].seen} {row.seen_red[0].fault}"
    return "never" if row.scenarios else ""


def changed(changes: Changes) -> Iterable[tuple[str, list[str]]]:
    """What changed since the last full run, kind by kind; nothing of a kind that has nothing."""
    slower = [f"{one.phase}: {spoken(one.before)} → {spoken(one.now)}" for one in changes.slower]
    kinds = {
        "Fail now": changes.failed,
        "Mended": changes.mended,
        "Changed status": [f"{one.id}: {one.before} → {one.now}" for one in changes.statuses],
        "New scenarios": changes.new,
        "Gone scenarios": changes.gone,
        "Slower by more than a fifth": slower,
    }
    return ((kind, names) for kind, names in kinds.items() if names)


def since(changes: Changes | None) -> str:
    """With what this run is compared."""
    if changes is None:
        return "No earlier full run is known here to compare with."
    compared = f"the full run of {_when(changes.since)} ({spoken_revision(changes.revision)})"
    return f"Nothing changed since {compared}." if changes.nothing else f"Since {compared}:"


def run_facts(matrix: Matrix) -> Iterable[tuple[str, str]]:
    """Where and on what the evidence was taken, in short lines."""
    run = matrix.run
    yield "Date", _when(run.date)
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


def phase_name(phase: JudgedPhase) -> str:
    """Its name, and how much of it went into building."""
    return phase.name + (f" ({spoken(phase.building)} of it building)" if phase.building else "")


# ---- HTML


def html(matrix: Matrix, *, anchors: Mapping[str, str] | None = None) -> str:
    """The whole page.

    Args:
        matrix: what it shows.
        anchors: where Allure's page shows each scenario, by pytest's id of it; without them no
            scenario is linked.
    """
    tone, said = verdict(matrix)
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    run = matrix.run
    kind = "full run" if run.full else "partial run"
    rows = _HtmlRows(matrix, anchors or {})
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
<p class="lead">{_when(run.date)} · {kind} {escape(_where(run.cluster.provider))}
· revision {escape(spoken_revision(run.revision))} · {spoken(run.seconds)}</p>
<div class="verdict {_class(tone)}"><strong>{escape(said)}</strong></div>
{_errors(run.errors)}
</header>
<main>
<div class="counts" role="group" aria-label="Filter by status">
{"".join(_count(matrix, one) for one in STATUSES if _shown(matrix, one))}{_seen_count(matrix)}</div>
{_changes(matrix.changes)}
{_overview(matrix)}
{_filters(matrix)}
{"".join(rows.story(name, title) for name, title in matrix.stories.items())}
{rows.section("gaps", "Gaps of the earlier suite", "each needs a scenario of its own", matrix.gaps)}
{rows.section("criteria", "Success criteria", "as the plan states them", matrix.success_criteria)}
<p id="nothing" class="note" hidden>No row has all of that.</p>
<h2>How this was measured</h2>
<div class="facts">{_run_card(matrix)}{_versions_card(matrix)}</div>
{_phases_card([*run.phases, run.whole])}
<div class="signature"><span>Release</span><span>Signed off by</span><span>Date</span></div>
</main>
<script>
{script}</script>
</body>
</html>
"""


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _where(provider: str) -> str:
    return "without a cluster" if provider == "none" else f"on a {provider} cluster"


def _class(status: str) -> str:
    return "is-" + status.replace(" ", "-")


def _errors(errors: Sequence[str]) -> str:
    return f"<pre>{escape(chr(10).join(errors))}</pre>" if errors else ""


def _shown(matrix: Matrix, status: Status) -> bool:
    """What is rare is shown only when it is there; the rest also when it is nought."""
    rare = status in ("quarantined", "not verifiable here")
    return not rare or bool(matrix.counts[status] or matrix.edge_counts[status])


def _count(matrix: Matrix, status: Status) -> str:
    number = matrix.counts[status]
    edges = matrix.edge_counts[status]
    more = f" + {edges} edge case{'s' if edges > 1 else ''}" if edges else ""
    return (
        f'<button class="count {_class(status)}" type="button" aria-pressed="false" data-status="{status}">'
        f"<b>{number}</b><span>{MARKS[status]} {status}{more}</span></button>"
    )


def _seen_count(matrix: Matrix) -> str:
    return (
        '<button class="count is-never" type="button" aria-pressed="false" data-seen="never">'
        f"<b>{matrix.seen_red.never}</b><span>never seen red; {matrix.seen_red.seen} seen red</span></button>"
    )


def _changes(changes: Changes | None) -> str:
    said = f"<p>{escape(since(changes))}</p>"
    if changes is None or changes.nothing:
        return said
    kinds = "".join(_kind(*one) for one in changed(changes))
    shown = f'{said}<div class="kinds">{kinds}</div>'
    return f'<section class="changes card"><h2>Since the last run</h2>{shown}</section>'


def _kind(name: str, lines: Sequence[str]) -> str:
    tone = {"Fail now": "failed", "Mended": "verified"}.get(name, "not run")
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<div><h3 class="{_class(tone)}">{name} <small>{len(lines)}</small></h3><ul>{items}</ul></div>'


def _overview(matrix: Matrix) -> str:
    """A line for every story: what a manager reads first."""
    lines = "".join(_story_line(matrix, name, title) for name, title in matrix.stories.items())
    return (
        '<section><h2>Stories</h2><table class="overview"><thead><tr><th scope="col">Story</th>'
        '<th scope="col">Proved</th><th scope="col" class="number">Failed</th>'
        '<th scope="col" class="number">Seen red</th><th scope="col" class="number">Time</th></tr></thead>'
        f"<tbody>{lines}</tbody></table></section>"
    )


def _story_line(matrix: Matrix, name: str, title: str) -> str:
    rows = [row for row in (*matrix.requirements, *matrix.edge_cases) if row.story == name]
    scenarios = {
        (line.feature, line.line, line.title): line for row in rows for line in row.scenarios if line.began
    }
    number = {one: sum(row.status == one for row in rows) for one in STATUSES}
    proved = sum(number[one] for one in PROVED)
    asked = [row for row in rows if row.scenarios]
    seen = f"{sum(bool(row.seen_red) for row in asked)} of {len(asked)}" if asked else ""
    seconds = spoken(sum(line.seconds for line in scenarios.values())) if scenarios else ""
    parts = "".join(
        f'<i class="{_class(one)}" style="flex-grow:{number[one]}"></i>' for one in STATUSES if number[one]
    )
    return (
        f'<tr><th scope="row"><button type="button" class="pick" data-story="{name}">{name} {escape(title)}'
        f'</button></th><td class="proved"><span class="bar" aria-hidden="true">{parts}</span>'
        f"{proved} of {len(rows)}</td>"
        f'<td class="number">{number["failed"] or ""}</td><td class="number">{seen}</td>'
        f'<td class="number">{seconds}</td></tr>'
    )


def _filters(matrix: Matrix) -> str:
    stories = {name: f"{name} {title}" for name, title in matrix.stories.items()}
    stories |= {"gaps": "Gaps of the earlier suite", "criteria": "Success criteria"}
    services = sorted(set(matrix.run.stand_ins) | {name for row in _all(matrix) for name in row.stand_ins})
    stand_ins = {"yes": "on a stand-in", "no": "on none"} | {name: f"on that of {name}" for name in services}
    seen = {
        "yes": "seen red",
        "never": "never seen red",
        "stale": f"more than {STALE_DAYS} days before the run",
    }
    return (
        '<search class="filter" aria-label="Filter the rows">'
        f"{_select('story', 'Story', stories)}{_select('standin', 'Stand-in', stand_ins)}"
        f"{_select('seen', 'Seen red', seen)}"
        '<div class="field words"><label for="q">Words</label>'
        '<input id="q" type="search" placeholder="ids, titles, scenarios, steps"></div>'
        '<span id="shown" class="note" role="status"></span>'
        '<button id="reset" type="button" hidden>show all</button>'
        '<button id="expand" type="button">open or close all</button></search>'
    )


def _all(matrix: Matrix) -> list[Row]:
    return [*matrix.requirements, *matrix.edge_cases, *matrix.gaps, *matrix.success_criteria]


def _select(name: str, label: str, options: Mapping[str, str]) -> str:
    listed = "".join(f'<option value="{value}">{escape(text)}</option>' for value, text in options.items())
    return (
        f'<div class="field"><label for="{name}">{label}</label>'
        f'<select id="{name}"><option value="">all</option>{listed}</select></div>'
    )


class _HtmlRows:
    """The rows, each of which opens its scenarios."""

    def __init__(self, matrix: Matrix, anchors: Mapping[str, str]) -> None:
        self._matrix = matrix
        self._anchors = anchors

    def story(self, name: str, title: str) -> str:
        rows = [row for row in (*self._matrix.requirements, *self._matrix.edge_cases) if row.story == name]
        return self.section(name, f"{name} {title}", tally(rows), rows)

    def section(self, name: str, title: str, note: str, rows: Sequence[Row]) -> str:
        return (
            f'<section class="story"><h2>{escape(title)} <small>{escape(note)}</small></h2>'
            f'<div class="rows">{"".join(self._row(name, row) for row in rows)}</div></section>\n'
        )

    def _row(self, section: str, row: Row) -> str:
        is_open = " open" if row.status == "failed" else ""
        count = len(row.scenarios)
        effort = f"{count} scenario{'s' if count != 1 else ''} · {spoken(row.seconds)}" if count else ""
        partly = ' <span class="note">· in part</span>' if row.limits and count else ""
        scenarios = "".join(map(self._scenario, row.scenarios))
        facts = {
            "Statement": row.statement,
            "Proof": row.proof,
            "Not shown yet": row.limits,
            "Reason": row.reason,
            "Covers": ", ".join(row.covers),
            "Stand-ins": ", ".join(row.stand_ins),
            "Last evidence": _when(row.evidence) if row.evidence else None,
        }
        return (
            f'<details class="row {_class(row.status)}" id="{row.id}" data-status="{row.status}"'
            f' data-story="{section}" data-standins="{" ".join(row.stand_ins)}" data-seen="{self._seen(row)}"'
            f' data-scenarios="{count}"{is_open}><summary><span class="id">{row.id}</span>'
            f"<span>{escape(row.title)}{partly}</span>"
            f'<span class="badge">{MARKS[row.status]} {row.status}</span>'
            f"{_red(row)}"
            f'<span class="effort">{effort}</span></summary>'
            f'<div class="inside">{_list(facts)}{_sightings(row)}{scenarios}'
            f'<p class="note"><a href="#{row.id}">link to {row.id}</a></p></div></details>'
        )

    def _seen(self, row: Row) -> str:
        """The words its filter goes by."""
        if not row.seen_red:
            return "never" if row.scenarios else ""
        stale = (self._matrix.run.date.date() - row.seen_red[0].seen).days > STALE_DAYS
        return "yes stale" if stale else "yes"

    def _scenario(self, line: ScenarioLine) -> str:
        place = f'<span class="note">{escape(line.feature)}:{line.line} · {escape(_effort(line))}</span>'
        category = f' <span class="tag">{line.category}</span>' if line.category else ""
        held = f'<p class="note">{escape(line.quarantined)}</p>' if line.quarantined else ""
        failure = f"<pre>{escape(line.failure)}</pre>" if line.failure else ""
        steps = f'<ul class="steps">{"".join(map(_step, line.steps))}</ul>' if line.steps else ""
        return (
            f'<div class="scenario {_class(line.result)}">'
            f"<p>{MARKS[line.result]} {escape(line.title)}{category}</p>{place}{held}{steps}"
            f"{failure}{self._further(line)}</div>"
        )

    def _further(self, line: ScenarioLine) -> str:
        """Where to read more of it and, of what failed, how to run it again."""
        if line.node is None:
            return ""
        anchor = self._anchors.get(line.node)
        lines = [f'<a href="{ALLURE_PAGE}#{anchor}">in the Allure report</a>'] if anchor else []
        lines += (
            [f"again: <code>{escape(again([line.node], self._matrix.run.cluster))}</code>"]
            if line.failure
            else []
        )
        return f'<p class="note further">{" · ".join(lines)}</p>' if lines else ""


def _red(row: Row) -> str:
    if row.seen_red:
        last = row.seen_red[0]
        return (
            f'<span class="red">seen red {last.seen} <span class="fault">{escape(last.fault)}</span></span>'
        )
    return (
        '<span class="red is-never">never seen red</span>' if row.scenarios else '<span class="red"></span>'
    )


def _sightings(row: Row) -> str:
    if not row.seen_red:
        return ""
    listed = "".join(
        f'<li>{one.seen}: {escape(one.title)} <span class="note">({escape(one.fault)}, revision '
        f"{escape((one.revision or 'unknown')[:12])})</span>{_said(one.scenarios)}</li>"
        for one in row.seen_red
    )
    return f'<div class="sightings"><h3>Seen red</h3><ul>{listed}</ul></div>'


def _said(scenarios: Mapping[str, str]) -> str:
    return "".join(f"<pre>{escape(name)}\n{escape(said)}</pre>" for name, said in scenarios.items())


def _list(facts: Mapping[str, str | None]) -> str:
    return (
        "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items() if v) + "</dl>"
    )


def _effort(line: ScenarioLine) -> str:
    if line.began:
        return f"{line.result} in {spoken(line.seconds)} on {_when(line.began)}"
    return f"not run; last {line.last.result} on {_when(line.last.date)}" if line.last else "not run"


def _step(step: StepResult) -> str:
    seconds = "" if step.result == "not reached" else spoken(step.seconds)
    return (
        f'<li class="{_class(step.result)}"><span class="mark">{MARKS[step.result]}</span>'
        f"<span><b>{escape(step.keyword)}</b> {escape(step.text)}</span>"
        f'<span class="seconds">{seconds or step.result}</span></li>'
    )


def _run_card(matrix: Matrix) -> str:
    elsewhere = f'<p class="note">The same as data: <a href="{REPORT}">{REPORT}</a></p>'
    return f'<div class="card"><h3>Run</h3>{_list(dict(run_facts(matrix)))}{elsewhere}</div>'


def _versions_card(matrix: Matrix) -> str:
    run = matrix.run
    tested = _list(dict(run.versions)) if run.versions else '<p class="note">nothing was deployed</p>'
    shown = _list({name: spoken_image(image) for name, image in run.images.items()})
    images = f"<h3>Images</h3>{shown}" if run.images else ""
    with_what = _list(dict(run.suite))
    return f'<div class="card"><h3>Tested</h3>{tested}{images}<h3>Tested with</h3>{with_what}</div>'


def _phases_card(phases: Sequence[JudgedPhase]) -> str:
    def limit(seconds: float | None) -> str:
        return spoken(seconds) if seconds is not None else ""

    rows = "".join(
        f'<tr class="{_class(phase.verdict)}"><th scope="row">{escape(phase_name(phase))}</th>'
        f'<td class="number">{spoken(phase.seconds)}</td>'
        f'<td class="number">{limit(phase.budget)}</td><td class="number">{limit(phase.aim)}</td>'
        f'<td><span class="badge">{phase.verdict}</span></td></tr>'
        for phase in phases
    )
    return (
        '<div class="card time"><h3>Time</h3><div class="wide" tabindex="0" role="region" aria-label="Time">'
        '<table><thead><tr><th scope="col">Phase</th><th scope="col" class="number">Took</th>'
        '<th scope="col" class="number">Must</th><th scope="col" class="number">Aim</th>'
        f'<th scope="col">Verdict</th></tr></thead><tbody>{rows}</tbody></table></div></div>'
    )
