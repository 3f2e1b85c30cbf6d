"""The Kubernetes API, as an operator looks at it; the official client with deadlines.

Secrets are read by one question only (`credentials`), and nothing that is attached to a
report asks it.
"""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from kubernetes import client, config, watch  # type: ignore[import-untyped]
from pydantic import SecretStr
from urllib3.exceptions import HTTPError

from drivers import wait
from drivers.errors import ServiceError, brief
from foundation import progress
from foundation.errors import PlatformError
from foundation.process import run

Answer = TypeVar("Answer")

CALL_SECONDS = 20.0
"""Until one call to the API server must have been answered."""

NEVER_STARTS = frozenset({"ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName"})
"""Reasons of a waiting container that no waiting mends."""

RUN_LABEL = "dagster/run-id"
"""On the job and the pod of a pipeline run: these are the platform's work, not part of the platform."""

_JOB_DIGEST = re.compile(r"-[0-9a-f]{8}$")

QUIET_SECONDS = 15.0
"""Once a pod is known to be stuck: how long no other became Ready until those left are given up."""

HAND_MADE = "app.kubernetes.io/managed-by=floe-acceptance"


@dataclass(frozen=True)
class Pod:
    """A pod as it was last seen.

    Attributes:
        ready: it is Ready or, when it belongs to a job, has ended well.
        reason: why it is not ready, in Kubernetes' words; empty when it is.
        hopeless: it can never start.
    """

    name: str
    job: str | None
    ready: bool
    reason: str
    hopeless: bool


@dataclass(frozen=True)
class Workload:
    """What a release runs: its kind, the images of its containers, how many replicas serve."""

    kind: str
    images: tuple[str, ...]
    wanted: int
    ready: int
    failed: str = ""


@dataclass(frozen=True)
class Readiness:
    """How the pods of a namespace became Ready after an install.

    Attributes:
        limit: the seconds they had.
        seconds: for each pod that is Ready, how long after the install it was first seen so.
        blocked: for each pod that was not Ready when the check ended, or each job that failed, why.
    """

    limit: float
    seconds: Mapping[str, float]
    blocked: Mapping[str, str]

    @property
    def slowest(self) -> float:
        """Seconds from the install to the last Ready."""
        return max(self.seconds.values(), default=0.0)

    @property
    def late(self) -> dict[str, str]:
        """Every pod that did not make it within the limit, and why."""
        slow = {
            pod: f"Ready only after {seconds:.0f} s, allowed {self.limit:.0f} s"
            for pod, seconds in self.seconds.items()
            if seconds > self.limit
        }
        return {**slow, **self.blocked}


@dataclass(frozen=True)
class Volume:
    """A persistent volume of a namespace and the folder on the node that holds it, if it says."""

    name: str
    folder: str | None


