"""A panel's answer as a plot: the same answer gives the same bytes."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import matplotlib as mpl
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dashboards.panels import Panel, Unit

NO_DATA: Final = "no data"

Points = Sequence[tuple[float, float]]
"""Moments in seconds since 1970 and the values then."""

_GOOD: Final = "#1b5e9e"
_BAD: Final = "#b3261e"
_MOST_BARS: Final = 40
"""Bars that are drawn, the longest first; how many are left out is said."""

_SETTINGS: Final[dict[str, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "dashboards",
    "font.family": "sans-serif",
    "font.size": 9,
}


def spoken(value: float, unit: Unit) -> str:
    """A value with its unit."""
    if math.isnan(value):
        return NO_DATA
    match unit:
        case "percentunit":
            return f"{value:.1%}"
        case "percent":
            return f"{value:.1f}%"
        case "s":
            for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
                if abs(value) >= 2 * size:
                    return f"{value / size:.1f} {name}"
            return f"{value:.1f} s"
        case _:
            return f"{value:,.0f}"


def plot(panel: Panel, answer: Mapping[str, Points]) -> str:
    """An SVG of a panel's answer; one without any says so in red.

    Args:
        panel: whose answer it is.
        answer: the points of each series by its name; of bars and figures the last point counts.
    """
    with mpl.rc_context(_SETTINGS):  # type: ignore[arg-type]  # it lists every name
        figure = Figure(figsize=(6.4, _height(panel, len(answer))), layout="constrained")
        axes = figure.subplots()
        show(panel, answer, axes)
        return svg_of(figure)


def svg_of(figure: Figure) -> str:
    """A figure as SVG that can stand in a page."""
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    return text[text.index("<svg") :]


def settings() -> Any:
    """The context in which figures are made."""
    return mpl.rc_context(_SETTINGS)  # type: ignore[arg-type]  # as above


def show(panel: Panel, answer: Mapping[str, Points], axes: Any) -> None:
    """Draw a panel's answer."""
    known = {name: points for name, points in answer.items() if points}
    if not known:
        axes.axis("off")
        axes.text(0.5, 0.5, NO_DATA, color=_BAD, ha="center", va="center", fontsize=14)
    elif panel.kind == "lines":
        _lines(panel, known, axes)
    elif panel.kind == "bars":
        _bars(panel, known, axes)
    else:
        _figures(panel, known, axes)


def _height(panel: Panel, series: int) -> float:
    return 3.0 if panel.kind == "lines" else max(1.2, min(series, _MOST_BARS) * 0.2 + 0.7)


def _lines(panel: Panel, answer: Mapping[str, Points], axes: Any) -> None:
    for name, points in sorted(answer.items()):
        moments = [datetime.fromtimestamp(at, UTC) for at, _ in points]
        axes.plot(
            moments, [value for _, value in points], label=name, linewidth=1.4, marker=".", markersize=3
        )
    concise: Any = ConciseDateFormatter
    axes.xaxis.set_major_formatter(concise(axes.xaxis.get_major_locator(), tz=UTC))
    if panel.unit == "none":
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: spoken(value, panel.unit))
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    if len(answer) <= 10:
        axes.legend(frameon=False, fontsize=7)


def _bars(panel: Panel, answer: Mapping[str, Points], axes: Any) -> None:
    values = {name: points[-1][1] for name, points in answer.items()}
    longest = sorted(values, key=lambda name: (-values[name], name))[:_MOST_BARS]
    colours = [_colour(panel, values[name]) for name in longest]
    drawn = axes.barh(longest, [values[name] for name in longest], color=colours)
    axes.bar_label(drawn, [spoken(values[name], panel.unit) for name in longest], padding=3, fontsize=7)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlim(left=0)
    axes.xaxis.set_visible(False)
    axes.tick_params(axis="y", labelsize=7, length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    if left := len(values) - len(longest):
        axes.set_title(f"and {left} smaller ones", fontsize=7, loc="right")


def _figures(panel: Panel, answer: Mapping[str, Points], axes: Any) -> None:
    axes.axis("off")
    for number, (name, points) in enumerate(sorted(answer.items())):
        place, value = (number + 0.5) / len(answer), points[-1][1]
        colour = _colour(panel, value)
        axes.text(place, 0.6, spoken(value, panel.unit), color=colour, ha="center", fontsize=18)
        axes.text(place, 0.2, name, ha="center", fontsize=8, color="#566070")


def _colour(panel: Panel, value: float) -> str:
    bad = panel.bad_from is not None and value >= panel.bad_from
    return _BAD if bad or math.isnan(value) else _GOOD
