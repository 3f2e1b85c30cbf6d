"""The plots of what was measured: the same results give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.ageing import WAYS, Ageing, Measure, Way
from benchmarks.figures import Case, Results

_STYLES: Final = {
    "floe, a run": ("#1b5e9e", "o", "-"),
    "floe, its dbt nodes": ("#1b5e9e", "o", "--"),
    "DuckDB alone, Parquet": ("#b35900", "s", "-"),
    "PyIceberg, appending": ("#2e7d32", "^", "-"),
}

_COLOURS: Final[dict[Way, str]] = {"without": "#b35900", "with": "#1b5e9e"}

_LINES: Final = ("-", "--", ":", "-.")
"""Of the tables, in their order."""

_PANELS: Final[tuple[tuple[Measure, str, float], ...]] = (
    ("objects", "objects in the bucket", 1),
    ("bytes", "MiB in the bucket", 1024 * 1024),
    ("query_ms", "query time, ms", 1),
)
"""Each figure, its words, and what it is divided by."""

_SETTINGS: Final[dict[str, Any]] = {
    # Text stays text, and names of parts do not change from drawing to drawing.
    "svg.fonttype": "none",
    "svg.hashsalt": "benchmark",
    "font.family": "sans-serif",
    "font.size": 9,
}


def draw(results: Results, file: Path) -> None:
    """Rows per second over seed rows, both in powers of ten; a panel for each product."""
    products = sorted({case.product for case in results.cases})
    with mpl.rc_context(_SETTINGS):  # type: ignore[arg-type]  # it lists every name
        figure = Figure(figsize=(4.6 * len(products) + 0.6, 4.2), layout="constrained")
        panels = figure.subplots(1, len(products), sharey=True, squeeze=False)[0]
        for panel, product in zip(panels, products, strict=True):
            _lines(panel, [case for case in results.cases if case.product == product])
            panel.set(title=product, xlabel="rows of all seeds", xscale="log", yscale="log")
            panel.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
        panels[0].set_ylabel("rows per second, seed to gold")
        panels[0].legend(loc="upper left", frameon=False)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})


def _lines(panel: object, cases: list[Case]) -> None:
    rows = [case.seed_rows for case in cases]
    for way, (colour, marker, line) in _STYLES.items():
        panel.plot(  # type: ignore[attr-defined]
            rows,
            [case.rates[way] for case in cases],
            label=way,
            color=colour,
            marker=marker,
            linestyle=line,
            markersize=4,
        )


def draw_ageing(ageing: Ageing, file: Path) -> None:
    """Objects, bytes and query time over the runs, a panel each; every table with upkeep and without."""
    with mpl.rc_context(_SETTINGS):  # type: ignore[arg-type]  # it lists every name
        figure = Figure(figsize=(12.6, 4.4), layout="constrained")
        panels = figure.subplots(1, len(_PANELS))
        for panel, (measure, words, unit) in zip(panels, _PANELS, strict=True):
            for table, line in zip(ageing.tables, _LINES, strict=False):
                for way in WAYS:
                    points = ageing.of(table, way).points(measure)
                    panel.plot(
                        list(points),
                        [value / unit for value in points.values()],
                        label=f"{table}, {way} upkeep",
                        color=_COLOURS[way],
                        linestyle=line,
                        linewidth=1.5,
                    )
            panel.set(title=words, xlabel=f"runs, {ageing.minutes} simulated minutes apart")
            panel.set_xlim(left=0)
            # A line just above nothing is still told from the frame.
            panel.set_ylim(bottom=-0.03 * panel.get_ylim()[1])
            panel.yaxis.set_major_formatter("{x:,g}")
            panel.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
