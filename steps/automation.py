"""Words about runs that nobody launches: what a sensor begins, and when the schedule comes."""

from __future__ import annotations

from pytest_bdd import then
from pytest_bdd.parsers import parse

from drivers.platform import Platform

TOLERANCE_SECONDS = 10.0
"""What a scheduled run may begin late on a machine that has other work."""


@then(parse("the {automation} of {product} begins {what}"))
def automation_begins(platform: Platform, automation: str, product: str, what: str) -> None:
    sensor = automation.removesuffix(" sensor")
    begun = two_scheduled(platform, product) if sensor == "schedule" else platform.begun_by(product, sensor)
    assert begun == what


@then(parse("{product} recurs at an interval of {minutes:d} min"))
def product_recurs(platform: Platform, product: str, minutes: int) -> None:
    assert platform.orchestrator.cron(product) == (f"*/{minutes} * * * *" if minutes > 1 else "* * * * *")


def two_scheduled(platform: Platform, product: str) -> str:
    """What a schedule of every minute begins first."""
    verdicts, apart = platform.recurred(product)
    succeeded = "which succeed" if verdicts == ["SUCCESS"] * 2 else ", ".join(verdicts)
    seconds = 60 if abs(apart - 60) <= TOLERANCE_SECONDS else apart
    return f"two runs, {succeeded}, {seconds:g} s apart"
