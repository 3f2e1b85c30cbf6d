"""A failed scenario has its evidence: full, once, in time, and without a secret; a passed one has none."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from drivers.errors import ServiceError
from drivers.platform import Platform
from foundation import secrecy
from foundation.cache import ROOT
from foundation.errors import PlatformError
from reports import results
from steps import diagnostics, findings
from tests import fake_platform, sample_run
from tests.fake_platform import NOW, FakePlatform

pytest_plugins = ("pytester",)


def seen(platform: FakePlatform, within: float = 20.0) -> dict[str, str]:
    found = findings.of(cast(Platform, platform), NOW, within)
    return {one.name.removesuffix(" of floe-us1"): one.text for one in found}


# ---- what is seen of a platform


def test_pods_are_told_in_full() -> None:
    assert seen(FakePlatform())["pods"].splitlines() == [
        "minio-0: Running, 1/1 ready, 60 s old, on node-1",
        "  minio: ready, running since 11:59:05, 0 restarts, image minio:1",
        "polaris-0: Running, 1/2 ready, 60 s old, on node-1, of ReplicaSet/polaris",
        "    not Ready (ContainersNotReady: not ready: polaris)",
        "  wait: ready, ended 11:59:01 to 11:59:03 with code 0: Completed, 0 restarts, image busybox:1",
        "  polaris: not ready, waiting: CrashLoopBackOff: back-off 40s, 3 restarts, image polaris:1",
        "    before that: ended 11:59:10 to 11:59:40 with code 137, signal 9: OOMKilled",
        "dagster-0: Pending, 0/0 ready, 60 s old, on no node",
        "    not PodScheduled (Unschedulable: Insufficient cpu)",
    ]


def test_what_was_configured_is_not_part_of_it() -> None:
    assert fake_platform.LITERAL not in "".join(seen(FakePlatform()).values())
    assert fake_platform.LITERAL not in repr(fake_platform.state(fake_platform.CRASHED))


def test_workloads_claims_and_events_are_told() -> None:
    told = seen(FakePlatform())
    assert told["workloads"].splitlines() == [
        "Deployment polaris: 0 of 1 ready, image polaris:1",
        "volume claim data-minio-0: Bound, volume pvc-1, 1Gi",
    ]
    assert told["events"] == "11:59:40 Warning Pod/polaris-0 BackOff: restarting (4 times)"


def test_logs_begin_with_the_troubled_pod_and_hold_the_instance_before_its_restart() -> None:
    platform = FakePlatform()
    assert seen(platform)["logs"] == (
        "===== polaris-0 polaris before its restart\nout of memory\npassword=hunter2\n\n"
        "===== polaris-0 polaris\nstarting\n\n"
        "===== minio-0 minio\nAPI ready\n\n"
        "===== nothing since 12:00:00 from\npolaris-0 wait"
    )
    assert platform.cluster.since == {NOW}
    # A container that never ran has no log to be asked for.
    assert not any(pod == "dagster-0" for pod, _, _ in platform.cluster.asked)


def test_logs_are_bounded_each_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "LOG_LENGTH", 100)
    monkeypatch.setattr(findings, "ALL_LOGS_LENGTH", 120)
    platform = FakePlatform()
    long = "\n".join(f"line {number}" for number in range(100))
    platform.cluster.logs = dict.fromkeys(platform.cluster.logs, long)
    told = seen(platform)["logs"]
    assert told.count("line 99\n") == 1
    assert told.count(" characters are left out)") == 3
    assert len(told) < 600


def test_the_end_of_a_text_is_kept_in_whole_lines() -> None:
    assert findings.bounded("short", 10) == "short"
    assert findings.bounded("one\ntwo\nthree", 8) == "(the first 8 of 13 characters are left out)\nthree"
    assert findings.bounded("one", 0) == "(the first 3 of 3 characters are left out)"


def test_the_run_that_was_active_comes_first_and_in_full() -> None:
    assert seen(FakePlatform())["Dagster runs"] == (
        "===== run 3f2a of customer_360: FAILURE, 12:00:02 to 12:00:30\n"
        "----- mart: mart failed.\n"
        "DbtError: exit 1\n"
        "IOError: no\nsuch bucket\n"
        "-----\n"
        "12:00:05 STEP_START mart Started mart.\n"
        "12:00:05 STEP_FAILURE mart mart failed. | DbtError: exit 1 | IOError: no\nsuch bucket\n\n"
        "===== ended before\n"
        "run 1b1b of customer_360: SUCCESS, 11:58:40 to 11:59:00"
    )


def test_what_cannot_be_read_is_told_where_it_would_have_been() -> None:
    platform = FakePlatform()
    platform.orchestrator.silent = True
    platform.cluster.broken = ServiceError("list pods", of="Kubernetes", answer="503")
    told = seen(platform)
    assert told["Dagster runs"].endswith("Dagster was asked to list its latest runs and answered: HTTP 502)")
    assert told["pods"] == "(could not be read: Kubernetes was asked to list pods and answered: 503)"
    assert told["events"]
    platform.cluster.broken = TypeError("a defect of the suite")
    assert seen(platform)["pods"] == "(could not be read: TypeError: a defect of the suite)"


def test_a_sick_cluster_takes_no_longer_than_allowed() -> None:
    platform = FakePlatform()
    platform.cluster.slow = 1.5
    began = time.monotonic()
    told = seen(platform, within=0.3)
    assert time.monotonic() - began < 1.2
    assert told["logs"].count("(left out: no answer in time)") == 4
    assert "CrashLoopBackOff" in told["pods"]


def test_no_secret_can_be_read_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = FakePlatform()
    told = []

    def careless(_namespace: str) -> dict[str, str]:
        try:
            secrecy.must_be_open("give secret minio-credentials")
        except PlatformError as refused:
            told.append(str(refused))
            raise
        return {}

    monkeypatch.setattr(platform.cluster, "volume_claims", careless)
    assert "no Secret is read while evidence is taken" in seen(platform)["workloads"]
    assert told
    secrecy.must_be_open("give secret minio-credentials")


def test_known_values_and_what_looks_like_one_are_blanked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_needles", "_names", "_met"):
        monkeypatch.setattr(secrecy, name, {})
    secrecy.register("floe-us1/minio-credentials root-user", SecretStr("abcdefgh12345678"))
    text = diagnostics.without_secrets("user abcdefgh12345678 with password=hunter2 logged in", "a log")
    assert text == "user *** with password=*** logged in"
    assert secrecy.met() == ("a log held floe-us1/minio-credentials root-user (plain)",)


# ---- whole sessions

HEALTHY = """\
@US1
Feature: Platform bootstrap
  @FR-001
  Scenario: It passes
    Given the platform
    When nothing breaks
  @FR-002
  Scenario: A step fails
    Given the platform
    When a step breaks
  @FR-002
  Scenario: A clean-up fails
    Given the platform
    When its clean-up breaks
  @FR-005
  Scenario: The platform does not go away
    Given the platform
    When nothing breaks
