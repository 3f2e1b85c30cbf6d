"""The local node: brought up, asked, loaded, taken down."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cluster.local import certificates, configuration, host, machine, state
from cluster.local.api import Api, UnreachableError
from cluster.local.layout import PORTS, layout
from cluster.local.manifests import SYSTEM_PODS, manifests
from cluster.local.programs import Programs, all_built, programs
from cluster.local.state import Holder, Identity
from cluster.local.store import Store
from cluster.polling import until
from cluster.private import write_private
from cluster.provider import KUBECONFIG, PodLine, Status
from foundation.cache import ROOT, cache_root, digest_of
from foundation.errors import PlatformError, UserError
from foundation.process import run
from foundation.progress import say
from images.model import Image

_READY_WITHIN = 120.0
_DIES_WITHIN = 10.0
_HOPELESS = 6
"""A component that ended so often while the node starts will not get better."""


class Local:
    """A single-node Kubernetes in namespaces of its own on this machine."""

    name = "local"

    def __init__(self) -> None:
        self._layout = layout()

    @property
    def kubeconfig(self) -> Path:
        """Access to the cluster, private to this checkout."""
        return KUBECONFIG

    def node_address(self) -> str:
        """Where node ports answer: the node's end of the link, reached from this machine only."""
        return self._layout.network.node

    def reference(self, ref: str) -> str:
        """Pods use the reference an image was built as."""
        return ref

    def up(self) -> None:
        """Have a node that is Ready: keep the one that runs, else start anew from any remains."""
        host.require_root()
        self._refuse_foreign()
        host.require_disk(building=not self._built())
        host.require_layers()
        host.install_packages()
        built = programs()
        with self._locked():
            self._refuse_foreign()
            if self._keeps(built):
                self._write_kubeconfig()
                return
            host.require_disk(building=False)
            self._clear()
            host.require_free_network(self._layout)
            try:
                self._start(built)
            except (PlatformError, OSError) as failed:
                # What half of a node says is in its logs; it must not stand in the next one's way.
                logs = self._layout.logs
                self._clear()
                raise PlatformError(f"the node did not start: {failed}\nits logs are in {logs}") from failed

    def down(self) -> None:
        """End the node and remove its every trace on the machine; images stay in the cache."""
        host.require_root()
        with self._locked():
            if state.identity(self._layout):
                self._refuse_foreign()
            self._clear()
            machine.remove_network(self._layout, self._ranges())
            state.forget(self._layout)
            KUBECONFIG.unlink(missing_ok=True)
            for folder in ("etcd", "kubelet", "volumes", "etc", "tmp", "status"):
                shutil.rmtree(self._layout.home / folder, ignore_errors=True)

    def status(self) -> Status:
        """What runs, without changing anything."""
        holder = state.holder(self._layout)
        found = Status(provider=self.name, running=False, cache_bytes=_cache_bytes())
        if state.identity(self._layout) is None or holder is None:
            return found
        found.running, found.since, found.holder = True, holder.since, str(holder.checkout)
        found.address = self.node_address()
        for component in self._components(holder.home):
            again = f", started again {component['restarts']} times" if component["restarts"] else ""
            found.components[component["name"]] = component["state"] + again
        try:
            api = self._api(holder.home)
            found.version = api.get("/version")["gitVersion"]
            found.ready = _node_not_ready(api, self._layout.name) is None
            found.pods = [PodLine.of(pod) for pod in api.get("/api/v1/pods")["items"]]
        except (UnreachableError, FileNotFoundError):
            found.ready = False
        return found

    def load(self, images: Sequence[Image]) -> None:
        """Give the node the images it lacks."""
        self._store().load(images)

    def has(self, ref: str) -> bool:
        """Whether the node has this image, complete."""
        return ref in self._store().present()

    def _store(self) -> Store:
        init = state.identity(self._layout)
        if init is None:
            raise UserError("the local node is not running", remedy="make up")
        return Store(init, self._layout.home)

    def _built(self) -> bool:
        return not host.missing_packages() and all_built()

    def _refuse_foreign(self) -> None:
        holder = state.holder(self._layout)
        init = state.identity(self._layout)
        if init is None or holder is None or holder.checkout == ROOT:
            return
        if not holder.checkout.is_dir():
            return  # The checkout was deleted under its node: nobody is left to take it down.
        minutes = (datetime.now(UTC) - holder.since).total_seconds() / 60
        raise UserError(
            f"this machine's node belongs to {holder.checkout} "
            f"(process {init.pid}, up for {minutes:.0f} minutes)",
            remedy=f"make -C {holder.checkout} down",
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        def waiting(whom: str) -> None:
            say(f"waiting for {whom}, which starts or ends this machine's node")

        with state.machine_lock(self._layout, waiting=waiting):
            yield

    def _digest(self, built: Programs) -> str:
        """Over all that decides how the node is started: another digest, another node."""
        joins = [folder / "node" / "cgroup.procs" for folder in machine.cgroup_folders(self._layout)]
        told = [
            configuration.node(self._layout, built, joins=joins),
            configuration.containerd(self._layout, built, tidy=False),
            configuration.cni(self._layout),
            configuration.kubelet(self._layout),
            configuration.proxy(self._layout),
            manifests(self._layout, built),
        ]
        return digest_of([json.dumps(told, sort_keys=True)])

    def _keeps(self, built: Programs) -> bool:
        """Whether the running node is the one that is wanted, and is or becomes Ready."""
        init, holder = state.identity(self._layout), state.holder(self._layout)
        if init is None or holder is None:
            return False
        if holder.checkout != ROOT or holder.digest != self._digest(built):
            say("the node that runs was started differently: it is replaced")
            return False
        try:
            if not (self._layout.home / "status" / "applied").exists():
                self._finish(init, built)
            self._await_ready(within=30)
        except (PlatformError, OSError) as failed:
            say(f"the node that runs is not well and is replaced: {failed}")
            return False
        return True

    def _clear(self) -> None:
        """Remove whatever a node left, dead or alive, and stay silent about what is not there."""
        init = state.identity(self._layout)
        if init is not None:
            machine.keep_in(self._layout)
            # It is process 1 of the node's process namespace: the kernel ends all others with it.
            state.kill(init, within=_DIES_WITHIN)
        machine.remove_cgroups(self._layout)
        machine.remove_network(self._layout, set())
        state.identity_file(self._layout).unlink(missing_ok=True)

    def _ranges(self) -> set[str]:
        holder = state.holder(self._layout)
        return {str(self._layout.network.whole)} | ({holder.network} if holder else set())

    def _start(self, built: Programs) -> None:
        home = self._layout.home
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        for folder in [*configuration.folders(self._layout).values(), home / "stage"]:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(mode=0o755)
        self._layout.store.mkdir(exist_ok=True)
        certificates.write_all(self._layout.pki, self._layout.name, self._layout.network)
        configuration.write(self._layout, built)
        joins = machine.make_cgroups(self._layout)
        node_file = home / "etc" / "node.json"
        node_file.write_text(json.dumps(configuration.node(self._layout, built, joins=joins), indent=2))
        state.record_holder(
            self._layout,
            Holder(
                checkout=ROOT,
                home=home,
                digest=self._digest(built),
                network=str(self._layout.network.whole),
                since=datetime.now(UTC),
                boot=state.boot_id(),
            ),
        )
        machine.make_network(self._layout)
        run(
            [
                host.program("nsenter"),
                f"--net=/run/netns/{self._layout.name}",
                built.node / "init",
                "launch",
                node_file,
            ],
            timeout=20,
        )
        until(self._not_launched, "process 1 of the node", within=10, every=0.02)
        init = state.identity(self._layout)
        assert init is not None
        self._finish(init, built)
        self._write_kubeconfig()
        self._await_ready(within=_READY_WITHIN)

    def _not_launched(self) -> str | None:
        return None if state.identity(self._layout) else "it has not said who it is"

    def _finish(self, init: Identity, built: Programs) -> None:
        """What a node needs from outside: its own images, and the objects of its system pods."""
        store, api = Store(init, self._layout.home), self._api(self._layout.home)

        def images() -> None:
            until(self._while_alive(store.answers), "containerd", within=_READY_WITHIN)
            store.load(built.images)

        with ThreadPoolExecutor(1) as aside:
            loaded = aside.submit(images)
            until(self._while_alive(api.answers), "the API server", within=_READY_WITHIN)
            for thing in manifests(self._layout, built):
                if thing["kind"] == "Deployment":
                    # A pod that comes before its image asks a registry that is not there, and then
                    # waits ten seconds before it looks again.
                    loaded.result()
                api.apply(thing)
        (self._layout.home / "status" / "applied").touch()

    def _await_ready(self, *, within: float) -> None:
        api = self._api(self._layout.home)

        def seen() -> str | None:
            try:
                return _node_not_ready(api, self._layout.name) or _system_not_ready(api)
            except UnreachableError as silent:
                return str(silent)

        until(self._while_alive(seen), "the node to be Ready", within=within)

    def _while_alive(self, question: Callable[[], str | None]) -> Callable[[], str | None]:
        """The question, but of a node whose process 1 has ended there is nothing to be waited for."""

        def ask() -> str | None:
            if state.identity(self._layout) is None:
                log = self._layout.logs / "init.log"
                said = log.read_text()[-500:].strip() if log.exists() else ""
                raise PlatformError(f"process 1 of the node has ended: {said or 'it said nothing'}")
            for component in self._components(self._layout.home):
                if component["restarts"] >= _HOPELESS:
                    log = self._layout.logs / f"{component['name']}.log"
                    said = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
                    raise PlatformError(
                        f"{component['name']} {component['last_exit']} for the "
                        f"{component['restarts']}th time; its last lines:\n{said}"
                    )
            return question()

        return ask

    @staticmethod
    def _components(home: Path) -> list[configuration.Json]:
        """What process 1 of the node tells of each component."""
        try:
            told: list[configuration.Json] = json.loads((home / "status" / "components.json").read_text())
        except (FileNotFoundError, ValueError):
            return []
        return told

    def _api(self, home: Path) -> Api:
        return Api(self._layout.network.node, PORTS.apiserver, home / "etc" / "pki")

    def _write_kubeconfig(self) -> None:
        KUBECONFIG.parent.mkdir(parents=True, exist_ok=True)
        text = configuration.kubeconfig(self._layout, "admin")
        part = KUBECONFIG.with_suffix(f".{os.getpid()}")
        write_private(part, text.encode())
        part.rename(KUBECONFIG)


def _node_not_ready(api: Api, name: str) -> str | None:
    node = api.find(f"/api/v1/nodes/{name}")
    if node is None:
        return "the node has not registered"
    for condition in node["status"].get("conditions", []):
        if condition["type"] == "Ready":
            return None if condition["status"] == "True" else str(condition.get("message", "not Ready"))
    return "the node has not told its condition"


def _system_not_ready(api: Api) -> str | None:
    for namespace, name in SYSTEM_PODS:
        deployment = api.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
        if deployment is None or not deployment.get("status", {}).get("readyReplicas"):
            return f"deployment {name} of {namespace} has no pod that is Ready"
    return None


def _cache_bytes() -> int | None:
    try:
        return int(run(["du", "-s", "-B1", "-x", cache_root()], timeout=60).split()[0])
    except PlatformError:
        return None
