"""The Kubernetes API, as an operator looks at it; the official client with deadlines.

Secrets are read by one question only (`credentials`). While evidence of a failure is taken no
request for one leaves this client, whoever asks (`foundation.secrecy.locked`).
"""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from kubernetes import client, config, watch  # type: ignore[import-untyped]
from pydantic import SecretStr
from urllib3.exceptions import HTTPError

from drivers import traffic, wait
from drivers.errors import ServiceError, brief
from drivers.inspection import PodState, pod_state
from foundation import progress, secrecy
from foundation.errors import DeadlineError, PlatformError
from foundation.process import run

Answer = TypeVar("Answer")

CALL_SECONDS = 20.0
"""Until one call to the API server must have been answered."""

LOG_LINES = 400
"""Lines of a container's log that are given unless more are asked for, its last ones."""

NEVER_STARTS = frozenset({"ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName"})
"""Reasons of a waiting container that no waiting mends."""

RUN_LABEL = "dagster/run-id"
"""On the job and the pod of a pipeline run: these are the platform's work, not part of the platform."""

NOT_OF_RUNS = f"!{RUN_LABEL}"
"""Selects what is part of the platform."""

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
class PodTimes:
    """When a pod came to what, in epoch seconds; Kubernetes notes whole ones.

    Attributes:
        scheduled: a node was found; None before that.
        started: its first container began; None before that.
    """

    created: float
    scheduled: float | None
    started: float | None


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
    """A persistent volume of a namespace, its claim, and the folder on the node that holds it, if it says."""

    name: str
    claim: str
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


class NotedClient(client.ApiClient):  # type: ignore[misc]
    """The official client; each of its calls is noted, and no Secret is read when none may be."""

    def _ApiClient__deserialize_model(self, data: Any, klass: Any) -> Any:  # noqa: N802 - the client's own name
        """Make a part of an answer an object, with this client's settings.

        The client gives none, so that each object of each answer makes its own: of a list of 29 pods that was
        more than half of 90 ms.
        """
        kinds, keys = klass.openapi_types, klass.attribute_map
        if not kinds:
            return data
        given = data if isinstance(data, dict) else {}
        known = {
            name: self._ApiClient__deserialize(given[keys[name]], kind)
            for name, kind in kinds.items()
            if keys[name] in given
        }
        return klass(**known, local_vars_configuration=self.configuration)

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """Make one call; see ApiClient."""
        path = urlsplit(url).path
        if "secrets" in path.split("/"):
            secrecy.must_be_open(f"{method} {path}")
        began, size = time.perf_counter(), None
        status: object = "no answer"
        try:
            answer = super().request(method, url, *args, **options)
            status = answer.status
            if options.get("_preload_content", True):  # the size of a stream is known to nobody yet
                size = len(answer.data or "")
        except client.ApiException as refused:
            status = refused.status
            raise
        finally:
            traffic.called("Kubernetes", f"{method} {path}", status, time.perf_counter() - began, size)
        return answer


