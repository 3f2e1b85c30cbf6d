"""Words about runs that nobody launches: what a sensor begins, and when the schedule comes."""

from __future__ import annotations

from pytest_bdd import then
from pytest_bdd.parsers import parse

from drivers.platform import Platform

TOLERANCE_SECONDS = 10.0
"""What a scheduled run may begin late on a machine that has other work."""


@then(parse("the {sensor} sensor of {product} begins {what}"))
def sensor_begins(platform: Platform, sensor: str, product: str, what: str) -> None:
    assert platform.begun_by(product, sensor) == what


@then(parse("{product} recurs at an interval of {minutes:d} min"))
def product_recurs(platform: Platform, product: str, minutes: int) -> None:
    assert platform.orchestrator.cron(product) == (f"*/{minutes} * * * *" if minutes > 1 else "* * * * *")


@then(parse("two scheduled runs of {product} succeed, {seconds:d} s apart"))
def two_scheduled_runs(platform: Platform, product: str, seconds: int) -> None:
    verdicts, apart = platform.recurred(product)
    in_time = seconds if abs(apart - seconds) <= TOLERANCE_SECONDS else apart
    assert (verdicts, in_time) == (["SUCCESS", "SUCCESS"], seconds)
