"""The dashboards as one page that needs nothing else, for whoever has no Grafana."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

from matplotlib.figure import Figure

from dashboards import drawing
from dashboards.described import DASHBOARDS
from dashboards.drawing import NO_DATA, Points
from dashboards.panels import Dashboard, Panel
from drivers.errors import ServiceError
from drivers.metrics import Metrics, Sample, Series
from drivers.spans import Span, Traces
from foundation.errors import PlatformError, UserError

OUT: Final = Path("reports") / "out" / "observability.html"
WINDOW: Final = timedelta(hours=1)
STEP: Final = 15.0
"""Seconds between two points."""

_LAUNCHING: Final = "dagster"
"""The service of launches: each is part of the trace of its run."""

_SUITE: Final = "floe-acceptance"
_STYLE: Final = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_OWN_STYLE: Final = """
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1rem; }
.panels svg { width: 100%; height: auto; background: #fff; border-radius: 6px; }
.none { color: #b3261e; font-weight: 600; }
.card .query { color: var(--soft); overflow-wrap: anywhere; }
"""


class Asked(Protocol):
    """What a page is drawn from: Prometheus, or what answers as it does."""

    def query(self, expression: str, at: datetime | None = None) -> list[Sample]:
        """What an expression comes to at a moment."""

    def query_range(
        self, expression: str, begin: datetime, end: datetime, *, step: float = 5.0
    ) -> list[Series]:
        """What an expression comes to between two moments."""


class Remembers(Protocol):
    """Whom traces are asked of: Jaeger."""

    def services(self) -> frozenset[str]:
        """The services with spans."""

    def of_service(
        self, service: str, since: datetime, attributes: Mapping[str, str] | None = None
    ) -> dict[str, list[Span]]:
        """The traces of a service."""


def write(prometheus: str, jaeger: str, out: Path = OUT) -> Path:
    """Draw the last hour; gives the file.

    Args:
        prometheus: its address, with the scheme.
        jaeger: the address of its page, with the scheme.
        out: the file.

    Raises:
        UserError: an address is none.
        PlatformError: Prometheus does not answer.
    """
    metrics, traces = Metrics(lambda: _place(prometheus)), Traces(lambda: _place(jaeger))
    try:
        text = page(metrics, traces, jaeger, datetime.now(UTC))
    except ServiceError as silent:
        raise PlatformError(f"no page of the dashboards: {silent}") from silent
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    return out


def pictures(prometheus: str, folder: Path) -> list[Path]:
    """Draw each dashboard as one picture; gives the files.

    Raises:
        UserError: the address is none.
        PlatformError: Prometheus does not answer.
    """
    metrics, now = Metrics(lambda: _place(prometheus)), datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for one in DASHBOARDS:
        file = folder / f"{one.uid}.svg"
        try:
            file.write_text(picture(one, metrics, now), encoding="utf-8")
        except ServiceError as silent:
            raise PlatformError(f"no picture of {one.title}: {silent}") from silent
        drawn.append(file)
    return drawn


def picture(one: Dashboard, asked: Asked, now: datetime) -> str:
    """A dashboard as one SVG."""
    rows = (len(one.panels) + 1) // 2
    with drawing.settings():
        figure = Figure(figsize=(13.0, 3.4 * rows), layout="constrained")
        figure.suptitle(one.title)
        places = figure.subplots(rows, 2, squeeze=False).flatten()
        for panel, place in zip(one.panels, places, strict=False):
            drawing.show(panel, answer_of(panel, asked, now), place)
            place.set_title(panel.title, loc="left", fontsize=10)
        for place in places[len(one.panels) :]:
            place.axis("off")
        return drawing.svg_of(figure)


def answer_of(panel: Panel, asked: Asked, now: datetime) -> dict[str, Points]:
    """What a panel's query comes to, by the names of its series."""
    if panel.kind == "lines":
        series = asked.query_range(panel.query, now - WINDOW, now, step=STEP)
        return {panel.name_of(one.labels): one.points for one in series}
    return {panel.name_of(one.labels): (one.point,) for one in asked.query(panel.query, now)}


def page(asked: Asked, remembers: Remembers, jaeger: str, now: datetime) -> str:
    """The whole page."""
    parts = "\n".join(_dashboard(one, asked, jaeger, now) for one in DASHBOARDS)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>floe platform: observability</title>
<style>
{_STYLE}{_OWN_STYLE}</style>
</head>
<body>
<header>
<h1>floe platform: observability</h1>
<p class="lead">{now:%Y-%m-%d %H:%M} UTC, the hour before it · <a href="{escape(jaeger)}">Jaeger</a></p>
</header>
<main>
<h2>Runs and their traces</h2>
{_runs(remembers, jaeger, now)}
{parts}
</main>
</body>
</html>
"""


def _dashboard(one: Dashboard, asked: Asked, jaeger: str, now: datetime) -> str:
    cards = "".join(_card(panel, answer_of(panel, asked, now), jaeger) for panel in one.panels)
    return (
        f"<h2>{escape(one.title)} <small>{escape(one.says)}</small></h2>"
        f'<div class="panels" id="{one.uid}">{cards}</div>'
    )


def _card(panel: Panel, answer: Mapping[str, Points], jaeger: str) -> str:
    shown = drawing.plot(panel, answer) if answer else f'<p class="none">{NO_DATA}</p>'
    products = sorted({name.partition(", ")[0] for name in answer}) if panel.traces else []
    links = " ".join(f'<a href="{_search(jaeger, one)}">{escape(one)}</a>' for one in products)
    return (
        f'<section class="card"><h3>{escape(panel.title)}</h3><p>{escape(panel.says)}</p>{shown}'
        f'<p class="query"><code>{escape(panel.query)}</code></p>'
        f"{links and f'<p>Traces in Jaeger: {links}</p>'}</section>"
    )


def _search(jaeger: str, product: str) -> str:
    asked = urlencode({"service": product, "lookback": "1h", "limit": 20})
    return escape(f"{jaeger.rstrip('/')}/search?{asked}")


def _runs(remembers: Remembers, jaeger: str, now: datetime) -> str:
    """A line for each run of the hour, with the way to its trace."""
    try:
        roots = sorted(_run_spans(remembers, now - WINDOW), key=lambda span: -span.began)
    except ServiceError as silent:
        return f'<p class="none">{NO_DATA}: {escape(str(silent))}</p>'
    if not roots:
        return f'<p class="none">{NO_DATA}</p>'
    lines = "".join(_run(span, jaeger) for span in roots)
    head = "<tr><th>Ended</th><th>Product</th><th>Run</th><th>Outcome</th><th>Took</th><th>Trace</th></tr>"
    return f'<div class="card wide" tabindex="0"><table>{head}{lines}</table></div>'


def _run_spans(remembers: Remembers, since: datetime) -> Iterable[Span]:
    for service in sorted(remembers.services() - {_LAUNCHING, _SUITE, "jaeger"}):
        for spans in remembers.of_service(service, since).values():
            yield from (span for span in spans if span.service == service and span.name.startswith("run "))


def _run(span: Span, jaeger: str) -> str:
    outcome = str(span.attributes.get("floe.status", "failure" if span.failed else "under way"))
    cells: Sequence[str] = (
        f"{datetime.fromtimestamp(span.ended, UTC):%H:%M:%S}",
        escape(span.service),
        escape(str(span.attributes.get("dagster.run_id", ""))[:8]),
        f'<span class="{"" if outcome == "success" else "none"}">{escape(outcome)}</span>',
        drawing.spoken(span.ended - span.began, "s"),
        f'<a href="{escape(jaeger.rstrip("/"))}/trace/{span.trace}">{span.trace[:8]}</a>',
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _place(address: str) -> str:
    """host:port of an address.

    Raises:
        UserError: it is none.
    """
    split = urlsplit(address)
    if split.scheme != "http" or not split.netloc:
        raise UserError(f"{address}: is no address", remedy="one like http://localhost:9090")
    return split.netloc
