"""Waiting ends as soon as it may, and says what it last saw when it must give up."""

from __future__ import annotations

import time

import pytest

from drivers import wait
from drivers.errors import ServiceError, brief
from foundation.errors import DeadlineError


def test_what_is_so_at_once_costs_no_time() -> None:
    began = time.monotonic()
    assert wait.until(lambda: 7, lambda seen: seen == 7, what="seven", within=10, every=5) == 7
    assert time.monotonic() - began < 1


def test_it_looks_again_until_it_is_so() -> None:
    answers = iter(["STARTING", "STARTED", "SUCCESS"])
    seen = wait.until(lambda: next(answers), lambda one: one == "SUCCESS", what="run", within=5, every=0.01)
    assert seen == "SUCCESS"


def test_the_message_tells_what_was_waited_for_how_long_and_what_was_last_seen() -> None:
    with pytest.raises(DeadlineError, match=r"^run 3f2a of customer-360 still STARTED after 0 s$"):
        wait.until(
            lambda: "STARTED",
            lambda seen: seen == "SUCCESS",
            what="run 3f2a of customer-360",
            within=0.05,
            every=0.01,
            last=lambda seen: f"still {seen}",
        )


def test_an_error_of_a_driver_is_not_yet_and_is_told_at_the_end() -> None:
    def look() -> str:
        raise ServiceError("tell its status", of="Dagster", answer="HTTP 502")

    with pytest.raises(DeadlineError, match="Dagster was asked to tell its status and answered: HTTP 502"):
        wait.until(look, bool, what="run 3f2a", within=0.05, every=0.01)


def test_any_other_error_is_a_defect_and_ends_the_wait() -> None:
    def look() -> str:
        raise KeyError("status")

    with pytest.raises(KeyError):
        wait.until(look, bool, what="run 3f2a", within=5, every=0.01)


def test_what_has_settled_is_given_as_soon_as_it_has() -> None:
    answers = iter([1, 2, 3])
    assert wait.settled(lambda: next(answers), lambda seen: seen == 2, what="two", within=5) == 2


def test_what_does_not_settle_is_given_as_it_is_when_the_time_is_over() -> None:
    answers = iter(range(100))
    assert wait.settled(lambda: next(answers), lambda seen: seen < 0, what="less", within=0.05) > 0


def test_what_cannot_be_asked_when_the_time_is_over_is_an_error() -> None:
    def look() -> str:
        raise ServiceError("tell its status", of="Dagster", answer="HTTP 502")

    with pytest.raises(ServiceError, match="HTTP 502"):
        wait.settled(look, bool, what="run 3f2a", within=0.05)


def test_brief_is_one_line_of_bounded_length() -> None:
    assert brief("two\n  lines") == "two lines"
    assert brief("x" * 50, limit=10) == "xxxxxxx..."
