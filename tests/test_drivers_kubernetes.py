"""A pod that is not ready is judged rightly, from what the API server says of it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client  # type: ignore[import-untyped]

from drivers.kubernetes import Pod, Readiness, Workload, _blocked, _pod, _Watched


def pod(status: dict[str, Any], *, owner: str | None = None) -> Pod:
    owners = [{"kind": "Job", "name": owner, "apiVersion": "batch/v1", "uid": "u"}] if owner else []
    body = {"metadata": {"name": "polaris-0", "ownerReferences": owners}, "status": status}
    answer = SimpleNamespace(data=json.dumps(body))
    return _pod(client.ApiClient().deserialize(answer, "V1Pod"))


def container(**state: object) -> dict[str, Any]:
    return {
        "name": "polaris",
        "image": "i",
        "imageID": "",
        "ready": False,
        "restartCount": 2,
        "state": dict(state),
    }


def waiting(reason: str, message: str) -> dict[str, Any]:
    status = container(waiting={"reason": reason, "message": message})
    return {"phase": "Pending", "containerStatuses": [status]}


def test_a_pod_that_is_ready_has_no_reason() -> None:
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    assert pod(ready) == Pod("polaris-0", None, ready=True, reason="", hopeless=False)


def test_the_pod_of_a_job_that_ended_well_counts_as_ready() -> None:
    assert pod({"phase": "Succeeded"}, owner="polaris-setup").ready


@pytest.mark.parametrize(
    ("status", "reason", "hopeless"),
    [
        (
            waiting("ImagePullBackOff", "Back-off pulling image"),
            "ImagePullBackOff: Back-off pulling image (2 restarts)",
            True,
        ),
        (
            waiting("ErrImageNeverPull", "not present"),
            "ErrImageNeverPull: not present (2 restarts)",
            True,
        ),
        (
            waiting("CreateContainerConfigError", "secret x not found"),
            "CreateContainerConfigError: secret x not found (2 restarts)",
            False,
        ),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "Insufficient cpu",
                    }
                ],
            },
            "Unschedulable: Insufficient cpu",
            False,
        ),
        (
            {
                "phase": "Running",
                "containerStatuses": [container(terminated={"exitCode": 1, "reason": "Error"})],
            },
            "Error: polaris ended with code 1 (2 restarts)",
            False,
        ),
        (
            {"phase": "Running", "containerStatuses": [container(running={})]},
            "Running, not Ready (polaris)",
            False,
        ),
        ({"phase": "Pending"}, "Pending, not Ready (not begun)", False),
    ],
)
def test_a_pod_that_is_not_ready_says_why(status: dict[str, Any], reason: str, hopeless: bool) -> None:  # noqa: FBT001
    seen = pod(status)
    assert (seen.ready, seen.reason, seen.hopeless) == (False, reason, hopeless)


def test_a_workload_without_any_pod_is_not_ready_either() -> None:
    assert _blocked({"minio": Workload("StatefulSet", ("i",), 1, 0)}, {}) == {
        "minio": "0 of 1 replicas ready"
    }


def test_earlier_attempts_of_a_job_that_succeeded_do_not_count() -> None:
    failed = Pod("setup-x", "setup-12345678", ready=False, reason="Error: code 1", hopeless=False)
    done = {"setup": Workload("Job", ("i",), 1, 1)}
    assert _blocked(done, {"setup-x": failed}) == {}


def test_late_are_the_slow_and_the_blocked_by_name() -> None:
    readiness = Readiness(120, {"a": 12.0, "b": 130.0}, {"c": "ImagePullBackOff: no such image"})
    assert readiness.late == {
        "b": "Ready only after 130 s, allowed 120 s",
        "c": "ImagePullBackOff: no such image",
    }
    assert readiness.slowest == 130.0


def made(name: str, *, ready: bool = False, hopeless: bool = False) -> Pod:
    return Pod(name, None, ready=ready, reason="" if ready else "Pending", hopeless=hopeless)


def test_the_first_moment_a_pod_was_ready_is_kept_until_it_is_not() -> None:
    seen = _Watched()
    seen.begin([made("a"), made("b")], 0.5)
    seen.note(made("a", ready=True), 3.14)
    seen.note(made("a", ready=True), 9.0)
    assert (seen.seconds, seen.latest, seen.settled) == ({"a": 3.1}, 3.1, False)
    seen.note(made("a"), 10.0)
    assert (seen.seconds, seen.latest) == ({}, 0.0)


def test_a_pod_that_was_replaced_does_not_count() -> None:
    seen = _Watched()
    seen.begin([made("old", ready=True)], 1.0)
    seen.begin([made("new", ready=True)], 4.0)
    assert (set(seen.pods), seen.seconds, seen.settled) == ({"new"}, {"new": 4.0}, True)


def test_a_stuck_pod_leaves_nothing_to_look_at_once_the_others_are_ready() -> None:
    seen = _Watched()
    seen.begin([made("minio-0", hopeless=True), made("polaris")], 1.0)
    assert not seen.settled
    seen.note(made("polaris", ready=True), 5.0)
    assert seen.settled


def test_no_pod_at_all_is_not_ready() -> None:
    assert not _Watched().settled


def test_a_job_that_failed_is_named_with_its_reason() -> None:
    failed = {"polaris-setup": Workload("Job", ("i",), 1, 0, "BackoffLimitExceeded: too often")}
    assert _blocked(failed, {}) == {"polaris-setup": "BackoffLimitExceeded: too often"}
