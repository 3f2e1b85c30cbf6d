"""A kind cluster: made, asked, loaded, deleted."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import yaml

from cluster import remote
from cluster.kind.config import LISTEN, NAME, config
from cluster.provider import KUBECONFIG, NODE_PORTS, Status, docker_answers
from cluster.tools import kind
from foundation.cache import ROOT, cache_root, locked
from foundation.errors import PlatformError, UserError
from foundation.process import run
from foundation.progress import phase, say
from images.model import Image

_NODE = f"{NAME}-control-plane"
_READY_WITHIN = 300


class Kind:
    """A single-node cluster in a Docker container."""

    name = "kind"

    @property
    def kubeconfig(self) -> Path:
        """Access to the cluster, private to this checkout."""
        return KUBECONFIG

    def node_address(self) -> str:
        """Node ports are mapped to this machine."""
        return LISTEN

    def reference(self, ref: str) -> str:
        """Pods use the reference an image was built as."""
        return ref

    def up(self) -> None:
        """Have a cluster whose node is Ready; an unfinished one of a killed run is made anew."""
        self._require_docker()
        with locked("kind", waiting=lambda holder: say(f"waiting for {holder}, which starts or ends kind")):
            if NAME in self._clusters():
                self._refuse_foreign()
                if self._answers():
                    self._write_kubeconfig()
                    return
                self._delete()
            require_free_ports()
            self._holder().write_text(json.dumps({"checkout": str(ROOT)}))
            with phase("kind creates its cluster"):
                run(
                    [kind(), "create", "cluster", "--config", "-", "--wait", "120s", *self._to_kubeconfig()],
                    stdin=yaml.safe_dump(config()),
                    timeout=_READY_WITHIN,
                )
            self._write_kubeconfig()

    def down(self) -> None:
        """Delete the cluster; what was built stays in the cache."""
        self._require_docker()
        with locked("kind", waiting=lambda holder: say(f"waiting for {holder}, which starts or ends kind")):
            if NAME in self._clusters():
                self._refuse_foreign()
                self._delete()
            self._holder().unlink(missing_ok=True)
            KUBECONFIG.unlink(missing_ok=True)

    def status(self) -> Status:
        """What runs."""
        if not docker_answers() or NAME not in self._clusters():
            return Status(provider=self.name, running=False)
        found = remote.status(self.name, KUBECONFIG)
        found.running, found.address, found.holder = True, LISTEN, self._checkout()
        created = run(["docker", "inspect", "--format", "{{.Created}}", _NODE], timeout=20).strip()
        with contextlib.suppress(ValueError):
            found.since = datetime.fromisoformat(created[:19] + "+00:00")
        return found

    def load(self, images: Sequence[Image]) -> None:
        """Give the node the images it lacks."""
        for image in images:
            if not self.has(image.ref):
                with phase(f"load {image.name} ({image.size / 1e6:.0f} MB)"):
                    run([kind(), "load", "image-archive", image.archive, "--name", NAME], timeout=600)

    def has(self, ref: str) -> bool:
        """Whether the node has this image, complete."""
        ctr = ["ctr", "--namespace", "k8s.io", "images", "check", f"name=={ref}"]
        try:
            said = run(["docker", "exec", _NODE, *ctr], timeout=60)
        except PlatformError:
            return False
        return any(ref in line.split() and "complete" in line.split() for line in said.splitlines())

    def _require_docker(self) -> None:
        if not docker_answers():
            raise UserError(
                "kind needs a Docker engine, and none answers",
                remedy="start Docker, or as root use CLUSTER=local",
            )

    def _clusters(self) -> list[str]:
        return run([kind(), "get", "clusters", "--quiet"], timeout=60).split()

    def _delete(self) -> None:
        run([kind(), "delete", "cluster", "--name", NAME, *self._to_kubeconfig()], timeout=120)

    def _answers(self) -> bool:
        self._write_kubeconfig()
        return remote.status(self.name, KUBECONFIG).ready

    def _write_kubeconfig(self) -> None:
        KUBECONFIG.parent.mkdir(parents=True, exist_ok=True)
        remote.write_kubeconfig(run([kind(), "get", "kubeconfig", "--name", NAME], timeout=60))

    def _to_kubeconfig(self) -> list[str | Path]:
        # Without it, kind writes to the user's own.
        KUBECONFIG.parent.mkdir(parents=True, exist_ok=True)
        return ["--kubeconfig", KUBECONFIG]

    def _holder(self) -> Path:
        return cache_root() / "kind.json"

    def _checkout(self) -> str | None:
        try:
            return str(json.loads(self._holder().read_text())["checkout"])
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def _refuse_foreign(self) -> None:
        checkout = self._checkout()
        if checkout and Path(checkout) != ROOT and Path(checkout).is_dir():
            raise UserError(
                f"the kind cluster {NAME} belongs to {checkout}", remedy=f"make -C {checkout} down"
            )


def require_free_ports() -> None:
    """Refuse where something else of this machine answers on a documented port."""
    for service, port in NODE_PORTS.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LISTEN, port))
            except OSError as taken:
                raise UserError(
                    f"port {port} of this machine, where {service} is to answer, is in use",
                    remedy=f"end what listens there: ss -ltnp 'sport = :{port}'",
                ) from taken
