"""Words about the health of plugins: what each says of its service while it runs, and while it does not."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers.platform import Platform
from drivers.plugin_health import HEALTHY

WITH_SERVICE = ("catalog", "orchestrator", "storage")
"""The plugins of the demo's manifest that talk to a service."""


@given("every plugin that has a service is healthy")
def every_plugin_is_healthy(platform: Platform) -> None:
    assert platform.plugin_health_again() == dict.fromkeys(WITH_SERVICE, HEALTHY)


@given(parse("{service} is stopped"))
@when(parse("{service} is stopped"))
def service_is_stopped(platform: Platform, service: str) -> Iterator[None]:
    platform.stop(service)
    yield
    platform.start(service)


@then(parse('the {plugin} alone is unhealthy, because "{reason}"'))
def alone_is_unhealthy(platform: Platform, plugin: str, reason: str) -> None:
    assert platform.plugin_health() == dict.fromkeys(WITH_SERVICE, HEALTHY) | {plugin: reason}


@then(parse("once {service} runs again every plugin is healthy"))
def healthy_again(platform: Platform, service: str) -> None:
    platform.start(service)
    assert platform.plugin_health_again() == dict.fromkeys(WITH_SERVICE, HEALTHY)


@then(parse("the tests that the chart brings come to: {outcome}"))
def tests_come_to(platform: Platform, outcome: str) -> None:
    assert platform.test() == outcome
