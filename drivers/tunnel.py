"""A way from here to a service inside the cluster: kubectl port-forward, kept alive."""

from __future__ import annotations

import contextlib
import queue
import re
import subprocess
import threading
import time
from pathlib import Path

from drivers import traffic
from drivers.errors import ServiceError, brief
from foundation.process import ends_with_us
from reports import evidence

START_SECONDS = 20.0
"""Until kubectl must have said that it forwards."""

_FORWARDING = re.compile(r"^Forwarding from 127\.0\.0\.1:(\d+) -> \d+$")

EVIDENCE = {
    "polaris": "catalog",
    "minio": "minio",
    "postgresql": "postgresql",
    "dagster-webserver": "dagster",
    "marquez": "lineage",
    "jaeger": "traces",
    "prometheus": "metrics",
}
"""Which service of the evidence stands behind a Kubernetes service."""


def local_port(line: str) -> int | None:
    """The port of this machine in a line of kubectl port-forward, if the line tells one."""
    found = _FORWARDING.match(line.strip())
    return int(found.group(1)) if found else None


class Tunnel:
    """One forwarded port of one service; begins at its first use, survives the pod behind it.

    kubectl forwards to one pod and ends when that pod is gone. The next use of the tunnel
    then begins a new one on the same port of this machine, so addresses stay good.
    """

    def __init__(self, kubectl: Path, kubeconfig: Path, namespace: str, service: str, port: int) -> None:
        self.service = service
        self._namespace = namespace
        self._port = port
        self._local = 0
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._lock = threading.Lock()
        self._command = [
            *ends_with_us(),
            str(kubectl),
            "--kubeconfig",
            str(kubeconfig),
            "--namespace",
            namespace,
            "port-forward",
            "--address",
            "127.0.0.1",
            f"service/{service}",
        ]

    def address(self) -> str:
        """host:port of this machine behind which the service answers.

        Raises:
            ServiceError: no pod of the service can be reached; with kubectl's own words.
        """
        evidence.touched(EVIDENCE.get(self.service, self.service))
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._begin()
            return f"127.0.0.1:{self._local}"

    def renew(self) -> None:
        """Begin anew: what was behind the tunnel is known to be gone."""
        with self._lock:
            self._end()

    def close(self) -> None:
        """End the forwarding process, and only that one."""
        self.renew()

    def _begin(self) -> None:
        self._end()
        with traffic.asking("the tunnels", f"forward port {self._port} of {self.service}") as question:
            self._start()
            question.outcome = f"on port {self._local}"

    def _start(self) -> None:
        self._lines = queue.Queue()
        ports = f"{self._local or ''}:{self._port}"
        self._process = subprocess.Popen(
            [*self._command, ports],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=_relay, args=(self._process, self._lines), daemon=True).start()
        self._local = self._told_port()

    def _told_port(self) -> int:
        deadline = time.monotonic() + START_SECONDS
        said: list[str] = []
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                break
            if port := local_port(line):
                return port
            said.append(line)
        self._end()
        raise ServiceError(
            f"forward port {self._port} of service {self.service} in {self._namespace}",
            of="Kubernetes",
            answer=brief(" ".join(said) or f"nothing within {START_SECONDS:.0f} s"),
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


class Tunnels:
    """The tunnels into one namespace; each begins when it is first asked for."""

    def __init__(self, kubectl: Path, kubeconfig: Path, namespace: str) -> None:
        self._where = (kubectl, kubeconfig, namespace)
        self._open: dict[tuple[str, int], Tunnel] = {}

    def to(self, service: str, port: int) -> Tunnel:
        """The tunnel to this port of this service."""
        return self._open.setdefault((service, port), Tunnel(*self._where, service, port))

    def renew(self) -> None:
        """Forget every pod behind the tunnels; addresses stay the same."""
        for tunnel in self._open.values():
            tunnel.renew()

    def close(self) -> None:
        """End all of them."""
        for tunnel in self._open.values():
            with contextlib.suppress(OSError):
                tunnel.close()


def _relay(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    """Read the process to its end: a full pipe would stop it; None says that it ended."""
    if process.stdout:
        with process.stdout as output:
            for line in output:
                lines.put(line)
    lines.put(None)
