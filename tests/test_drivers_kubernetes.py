"""A pod that is not ready is judged rightly, from what the API server says of it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client  # type: ignore[import-untyped]

from drivers.kubernetes import Cluster, Pod, Readiness, Workload, _blocked, _pod, _Watched, replaced
from foundation import secrecy
from foundation.errors import PlatformError


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


READY = {"reason": "", "hopeless": False, "job": None, "ready": True}
STARTING = {**READY, "reason": "Pending", "ready": False}


@pytest.mark.parametrize(
    ("seen", "done"),
    [
        ({"new": READY}, True),
        ({}, False),
        ({"old": READY}, False),
        ({"new": STARTING}, False),
        ({"old": STARTING, "new": READY}, False),
        ({"new": READY, "newer": STARTING}, False),
    ],
)
def test_pods_are_replaced_when_others_are_ready_in_their_place(
    seen: dict[str, dict[str, Any]], *, done: bool
) -> None:
    assert replaced(["old"], {name: Pod(name, **state) for name, state in seen.items()}) is done


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


def test_a_workload_that_counts_its_ready_pod_late_is_asked_again_at_once(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event of a pod tells that its Deployment has counted it."""
    counts = iter([0, 0, 0])
    monkeypatch.setattr(
        cluster, "workloads", lambda _: {"minio": Workload("Deployment", ("i",), 1, next(counts, 1))}
    )
    monkeypatch.setattr(
        cluster, "_list_once", lambda _namespace, seen, _began: seen.begin([made("minio-0", ready=True)], 1.0)
    )
    monkeypatch.setattr(cluster, "_watch_once", lambda *_: pytest.fail("watched pods that are all Ready"))
    assert cluster.until_ready("floe-us1", limit=30).late == {}


# ---- evidence and credentials, answered by a wire of this process


class Wire:
    """Answers each request of the client by its path, and keeps what was asked."""

    def __init__(self, answers: dict[str, object]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, method: str, url: str, **options: Any) -> Any:
        path = url.partition("/api/v1/namespaces/floe-us1/")[2]
        self.asked.append((method, path, options))
        answer = self._answers[path]
        data = answer if isinstance(answer, str) else json.dumps(answer)
        return SimpleNamespace(status=200, data=data, getheaders=dict)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    kubeconfig = tmp_path / "kubeconfig"
    settings = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "it", "user": {}}],
    }
    kubeconfig.write_text(json.dumps(settings))
    return Cluster(kubeconfig)


def answering(monkeypatch: pytest.MonkeyPatch, **answers: object) -> Wire:
    wire = Wire({path.replace("__", "/"): answer for path, answer in answers.items()})
    monkeypatch.setattr(client.ApiClient, "request", wire)
    return wire


def test_credentials_that_are_read_are_known_as_secret(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_needles", "_names", "_met"):
        monkeypatch.setattr(secrecy, name, {})
    data = {"root-user": base64.b64encode(b"root").decode(), "key": base64.b64encode(b"0123456789").decode()}
    answering(monkeypatch, secrets__minio={"kind": "Secret", "data": data})
    found = cluster.credentials("floe-us1", "minio")
    assert {key: value.get_secret_value() for key, value in found.items()} == {
        "root-user": "root",
        "key": "0123456789",
    }
    # What is too short to be looked for is not known.
    assert secrecy.names() == ("floe-us1/minio key",)
    assert secrecy.blank("with 0123456789 as root", "a log") == "with *** as root"


def test_no_credentials_are_given_while_evidence_is_taken(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = answering(monkeypatch, secrets__minio={"kind": "Secret", "data": {}})
    with secrecy.locked(), pytest.raises(PlatformError, match="no Secret is read while evidence is taken"):
        cluster.credentials("floe-us1", "minio")
    assert wire.asked == []


def event(reason: str, at: str, **more: object) -> dict[str, object]:
    return {
        "metadata": {"name": reason},
        "type": "Warning",
        "reason": reason,
        "message": "why",
        "involvedObject": {"kind": "Pod", "name": "polaris-0"},
        "lastTimestamp": at,
        **more,
    }


def test_events_are_told_from_a_moment_on_in_order_and_how_often(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [
        event("Later", "2026-01-02T12:00:09Z", count=4),
        event("InTheSameSecond", "2026-01-02T12:00:05Z"),
        event("Earlier", "2026-01-02T12:00:04Z"),
    ]
    answering(monkeypatch, events={"kind": "EventList", "items": items})
    since = datetime(2026, 1, 2, 12, 0, 5, 900_000, tzinfo=UTC)
    assert cluster.events("floe-us1", since=since) == [
        "12:00:05 Warning Pod/polaris-0 InTheSameSecond: why",
        "12:00:09 Warning Pod/polaris-0 Later: why (4 times)",
    ]


def test_the_log_before_a_restart_is_asked_for_with_a_deadline(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = answering(monkeypatch, **{"pods__polaris-0__log": "out of memory"})
    assert cluster.log("floe-us1", "polaris-0", "polaris", previous=True, within=3) == "out of memory"
    [(_, _, options)] = wire.asked
    assert dict(options["query_params"]) == {"container": "polaris", "previous": True, "tailLines": 400}
    assert options["_request_timeout"] == 3


def test_volume_claims_are_told_in_words(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"volumeName": "pvc-1"},
        "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}},
    }
    pending = {"metadata": {"name": "more"}, "spec": {}, "status": {"phase": "Pending"}}
    items = {"kind": "PersistentVolumeClaimList", "items": [claim, pending]}
    answering(monkeypatch, persistentvolumeclaims=items)
    assert cluster.volume_claims("floe-us1") == {
        "data": "Bound, volume pvc-1, 1Gi",
        "more": "Pending, volume none, no capacity",
    }