"""

NEVER_THERE = """\
@US3
Feature: Data pipelines
  @FR-020
  Scenario: The platform cannot be installed
    Given the platform
  @FR-021
  Scenario: Nor does the next one have it
    Given the platform
"""

STEPS = """\
from datetime import UTC, datetime
import pytest
from pytest_bdd import given, when
from drivers import traffic
from drivers.errors import ServiceError
from steps import diagnostics
from tests.fake_platform import FakePlatform

@pytest.fixture(scope="module")
def platform(request):
    made = FakePlatform(datetime.now(UTC))
    try:
        with diagnostics.watching(made):
            if "us3" in request.module.__name__:
                with traffic.asking("helm", "install floe-platform in floe-us3"):
                    raise ServiceError("install floe-platform", of="helm", answer="timed out")
            yield made
    finally:
        made.cluster.logs.clear()
        if "us3" in request.module.__name__:
            made.standing = False
        else:
            raise ServiceError("delete namespace floe-us1", of="Kubernetes", answer="still there")

@given("the platform")
def _(platform):
    with traffic.asking("Kubernetes", "list the pods of floe-us1"):
        pass

@when("nothing breaks")
def _(): pass

@when("a step breaks")
def _():
    with traffic.asking("Dagster", "launch customer-360"):
        raise ServiceError("launch customer-360", of="Dagster", answer="HTTP 502")

@when("its clean-up breaks")
def _():
    yield
    raise RuntimeError("object is still there")
