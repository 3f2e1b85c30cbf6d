"""What a person needs to see of a failed scenario, taken before anything is torn down.

It is taken once for each scenario, at its first failure, and attached when pytest reports that failure,
so that it stands with that scenario and never with one that passed. Nothing is taken off that path.
Secrets are never read for it, and what programs wrote into their logs about them is blanked.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import allure
import pytest

from drivers import traffic
from drivers.dagster import Run
from drivers.platform import Platform
from foundation import secrecy
from steps import findings
from steps.findings import Finding

INTERRUPTED_SECONDS = 5.0
"""Who interrupts a run wants it to end: that long it is still looked at."""

_ENDS = (KeyboardInterrupt, pytest.exit.Exception)

_SECRET = re.compile(
    r"""(?ix)
    ( (?: secret | password | passwd | token | authorization | credential | access[-_.]?key | client[-_.]?id )
      [\w.-]* ["']? \s* [:=] \s* ["']? (?: bearer \s+ | basic \s+ )? )
    [^\s"',;}\])]+
    """
)
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")


@dataclass
class _Scenario:
    """The scenario under way.

    Attributes:
        found: what was seen when it failed, until it is attached.
        looked: whether that was done.
    """

    node: str = "the session"
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    found: list[Finding] = field(default_factory=list)
    looked: bool = False


@dataclass
class _Watch:
    """What pytest's hooks share.

    Attributes:
        standing: platforms that are installed or being installed.
        ending: those whose tear-down has begun and not been reported.
        failures: errors that evidence was taken for, with the scenario that has it; pytest raises the error
            of a shared fixture again in every scenario that asks for it.
    """

    scenario: _Scenario = field(default_factory=_Scenario)
    standing: list[Platform] = field(default_factory=list)
    ending: list[Platform] = field(default_factory=list)
    failures: list[tuple[BaseException, str]] = field(default_factory=list)


_watch = _Watch()


def without_secrets(text: str, where: str = "evidence of a failure") -> str:
    """The text with everything blanked that is known as a secret, or written like a credential."""
    return _TOKEN.sub("***", _SECRET.sub(r"\1***", secrecy.blank(text, where)))


@contextmanager
def watching(platform: Platform) -> Iterator[None]:
    """Take evidence of this platform when a scenario, its own installation or its tear-down fails."""
    _watch.standing.append(platform)
    try:
        yield
    except BaseException as error:
        _look(error)
        raise
    finally:
        _watch.standing.remove(platform)
        _watch.ending.append(platform)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Evidence begins with the scenario."""
    _watch.scenario = _Scenario(item.nodeid)


def pytest_bdd_step_error(request: pytest.FixtureRequest, exception: Exception) -> None:
    """A step failed: say what is known to be behind it, and look at the platform while it stands."""
    for known in _behind(request):
        exception.add_note(known)
    _look(exception)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """An interrupt ends the session without a report: what is seen is attached at once."""
    try:
        return (yield)
    except _ENDS as end:
        _look(end)
        _attach()
        raise


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach to a scenario what was seen of its failure; look now if that was not in a step."""
    report = yield
    if report.failed and call.excinfo:
        _look(call.excinfo.value)
        _attach()
    if report.when == "teardown":
        _watch.ending.clear()
    return report


def _behind(request: pytest.FixtureRequest) -> list[str]:
    """What went wrong earlier that this failure may follow from: pods never Ready, a failed run."""
    pods = [
        f"in {platform.namespace} {pod} was not Ready: {reason}"
        for platform in _watch.standing
        for pod, reason in platform.readiness.late.items()
    ]
    try:
        run = request.getfixturevalue("run")
    except Exception:  # noqa: BLE001 - there is none, and it is the step's error that counts
        return pods
    failed = isinstance(run, Run) and run.status != "SUCCESS"
    return [*pods, f"the run of {run.product} ended with {run.verdict}"] if failed else pods


def _look(error: BaseException) -> None:
    """Take the evidence of a failure, unless that was done."""
    scenario = _watch.scenario
    if scenario.looked:
        return
    scenario.looked = True
    within = INTERRUPTED_SECONDS if isinstance(error, _ENDS) else findings.SECONDS
    try:
        scenario.found = _taken(error, scenario, time.monotonic() + within)
    except Exception as broken:  # noqa: BLE001 - evidence never hides the failure that it is taken for
        scenario.found = [Finding("evidence", f"it could not be taken: {type(broken).__name__}: {broken}")]


def _taken(error: BaseException, scenario: _Scenario, deadline: float) -> list[Finding]:
    earlier = next((node for known, node in _watch.failures if known is error), None)
    if earlier:
        return [Finding("evidence", f"this failed in {earlier} and was only met again here: see there")]
    _watch.failures.append((error, scenario.node))
    found = [
        Finding(f"last requests of {service}", traffic.table(asked))
        for service, asked in traffic.since(scenario.began).items()
    ]
    for platform in [*_watch.standing, *(one for one in _watch.ending if one.standing)]:
        found += findings.of(platform, scenario.began, max(1.0, deadline - time.monotonic()))
    return found


def _attach() -> None:
    """Attach what was seen to the scenario that runs, once."""
    found, _watch.scenario.found = _watch.scenario.found, []
    for one in found:
        text = without_secrets(one.text, f"{one.name}, for {_watch.scenario.node},")
        allure.attach(text, one.name, allure.attachment_type.TEXT)
