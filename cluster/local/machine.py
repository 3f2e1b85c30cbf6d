"""The traces a node has on the host: network namespace, link, routes, cgroups. Made and removed by name."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from cluster.local.host import program
from cluster.local.layout import Layout
from cluster.polling import until
from foundation.errors import PlatformError
from foundation.process import run

CGROUPS = Path("/sys/fs/cgroup")
_CONTROLLERS = ("cpu", "cpuset", "memory", "pids", "io", "hugetlb")
LATE_METRIC = "4096"
"""Of the unreachable route: worse than the link's, so it only counts when the link is gone."""
_NAMESPACES = Path("/run/netns")


def make_network(layout: Layout) -> None:
    """A network namespace linked with the host, with no way from it to anywhere else.

    It gets no default route and the host does not forward, so nothing of the node can leave the
    machine. The unreachable route makes late clients of a node that is gone fail at once, where the
    host's default route would carry their packets away.
    """
    net, name = layout.network, layout.name
    keep_in(layout)
    _ip("netns", "add", name)
    _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
    _ip("address", "add", f"{net.host}/30", "dev", name)
    _ip("link", "set", name, "up")
    _ip("-netns", name, "link", "set", "lo", "up")
    _ip("-netns", name, "address", "add", f"{net.node}/30", "dev", "eth0")
    _ip("-netns", name, "link", "set", "eth0", "up")
    # kube-proxy refuses connections to a Service without pods where packets are forwarded; without a route
    # none comes so far. What has a pod is readdressed before that, and nothing else leaves the node.
    _ip("-netns", name, "route", "replace", str(net.services), "via", net.host, "dev", "eth0")
    _ip("route", "replace", str(net.whole), "via", net.node, "dev", name)


def keep_in(layout: Layout) -> None:
    """Keep packets for the node's range on this machine while no link takes them."""
    _ip("route", "replace", "unreachable", str(layout.network.whole), "metric", LATE_METRIC)


def remove_network(layout: Layout, ranges: set[str]) -> None:
    """Remove namespace, link and routes; what is not there is no error."""
    if _NAMESPACES.joinpath(layout.name).exists():
        try:
            _ip("netns", "delete", layout.name)
        except PlatformError:
            # An `up` was killed between making the file and mounting the namespace on it.
            _NAMESPACES.joinpath(layout.name).unlink(missing_ok=True)
    if Path("/sys/class/net", layout.name).exists():
        _gone("link", "delete", layout.name)
    for cidr in ranges:
        _gone("route", "delete", "unreachable", cidr, "metric", LATE_METRIC)


def unified() -> bool:
    """Whether the machine has only the one hierarchy of cgroup v2."""
    return (CGROUPS / "cgroup.controllers").exists()


def cgroup_folders(layout: Layout) -> list[Path]:
    """The node's cgroup in every hierarchy of the machine."""
    if unified():
        return [CGROUPS / layout.name]
    roots = (root for root in CGROUPS.iterdir() if not root.is_symlink() and (root / "cgroup.procs").exists())
    return [root / layout.name for root in sorted(roots)]


def make_cgroups(layout: Layout) -> list[Path]:
    """Make the node's cgroup; return the cgroup.procs files that process 1 of the node joins."""
    joins = []
    for folder in cgroup_folders(layout):
        _delegate(folder.parent)
        folder.mkdir(exist_ok=True)
        _inherit_cpuset(folder)
        _delegate(folder)
        leaf = folder / "node"
        leaf.mkdir(exist_ok=True)
        _inherit_cpuset(leaf)
        joins.append(leaf / "cgroup.procs")
    return joins


def remove_cgroups(layout: Layout) -> None:
    """End what still runs in the node's cgroups (nothing of anyone else is there) and remove them."""

    def left() -> str | None:
        for folder in cgroup_folders(layout):
            for group in _below(folder):
                for pid in _members(group):
                    _kill(pid)
                try:
                    group.rmdir()
                except FileNotFoundError:
                    continue
                except OSError as busy:
                    if busy.errno not in (errno.EBUSY, errno.ENOTEMPTY):
                        raise
                    return f"{group} is in use"
        return None

    until(left, "the node's cgroups to be empty", within=8, every=0.05)


def _ip(*words: str) -> str:
    return run([program("ip"), *words], timeout=10)


def _gone(*words: str) -> None:
    try:
        _ip(*words)
    except PlatformError as failed:
        if not any(said in str(failed) for said in ("No such process", "Cannot find device", "No such file")):
            raise


def _delegate(folder: Path) -> None:
    """On cgroup v2, let the children of this group have the controllers that the kubelet needs."""
    if not unified():
        return
    offered = (folder / "cgroup.controllers").read_text().split()
    given = (folder / "cgroup.subtree_control").read_text().split()
    wanted = [name for name in _CONTROLLERS if name in offered and name not in given]
    if not wanted:
        return
    try:
        (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in wanted))
    except OSError as refused:
        raise PlatformError(
            f"the kernel does not hand the controllers {', '.join(wanted)} down from {folder}: {refused}; "
            "inside a container, start it with its own cgroup namespace and an init that moves processes out"
        ) from refused


def _inherit_cpuset(folder: Path) -> None:
    """On cgroup v1 a new cpuset is empty, and nothing can join it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if not unified() and file.exists() and not file.read_text().strip():
            file.write_text((folder.parent / name).read_text())


def _below(folder: Path) -> Iterator[Path]:
    """The group and all groups in it, the deepest first."""
    if not folder.is_dir():
        return
    for path, _folders, _files in os.walk(folder, topdown=False, onerror=lambda _gone: None):
        yield Path(path)


def _members(group: Path) -> list[int]:
    try:
        return [int(line) for line in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _kill(pid: int) -> None:
    # 0 stands for a process that this process namespace cannot see.
    if pid > 1 and pid != os.getpid():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
