"""What is reckoned from runs with and without telemetry; the runs themselves are measured where they run."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks import telemetry
from benchmarks.telemetry import Cost, Costs, Slower


def costs(*percent: float) -> Costs:
    """Runs that take 10 s without telemetry, and so much longer with it."""
    usual = [Cost(seconds=10, cpu_seconds=12)] * len(percent)
    longer = [Cost(seconds=10 + one / 10, cpu_seconds=12) for one in percent]
    return Costs(
        measured=date(2026, 11, 29),
        cores=2,
        memory_gib=24,
        versions={},
        load=0.1,
        product="shop",
        runs={"without": usual, "with": longer, "refused": usual, "silent": usual},
    )


@pytest.mark.parametrize(
    ("percent", "due"),
    [
        ([3], (3, 3, 3)),
        ([9, 1, 2, 3, -4], (2, -4, 9)),
        # By tables of the sign test: the 2nd and the 8th of nine, the 6th and the 15th of twenty.
        (range(9), (4, 1, 7)),
        (range(20), (9.5, 5, 14)),
    ],
)
def test_the_median_lies_between_bounds_that_rounds_bring_closer(
    percent: list[float], due: tuple[float, float, float]
) -> None:
    assert costs(*percent).slower("with") == pytest.approx(Slower(*[one / 100 for one in due]))


def test_a_way_that_takes_longer_than_it_may_is_told() -> None:
    assert telemetry.verdict(costs(4, 4.9, 6)) is None
    assert telemetry.verdict(costs(4, 5.1, 9)) == "telemetry may cost 5% of a run; with: +5.1%"


def test_the_table_has_a_row_for_every_way() -> None:
    assert telemetry.table(costs(4, 5, 6)).splitlines()[2:5] == [
        "| nothing is sent | 10.00 |  |  | 12.00 |",
        "| collector and lineage service take it | 10.50 | +5.0% | +4.0% and +6.0% | 12.00 |",
        "| nobody listens at either address | 10.00 | +0.0% | +0.0% and +0.0% | 12.00 |",
    ]
