"""What the health check prints is read whole, and its exit code must agree with it."""

from __future__ import annotations

import json

import pytest

from drivers import plugin_health
from drivers.errors import ServiceError


def said(code: int, *plugins: tuple[str, str, str]) -> str:
    report = [
        {"type": kind, "name": "any", "address": "", "state": state, "reason": reason}
        for kind, state, reason in plugins
    ]
    return f"{json.dumps(report, indent=2)}\nexit code {code}\n"


COMPUTE = ("compute", "no service", "it works in the run itself")
CATALOG = ("catalog", "healthy", "serves lakehouse")
STORAGE = ("storage", "unhealthy", "nobody answers (Connection refused)")


def test_the_health_of_plugins_with_a_service_is_told_by_type() -> None:
    assert plugin_health.read(said(0, COMPUTE, CATALOG)) == {"catalog": "healthy"}
    ill = plugin_health.read(said(1, COMPUTE, CATALOG, STORAGE))
    assert ill == {"catalog": "healthy", "storage": "nobody answers"}
    assert plugin_health.all_healthy({"catalog": "healthy"})
    assert not plugin_health.all_healthy(ill)


@pytest.mark.parametrize(("code", "plugins"), [(1, (CATALOG,)), (0, (STORAGE,))])
def test_an_exit_code_that_says_otherwise_is_told(
    code: int, plugins: tuple[tuple[str, str, str], ...]
) -> None:
    assert plugin_health.read(said(code, *plugins))["exit code"] == str(code)


@pytest.mark.parametrize("text", ["", "Traceback\nexit code 1", '[{"type": "catalog"}]\nexit code 0'])
def test_what_is_no_report_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ServiceError, match="tell the health of the plugins"):
        plugin_health.read(text)


def test_floe_as_released_is_asked_through_its_registry() -> None:
    assert plugin_health.command("on")[4] == "floe-complete"
    compile(plugin_health.command("off")[-1], "as released", "exec")
