"""What a person needs to see of a failed scenario, taken before anything is torn down.

Secrets are never read for it, and what programs wrote into their logs about them is blanked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import allure
import pytest

from drivers.dagster import Run, line_of
from drivers.errors import ServiceError
from drivers.platform import Platform
from foundation.errors import PlatformError

_standing: list[Platform] = []
_began = datetime.now(UTC)

_SECRET = re.compile(
    r"""(?ix)
    ( (?: secret | password | passwd | token | authorization | credential | access[-_.]?key | client[-_.]?id )
      [\w.-]* ["']? \s* [:=] \s* ["']? (?: bearer \s+ | basic \s+ )? )
    [^\s"',;}\])]+
    """
)
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")


def without_secrets(text: str) -> str:
    """The text with everything blanked that is written like a credential."""
    return _TOKEN.sub("***", _SECRET.sub(r"\1***", text))


@contextmanager
def watching(platform: Platform) -> Iterator[None]:
    """Take evidence of this platform when a scenario, or its own installation, fails meanwhile."""
    _standing.append(platform)
    try:
        yield
    except BaseException:
        take(_began)
        raise
    finally:
        _standing.remove(platform)


def pytest_bdd_before_scenario() -> None:
    """Evidence begins with the scenario."""
    global _began  # noqa: PLW0603 - pytest's hooks share nothing else
    _began = datetime.now(UTC)


def pytest_bdd_step_error(request: pytest.FixtureRequest, exception: Exception) -> None:
    """A step failed: say what is known to be behind it, and look at the platform while it stands."""
    for known in _behind(request):
        exception.add_note(known)
    take(_began)


def _behind(request: pytest.FixtureRequest) -> list[str]:
    """What went wrong earlier that this failure may follow from: pods never Ready, a failed run."""
    pods = [
        f"in {platform.namespace} {pod} was not Ready: {reason}"
        for platform in _standing
        for pod, reason in platform.readiness.late.items()
    ]
    try:
        run = request.getfixturevalue("run")
    except pytest.FixtureLookupError:
        return pods
    failed = isinstance(run, Run) and run.status != "SUCCESS"
    return [*pods, f"the run of {run.product} ended with {run.verdict}"] if failed else pods


def take(since: datetime) -> None:
    """Attach the state of every standing platform to the scenario that runs."""
    for platform in _standing:
        _attach(f"pods of {platform.namespace}", partial(_pods, platform))
        _attach(f"events of {platform.namespace}", partial(_events, platform, since))
        _attach(f"logs of {platform.namespace}", partial(_logs, platform, since))
        _attach(f"Dagster runs of {platform.namespace}", partial(_runs, platform))


def _attach(name: str, look: Callable[[], str]) -> None:
    """Attach what is seen; that it cannot be seen is told as well and fails nothing."""
    try:
        text = look()
    except PlatformError as unseen:
        text = f"could not be read: {unseen}"
    if text:
        allure.attach(without_secrets(text), name, allure.attachment_type.TEXT)


def _pods(platform: Platform) -> str:
    pods = platform.place.cluster.pods(platform.namespace).values()
    return "\n".join(f"{pod.name}: {'ready' if pod.ready else pod.reason}" for pod in pods)


def _events(platform: Platform, since: datetime) -> str:
    return "\n".join(platform.place.cluster.events(platform.namespace, since=since))


def _logs(platform: Platform, since: datetime) -> str:
    cluster, namespace = platform.place.cluster, platform.namespace
    parts = []
    for pod, container in cluster.containers(namespace):
        try:
            text = cluster.log(namespace, pod, container, since=since)
        except ServiceError as silent:
            text = f"({silent.answer})"
        if text.strip():
            parts.append(f"===== {pod} {container}\n{text.rstrip()}")
    return "\n\n".join(parts)


def _runs(platform: Platform) -> str:
    orchestrator = platform.orchestrator
    return "\n\n".join(
        "\n".join([f"===== run {run}", *(line_of(event) for event in orchestrator.events(run))])
        for run in sorted(orchestrator.run_ids())
    )
