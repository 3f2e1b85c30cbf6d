"""Where everything of the local node is: names, addresses, folders. Nothing here acts."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from foundation.cache import cache_root
from foundation.errors import UserError

DEFAULT_NAME = "floe-e2e"
DEFAULT_NETWORK = "10.213.0.0/16"


@dataclass(frozen=True)
class Ports:
    """Ports of the node's own components.

    All lie above the node port range and above the kernel's ephemeral range, so that neither a
    service nor an outgoing connection can ever hold one of them.
    """

    apiserver: int = 61443
    kubelet: int = 61250
    kubelet_health: int = 61248
    proxy_health: int = 61256
    proxy_metrics: int = 61249
    controllers: int = 61257
    scheduler: int = 61259
    etcd: int = 61379
    etcd_peers: int = 61380


PORTS = Ports()


@dataclass(frozen=True)
class Network:
    """One private range, cut into link, services and pods."""

    whole: ipaddress.IPv4Network

    @property
    def host(self) -> str:
        """The host's end of the link."""
        return str(self.whole[1])

    @property
    def node(self) -> str:
        """The node's end of the link: API server, kubelet and node ports answer here."""
        return str(self.whole[2])

    @property
    def services(self) -> ipaddress.IPv4Network:
        """Cluster addresses of services."""
        return list(self.whole.subnets(new_prefix=20))[2]

    @property
    def pods(self) -> ipaddress.IPv4Network:
        """Addresses of pods."""
        return list(self.whole.subnets(new_prefix=20))[4]

    @property
    def api(self) -> str:
        """The service address of the API server."""
        return str(self.services[1])

    @property
    def dns(self) -> str:
        """The service address of the cluster's DNS."""
        return str(self.services[10])


@dataclass(frozen=True)
class Layout:
    """Names and folders of one node.

    Attributes:
        name: of the network namespace, the host's link end, the cgroup and the folder in /run.
        network: its addresses.
        home: its folder in the user's cache.
        runtime: its folder in /run, the same for every user and checkout of the machine.
    """

    name: str
    network: Network
    home: Path
    runtime: Path

    @property
    def store(self) -> Path:
        """Containerd's root: kept from node to node, so that images are imported once."""
        return self.home / "containerd"

    @property
    def logs(self) -> Path:
        """Logs of the components and of pods."""
        return self.home / "logs"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.home / "etc" / "pki"


def layout() -> Layout:
    """The node of this machine.

    FLOE_E2E_NETWORK names another private range where the default one is taken; FLOE_E2E_NODE
    another name, for a second node beside the first.
    """
    name = os.environ.get("FLOE_E2E_NODE") or DEFAULT_NAME
    if not (name.isascii() and name.replace("-", "").isalnum() and len(name) <= 15):
        raise UserError(
            f"FLOE_E2E_NODE={name} cannot name a network link", remedy="use at most 15 letters, digits and -"
        )
    text = os.environ.get("FLOE_E2E_NETWORK") or DEFAULT_NETWORK
    try:
        whole = ipaddress.IPv4Network(text)
    except ValueError as wrong:
        raise UserError(
            f"FLOE_E2E_NETWORK: {wrong}", remedy=f"give a private /16 like {DEFAULT_NETWORK}"
        ) from wrong
    if whole.prefixlen != 16 or not whole.is_private:
        raise UserError(
            f"FLOE_E2E_NETWORK={text} is not a private /16", remedy=f"give one like {DEFAULT_NETWORK}"
        )
    home = cache_root() / ("node" if name == DEFAULT_NAME else f"node-{name}")
    return Layout(name=name, network=Network(whole), home=home, runtime=Path("/run") / name)
