"""pytest plugin of the controls: takes a workload's replicas away once the platform is Ready.

Loaded by `make controls` alone (-p controls.stopping), so that the suite itself knows of no fault.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

import pytest

from drivers import wait
from drivers.kubernetes import Pod
from drivers.platform import Platform

GONE_SECONDS = 60.0
"""Until the pods of a stopped workload must be gone."""


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
        stop(made, workload)
    return made


def stop(platform: Platform, workload: str) -> None:
    """Scale a workload to nothing and wait until its pods are gone."""
    cluster, namespace = platform.place.cluster, platform.namespace
    cluster.scale(namespace, workload, 0)
    wait.until(
        lambda: sorted(_serving(cluster.pods(namespace), workload)),
        lambda left: not left,
        what=f"stopped workload {workload}",
        within=GONE_SECONDS,
        last=lambda left: f"still has {', '.join(left)}",
    )


def _serving(pods: Mapping[str, Pod], workload: str) -> Iterator[str]:
    """The pods of a workload; those of a job whose name begins alike are none of them."""
    return (name for name, pod in pods.items() if pod.job is None and name.startswith(f"{workload}-"))
