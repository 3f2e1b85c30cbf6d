"""The matrix as Markdown, for readers of the repository."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reports.allure_files import spoken_image
from reports.history import Changes
from reports.matrix import STATUSES, Matrix, Row
from reports.page import MARKS, changed, phase_name, run_facts, seen_red, since, tally, verdict
from reports.timing import spoken


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
        since(matrix.changes),
        *([_changes(matrix.changes)] if matrix.changes and not matrix.changes.nothing else []),
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
        _table(
            ["image", "reference and digest"],
            [[name, spoken_image(image)] for name, image in run.images.items()],
        ),
        "Tested: " + _versions(run.versions) + ". Tested with: " + _versions(run.suite) + ".",
    ]
    for name, title in matrix.stories.items():
        rows = [row for row in (*matrix.requirements, *matrix.edge_cases) if row.story == name]
        parts += [f"## {name} {title}", f"{tally(rows)}.", _rows(rows)]
    parts += ["## Gaps of the earlier suite", _rows(matrix.gaps)]
    parts += ["## Success criteria", _rows(matrix.success_criteria)]
    return "\n\n".join(parts) + "\n"


def _changes(changes: Changes) -> str:
    return _table(["change", "what"], [[kind, "; ".join(names)] for kind, names in changed(changes)])


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