@dataclass
class _Watched:
    """What a readiness check has seen so far."""

    pods: dict[str, Pod] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether looking on would show nothing new: each is ready or never will be."""
        pods = self.pods.values()
        return bool(pods) and all(pod.ready or pod.hopeless for pod in pods)

    @property
    def latest(self) -> float:
        """When the last pod so far became Ready, in seconds after the install."""
        return max(self.seconds.values(), default=0.0)

    def begin(self, pods: list[Pod], after: float) -> None:
        """Take a list of the pods as all there is."""
        for gone in set(self.pods) - {pod.name for pod in pods}:
            self.note(self.pods[gone], after, gone=True)
        for pod in pods:
            self.note(pod, after)

    def note(self, pod: Pod, after: float, *, gone: bool = False) -> None:
        """Take one pod as it is now, so many seconds after the install."""
        if gone:
            self.pods.pop(pod.name, None)
            self.seconds.pop(pod.name, None)
            return
        self.pods[pod.name] = pod
        if pod.ready:
            self.seconds.setdefault(pod.name, round(after, 1))
        else:
            self.seconds.pop(pod.name, None)


class Cluster:
    """One cluster, reached through the kubeconfig of this checkout and no other."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        api = config.new_client_from_config(config_file=str(kubeconfig))
        self._core = client.CoreV1Api(api)
        self._apps = client.AppsV1Api(api)
        self._batch = client.BatchV1Api(api)
        self._rbac = client.RbacAuthorizationV1Api(api)

    # --- namespaces -----------------------------------------------------------------------

    def create_namespace(self, name: str) -> None:
        """Create an empty namespace."""
        body = {"metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "floe-acceptance"}}}
        _ask(
            f"create namespace {name}",
            lambda: self._core.create_namespace(body, _request_timeout=CALL_SECONDS),
        )

    def has_namespace(self, name: str) -> bool:
        """Whether a namespace is there, ending ones included."""
        return name in self.namespaces()

    def namespaces(self) -> frozenset[str]:
        """The names of all namespaces."""
        found = _ask("list namespaces", lambda: self._core.list_namespace(_request_timeout=CALL_SECONDS))
        return frozenset(item.metadata.name for item in found.items)

    def delete_namespace(self, name: str, *, within: float) -> None:
        """Delete a namespace with all that is in it and wait until it and its volumes are gone."""
        if self.has_namespace(name):
            _ask(
                f"delete namespace {name}",
                lambda: self._core.delete_namespace(name, _request_timeout=CALL_SECONDS),
                absent_is_fine=True,
            )
            _ask(
                f"end the pods of {name}",
                lambda: self._core.delete_collection_namespaced_pod(
                    name, grace_period_seconds=1, _request_timeout=CALL_SECONDS
                ),
                absent_is_fine=True,
            )
        wait.until(
            lambda: self.traces_of(name),
            lambda traces: not traces,
            what=f"namespace {name}",
            within=within,
            last=lambda traces: f"still has {traces}",
        )

    def traces_of(self, namespace: str) -> dict[str, list[str]]:
        """What of a namespace the cluster still knows: itself, its volumes, its cluster-wide roles."""
        found = {
            "namespace": [namespace] if self.has_namespace(namespace) else [],
            "volumes": [volume.name for volume in self.volumes(namespace)],
            "cluster roles": self._cluster_wide(namespace),
        }
        return {kind: names for kind, names in found.items() if names}

    def volumes(self, namespace: str) -> list[Volume]:
        """The persistent volumes that belong to claims of a namespace."""
        found = _ask("list volumes", lambda: self._core.list_persistent_volume(_request_timeout=CALL_SECONDS))
        return [
            Volume(item.metadata.name, _folder(item.spec))
            for item in found.items
            if item.spec.claim_ref and item.spec.claim_ref.namespace == namespace
        ]

    def held_node_ports(self) -> dict[int, str]:
        """Each node port that is taken, and by which namespace/service."""
        found = _ask(
            "list services", lambda: self._core.list_service_for_all_namespaces(_request_timeout=CALL_SECONDS)
        )
        return {
            port.node_port: f"{item.metadata.namespace}/{item.metadata.name}"
            for item in found.items
            for port in item.spec.ports or ()
            if port.node_port
        }

    def _cluster_wide(self, namespace: str) -> list[str]:
        """Cluster roles and bindings that a release of this namespace brought."""
        kinds = (self._rbac.list_cluster_role, self._rbac.list_cluster_role_binding)
        found = [
            item
            for listing in kinds
            for item in _ask("list cluster roles", partial(listing, _request_timeout=CALL_SECONDS)).items
        ]
        mark = "meta.helm.sh/release-namespace"
        return [
            item.metadata.name for item in found if (item.metadata.annotations or {}).get(mark) == namespace
        ]

    # --- workloads and pods ---------------------------------------------------------------

    def workloads(self, namespace: str) -> dict[str, Workload]:
        """Everything that is meant to run in a namespace, jobs included, by name."""
        wide = {"namespace": namespace, "_request_timeout": CALL_SECONDS}
        deployments = _ask("list deployments", lambda: self._apps.list_namespaced_deployment(**wide))
        stateful = _ask("list stateful sets", lambda: self._apps.list_namespaced_stateful_set(**wide))
        daemons = _ask("list daemon sets", lambda: self._apps.list_namespaced_daemon_set(**wide))
        jobs = _ask("list jobs", lambda: self._batch.list_namespaced_job(**wide))
        served = {
            item.metadata.name: Workload(
                kind, _images(item), int(item.spec.replicas), int(item.status.ready_replicas or 0)
            )
            for kind, listing in (("Deployment", deployments), ("StatefulSet", stateful))
            for item in listing.items
        }
        everywhere = {
            item.metadata.name: Workload(
                "DaemonSet",
                _images(item),
                int(item.status.desired_number_scheduled or 0),
                int(item.status.number_ready or 0),
            )
            for item in daemons.items
        }
        ended = {
            _stem(item.metadata.name): Workload(
                "Job",
                _images(item),
                int(item.spec.completions or 1),
                int(item.status.succeeded or 0),
                _failed(item.status),
            )
            for item in jobs.items
            if RUN_LABEL not in (item.metadata.labels or {})
        }
        return {**served, **everywhere, **ended}

    def pods(self, namespace: str) -> dict[str, Pod]:
        """The pods of a namespace by name."""
        return {item.metadata.name: _pod(item) for item in self._pods(namespace)}

    def until_ready(self, namespace: str, *, limit: float, since: float | None = None) -> Readiness:
        """Watch a namespace until all of it is Ready, or never will be, or the limit is over.

        When a pod can never start the others are still given the time to, as long as they do:
        what does not need that pod can then be judged by itself.

        Args:
            namespace: where to look.
            limit: seconds it may take.
            since: time.monotonic() of the install; now unless given.
        """
        began = time.monotonic() if since is None else since
        seen = _Watched()
        with progress.waiting(f"the pods of {namespace}", within=limit) as watched:
            while True:
                position = self._list_once(namespace, seen, began)
                workloads = self.workloads(namespace)
                blocked = _blocked(workloads, seen.pods)
                watched.saw(", ".join(f"{name} {reason}" for name, reason in blocked.items()))
                stuck = {pod.name for pod in seen.pods.values() if pod.hopeless}
                stuck |= {name for name, work in workloads.items() if work.failed}
                after = time.monotonic() - began
                quiet = bool(stuck) and after - seen.latest >= QUIET_SECONDS
                if blocked.keys() <= stuck or quiet or after >= limit:
                    return Readiness(limit, seen.seconds, blocked)
                left = limit - after
                self._watch_once(namespace, seen, began, position, left)

    def _list_once(self, namespace: str, seen: _Watched, began: float) -> str:
        """Take note of all pods but those of runs; gives the position in history to watch on from."""
        call = partial(
            self._core.list_namespaced_pod,
            namespace,
            label_selector=f"!{RUN_LABEL}",
            _request_timeout=CALL_SECONDS,
        )
        listed = _ask("list pods", call)
        seen.begin([_pod(item) for item in listed.items], time.monotonic() - began)
        return str(listed.metadata.resource_version)

    def _watch_once(self, namespace: str, seen: _Watched, began: float, position: str, left: float) -> None:
        """Follow the pods for a moment, or until each is ready or never will be.

        The watch begins where the list ended: begun from nowhere it would have to wait for the
        API server's cache, which an etcd without progress requests leaves behind.
        """
        # When all pods are ready it is a workload's own count that lags, and no pod will tell.
        most = 1 if seen.settled else 3
        watcher = watch.Watch()
        events = watcher.stream(
            self._core.list_namespaced_pod,
            namespace,
            label_selector=f"!{RUN_LABEL}",
            resource_version=position,
            timeout_seconds=max(1, min(most, int(left) + 1)),
            _request_timeout=CALL_SECONDS,
        )
        for event in _through(events, "watch pods"):
            seen.note(_pod(event["object"]), time.monotonic() - began, gone=event["type"] == "DELETED")
            if seen.settled:
                watcher.stop()

    def delete_pods(self, namespace: str, selector: str) -> list[str]:
        """Delete the pods with these labels, at once, and return their names."""
        names = [item.metadata.name for item in self._pods(namespace, selector)]
        for name in names:
            self.delete_pod(namespace, name)
        return names

    def delete_pod(self, namespace: str, name: str) -> None:
        """Delete one pod at once, if it is there."""
        call = partial(
            self._core.delete_namespaced_pod,
            name,
            namespace,
            grace_period_seconds=0,
            _request_timeout=CALL_SECONDS,
        )
        _ask(f"delete pod {name}", call, absent_is_fine=True)

    def delete_jobs(self, namespace: str, selector: str) -> None:
        """Delete the jobs with these labels and their pods."""
        _ask(
            f"delete the jobs of {namespace} labelled {selector}",
            lambda: self._batch.delete_collection_namespaced_job(
                namespace,
                label_selector=selector,
                propagation_policy="Background",
                _request_timeout=CALL_SECONDS,
            ),
        )

    def create_pod(self, namespace: str, spec: Mapping[str, object], *, name: str) -> None:
        """Create one pod of the suite's own."""
        label, value = HAND_MADE.split("=")
        body = {"metadata": {"name": name, "labels": {label: value}}, "spec": spec}
        _ask(
            f"create pod {name}",
            lambda: self._core.create_namespaced_pod(namespace, body, _request_timeout=CALL_SECONDS),
        )

    def listing_on_node(self, folders: list[str], *, image: str, within: float = 60) -> frozenset[str]:
        """Which of these folders of the node exist, seen by a pod that mounts their parents."""
        parents = sorted({folder.rsplit("/", 1)[0] for folder in folders})
        mounts = [
            {"name": f"at{at}", "mountPath": f"/look/{at}", "readOnly": True} for at in range(len(parents))
        ]
        volumes = [
            {"name": f"at{at}", "hostPath": {"path": parent, "type": "DirectoryOrCreate"}}
            for at, parent in enumerate(parents)
        ]
        spec = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "look",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["find", "/look", "-mindepth", "2", "-maxdepth", "2", "-printf", "%P\\n"],
                    "volumeMounts": mounts,
                }
            ],
            "volumes": volumes,
        }
        namespace, name = "default", f"floe-look-{secrets.token_hex(4)}"
        self.create_pod(namespace, spec, name=name)
        try:
            wait.until(
                lambda: self.pods(namespace)[name],
                lambda pod: pod.ready,
                what="the pod that looks at the node's folders",
                within=within,
                last=lambda pod: pod.reason,
            )
            lines = self.log(namespace, name).split()
        finally:
            self.delete_pod(namespace, name)
        there = {f"{parents[int(line.split('/', 1)[0])]}/{line.split('/', 1)[1]}" for line in lines}
        return frozenset(there.intersection(folders))

    # --- evidence and credentials ---------------------------------------------------------

    def log(
        self, namespace: str, pod: str, container: str | None = None, *, since: datetime | None = None
    ) -> str:
        """What a container wrote, from a moment on, at most 400 lines."""
        more: dict[str, object] = {"container": container} if container else {}
        if since:
            more["since_seconds"] = max(1, int((datetime.now(UTC) - since).total_seconds()) + 1)
        return str(
            _ask(
                f"give the log of {pod}",
                lambda: self._core.read_namespaced_pod_log(
                    pod, namespace, tail_lines=400, _request_timeout=CALL_SECONDS, **more
                ),
            )
        )

    def containers(self, namespace: str) -> list[tuple[str, str]]:
        """Every container of a namespace, as pod and container."""
        return [
            (item.metadata.name, container.name)
            for item in self._pods(namespace)
            for container in [*(item.spec.init_containers or ()), *item.spec.containers]
        ]

    def read_file(self, kubectl: Path, namespace: str, workload: str, path: str) -> str:
        """The text of a file in the first pod of a workload, given as kind/name."""
        where: list[str | Path] = [kubectl, "--kubeconfig", self._kubeconfig, "--namespace", namespace]
        try:
            return run([*where, "exec", workload, "--", "cat", path], timeout=60)
        except PlatformError as refused:
            answer = brief(str(refused).splitlines()[-1])
            raise ServiceError(f"give {path} of {workload}", of="Kubernetes", answer=answer) from refused

    def events(self, namespace: str, *, since: datetime | None = None) -> list[str]:
        """What Kubernetes noted in a namespace, oldest first, one line an event."""
        found = _ask(
            "list events", lambda: self._core.list_namespaced_event(namespace, _request_timeout=CALL_SECONDS)
        )
        timed = [(_when(item), item) for item in found.items]
        return [
            f"{moment:%H:%M:%S} {item.type} {item.involved_object.kind}/{item.involved_object.name} "
            f"{item.reason}: {brief(item.message)}"
            for moment, item in sorted(timed, key=lambda pair: pair[0])
            if since is None or moment >= since
        ]

    def credentials(self, namespace: str, secret: str) -> dict[str, SecretStr]:
        """The values of one Secret, masked from every print."""
        found = _ask(
            f"give secret {secret}",
            lambda: self._core.read_namespaced_secret(secret, namespace, _request_timeout=CALL_SECONDS),
        )
        return {key: SecretStr(base64.b64decode(value).decode()) for key, value in (found.data or {}).items()}

    def version(self) -> str:
        """The version of the API server."""
        api = client.VersionApi(self._core.api_client)
        return str(_ask("tell its version", lambda: api.get_code(_request_timeout=CALL_SECONDS)).git_version)

    def _pods(self, namespace: str, selector: str = "") -> list[Any]:
        found = _ask(
            "list pods",
            lambda: self._core.list_namespaced_pod(
                namespace, label_selector=selector, _request_timeout=CALL_SECONDS
            ),
        )
        return list(found.items)


