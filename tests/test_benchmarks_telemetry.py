"""What is reckoned from pairs of runs with and without telemetry; the runs are measured where they run."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks import telemetry
from benchmarks.telemetry import WAYS, Cost, Costs, Pair, Slower, Way


def costs(*percent: float) -> Costs:
    """Runs that take 10 s beside one without telemetry, and so much longer where they are heard."""
    usual = Cost(seconds=10, cpu_seconds=12)
    pairs = [Pair(told=Cost(seconds=10 + one / 10, cpu_seconds=12), untold=usual) for one in percent]
    alike = [Pair(told=usual, untold=usual)] * len(percent)
    ways: dict[Way, list[Pair]] = {"with": pairs, "refused": alike, "silent": alike}
    return Costs(
        measured=date(2026, 11, 29),
        cores=2,
        memory_gib=24,
        versions={},
        load=0.1,
        product="shop",
        pairs=ways,
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
    same = "12.00 | 12.00 | +0.0% | +0.0% and +0.0% |"
    assert telemetry.table(costs(4, 5, 6)).splitlines()[2:5] == [
        f"| collector and lineage service take it | 10.50 | 10.00 | +5.0% | +4.0% and +6.0% | {same}",
        f"| nobody listens at either address | 10.00 | 10.00 | +0.0% | +0.0% and +0.0% | {same}",
        f"| {telemetry.WORDS['silent']} | 10.00 | 10.00 | +0.0% | +0.0% and +0.0% | {same}",
    ]


def test_every_way_tells_as_often_on_either_core() -> None:
    plan = telemetry._plan(20)
    assert {way: [one for one, _ in plan].count(way) for way in WAYS} == dict.fromkeys(WAYS, 20)
    assert [lane for _, lane in plan].count(0) == len(plan) // 2
    assert all({lane for one, lane in plan if one == way} == {0, 1} for way in WAYS)
