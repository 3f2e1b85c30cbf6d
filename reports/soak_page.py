"""The page of a soak: every scenario over all repetitions, and what is not steady side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Literal

from reports.results import StepResult
from reports.soak import Attachment, Comparison, Outcome, Repetition, ScenarioSoak, Side, Soak
from reports.timing import spoken

_HERE = Path(__file__).parent
MARKS: dict[Outcome | Literal["not reached"], str] = {
    "passed": "✓",
    "failed": "✗",
    "skipped": "○",
    "missing": "○",
    "lost": "!",
    "not reached": "·",
}


def html(soak: Soak) -> str:
    """The whole page; it needs nothing else."""
    style = "".join((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "soak.css"))
    compared = [one for one in soak.scenarios if one.comparison]
    wrong = [one for one in soak.repetitions if one.wrong]
    tone = "is-failed" if soak.exit_code else "is-verified"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Soak of {escape(soak.story)}: {escape(soak.headline)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>floe platform: soak of {escape(soak.story)}</h1>
<p class="lead">{soak.began:%Y-%m-%d %H:%M} UTC · <code>{escape(soak.command)}</code></p>
<div class="verdict {tone}"><strong>{escape(soak.headline)}</strong></div>
</header>
<main>
<h2>Scenarios <small>a mark for each repetition, in order</small></h2>
{_table(soak.scenarios)}
{"".join(map(_compared, compared))}
{_wrong(wrong)}
<h2>Repetitions <small>each a process of its own, on a platform of its own</small></h2>
{_repetitions(soak)}
</main>
</body>
</html>
"""


def _class(word: str) -> str:
    return "is-" + word.replace(" ", "-")


def _table(scenarios: Iterable[ScenarioSoak]) -> str:
    head = "".join(f'<th class="number">{name}</th>' for name in ("passed", "failed", "min", "median", "max"))
    rows = "".join(map(_row, scenarios))
    return (
        '<div class="card wide" tabindex="0"><table><tr><th>Scenario</th><th>Verdict</th>'
        f"{head}<th>Repetitions</th></tr>{rows}</table></div>"
    )


def _row(one: ScenarioSoak) -> str:
    numbers = [str(one.times("passed")), str(one.times("failed"))]
    numbers += ["" if took is None else spoken(took) for took in (one.shortest, one.median, one.longest)]
    cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
    marks = "".join(_mark(number, outcome) for number, outcome in enumerate(one.outcomes, 1))
    return (
        f'<tr class="{_class(one.verdict)}"><td><span class="id">{escape(" ".join(one.ids))}</span> '
        f'{escape(one.title)}</td><td><span class="badge">{one.verdict}</span></td>{cells}'
        f'<td class="marks">{marks}</td></tr>'
    )


def _mark(number: int, outcome: Outcome) -> str:
    return f'<span class="{_class(outcome)}" title="repetition {number}: {outcome}">{MARKS[outcome]}</span>'


def _compared(one: ScenarioSoak) -> str:
    comparison = one.comparison
    if comparison is None:
        return ""
    return (
        f'<section class="story"><h2>{escape(one.name)} <small>{one.verdict}</small></h2>'
        f'<div class="pair">{_sides(comparison)}</div></section>\n'
    )


def _sides(comparison: Comparison) -> str:
    return (_side(comparison.good) if comparison.good else "") + _side(comparison.bad)


def _side(side: Side) -> str:
    record = side.record
    if record is None:
        return (
            f'<div class="card is-missing"><h3>Repetition {side.repetition}: missing</h3>'
            "<p>The repetition ended in order and has no result of this scenario.</p></div>"
        )
    failure = (
        f"<pre>{escape(record.failure)}</pre>" if record.failure else '<p class="note">failure: none</p>'
    )
    return (
        f'<div class="card {_class(record.result)}"><h3>Repetition {side.repetition}: {record.result} '
        f'<span class="note">{record.began:%H:%M:%S} UTC, {spoken(record.seconds)}</span></h3>'
        f'<ul class="steps">{"".join(map(_step, record.steps))}</ul>{failure}'
        f"{''.join(map(_attachment, side.attachments))}</div>"
    )


def _step(step: StepResult) -> str:
    seconds = step.result if step.result == "not reached" else spoken(step.seconds)
    return (
        f'<li class="{_class(step.result)}"><span class="mark">{MARKS[step.result]}</span>'
        f"<span><b>{escape(step.keyword)}</b> {escape(step.text)}</span>"
        f'<span class="seconds">{seconds}</span></li>'
    )


def _attachment(one: Attachment) -> str:
    cut = ' <span class="note">(its end)</span>' if one.cut else ""
    return (
        f"<details><summary>{escape(one.name)}{cut}</summary>"
        f'<pre tabindex="0">{escape(one.text)}</pre></details>'
    )


def _wrong(repetitions: Sequence[Repetition]) -> str:
    if not repetitions:
        return ""
    parts = "".join(
        f"<h3>Repetition {one.number}</h3><pre>{escape(chr(10).join(one.wrong))}</pre>" for one in repetitions
    )
    return f"<h2>Did not end in order</h2>{parts}"


def _repetitions(soak: Soak) -> str:
    rows = "".join(
        _repetition(one, [scenario.outcomes[place] for scenario in soak.scenarios])
        for place, one in enumerate(soak.repetitions)
    )
    return (
        '<div class="card wide" tabindex="0"><table><tr><th class="number">Number</th>'
        f'<th class="number">Took</th><th>Result</th><th>Evidence</th></tr>{rows}</table></div>'
    )


def _repetition(one: Repetition, outcomes: Sequence[Outcome]) -> str:
    counted = [f"{outcomes.count(kind)} {kind}" for kind in MARKS if kind in outcomes]
    said = ", ".join([*counted, *(["did not end in order"] if one.wrong else [])])
    good = set(outcomes) == {"passed"} and not one.wrong
    return (
        f'<tr class="{"is-passed" if good else "is-failed"}"><td class="number">{one.number}</td>'
        f'<td class="number">{spoken(one.seconds)}</td><td><span class="badge">{said}</span></td>'
        f"<td><code>{escape(one.folder)}</code></td></tr>"
    )
