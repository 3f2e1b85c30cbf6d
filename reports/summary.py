"""The end of a run on the console: what passed, where the time went, what to look at next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from foundation.cache import ROOT
from foundation.progress import console as progress_console
from reports import html, matrix, results, verdict
from reports.matrix import Matrix
from reports.page import phase_name
from reports.results import Run, ScenarioResult, StepResult
from reports.timing import JudgedPhase, spoken

_SLOWEST = 5
_COLOURS = {
    "failed": "red",
    "over budget": "red",
    "just over budget": "yellow",
    "within budget": "yellow",
    "within aim": "green",
    "no budget": "dim",
}


def show(out: Path = results.OUT, *, root: Path = ROOT, console: Console = progress_console) -> None:
    """Print the summary of the last run.

    Raises:
        UserError: nothing has run yet.
    """
    run = results.read(out)
    judged = matrix.write(out, root=root)
    console.print()
    console.print(_stories(run, judged))
    console.print(_slowest(run.scenarios))
    console.print(_phases([*judged.run.phases, judged.run.whole]))
    _failures(run.scenarios, console)
    for error in run.errors:
        console.print(Text(f"error of the run: {error}", style="red"))
    console.print(Text(matrix.headline(judged), style="bold"))
    for name, file in _reports(out):
        console.print(f"{name:<8} {html.shown(file)}", markup=False, soft_wrap=True)
    if judged.run.rerun_failed:
        console.print(f"again    {judged.run.rerun_failed}", markup=False, soft_wrap=True)
    verdict.tell(verdict.of_run(out, root=root), console)


def _reports(out: Path) -> Iterable[tuple[str, Path]]:
    pages = {"report": out / html.PAGE, "matrix": out / matrix.HTML, "data": out / matrix.REPORT}
    return [(name, file) for name, file in pages.items() if file.exists()]


def _stories(run: Run, judged: Matrix) -> Table:
    table = _table("Stories", "story", "passed", "failed", "not run", "time")
    lines = {
        (line.feature, line.line, line.title): line
        for row in (*judged.requirements, *judged.edge_cases)
        for line in row.scenarios
    }
    for name, title in judged.stories.items():
        ours = [line for line in lines.values() if line.story == name]
        if not ours:
            continue
        passed, failed, left = (
            sum(line.result == kind for line in ours) for kind in ("passed", "failed", "not run")
        )
        colour = "red" if failed else "green" if passed and not left else "yellow"
        seconds = sum(record.seconds for record in run.scenarios if record.story == name)
        table.add_row(
            Text(f"{name} {title}", style=colour), str(passed), str(failed), str(left), spoken(seconds)
        )
    return table


def _slowest(scenarios: Sequence[ScenarioResult]) -> Table:
    steps: list[tuple[StepResult, ScenarioResult]] = [
        (step, scenario) for scenario in scenarios for step in scenario.steps
    ]
    table = _table("Slowest steps", "step", "scenario", "time")
    for step, scenario in sorted(steps, key=lambda pair: -pair[0].seconds)[:_SLOWEST]:
        table.add_row(Text(f"{step.keyword} {step.text}"), Text(scenario.title), spoken(step.seconds))
    return table


def _phases(phases: Sequence[JudgedPhase]) -> Table:
    table = _table("Time", "phase", "took", "must", "aim", "")
    for phase in phases:
        limits = ["" if limit is None else spoken(limit) for limit in (phase.budget, phase.aim)]
        judged = Text(phase.verdict, style=_COLOURS[phase.verdict])
        table.add_row(Text(phase_name(phase)), spoken(phase.seconds), *limits, judged)
    return table


def _failures(scenarios: Sequence[ScenarioResult], console: Console) -> None:
    for scenario in scenarios:
        if scenario.failure:
            head = f"{', '.join(scenario.ids) or scenario.node}: {scenario.title}"
            console.print(Text(head, style="bold red"))
            console.print(Text(_indented(scenario.failure)), soft_wrap=True)


def _indented(text: str, most: int = 12) -> str:
    lines = text.splitlines()
    left = [f"... {len(lines) - most} more lines in the report"] if len(lines) > most else []
    return "\n".join(f"  {line}" for line in [*lines[:most], *left])


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        number = column in {"passed", "failed", "not run", "time", "took", "must", "aim"}
        table.add_column(column, justify="right" if number else "left", header_style="dim", overflow="fold")
    return table
