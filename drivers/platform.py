"""One release of the platform in a namespace of its own, and the way to each of its services."""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import yaml
from pydantic import SecretStr

from drivers import answers, dbt_graph, grafana, plugin_health, wait
from drivers.catalog import Management
from drivers.dagster import RUN_SECONDS, Location, Orchestrator, Run
from drivers.dbt_graph import Graph
from drivers.errors import ServiceError
from drivers.helm import Helm, products_served
from drivers.kubernetes import NOT_OF_RUNS, RUN_LABEL, Cluster, Pod, Readiness, Volume, Workload, replaced
from drivers.lakehouse import Lakehouse
from drivers.lineage import Lineage
from drivers.metrics import Metrics
from drivers.object_store import ObjectStore
from drivers.product import Product
from drivers.sources import Source
from drivers.spans import Traces
from drivers.sql import Database
from drivers.tunnel import Tunnels
from drivers.upkeep import State, Upkeep, reading
from drivers.writers import Race, write
from foundation.cache import SYSTEM
from foundation.errors import UserError
from images.recipes import additions
from reports import canary, evidence

CHART = SYSTEM / "charts" / "floe-platform"
PACKED = "product.tar.gz"
"""The key of a ConfigMap that a product is delivered in."""

DEPLOY_SECONDS = 60.0
"""Until Dagster must have read another version of a product: its server starts in 6 s on two idle cores."""

START_SECONDS = 60.0
"""Until a run that was launched must be at work: its pod and its imports take 6 s on two idle cores."""

WAITING = "waiting for the catalog"
"""What a run says while the catalog does not answer."""

PATIENCE = "floe/catalog-patience-seconds"
"""The tag of a run that says how long it waits for the catalog."""

STOPPED_SECONDS = 60.0
"""Until the pods of a stopped workload must be gone."""

HEALTH_SECONDS = 15.0
"""Until a plugin must have noticed that its service is back: a node learns of it within a second or two."""

WEB_SERVER = "app.kubernetes.io/name=dagster,app.kubernetes.io/component=webserver"
"""The labels of the pods of Dagster's web server."""

KILL = ("python", "-I", "-S", "-c", "import resource; resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))")
"""Has the kernel kill the first process of a container, which has had its second of computing long ago.

The process hears nothing of it. A pod that is deleted is asked to end first, which Dagster answers; and
nobody in a container can send its first process a signal that it does not want.
"""

NOTICED_SECONDS = 60.0
"""Until a run that lost its worker must be recorded as failed."""

LOOKED_SECONDS = 90.0
"""Until a sensor must have looked: every 5 s, and a daemon hears of a new one within a minute."""

TWO_SCHEDULED_SECONDS = 240.0
"""Until a schedule of every minute must have begun two runs, counted from its deployment."""

GONE_SECONDS = 90.0
"""Until a namespace that is torn down must be gone with its volumes."""

_PARENTHESES = re.compile(r" \([^()]*\)")
"""What a reason has between parentheses: the words of the machine it was found on."""
READER, PIPELINE = "polaris-reader-credentials", "polaris-pipeline-credentials"
"""The Secrets of the two principals that read and write tables."""

LISTENERS = ("otel-collector", "jaeger", "prometheus", "marquez")
"""The workloads that take what runs tell."""

GRAFANA = "grafana"
"""The workload that shows dashboards, and its image."""

STORE = "minio"
"""The workload that keeps all objects."""

NO_ANSWER = ("nothing on ", "HTTP 5")
"""How an answer begins that is none (`answers`)."""

BUCKETS = ("staging", "warehouse")
NODE_PORTS: Mapping[str, int] = {
    "Dagster": 3000,
    "Polaris": 8181,
    "MinIO": 9000,
    "MinIO console": 9001,
    "Marquez": 5001,
    "Jaeger": 16686,
    "Prometheus": 9090,
    "Grafana": 3001,
}
"""The documented ports."""

_INSIDE: Mapping[str, tuple[int, Callable[[str], str]]] = {
    "dagster-webserver": (3000, answers.dagster),
    "minio": (9000, answers.minio),
    "marquez": (5000, answers.marquez),
    "otel-collector": (13133, answers.collector),
    "jaeger": (16686, answers.jaeger),
    "prometheus": (9090, answers.prometheus),
    "grafana": (3000, answers.grafana),
}
"""The services that tell how they fare to whoever asks, by their names in the cluster: port and question."""

_ON_PORTS: Mapping[str, Callable[[str], str]] = {
    "Dagster": answers.dagster,
    "Marquez": answers.marquez,
    "Jaeger": answers.jaeger,
    "Prometheus": answers.prometheus,
    "Grafana": answers.grafana,
    "Jaeger's list of services": answers.traced_services,
    "Prometheus' page": answers.page,
    "Prometheus' list of targets": answers.scraped_targets,
}
"""The same by the names that an operator has for what answers on the node's ports."""


