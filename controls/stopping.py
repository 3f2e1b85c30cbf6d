"""pytest plugin of the controls: takes a workload's replicas away once the platform is Ready.

Loaded by `make controls` alone (-p controls.stopping), so that the suite itself knows of no fault.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from drivers.platform import Platform


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that names the workload."""
    parser.addoption("--stop", metavar="WORKLOAD", help="take this workload's replicas away once Ready")


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Stop the workload as soon as the story's platform stands."""
    made = yield
    workload = request.config.getoption("--stop")
    if workload and isinstance(made, Platform) and fixturedef.argname == "platform":
        made.stop(workload)
    return made
