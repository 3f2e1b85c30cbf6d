"""Words about runs that nobody launches: what a sensor begins, and when the schedule comes."""

from __future__ import annotations

from pytest_bdd import then
from pytest_bdd.parsers import parse

from drivers.platform import Platform

TOLERANCE_SECONDS = 5.0
"""What a scheduled run may begin late on a machine that has other work."""


@then(parse("the {sensor} sensor of {product} begins {what}"))
def sensor_begins(platform: Platform, sensor: str, product: str, what: str) -> None:
    assert platform.begun_by(product, sensor) == what


@then(parse('the schedule of {product} is "{cron}"'))
def schedule_is(platform: Platform, product: str, cron: str) -> None:
    assert platform.orchestrator.cron(product) == cron


@then(parse("two scheduled runs of {product} succeed, {seconds:d} s apart"))
def two_scheduled_runs(platform: Platform, product: str, seconds: int) -> None:
    verdicts, apart = platform.recurred(product)
    in_time = seconds if abs(apart - seconds) <= TOLERANCE_SECONDS else apart
    assert (verdicts, in_time) == (["SUCCESS", "SUCCESS"], seconds)