@dataclass(frozen=True)
class Place:
    """Where platforms are installed: a prepared cluster and the tools to work on it."""

    cluster: Cluster
    helm: Helm
    kubectl: Path
    kubeconfig: Path
    address: str
    values: Sequence[Path]

    @property
    def images(self) -> dict[str, str]:
        """The reference of every image of the platform, by the name the values files give it."""
        found: dict[str, str] = {}
        for file in self.values:
            values = yaml.safe_load(file.read_text()) or {}
            found.update((values.get("global") or {}).get("images") or {})
        return found


@dataclass
class _Remembered:
    """What is only known while the platform stands, for the question what is left of it."""

    volumes: list[Volume] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    contents: dict[str, list[str]] | ServiceError = field(default_factory=dict)
    first: defaultdict[str, Lock] = field(default_factory=lambda: defaultdict(Lock))


@dataclass(frozen=True)
class Served:
    """A product's code location, and the pods that serve it."""

    location: Location
    servers: frozenset[str]


class Platform:
    """The platform of one story.

    Args:
        place: where it is installed.
        namespace: of its own.
        automated: the delivered products that run by themselves as soon as they are served.
    """

    def __init__(self, place: Place, namespace: str, *, automated: frozenset[str] = frozenset()) -> None:
        self.namespace = namespace
        self._automated = automated
        self.place = place
        self.standing = False
        self.readiness = Readiness(0.0, {}, {"the platform": "was not installed"})
        self._tunnels = Tunnels(place.kubectl, place.kubeconfig, namespace)
        self._seen = _Remembered()
        self._graphs: dict[str, Graph] = {}
        self._lakehouses: dict[str, Lakehouse] = {}
        self._orchestrator: Orchestrator | None = None
        self._store: ObjectStore | None = None
        self._settings: dict[str, str] = {}
        self._of_the_image = _served_unless_told()
        self._delivered: dict[str, str] = {}
        self._versions: set[str] = set()
        self._stopped: set[str] = set()
        self._stored: frozenset[str] = frozenset()

    # --- life -----------------------------------------------------------------------------

    def beside(self) -> Platform:
        """The same platform by connections of its own, for a thread that works beside the scenarios.

        A tunnel ends with the thread that began it, and is begun anew where a scenario replaces pods.
        """
        other = copy(self)
        other._tunnels = Tunnels(self.place.kubectl, self.place.kubeconfig, self.namespace)
        other._lakehouses, other._orchestrator, other._store = {}, None, None
        return other

    def install(
        self, settings: Mapping[str, str], *, limit: float, products: Mapping[str, bytes] | None = None
    ) -> None:
        """Install the chart into a fresh namespace and watch it become Ready, or not.

        Args:
            settings: chart values, by their path.
            limit: seconds that all pods together may take.
            products: what is delivered beside the image's products: by name, packed.

        Raises:
            UserError: another release has the documented ports.
            ServiceError: Kubernetes or helm refused.
        """
        cluster = self.place.cluster
        if settings.get("nodePorts.enabled") == "true":
            self._refuse_held_ports()
        cluster.create_namespace(self.namespace)
        canary.plant(cluster, self.namespace)
        self.standing = True
        for product, packed in (products or {}).items():
            self._deliver(product, packed)
        began = time.monotonic()
        self._settings = dict(settings)
        self._release()
        self.readiness = cluster.until_ready(self.namespace, limit=limit, since=began)
        with evidence.apart():  # for a later question; a scenario that never asks it owes it nothing
            contents = self._contents() if not self.readiness.late else {}
        self._seen = _Remembered(
            volumes=cluster.volumes(self.namespace),
            ports=sorted(port for port, owner in cluster.held_node_ports().items() if self._owns(owner)),
            contents=contents,
        )

    def left_by_an_earlier_run(self) -> bool:
        """Whether there is anything under this name: a run that was killed, or that kept it."""
        return bool(self.place.cluster.traces_of(self.namespace))

    def tear_down(self) -> None:
        """Remove the release, its namespace and its volumes, and wait until they are gone."""
        self.close()
        if self.place.cluster.has_namespace(self.namespace):
            self.place.helm.uninstall(self.namespace)
        self.place.cluster.delete_namespace(self.namespace, within=GONE_SECONDS)
        self.standing = False

    def close(self) -> None:
        """End every connection and tunnel; what is asked next begins its own."""
        for client in (self._orchestrator, self._store, *self._lakehouses.values()):
            if client is not None:
                client.close()
        self._orchestrator, self._store = None, None
        self._lakehouses.clear()
        self._tunnels.close()

    def left_over(self) -> dict[str, list[str]]:
        """What there still is of a platform that was torn down, by kind; nothing, it is to be hoped."""
        evidence.touched("platform")
        folders = [volume.folder for volume in self._seen.volumes if volume.folder]
        found = {
            **self.place.cluster.traces_of(self.namespace),
            "releases": sorted(self.place.helm.releases(self.namespace)),
            "node ports taken": [
                str(port) for port, owner in self.place.cluster.held_node_ports().items() if self._owns(owner)
            ],
            "ports answering": [str(port) for port in self._seen.ports if _answers(self.place.address, port)],
            "folders on the node": sorted(self._on_node(folders)),
        }
        return {kind: names for kind, names in found.items() if names}

    def contents_at_start(self) -> dict[str, list[str]]:
        """What the platform held as soon as it was Ready: runs, catalog namespaces, objects."""
        evidence.touched("platform")
        if isinstance(self._seen.contents, ServiceError):
            raise self._seen.contents
        return self._seen.contents

    def check_again(self, limit: float) -> Readiness:
        """The check that every install ends with, once more."""
        evidence.touched("platform")
        return self.place.cluster.until_ready(self.namespace, limit=limit)

    def releases(self) -> dict[str, str]:
        """The helm releases of the namespace with their status."""
        return self.place.helm.releases(self.namespace)

    def deploy(self, product: str, packed: bytes) -> None:
        """Have another version of a delivered product served; nothing happens where it is the one that is.

        Raises:
            DeadlineError: Dagster did not come to read it.
        """
        self.deploy_all({product: packed})

    def deploy_all(self, products: Mapping[str, bytes]) -> None:
        """The same of several delivered products at once; those that are as they were are left alone.

        Raises:
            DeadlineError: Dagster did not come to read one of them.
        """
        dagster, before = self.orchestrator, dict(self._delivered)
        loaded_at = {product: dagster.loaded_at(product) for product in products}
        now = {product: self._deliver(product, packed) for product, packed in products.items()}
        changed = [product for product, version in now.items() if version != before.get(product)]
        if changed:
            self._release()
        for product in changed:
            dagster.reloaded(product, since=loaded_at[product], within=DEPLOY_SECONDS)

    def serve(self, *products: str) -> None:
        """Have these products of the image served, and no other; those that are served already run on.

        Dagster's web server and daemon are replaced, because the list of code locations is a file of theirs.

        Raises:
            ServiceError: something of the release can never be Ready.
            DeadlineError: the web server, or its answer, did not come.
        """
        if products == self._of_the_image:
            return
        cluster = self.place.cluster
        web_servers = sorted(cluster.pods(self.namespace, WEB_SERVER))
        self._of_the_image = products
        self._release()
        wait.until(
            lambda: cluster.pods(self.namespace, WEB_SERVER),
            lambda seen: replaced(web_servers, seen),
            what="another web server of Dagster",
            within=self.readiness.limit,
            last=lambda seen: f"are {', '.join(sorted(seen))}",
        )
        late = cluster.until_ready(self.namespace, limit=self.readiness.limit).late
        if late:
            raise ServiceError(f"serve {', '.join(products)}", of="Kubernetes", answer=str(late))
        self._tunnels.renew()
        for product in products:
            self.orchestrator.loaded_at(product)

    def choose(self, settings: Mapping[str, str], *, usual: Mapping[str, str], renews: str) -> None:
        """Upgrade the release with other values, and wait until the workload that they are about is anew.

        Args:
            settings: chart values, by their path, on top of those it has.
            usual: what these values are unless they were chosen.
            renews: labels of the pods that take the place of others.
        """
        cluster, before = self.place.cluster, {**usual, **self._settings}
        changed = {name: value for name, value in settings.items() if before.get(name) != value}
        if not changed:
            return
        earlier = sorted(cluster.pods(self.namespace, renews))
        self._settings |= changed
        self._release()
        wait.until(
            lambda: cluster.pods(self.namespace, renews),
            lambda seen: replaced(earlier, seen),
            what=f"other pods of {renews}",
            within=self.readiness.limit,
            last=lambda seen: f"are {', '.join(sorted(seen))}",
        )
        self._tunnels.renew()

    def stop(self, *workloads: str) -> None:
        """Take the replicas of workloads away and wait until their pods are gone."""
        cluster = self.place.cluster
        if STORE in workloads and STORE not in self._stopped:
            self._stored = self._objects()
        self._stopped.update(workloads)
        for workload in workloads:
            cluster.scale(self.namespace, workload, 0)
        wait.until(
            lambda: sorted(_serving(cluster.pods(self.namespace, NOT_OF_RUNS), workloads)),
            lambda left: not left,
            what=f"stopped: {', '.join(workloads)}",
            within=STOPPED_SECONDS,
            last=lambda left: f"there still are {', '.join(left)}",
        )

    def start(self, *workloads: str) -> None:
        """Give workloads their replica back and wait until everything is Ready.

        Raises:
            ServiceError: one does not become Ready, does not serve though it is, or has lost objects.
        """
        self._stopped.difference_update(workloads)
        for workload in workloads:
            self.place.cluster.scale(self.namespace, workload, 1)
        late = self.place.cluster.until_ready(self.namespace, limit=self.readiness.limit).late
        if late:
            raise ServiceError(f"start {', '.join(workloads)} again", of="Kubernetes", answer=str(late))
        self._tunnels.renew()
        for workload in workloads:
            said = self.answer_of(workload)
            if said.startswith(NO_ANSWER):
                raise ServiceError("serve as soon as it is Ready", of=workload, answer=said)
        if STORE in workloads and (lost := sorted(self._stored - self._objects())):
            raise ServiceError("hold what it held before it was stopped", of=STORE, answer=f"lost {lost}")

    def take_in(self, source: Source, rows: list[dict[str, object]]) -> None:
        """Have rows delivered to a table that a product reads and does not make.

        Where that product runs by itself, its sensor has noted before what is there.
        """
        dagster, reader = self.orchestrator, source.product
        if reader in self._automated and dagster.locations()[reader].state == "loaded":
            wait.until(
                lambda: dagster.knows(reader, "new_data"),
                bool,
                what=f"the new_data sensor of {reader}",
                within=LOOKED_SECONDS,
                last=lambda _seen: "has not noted yet what is there",
            )
        self.pipeline.create(source.table, source.schema)
        self.pipeline.append(source.table, rows)

    def add_pod(self, name: str, spec: Mapping[str, object]) -> None:
        """Add a pod of the suite's own."""
        self.place.cluster.create_pod(self.namespace, spec, name=name)

    def remove_pod(self, name: str) -> None:
        """Take a pod of the suite's own away."""
        self.place.cluster.delete_pod(self.namespace, name)

    # --- questions ------------------------------------------------------------------------

    def served(self) -> dict[str, Served]:
        """Every code location that Dagster has, with the pods that serve it."""
        evidence.touched("platform")
        cluster = self.place.cluster

        def servers(product: str) -> frozenset[str]:
            pods = cluster.pods(self.namespace, _servers_of(product)).values()
            return frozenset(pod.name for pod in pods if pod.ready)

        locations = self.orchestrator.locations()
        return {name: Served(location, servers(name)) for name, location in locations.items()}

    def processes(self) -> dict[str, frozenset[str]]:
        """The processes that serve each product's code: see Cluster.processes."""
        evidence.touched("platform")
        return {
            product: self.place.cluster.processes(self.namespace, _servers_of(product))
            for product in self.orchestrator.locations()
        }

    def plugin_health(self) -> dict[str, str]:
        """What the platform's own check says of each plugin that has a service, asked inside the cluster."""
        evidence.touched("platform")
        said = self.place.cluster.execute(
            self.place.kubectl,
            self.namespace,
            f"deployment/dagster-code-{self._of_the_image[0]}",
            plugin_health.command(additions()),
            asked="ask for the health of the plugins",
            within=60,
        )
        return plugin_health.read(said)

    def plugin_health_again(self) -> dict[str, str]:
        """The same once all are healthy, or when the time that a returning service has is over."""
        return wait.settled(
            self.plugin_health,
            plugin_health.all_healthy,
            what="the health of the plugins",
            within=HEALTH_SECONDS,
        )

    def test(self) -> str:
        """What the release's own tests come to, and which plugins they found healthy."""
        evidence.touched("platform")
        outcome, said = self.place.helm.test(self.namespace)
        healthy = ", ".join(plugin_health.healthy_in(said))
        return f"{outcome}: {healthy} healthy" if healthy else outcome

    def restarted(self) -> dict[str, int]:
        """The containers that were ever started again, by pod and name, and how often."""
        evidence.touched("platform")
        return self.place.cluster.restarted(self.namespace)

    def claims(self) -> frozenset[str]:
        """The claims behind the platform's volumes."""
        evidence.touched("platform")
        return frozenset(volume.claim for volume in self.place.cluster.volumes(self.namespace))

    def workloads(self) -> dict[str, Workload]:
        """Everything the release is meant to run."""
        evidence.touched("platform")
        return self.place.cluster.workloads(self.namespace)

    def answer_of(self, workload: str) -> str:
        """What a workload says of itself, asked inside the cluster."""
        evidence.touched("platform")
        if workload in _INSIDE:
            port, ask = _INSIDE[workload]
            return ask(self._tunnels.to(workload, port).address())
        match workload:
            case "dagster-daemon":
                ill = sorted(name for name, healthy in self.orchestrator.daemons().items() if not healthy)
                return f"no heartbeat of {', '.join(ill)}" if ill else "every daemon healthy"
            case "polaris":
                root = self._secret("polaris-root-credentials")
                address = self._tunnels.to("polaris", 8181).address()
                return answers.polaris(address, root["client-id"], root["client-secret"])
            case "postgresql":
                owners = self.database("dagster").owners()
                return "databases " + ", ".join(f"{name} of {owners[name]}" for name in sorted(owners))
            case code if code.startswith("dagster-code-"):
                product = code.removeprefix("dagster-code-")
                return self.orchestrator.location(product)
            case _:
                raise ServiceError("say what it is", of=workload, answer="nobody knows how to ask it")

    def answer_on_port(self, service: str, port: int) -> str:
        """What answers on a port of the node, asked as the given service."""
        evidence.touched("platform")
        address = f"{self.place.address}:{port}"
        if service in _ON_PORTS:
            return _ON_PORTS[service](address)
        match service:
            case "Polaris":
                root = self._secret("polaris-root-credentials")
                return answers.polaris(address, root["client-id"], root["client-secret"])
            case "MinIO":
                keys = self._secret("minio-credentials")
                return answers.minio_with_keys(address, keys["root-user"], keys["root-password"])
            case "MinIO console":
                keys = self._secret("minio-credentials")
                return answers.console(address, keys["root-user"], keys["root-password"])
            case _:
                raise ServiceError("answer on a port", of=service, answer="nobody knows how to ask it")

    def graph(self, product: str) -> Graph:
        """The product's dbt graph, read from the manifest that is deployed."""
        if product not in self._graphs:
            path = f"/opt/floe/products/{product}/target/manifest.json"
            workload = f"deployment/dagster-code-{product}"
            text = self.place.cluster.read_file(self.place.kubectl, self.namespace, workload, path)
            self._graphs[product] = dbt_graph.read(text)
        return self._graphs[product]

    def missing_objects(self, product: Product, bucket: str) -> dict[str, str]:
        """Each file that a table of the product is made of and that is no object of the bucket."""
        objects = self.store.objects(bucket)
        return {
            file: f"a file of {table}, but no object of bucket {bucket}"
            for table in sorted(self.graph(product.name).tables)
            for file in sorted(self.lakehouse.files(f"{product.namespace}.{table}").every - set(objects))
        }

    def troubles_in_grafana(self, dashboard: str, titles: Sequence[str]) -> dict[str, str]:
        """What Grafana shows wrong of a dashboard's panels; nothing where no registry serves Grafana."""
        if GRAFANA not in self.place.images:
            return {}
        evidence.touched(GRAFANA)
        return grafana.troubles(self._tunnels.to(GRAFANA, 3000).address(), dashboard, titles)

    # --- services -------------------------------------------------------------------------

    @property
    def orchestrator(self) -> Orchestrator:
        """Dagster."""
        if self._orchestrator is None:
            tunnel = self._tunnels.to("dagster-webserver", 3000)
            self._orchestrator = Orchestrator(tunnel, self._worker_of)
        return self._orchestrator

    @property
    def lakehouse(self) -> Lakehouse:
        """The catalog's tables with the rights of a reader."""
        return self._lakehouse(READER)

    @property
    def pipeline(self) -> Lakehouse:
        """The catalog's tables with the rights of a pipeline."""
        return self._lakehouse(PIPELINE)

    @property
    def store(self) -> ObjectStore:
        """The object store with the platform's own keys."""
        if self._store is None:
            keys = self._secret("minio-credentials")
            tunnel = self._tunnels.to("minio", 9000)
            self._store = ObjectStore(tunnel.address, keys["root-user"], keys["root-password"])
        return self._store

    @property
    def management(self) -> Management:
        """The catalog's management as root."""
        root = self._secret("polaris-root-credentials")
        tunnel = self._tunnels.to("polaris", 8181)
        return Management(tunnel.address, root["client-id"], root["client-secret"])

    @property
    def lineage(self) -> Lineage:
        """The lineage service."""
        return Lineage(self._tunnels.to("marquez", 5000).address)

    @property
    def traces(self) -> Traces:
        """The spans that Jaeger keeps."""
        return Traces(self._tunnels.to("jaeger", 16686).address)

    @property
    def metrics(self) -> Metrics:
        """What Prometheus scraped."""
        return Metrics(self._tunnels.to("prometheus", 9090).address)

    def lineage_address(self) -> str:
        """Where the lineage service takes events, by HTTP: host:port of this machine."""
        return self._tunnels.to("marquez", 5000).address()

    @property
    def otlp_grpc(self) -> str:
        """Where the platform's collector takes spans and metrics, by gRPC: host:port of this machine."""
        return self._tunnels.to("otel-collector", 4317).address()

    @property
    def otlp(self) -> str:
        """Where the platform's collector takes spans and metrics, by HTTP: host:port of this machine."""
        return self._tunnels.to("otel-collector", 4318).address()

    def database(self, name: str, server: str = "postgresql") -> Database:
        """A database as its owner, on the platform's server or on one of its own."""
        secret = "postgresql-credentials" if server == "postgresql" else "marquez-credentials"
        password = self._secret(secret)[f"{name}-password"]
        return Database(self._tunnels.to(server, 5432), name, name, password)

    # --- runs -----------------------------------------------------------------------------

    @property
    def delivered(self) -> frozenset[str]:
        """The products that are served beside those of the image."""
        return frozenset(self._delivered)

    @property
    def runs(self) -> Sequence[Run]:
        """The full runs of products that this platform has seen, oldest first."""
        return self._seen.runs

    def run(self, product: str) -> Run:
        """Run all of a product, to the end."""
        run = self.orchestrator.launch(product).finished()
        self._seen.runs.append(run)
        return run

    def run_all(self, products: Iterable[str], within: float = RUN_SECONDS) -> dict[str, Run]:
        """Run all of several products at the same time, to the end.

        Args:
            products: which; launched in this order, one right after the other.
            within: seconds from the first launch to the last end.

        Raises:
            DeadlineError: one of them did not end in time.
        """
        until = time.monotonic() + within
        launched = {product: self.orchestrator.launch(product) for product in products}
        runs = {product: one.finished(max(until - time.monotonic(), 0)) for product, one in launched.items()}
        self._seen.runs.extend(runs.values())
        return runs

    def last_run(self, product: str) -> Run:
        """The last full run of a product; the first one is launched when there was none."""
        evidence.touched("pipeline")
        with self._seen.first[product]:
            earlier = [run for run in self._seen.runs if run.product == product]
            return earlier[-1] if earlier else self.run(product)

    def race(self, product: Product, table: str, *, writers: int, commits: int, hours: int) -> Race:
        """Have writers commit to a table of a product while two runs of the product write it too.

        Args:
            product: whose runs.
            table: by its name in the product.
            writers: how many write beside the runs.
            commits: of the writers that must be accepted, together.
            hours: their rows are from the last so many hours.
        """
        name, lakehouse, dagster = f"{product.namespace}.{table}", self.lakehouse, self.orchestrator
        evidence.touched("pipeline")
        before = lakehouse.rows(name)
        launched = [dagster.launch(product.name) for _ in range(2)]
        for run in launched:
            dagster.at_work(run)
        ways = [lambda: self._new_lakehouse(PIPELINE)] * writers
        written = write(ways, name, commits, hours)
        runs = [run.finished() for run in launched]
        found = lakehouse.rows(name), lakehouse.history(name), lakehouse.snapshots(name)
        return Race(written, runs, before, *found)

    def keep_up(self, product: Product, table: str) -> Upkeep:
        """The upkeep of a product's tables, with a reader at one of them while nobody writes."""
        name, lakehouse = f"{product.namespace}.{table}", self.lakehouse
        evidence.touched("pipeline")
        before, began_with = self._state(name), lakehouse.snapshot(name)
        with reading(self._new_lakehouse(READER), name) as seen:
            # Nobody writes: what no snapshot refers to is of no writer that will still commit it.
            run = self.orchestrator.launch_upkeep(product.name, {"unused_minutes": 0}).finished()
        late = lakehouse.rows_at(name, began_with or 0)
        return Upkeep(run, before, self._state(name), late, seen)

    def cut_off(self, product: str) -> Run:
        """Begin a run and kill its worker in the middle of it; gives what Dagster recorded of it."""
        launched = self.orchestrator.launch(product)
        self.orchestrator.half_way(launched)
        for worker in self.place.cluster.pods(self.namespace, f"{RUN_LABEL}={launched.run_id}"):
            self.place.cluster.execute(
                self.place.kubectl,
                self.namespace,
                f"pod/{worker}",
                KILL,
                asked="kill a run's worker",
                within=30,
            )
        return launched.finished(NOTICED_SECONDS)

    def snapshots(self, product: Product, tables: Iterable[str]) -> dict[str, int | None]:
        """The current snapshot of some of a product's tables."""
        lakehouse = self.lakehouse
        return {name: lakehouse.snapshot(f"{product.namespace}.{name}") for name in sorted(tables)}

    def changed(self, product: Product, before: Mapping[str, int | None]) -> list[str]:
        """The tables that have another snapshot than they had."""
        now = self.snapshots(product, before)
        return [name for name, snapshot in now.items() if snapshot != before[name]]

    def run_with_catalog_away(self, product: str) -> Run:
        """Stop the catalog in the middle of a run, and start it again once the run waits for it."""
        launched = self.orchestrator.launch(product)
        self.orchestrator.half_way(launched)
        with self._without("polaris"):
            self.orchestrator.until_said(launched, WAITING, within=START_SECONDS)
        return launched.finished()

    def run_without_catalog(self, product: str, patience: float) -> Run:
        """Run a product while the catalog is stopped, to the end; the run may wait for it so many seconds."""
        with self._without("polaris"):
            launched = self.orchestrator.launch(product, tags={PATIENCE: str(patience)})
            return launched.finished(within=START_SECONDS + patience)

    def run_unheard(self, product: str) -> Run:
        """Run a product, to the end, while nothing that takes its telemetry has a replica."""
        with self._without(*LISTENERS):
            return self.orchestrator.launch(product).finished()

    def run_with_full_store(self, product: str) -> Run:
        """Run a product, to the end, while the bucket of the tables takes no more data."""
        self.store.limit("warehouse", 1)
        try:
            return self.orchestrator.launch(product).finished()
        finally:
            self.store.limit("warehouse", None)

    @contextmanager
    def _without(self, *workloads: str) -> Iterator[None]:
        self.stop(*workloads)
        try:
            yield
        finally:
            self.start(*workloads)

    def begun_by(self, product: str, sensor: str) -> str:
        """What a sensor came to, once it has looked: the runs it began ever, or why it began none.

        A run that it began is waited for, and so is a look after it was begun.
        """
        dagster = self.orchestrator
        self._looked(product, sensor, since=time.time())
        begun = dagster.begun_by(product, sensor)
        if not begun:
            said = _PARENTHESES.sub("", dagster.ticks(product, sensor)[0].said)
            return f'nothing, because of "{said}"'
        verdicts = [_of_all(dagster.of_recorded(run, product).finished()) for run in begun]
        self._looked(product, sensor, since=begun[-1].created)
        more = len(dagster.begun_by(product, sensor)) - len(begun)
        succeeded = verdicts == ["SUCCESS"] and more == 0
        return "one run, which succeeds" if succeeded else f"{len(begun) + more} runs: {', '.join(verdicts)}"

    def recurred(self, product: str) -> tuple[list[str], float]:
        """How the first two runs of the schedule now deployed ended, and the seconds from one to the other.

        It begins no more runs after that.
        """
        dagster = self.orchestrator
        deployed = dagster.loaded_at(product)
        begun = wait.until(
            lambda: [run for run in dagster.begun_by(product, "schedule") if run.created > deployed],
            lambda seen: len(seen) > 1,
            what=f"the schedule of {product}",
            within=TWO_SCHEDULED_SECONDS,
            last=lambda seen: f"has begun {len(seen)} of 2 runs",
        )[:2]
        verdicts = [_of_all(dagster.of_recorded(run, product).finished()) for run in begun]
        dagster.stop_schedule(product)
        return verdicts, begun[1].created - begun[0].created

    def _looked(self, product: str, sensor: str, since: float) -> None:
        """Wait for a look that began after a moment and is over: it saw what was there at that moment."""
        dagster = self.orchestrator
        wait.until(
            lambda: [tick for tick in dagster.ticks(product, sensor) if tick.at > since],
            bool,
            what=f"the {sensor} sensor of {product}",
            within=LOOKED_SECONDS,
            last=lambda _: "has not looked",
        )

    def forget_local_files(self, product: str) -> list[str]:
        """Delete the code location's pod and every run's with all their files; wait for the new one."""
        cluster, dagster = self.place.cluster, self.orchestrator
        loaded_at = dagster.loaded_at(product)
        cluster.delete_jobs(self.namespace, RUN_LABEL)
        cluster.delete_pods(self.namespace, RUN_LABEL)
        deleted = cluster.replace_pods(self.namespace, _servers_of(product), within=self.readiness.limit)
        self._tunnels.renew()
        dagster.reloaded(product, since=loaded_at)
        return deleted

    # --- own ------------------------------------------------------------------------------

    def _release(self) -> None:
        """Install the chart, or upgrade the release, with the products that are delivered."""
        settings = self._settings | products_served(
            (*self._of_the_image, *self._delivered), self._delivered, self._automated
        )
        self.place.helm.install(CHART, self.namespace, values=self.place.values, settings=settings)
        if self._stopped:  # an upgrade gives each workload its replicas back
            self.stop(*sorted(self._stopped))

    def _deliver(self, product: str, packed: bytes) -> str:
        """Bring a packed product into the namespace; gives the name of what holds it, its version."""
        version = f"{product}-{hashlib.sha256(packed).hexdigest()[:8]}"
        if version not in self._versions:
            self.place.cluster.create_config_map(self.namespace, version, {PACKED: packed})
            self._versions.add(version)
        self._delivered[product] = version
        return version

    def _lakehouse(self, secret: str) -> Lakehouse:
        if secret not in self._lakehouses:
            self._lakehouses[secret] = self._new_lakehouse(secret)
        return self._lakehouses[secret]

    def _new_lakehouse(self, secret: str) -> Lakehouse:
        """A way of its own, for a thread of its own."""
        keys = self._secret(secret)
        catalog, store = self._tunnels.to("polaris", 8181), self._tunnels.to("minio", 9000)
        return Lakehouse(catalog, store, keys["client-id"], keys["client-secret"])

    def _state(self, table: str) -> State:
        lakehouse, moment = self.lakehouse, datetime.now(UTC).replace(tzinfo=None)
        place, objects = lakehouse.place(table), self.store.objects("warehouse")
        under = {
            address: size
            for address, size in objects.items()
            # Arrow leaves an empty object named like a folder where it deleted a file; it holds nothing.
            if address.startswith(place) and not address.endswith("/")
        }
        unused = frozenset(under) - lakehouse.every_file(table)
        return State(moment, lakehouse.rows(table), lakehouse.snapshots(table), under, unused)

    def _secret(self, name: str) -> _Secret:
        return _Secret(name, self.place.cluster.credentials(self.namespace, name))

    def _contents(self) -> dict[str, list[str]] | ServiceError:
        try:
            found = {
                "runs": sorted(self.orchestrator.run_ids()),
                "catalog namespaces": sorted(self.lakehouse.namespaces()),
                "objects": sorted(self._objects()),
            }
        except ServiceError as refused:
            return refused
        return {kind: names for kind, names in found.items() if names}

    def _objects(self) -> frozenset[str]:
        return frozenset(name for bucket in BUCKETS for name in self.store.objects(bucket))

    def _worker_of(self, run_id: str) -> str:
        pods = self.place.cluster.pods(self.namespace).values()
        states = [f"{pod.name} is {pod.reason or 'running'}" for pod in pods if run_id in pod.name]
        return "; ".join(states) or "is not there"

    def _refuse_held_ports(self) -> None:
        held = self.place.cluster.held_node_ports()
        taken = {port: held[port] for port in NODE_PORTS.values() if port in held}
        if taken:
            port, owner = next(iter(taken.items()))
            namespace = owner.partition("/")[0]
            raise UserError(
                f"node port {port} is taken by {owner}: one release per cluster can have these ports",
                remedy=f"take that release away: kubectl delete namespace {namespace}",
            )

    def _owns(self, service: str) -> bool:
        return service.partition("/")[0] == self.namespace

    def _on_node(self, folders: list[str]) -> frozenset[str]:
        if not folders:
            return frozenset()
        return self.place.cluster.listing_on_node(folders, image=self.place.images["postgresql"])


