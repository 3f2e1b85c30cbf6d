"""Whose defect a failure is at first sight."""

from __future__ import annotations

import errno

import pytest

from drivers.errors import ServiceError
from foundation.errors import DeadlineError, PlatformError, UserError
from reports.categories import CATEGORIES, category_of
from reports.results import Category


def refusal(service: str) -> ServiceError:
    return ServiceError("list its tables", of=service, answer="HTTP 503")


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (AssertionError("assert 1 == 2"), "product defect"),
        (refusal("Polaris"), "product defect"),
        (refusal("Dagster"), "product defect"),
        (refusal("Kubernetes"), "environment"),
        (refusal("helm"), "environment"),
        (refusal("demo/"), "suite defect"),
        (DeadlineError("run 3f2a still STARTED after 120 s"), "environment"),
        (PlatformError("helm install ended with code 1"), "environment"),
        (UserError("port 30000 is taken", remedy="free it"), "environment"),
        (OSError(errno.ENOSPC, "No space left on device"), "environment"),
        (ConnectionRefusedError("refused"), "environment"),
        (TimeoutError("timed out"), "environment"),
        (KeyboardInterrupt(), "environment"),
        (FileNotFoundError(errno.ENOENT, "no such file"), "suite defect"),
        (KeyError("fct_orders"), "suite defect"),
        (TypeError("unexpected argument"), "suite defect"),
    ],
)
def test_a_failure_is_sorted_by_what_raised_it(error: BaseException, category: Category) -> None:
    assert category_of(error) == category
    assert category in CATEGORIES