"""

STATE = [
    "Dagster runs of floe-us1",
    "events of floe-us1",
    "logs of floe-us1",
    "pods of floe-us1",
    "workloads of floe-us1",
]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("CLUSTER", raising=False)
    return pytester


def lay(project: pytest.Pytester, steps: str, **features: str) -> None:
    sample_run.lay(project.path, **features)
    (project.path / "steps_of_the_sample.py").write_text(steps)
    plugins = ("reports.plugin", "reports.canary", "steps.diagnostics", "steps_of_the_sample")
    (project.path / "conftest.py").write_text(f"pytest_plugins = {plugins}\n")


def shown(project: pytest.Pytester) -> dict[str, dict[str, str]]:
    """By scenario, each attachment by name; also those of its steps, of which there should be none."""
    folder = project.path / "reports" / "out" / "allure-results"
    tests = [json.loads(file.read_text()) for file in folder.glob("*-result.json")]
    found = {test["name"]: _attached(test, folder) for test in tests}
    containers = [json.loads(file.read_text()) for file in folder.glob("*-container.json")]
    fixtures = [one for made in containers for one in (*made.get("befores", ()), *made.get("afters", ()))]
    assert [one for one in fixtures if one.get("attachments")] == []
    return found


def _attached(test: dict[str, Any], folder: Path) -> dict[str, str]:
    assert [step["name"] for step in test.get("steps", ()) if step.get("attachments")] == []
    names = [one["name"] for one in test.get("attachments", ())]
    assert len(names) == len(set(names))
    return {one["name"]: (folder / one["source"]).read_text() for one in test.get("attachments", ())}


def test_each_failure_has_its_evidence_once_and_a_passed_scenario_none(project: pytest.Pytester) -> None:
    lay(project, STEPS, us1_bootstrap=HEALTHY, us3_pipelines=NEVER_THERE)
    project.runpytest_subprocess(timeout=120)
    found = shown(project)
    assert {scenario: sorted(texts) for scenario, texts in found.items()} == {
        "It passes": [],
        "A step fails": [*STATE[:2], "last requests of Dagster", "last requests of Kubernetes", *STATE[2:]],
        "A clean-up fails": [*STATE[:2], "last requests of Kubernetes", *STATE[2:]],
        "The platform does not go away": [
            "Dagster runs of floe-us1",
            "events of floe-us1",
            "last requests of Kubernetes",
            "logs of floe-us1",
            "pods of floe-us1",
            "workloads of floe-us1",
        ],
        "The platform cannot be installed": [*STATE[:2], "last requests of helm", *STATE[2:]],
        "Nor does the next one have it": ["evidence"],
    }
    step = found["A step fails"]
    assert "launch customer-360: HTTP 502" in step["last requests of Dagster"]
    assert "password=***" in step["logs of floe-us1"]
    assert "hunter2" not in step["logs of floe-us1"]
    # What the installation left was seen before it was taken away.
    assert "API ready" in found["The platform cannot be installed"]["logs of floe-us1"]
    assert found["Nor does the next one have it"]["evidence"] == (
        "this failed in features/test_us3_pipelines.py::test_the_platform_cannot_be_installed"
        " and was only met again here: see there"
    )
    failures = {one.title: one.failure for one in results.read(project.path / "reports" / "out").scenarios}
    assert failures["A step fails"] == (
        "When a step breaks:\ndrivers.errors.ServiceError: Dagster was asked to launch customer-360"
        " and answered: HTTP 502"
    )


INTERRUPTED = """\
@US1
Feature: Platform bootstrap
  @FR-001
  Scenario: Somebody ends the run
    Given the platform
    When somebody ends the run
"""


def test_an_interrupted_scenario_has_its_evidence_too(project: pytest.Pytester) -> None:
    ends = '\n@when("somebody ends the run")\ndef _(): raise KeyboardInterrupt\n'
    steps = STEPS.replace("made.cluster.logs.clear()", "return") + ends
    lay(project, steps, us1_bootstrap=INTERRUPTED)
    assert project.runpytest_subprocess(timeout=120).ret == pytest.ExitCode.INTERRUPTED
    [(_, texts)] = shown(project).items()
    assert sorted(texts) == [*STATE[:2], "last requests of Kubernetes", *STATE[2:]]
    assert "API ready" in texts["logs of floe-us1"]


def test_evidence_that_cannot_be_taken_hides_no_failure(project: pytest.Pytester) -> None:
    steps = STEPS.replace("made = FakePlatform(datetime.now(UTC))", "made = FakePlatform(); del made.place")
    lay(project, steps.replace("made.cluster.logs.clear()", "return"), us1_bootstrap=HEALTHY)
    project.runpytest_subprocess("-k", "step_fails", timeout=120)
    [record] = results.read(project.path / "reports" / "out").scenarios
    assert (record.result, (record.failure or "").count("HTTP 502")) == ("failed", 1)
    assert shown(project)["A step fails"]["evidence"] == (
        "it could not be taken: AttributeError: 'FakePlatform' object has no attribute 'place'"
    )