class Cluster:
    """One cluster, reached through the kubeconfig of this checkout and no other."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        settings = client.Configuration()
        config.load_kube_config(config_file=str(kubeconfig), client_configuration=settings)
        api = NotedClient(settings)
        self._core = client.CoreV1Api(api)
        self._apps = client.AppsV1Api(api)
        self._batch = client.BatchV1Api(api)
        self._rbac = client.RbacAuthorizationV1Api(api)
        self._storage = client.StorageV1Api(api)
        self._scheduling = client.SchedulingV1Api(api)
        self._extensions = client.ApiextensionsV1Api(api)
        self._admission = client.AdmissionregistrationV1Api(api)

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
        """What of a namespace the cluster still knows: itself, its volumes, what of it is of no namespace."""
        found = {
            "namespace": [namespace] if self.has_namespace(namespace) else [],
            "volumes": [volume.name for volume in self.volumes(namespace)],
            "of no namespace": self._cluster_wide(namespace),
        }
        return {kind: names for kind, names in found.items() if names}

    def volumes(self, namespace: str) -> list[Volume]:
        """The persistent volumes that belong to claims of a namespace."""
        found = _ask("list volumes", lambda: self._core.list_persistent_volume(_request_timeout=CALL_SECONDS))
        return [
            Volume(item.metadata.name, item.spec.claim_ref.name, _folder(item.spec))
            for item in found.items
            if item.spec.claim_ref and item.spec.claim_ref.namespace == namespace
        ]

    def owners_of_volumes(self) -> frozenset[str]:
        """The namespaces that persistent volumes belong to, gone ones included."""
        found = _ask("list volumes", lambda: self._core.list_persistent_volume(_request_timeout=CALL_SECONDS))
        return frozenset(item.spec.claim_ref.namespace for item in found.items if item.spec.claim_ref)

    def let_go(self, volume: str) -> None:
        """Have a volume deleted, with what it holds, as soon as nothing claims it."""
        body = {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}
        _ask(
            f"let go of volume {volume}",
            lambda: self._core.patch_persistent_volume(volume, body, _request_timeout=CALL_SECONDS),
        )

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
        """What a release of this namespace brought that is of no namespace."""
        kinds = (
            self._rbac.list_cluster_role,
            self._rbac.list_cluster_role_binding,
            self._storage.list_storage_class,
            self._scheduling.list_priority_class,
            self._extensions.list_custom_resource_definition,
            self._admission.list_validating_webhook_configuration,
            self._admission.list_mutating_webhook_configuration,
        )
        found = [
            item
            for listing in kinds
            for item in _ask(
                "list what is cluster-wide", partial(listing, _request_timeout=CALL_SECONDS)
            ).items
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
        own = {**wide, "label_selector": NOT_OF_RUNS}
        jobs = _ask("list jobs", lambda: self._batch.list_namespaced_job(**own))
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
        }
        return {**served, **everywhere, **ended}

    def pods(self, namespace: str, selector: str = "") -> dict[str, Pod]:
        """The pods of a namespace by name, or those of them with these labels."""
        return {item.metadata.name: _pod(item) for item in self._pods(namespace, selector)}

    def processes(self, namespace: str, selector: str) -> frozenset[str]:
        """The containers of the pods with these labels: the pod's uid, name, start and number of restarts."""
        return frozenset(
            f"{pod.metadata.uid} {one.name} {_started(one)} {one.restart_count}"
            for pod in self._pods(namespace, selector)
            for one in pod.status.container_statuses or ()
        )

    def restarted(self, namespace: str) -> dict[str, int]:
        """The containers of all pods but those of runs that were started again: `pod/name`, how often."""
        return {
            f"{pod.metadata.name}/{one.name}": one.restart_count
            for pod in self._pods(namespace, NOT_OF_RUNS)
            for one in pod.status.container_statuses or ()
            if one.restart_count
        }

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
                if seen.settled and not stuck:
                    self._counted(namespace, seen.pods, min(1.0, limit - after))
                else:
                    self._watch_once(namespace, seen, began, position, limit - after)

    def _list_once(self, namespace: str, seen: _Watched, began: float) -> str:
        """Take note of all pods but those of runs; gives the position in history to watch on from."""
        call = partial(
            self._core.list_namespaced_pod,
            namespace,
            label_selector=NOT_OF_RUNS,
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
        # Where only pods lack that never will be Ready no event comes: the caller counts quiet seconds.
        most = 1 if seen.settled else 3
        watcher = watch.Watch()
        events = watcher.stream(
            self._core.list_namespaced_pod,
            namespace,
            label_selector=NOT_OF_RUNS,
            resource_version=position,
            timeout_seconds=max(1, min(most, int(left) + 1)),
            _request_timeout=CALL_SECONDS,
        )
        with traffic.asking("Kubernetes", "watch pods"):
            for event in _through(events, "watch pods"):
                seen.note(_pod(event["object"]), time.monotonic() - began, gone=event["type"] == "DELETED")
                if seen.settled:
                    watcher.stop()

    def _counted(self, namespace: str, pods: Mapping[str, Pod], within: float) -> None:
        """Give the workloads a moment to count their pods, of which each is Ready: no pod will tell of it."""
        with suppress(DeadlineError):
            wait.until(
                lambda: _blocked(self.workloads(namespace), pods),
                lambda blocked: not blocked,
                what=f"the workloads of {namespace}",
                within=within,
                every=0.1,
            )

    def scale(self, namespace: str, workload: str, replicas: int) -> None:
        """Set how many replicas of a Deployment or StatefulSet there are to be."""
        scalings = {
            "Deployment": self._apps.patch_namespaced_deployment_scale,
            "StatefulSet": self._apps.patch_namespaced_stateful_set_scale,
        }
        found = self.workloads(namespace).get(workload)
        if found is None or found.kind not in scalings:
            answer = f"only {', '.join(sorted(self.workloads(namespace)))}"
            raise ServiceError(f"scale {workload} to {replicas}", of="Kubernetes", answer=answer)
        _ask(
            f"scale {workload} to {replicas}",
            lambda: scalings[found.kind](
                workload, namespace, {"spec": {"replicas": replicas}}, _request_timeout=CALL_SECONDS
            ),
        )

    def delete_pods(self, namespace: str, selector: str) -> list[str]:
        """Delete the pods with these labels, at once, and return their names."""
        names = [item.metadata.name for item in self._pods(namespace, selector)]
        for name in names:
            self.delete_pod(namespace, name)
        return names

    def replace_pods(self, namespace: str, selector: str, *, within: float) -> list[str]:
        """Delete the pods with these labels and wait until as many others are Ready in their place.

        A workload's own count of what is ready still tells of the deleted pods for a moment, so
        it is the pods that are looked at.

        Args:
            namespace: where they are.
            selector: their labels.
            within: seconds the others may take.

        Returns:
            The names of the deleted pods.

        Raises:
            DeadlineError: nothing took their place in time; with what was last seen of each pod.
        """
        deleted = self.delete_pods(namespace, selector)
        wait.until(
            lambda: self.pods(namespace, selector),
            lambda seen: replaced(deleted, seen),
            what=f"the pods in place of {', '.join(deleted) or 'none'}",
            within=within,
            last=lambda seen: f"were {_states(seen)}",
        )
        return deleted

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
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        since: datetime | None = None,
        previous: bool = False,
        lines: int = LOG_LINES,
        within: float = CALL_SECONDS,
    ) -> str:
        """What a container wrote, from a moment on.

        Args:
            namespace: of the pod.
            pod: its name.
            container: of the pod; may be left out where there is but one.
            since: the moment; its beginning unless given.
            previous: of the instance before the last restart.
            lines: that are given at most, the last ones.
            within: seconds the answer may take.
        """
        more: dict[str, object] = {"container": container} if container else {}
        if previous:
            more["previous"] = True
        if since:
            more["since_seconds"] = max(1, int((datetime.now(UTC) - since).total_seconds()) + 1)
        return str(
            _ask(
                f"give the log of {pod}",
                lambda: self._core.read_namespaced_pod_log(
                    pod, namespace, tail_lines=lines, _request_timeout=within, **more
                ),
            )
        )

    def pod_states(self, namespace: str) -> list[PodState]:
        """Every pod of a namespace in full, runs included."""
        return [pod_state(item) for item in self._pods(namespace)]

    def run_times(self, namespace: str, run_id: str) -> PodTimes | None:
        """When the pod of a pipeline run came to what; None once it was cleared away."""
        found = sorted(
            self._pods(namespace, f"{RUN_LABEL}={run_id}"), key=lambda item: item.metadata.creation_timestamp
        )
        return _pod_times(found[0]) if found else None

    def volume_claims(self, namespace: str) -> dict[str, str]:
        """Each volume claim of a namespace with its state in words."""
        found = _ask(
            "list volume claims",
            lambda: self._core.list_namespaced_persistent_volume_claim(
                namespace, _request_timeout=CALL_SECONDS
            ),
        )
        return {
            item.metadata.name: f"{item.status.phase}, volume {item.spec.volume_name or 'none'}, "
            f"{(item.status.capacity or {}).get('storage', 'no capacity')}"
            for item in found.items
        }

    def read_file(self, kubectl: Path, namespace: str, workload: str, path: str) -> str:
        """The text of a file in the first pod of a workload, given as kind/name."""
        return self.execute(
            kubectl, namespace, workload, ["cat", path], asked=f"give {path} of {workload}", within=60
        )

    def execute(
        self, kubectl: Path, namespace: str, workload: str, words: Sequence[str], *, asked: str, within: float
    ) -> str:
        """What a command prints that is run in the first pod of a workload, given as kind/name.

        Raises:
            ServiceError: it ended with another code than 0, or not in time.
        """
        where: list[str | Path] = [kubectl, "--kubeconfig", self._kubeconfig, "--namespace", namespace]
        with traffic.asking("kubectl", asked, "kubectl exec"):
            try:
                return run([*where, "exec", workload, "--", *words], timeout=within)
            except PlatformError as refused:
                answer = brief(str(refused).splitlines()[-1])
                raise ServiceError(asked, of="Kubernetes", answer=answer) from refused

    def events(self, namespace: str, *, since: datetime | None = None) -> list[str]:
        """What Kubernetes noted in a namespace, oldest first, one line an event.

        Kubernetes writes whole seconds, so those of the second in which `since` lies are included.
        """
        first = since.replace(microsecond=0) if since else None
        found = _ask(
            "list events", lambda: self._core.list_namespaced_event(namespace, _request_timeout=CALL_SECONDS)
        )
        timed = [(_when(item), item) for item in found.items]
        return [
            f"{moment:%H:%M:%S} {item.type} {item.involved_object.kind}/{item.involved_object.name} "
            f"{item.reason}: {brief(item.message or '')}{_how_often(item)}"
            for moment, item in sorted(timed, key=lambda pair: pair[0])
            if first is None or moment >= first
        ]

    def credentials(self, namespace: str, secret: str) -> dict[str, SecretStr]:
        """The values of one Secret, masked from every print."""
        found = _ask(
            f"give secret {secret}",
            lambda: self._core.read_namespaced_secret(secret, namespace, _request_timeout=CALL_SECONDS),
        )
        values = {
            key: SecretStr(base64.b64decode(value).decode()) for key, value in (found.data or {}).items()
        }
        for key, value in values.items():
            secrecy.register(f"{namespace}/{secret} {key}", value)
        return values

    def create_secret(self, namespace: str, name: str, values: Mapping[str, SecretStr]) -> None:
        """Create a Secret of the suite's own."""
        label, mark = HAND_MADE.split("=")
        body = {
            "metadata": {"name": name, "labels": {label: mark}},
            "stringData": {key: value.get_secret_value() for key, value in values.items()},
        }
        _ask(
            f"create secret {name}",
            lambda: self._core.create_namespaced_secret(namespace, body, _request_timeout=CALL_SECONDS),
        )

    def create_config_map(self, namespace: str, name: str, files: Mapping[str, bytes]) -> None:
        """Create a ConfigMap of the suite's own that holds files."""
        label, mark = HAND_MADE.split("=")
        body = {
            "metadata": {"name": name, "labels": {label: mark}},
            "binaryData": {key: base64.b64encode(content).decode() for key, content in files.items()},
        }
        _ask(
            f"create config map {name}",
            lambda: self._core.create_namespaced_config_map(namespace, body, _request_timeout=CALL_SECONDS),
        )

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
    with traffic.asking("Kubernetes", asked) as question:
        try:
            return call()
        except client.ApiException as refused:
            if absent_is_fine and refused.status == 404:
                question.outcome = "not there"
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