def _ask(asked: str, call: Callable[[], Any], *, absent_is_fine: bool = False) -> Any:
    """Make one call; whatever goes wrong becomes the drivers' error."""
    try:
        return call()
    except client.ApiException as refused:
        if absent_is_fine and refused.status == 404:
            return None
        answer = f"{refused.status} {refused.reason}: {brief(refused.body or '')}"
        raise ServiceError(asked, of="Kubernetes", answer=answer) from refused
    except (HTTPError, OSError) as broken:
        raise ServiceError(asked, of="Kubernetes", answer=brief(broken)) from broken


def _through(events: Iterator[Any], asked: str) -> Iterator[Any]:
    """Events until the server ends the watch; a stream that breaks off is begun anew by the caller."""
    try:
        yield from events
    except client.ApiException as refused:
        raise ServiceError(asked, of="Kubernetes", answer=f"{refused.status} {refused.reason}") from refused
    except (HTTPError, OSError):
        return


def _pod(item: Any) -> Pod:
    job = next((owner.name for owner in item.metadata.owner_references or () if owner.kind == "Job"), None)
    phase = item.status.phase
    is_ready = any(one.type == "Ready" and one.status == "True" for one in item.status.conditions or ())
    if phase == "Succeeded" or (is_ready and not item.metadata.deletion_timestamp):
        return Pod(item.metadata.name, job, ready=True, reason="", hopeless=False)
    reason, hopeless = _why(item)
    return Pod(item.metadata.name, job, ready=False, reason=reason, hopeless=hopeless)


