"""A platform at the boundary of the drivers, ill in ways that evidence must show."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from kubernetes import client  # type: ignore[import-untyped]

from drivers.dagster import Recorded
from drivers.errors import ServiceError
from drivers.inspection import PodState, pod_state
from drivers.kubernetes import Readiness, Workload

NAMESPACE = "floe-us1"
NOW = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
LITERAL = "literal-value-in-a-pod-specification"

CRASHED: dict[str, Any] = {
    "metadata": {
        "name": "polaris-0",
        "creationTimestamp": "2026-01-02T11:59:00Z",
        "ownerReferences": [{"kind": "ReplicaSet", "name": "polaris", "apiVersion": "apps/v1", "uid": "u"}],
    },
    "spec": {
        "nodeName": "node-1",
        "containers": [{"name": "polaris", "image": "polaris:1", "env": [{"name": "KEY", "value": LITERAL}]}],
    },
    "status": {
        "phase": "Running",
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {
                "type": "Ready",
                "status": "False",
                "reason": "ContainersNotReady",
                "message": "not ready: polaris",
            },
        ],
        "initContainerStatuses": [
            {
                "name": "wait",
                "image": "busybox:1",
                "imageID": "",
                "ready": True,
                "restartCount": 0,
                "state": {
                    "terminated": {
                        "exitCode": 0,
                        "reason": "Completed",
                        "startedAt": "2026-01-02T11:59:01Z",
                        "finishedAt": "2026-01-02T11:59:03Z",
                    }
                },
            }
        ],
        "containerStatuses": [
            {
                "name": "polaris",
                "image": "polaris:1",
                "imageID": "",
                "ready": False,
                "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                "lastState": {
                    "terminated": {
                        "exitCode": 137,
                        "signal": 9,
                        "reason": "OOMKilled",
                        "startedAt": "2026-01-02T11:59:10Z",
                        "finishedAt": "2026-01-02T11:59:40Z",
                    }
                },
            }
        ],
    },
}

READY: dict[str, Any] = {
    "metadata": {"name": "minio-0", "creationTimestamp": "2026-01-02T11:59:00Z"},
    "spec": {"nodeName": "node-1", "containers": [{"name": "minio", "image": "minio:1"}]},
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {
                "name": "minio",
                "image": "minio:1",
                "imageID": "",
                "ready": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": "2026-01-02T11:59:05Z"}},
            }
        ],
    },
}

PENDING: dict[str, Any] = {
    "metadata": {"name": "dagster-0", "creationTimestamp": "2026-01-02T11:59:00Z"},
    "spec": {"containers": [{"name": "web", "image": "dagster:1"}]},
    "status": {
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
}


def state(body: dict[str, Any]) -> PodState:
    answer = SimpleNamespace(data=json.dumps(body))
    return pod_state(client.ApiClient().deserialize(answer, "V1Pod"), NOW)


class FakeCluster:
    """Kubernetes.

    Attributes:
        logs: by pod, container and whether it is the previous instance.
        slow: seconds that each log takes.
        broken: what the list of pods raises.
    """

    def __init__(self) -> None:
        self.logs: dict[tuple[str, str, bool], str] = {
            ("polaris-0", "polaris", False): "starting",
            ("polaris-0", "polaris", True): "out of memory\npassword=hunter2",
            ("minio-0", "minio", False): "API ready",
        }
        self.slow = 0.0
        self._nobody = threading.Event()
        self.broken: Exception | None = None
        self.asked: list[tuple[str, str, bool]] = []
        self.since: set[datetime] = set()

    def pod_states(self, namespace: str) -> list[PodState]:
        assert namespace == NAMESPACE
        if self.broken:
            raise self.broken
        return [state(one) for one in (READY, CRASHED, PENDING)]

    def workloads(self, _namespace: str) -> Mapping[str, Workload]:
        return {"polaris": Workload("Deployment", ("polaris:1",), 1, 0)}

    def volume_claims(self, _namespace: str) -> dict[str, str]:
        return {"data-minio-0": "Bound, volume pvc-1, 1Gi"}

    def events(self, _namespace: str, *, since: datetime) -> list[str]:
        self.since.add(since)
        return ["11:59:40 Warning Pod/polaris-0 BackOff: restarting (4 times)"]

    def log(
        self, _namespace: str, pod: str, container: str, *, since: datetime, previous: bool, within: float
    ) -> str:
        assert within > 0
        self.asked.append((pod, container, previous))
        self.since.add(since)
        self._nobody.wait(self.slow)
        return self.logs.get((pod, container, previous), "")


class FakeOrchestrator:
    """Dagster with a run that failed a moment ago and one that ended long before."""

    def __init__(self, since: datetime = NOW) -> None:
        self._since = since.timestamp()
        self.silent = False

    @contextmanager
    def hurried(self, _seconds: float) -> Iterator[None]:
        yield

    def recent_runs(self) -> list[Recorded]:
        if self.silent:
            raise ServiceError("list its latest runs", of="Dagster", answer="HTTP 502")
        began = self._since
        return [
            Recorded("3f2a", "customer_360", "FAILURE", began + 1, began + 2, began + 30),
            Recorded("1b1b", "customer_360", "SUCCESS", began - 90, began - 80, began - 60),
        ]

    def events(self, run_id: str) -> list[dict[str, Any]]:
        assert run_id == "3f2a"
        common = {"level": "INFO", "timestamp": str((self._since + 5) * 1000)}
        return [
            {**common, "eventType": "STEP_START", "stepKey": "mart", "message": "Started mart."},
            {
                **common,
                "eventType": "STEP_FAILURE",
                "stepKey": "mart",
                "message": "mart failed.",
                "error": {"message": "DbtError: exit 1", "causes": [{"message": "IOError: no\nsuch bucket"}]},
            },
        ]


class FakePlatform:
    """What diagnostics ask of a platform."""

    def __init__(self, since: datetime = NOW) -> None:
        self.namespace = NAMESPACE
        self.standing = True
        self.cluster = FakeCluster()
        self.place = SimpleNamespace(cluster=self.cluster)
        self.orchestrator = FakeOrchestrator(since)
        self.readiness = Readiness(120.0, {}, {})