def _pod_times(item: Any) -> PodTimes:
    conditions = {one.type: one for one in item.status.conditions or () if one.status == "True"}
    scheduled = conditions.get("PodScheduled")
    states = [one.state for one in item.status.container_statuses or ()]
    began = [
        (state.running or state.terminated).started_at
        for state in states
        if state.running or state.terminated
    ]
    return PodTimes(
        created=item.metadata.creation_timestamp.timestamp(),
        scheduled=scheduled.last_transition_time.timestamp() if scheduled else None,
        started=min(began).timestamp() if began else None,
    )


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


def _started(container: Any) -> str:
    """Since when a container runs, in Kubernetes' words."""
    running = container.state.running if container.state else None
    return str(running.started_at) if running else "not running"


def replaced(deleted: Sequence[str], seen: Mapping[str, Pod]) -> bool:
    """Whether the deleted pods are gone and as many others are Ready, and none is not."""
    gone = not seen.keys() & set(deleted)
    return gone and len(seen) == len(deleted) and all(pod.ready for pod in seen.values())


def _states(pods: Mapping[str, Pod]) -> str:
    return ", ".join(f"{pod.name} {pod.reason or 'Ready'}" for pod in pods.values()) or "not there"


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


def _how_often(event: Any) -> str:
    times = (event.series.count if event.series else None) or event.count or 1
    return f" ({times} times)" if times > 1 else ""


def _when(event: Any) -> datetime:
    moment = event.last_timestamp or event.event_time or event.metadata.creation_timestamp
    return moment if isinstance(moment, datetime) else datetime.now(UTC)