def _why(item: Any) -> tuple[str, bool]:
    """Why a pod is not ready, and whether it never will be."""
    statuses = [*(item.status.init_container_statuses or ()), *(item.status.container_statuses or ())]
    for status in statuses:
        waiting = status.state.waiting
        if waiting and waiting.reason not in (None, "PodInitializing", "ContainerCreating"):
            words = f"{waiting.reason}: {brief(waiting.message or '')}" + _restarts(status)
            return words, waiting.reason in NEVER_STARTS
    for status in statuses:
        ended = status.state.terminated
        if ended and ended.exit_code != 0:
            return (
                f"{ended.reason}: {status.name} ended with code {ended.exit_code}{_restarts(status)}",
                False,
            )
    for condition in item.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"{condition.reason}: {brief(condition.message or '')}", False
    if item.metadata.deletion_timestamp:
        return "being deleted", False
    waiting_for = [status.name for status in statuses if not status.ready]
    return f"{item.status.phase}, not Ready ({', '.join(waiting_for) or 'not begun'})", False


def _restarts(status: Any) -> str:
    return f" ({status.restart_count} restarts)" if status.restart_count else ""


def _blocked(workloads: Mapping[str, Workload], pods: Mapping[str, Pod]) -> dict[str, str]:
    """What is not there yet, and why; attempts of a job that succeeded at last do not count."""
    finished = {name for name, work in workloads.items() if work.kind == "Job" and work.ready >= work.wanted}
    waiting = {
        pod.name: pod.reason for pod in pods.values() if not pod.ready and _stem(pod.job) not in finished
    }
    failed = {name: work.failed for name, work in workloads.items() if work.failed}
    missing = {
        name: f"{work.ready} of {work.wanted} replicas ready"
        for name, work in workloads.items()
        if work.ready < work.wanted and not any(pod.startswith(name) for pod in waiting)
    }
    return {**missing, **waiting, **failed}


def _stem(job: str | None) -> str:
    """A job's name without the digest that a changed job gets a new name by."""
    return _JOB_DIGEST.sub("", job or "")


def _failed(status: Any) -> str:
    failures = (one for one in status.conditions or () if one.type == "Failed" and one.status == "True")
    return next((f"{one.reason}: {one.message}" for one in failures), "")


def _images(item: Any) -> tuple[str, ...]:
    return tuple(container.image for container in item.spec.template.spec.containers)


def _folder(spec: Any) -> str | None:
    source = spec.host_path or spec.local
    return str(source.path) if source else None


def _when(event: Any) -> datetime:
    moment = event.last_timestamp or event.event_time or event.metadata.creation_timestamp
    return moment if isinstance(moment, datetime) else datetime.now(UTC)
