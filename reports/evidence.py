"""What a scenario's evidence went through, recorded by the drivers as it happens.

A requirement proved on a stand-in must never read as verified, and nobody should have to
remember that: every driver says which service it talks to, and the plugin keeps it with
the scenario. What a shared fixture touched counts for every scenario that uses the fixture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

DATA_PATH = frozenset({"catalog", "dagster", "postgresql", "minio"})
"""The services without which no row gets into a table."""

ALL_SERVICES = DATA_PATH | {"lineage", "traces", "metrics"}
"""The services of the platform, by the names that drivers use."""

THROUGH: dict[str, frozenset[str]] = {
    "pipeline": DATA_PATH,
    "platform": ALL_SERVICES,
}
"""What stands behind a name: a run goes through the data path, the platform as a whole is everything."""

_scenarios: list[set[str]] = []
_fixtures: dict[str, set[str]] = {}
_building: list[str] = []
_apart = ContextVar("apart", default=False)
"""Of the thread, so that what one does apart hides nothing of what another does meanwhile."""
_components: dict[str, str] = {}
_stand_ins: dict[str, str] = {}


def touched(service: str) -> None:
    """Say that evidence of the present scenario comes from, or through, this service.

    Args:
        service: a name of ALL_SERVICES, a key of THROUGH, or another service's own name.
    """
    if _apart.get():
        return
    services = THROUGH.get(service, frozenset({service}))
    for fixture in _building:
        _fixtures[fixture].update(services)
    for scenario_evidence in _scenarios:
        scenario_evidence.update(services)


@contextmanager
def apart() -> Iterator[None]:
    """Do meanwhile, in this thread, what is no evidence: a look around on behalf of a later question.

    The question itself says what it goes through when it is asked.
    """
    token = _apart.set(True)
    try:
        yield
    finally:
        _apart.reset(token)


def component(name: str, version: str) -> None:
    """Say which version of a component was met (`PostgreSQL`, `15.14`); the last word counts."""
    _components[name] = version


def stand_in(service: str, name: str) -> None:
    """Say that a service was found to be a stand-in, by its own answer (`catalog`, its name)."""
    _stand_ins[service] = name


def components() -> dict[str, str]:
    """The components met in this process and their versions."""
    return dict(_components)


def stand_ins() -> dict[str, str]:
    """The services that said of themselves to be stand-ins."""
    return dict(_stand_ins)


@contextmanager
def scenario() -> Iterator[set[str]]:
    """Collect what one scenario touches; for the plugin."""
    collected: set[str] = set()
    _scenarios.append(collected)
    try:
        yield collected
    finally:
        _scenarios.remove(collected)


@contextmanager
def fixture(name: str) -> Iterator[None]:
    """Attribute what is touched meanwhile to a fixture as well; for the plugin."""
    _fixtures[name] = set()
    _building.append(name)
    try:
        yield
    finally:
        _building.remove(name)


def inherited(fixtures: Iterable[str]) -> set[str]:
    """What the fixtures of these names touched when they were made; for the plugin."""
    return {service for name in fixtures for service in _fixtures.get(name, ())}