class _Secret(dict[str, SecretStr]):
    """The values of a Secret; a missing key is told by name."""

    def __init__(self, name: str, values: Mapping[str, SecretStr]) -> None:
        super().__init__(values)
        self._name = name

    def __missing__(self, key: str) -> SecretStr:
        raise ServiceError(
            f"give {key} of secret {self._name}", of="Kubernetes", answer=f"only {sorted(self)}"
        )


def _of_all(run: Run) -> str:
    """The verdict on a run that nobody launched: it is of every table of its product."""
    left_out = sorted(Product(run.product).tables - set(run.materializations))
    complete = run.status != "SUCCESS" or not left_out
    return run.verdict if complete else f"{run.verdict}, without {', '.join(left_out)}"


def _serving(pods: Mapping[str, Pod], workloads: Sequence[str]) -> Iterator[str]:
    """The pods of workloads; those of a job whose name begins alike are none of them."""
    prefixes = tuple(f"{workload}-" for workload in workloads)
    return (name for name, pod in pods.items() if pod.job is None and name.startswith(prefixes))


def _served_unless_told() -> tuple[str, ...]:
    """The products of the image that the chart serves by itself."""
    values = yaml.safe_load((CHART / "charts" / "dagster" / "values.yaml").read_text())
    return tuple(product["name"] for product in values["products"])


def _servers_of(product: str) -> str:
    """The labels of the pods that serve a product's code location; its runs are no part of them."""
    return f"floe.dev/product={product},{NOT_OF_RUNS}"


def _answers(host: str, port: int) -> bool:
    """Whether anything behind a port says a word: a proxy of Docker's takes connections for nobody."""
    try:
        with socket.create_connection((host, port), timeout=2) as asking:
            asking.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return bool(asking.recv(1))
    except OSError:
        return False
