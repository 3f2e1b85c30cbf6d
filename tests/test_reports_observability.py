"""The page of the dashboards, from answers as Prometheus and Jaeger give them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboards.described import DASHBOARDS
from dashboards.drawing import spoken
from drivers.errors import ServiceError
from drivers.metrics import Sample, Series
from drivers.spans import Span
from foundation.errors import PlatformError, UserError
from reports import observability

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
JAEGER = "http://localhost:16686"
LABELS = {
    "product": "customer-360",
    "dagster_job": "customer_360",
    "model": "mart_<b>",
    "status": "success",
}


class Answers:
    """A Prometheus with one series of everything, or with none."""

    def __init__(self, value: float | None) -> None:
        self.asked: list[str] = []
        self._value = value

    def query(self, expression: str, at: datetime | None = None) -> list[Sample]:
        self.asked.append(expression)
        assert at == NOW
        return (
            []
            if self._value is None
            else [Sample.model_validate({"metric": LABELS, "value": (NOW.timestamp(), self._value)})]
        )

    def query_range(
        self, expression: str, begin: datetime, end: datetime, *, step: float = 5.0
    ) -> list[Series]:
        self.asked.append(expression)
        assert (end - begin, step) == (observability.WINDOW, observability.STEP)
        points = ((begin.timestamp(), 1.0), (end.timestamp(), self._value or 0))
        return [] if self._value is None else [Series.model_validate({"metric": LABELS, "values": points})]


class Remembered:
    """A Jaeger that has one run, which failed."""

    def __init__(self, silent: bool = False) -> None:  # noqa: FBT001, FBT002 - a test's own
        self._silent = silent

    def services(self) -> frozenset[str]:
        if self._silent:
            raise ServiceError("list the services", of="Jaeger", answer="nothing")
        return frozenset({"customer-360", "dagster", "jaeger"})

    def of_service(
        self, service: str, since: datetime, attributes: Mapping[str, str] | None = None
    ) -> dict[str, list[Span]]:
        assert (service, since, attributes) == ("customer-360", NOW - observability.WINDOW, None)
        run = Span(
            trace="ab" * 16,
            id="cd" * 8,
            parent="",
            service=service,
            name="run customer_360",
            began=NOW.timestamp() - 20,
            ended=NOW.timestamp() - 8,
            attributes={"floe.status": "failure", "dagster.run_id": "0123456789"},
            links=frozenset(),
        )
        return {run.trace: [run]}


def test_every_panel_of_every_dashboard_is_drawn_from_its_query() -> None:
    answers = Answers(42)
    page = observability.page(answers, Remembered(), JAEGER, NOW)
    assert answers.asked == [panel.query for one in DASHBOARDS for panel in one.panels]
    assert page.count("<svg") == len(answers.asked)
    assert "no data" not in page
    assert "<b>" not in page


def test_the_same_answers_give_the_same_page() -> None:
    pages = {observability.page(Answers(42), Remembered(), JAEGER, NOW) for _ in range(2)}
    assert len(pages) == 1


def test_a_panel_without_data_says_so_in_red() -> None:
    page = observability.page(Answers(None), Remembered(), JAEGER, NOW)
    assert page.count('<p class="none">no data</p>') == sum(len(one.panels) for one in DASHBOARDS)


def test_a_run_leads_to_its_trace_and_a_product_to_its_traces() -> None:
    page = observability.page(Answers(42), Remembered(), JAEGER, NOW)
    assert f'<a href="{JAEGER}/trace/{"ab" * 16}">' in page
    assert '<span class="none">failure</span></td><td>12.0 s</td>' in page
    assert f'{JAEGER}/search?service=customer-360&amp;lookback=1h&amp;limit=20">customer-360</a>' in page


def test_a_jaeger_that_is_away_leaves_the_rest_of_the_page() -> None:
    page = observability.page(Answers(42), Remembered(silent=True), JAEGER, NOW)
    assert '<p class="none">no data: ' in page
    assert page.count("<svg") == sum(len(one.panels) for one in DASHBOARDS)


def test_nobody_at_the_address_is_said_and_leaves_no_page(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="no page of the dashboards"):
        observability.write("http://127.0.0.1:9", JAEGER, tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="is no address"):
        observability.write("localhost", JAEGER, tmp_path / "page.html")


@pytest.mark.parametrize("value", [42, None])
def test_a_picture_has_every_panel(value: float | None) -> None:
    for one in DASHBOARDS:
        drawn = observability.picture(one, Answers(value), NOW)
        assert [panel.title for panel in one.panels if panel.title not in drawn] == []
        assert drawn.count("no data") == (0 if value else len(one.panels))


def test_values_are_told_with_their_unit() -> None:
    told = [spoken(0.25, "percentunit"), spoken(97.5, "percent"), spoken(90_000, "s"), spoken(1234, "none")]
    assert told == ["25.0%", "97.5%", "25.0 h", "1,234"]
