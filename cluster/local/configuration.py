"""Everything the node's components are told, as data: written into a folder, then never changed."""

from __future__ import annotations

import base64
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cluster.local.host import cni_folder, program, search_path
from cluster.local.layout import PORTS, Layout
from cluster.local.programs import Programs
from cluster.provider import NODE_PORT_RANGE

ETC = "/run/floe/etc"
KUBE = "/run/floe/kube"
INIT = "/run/floe/node/init"
VOLUMES = "/var/lib/floe-volumes"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
_TIDY_SOCKET = "/run/containerd/tidy.sock"
_NAMESPACE = "k8s.io"

_FOLDERS = {
    "etc": ETC,
    "status": "/run/floe/status",
    "tmp": "/run/floe/tmp",
    "kubelet": "/var/lib/kubelet",
    "etcd": "/var/lib/etcd",
    "volumes": VOLUMES,
    "logs": "/var/log/floe",
    "pods": "/var/log/pods",
}
"""Folders of the node in the cache that begin empty with every node, and where it sees them."""

_FLEX_VOLUMES = "/var/lib/kubelet/plugins-flex"
"""Nobody has any; but by default kubelet and controller manager make a folder in the host's /usr."""

Json = dict[str, Any]


def write(layout: Layout, programs: Programs) -> None:
    """Write every file the node reads; the certificates are there already."""
    etc = layout.home / "etc"
    (etc / "cni").mkdir()
    files = {
        "containerd.toml": containerd(layout, programs, tidy=False),
        "containerd-tidy.toml": containerd(layout, programs, tidy=True),
        "cni/10-pods.conflist": json.dumps(cni(layout), indent=2),
        "kubelet.yaml": yaml.safe_dump(kubelet(layout)),
        "kube-proxy.yaml": yaml.safe_dump(proxy(layout)),
        # There is no name server but the cluster's own.
        "resolv.conf": "",
    }
    for user in ("controller-manager", "scheduler", "kubelet", "kube-proxy"):
        files[f"{user}.kubeconfig"] = kubeconfig(layout, user)
    for name, content in files.items():
        path = etc / name
        path.touch(mode=0o600)
        path.write_text(content)


def folders(layout: Layout) -> Mapping[str, Path]:
    """The node's folders by name; all but the store begin empty."""
    return {name: layout.home / name for name in _FOLDERS}


def node(layout: Layout, programs: Programs, *, joins: list[Path]) -> Json:
    """What process 1 of the node reads: see cluster/go/node/init/config.go."""
    binds = [[str(layout.home / name), inside] for name, inside in _FOLDERS.items()]
    binds += [
        [str(layout.store), "/var/lib/containerd"],
        [str(programs.kube), KUBE],
        [str(programs.node), str(Path(INIT).parent)],
    ]
    return {
        "hostname": layout.name,
        "identity": str(layout.runtime / "init.json"),
        "status": "/run/floe/status/components.json",
        "logs": _FOLDERS["logs"],
        "host_log": str(layout.logs / "init.log"),
        "stage": str(layout.home / "stage"),
        "cgroups": [str(path) for path in joins],
        "hidden": ["/run", "/var/lib", "/var/log"],
        "binds": binds,
        "sysctls": {
            "net/ipv4/ip_forward": "1",
            "net/ipv4/conf/all/rp_filter": "0",
            # Every connection to a Service without pods is refused, not the first few of a second alone: who
            # hears nothing asks again after 1, 3 and 7 s, which Dagster's daemon did at its start.
            "net/ipv4/icmp_ratelimit": "0",
        },
        # The kubelet sets these for the whole machine if they differ; see `Pretended` in config.go.
        "pretended": {
            "vm/overcommit_memory": "1",
            "vm/panic_on_oom": "0",
            "kernel/panic": "10",
            "kernel/panic_on_oops": "1",
            "kernel/keys/root_maxkeys": "1000000",
            "kernel/keys/root_maxbytes": "25000000",
        },
        "components": components(layout),
    }


def components(layout: Layout) -> list[Json]:
    """The node's programs in order; each starts when those it comes after are ready."""
    net, pki = layout.network, f"{ETC}/pki"
    etcd_url = f"https://127.0.0.1:{PORTS.etcd}"
    peers_url = f"https://127.0.0.1:{PORTS.etcd_peers}"
    common = {
        "PATH": search_path(),
        "TMPDIR": _FOLDERS["tmp"],
        "HOME": "/root",
        # All are Go programs of some hundred megabytes at most: memory is had, and processors are what lacks.
        "GOGC": "300",
    }

    def one(
        name: str,
        command: list[str],
        flags: Mapping[str, str] | None = None,
        *,
        after: tuple[str, ...] = (),
        listens: str = "",
        once: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Json:
        words = [*command, *(f"--{flag}={value}" for flag, value in (flags or {}).items())]
        return {
            "name": name,
            "command": words,
            "env": {**common, **(env or {})},
            "after": list(after),
            "once": once,
            "listens": listens,
        }

    def kube(name: str, flags: Mapping[str, str], *, after: tuple[str, ...], listens: str) -> Json:
        return one(name, [f"{KUBE}/kube", name], flags, after=after, listens=listens)

    return [
        one(
            "tidy",
            [INIT, "tidy", f"{ETC}/containerd-tidy.toml", _TIDY_SOCKET, _NAMESPACE, "/var/lib/containerd"],
            once=True,
        ),
        one(
            "containerd",
            [str(program("containerd")), "--config", f"{ETC}/containerd.toml"],
            after=("tidy",),
            listens=f"unix:{CONTAINERD_SOCKET}",
        ),
        one(
            "etcd",
            [str(program("etcd"))],
            {
                "name": "node",
                "data-dir": "/var/lib/etcd",
                "listen-client-urls": etcd_url,
                "advertise-client-urls": etcd_url,
                "listen-peer-urls": peers_url,
                "initial-advertise-peer-urls": peers_url,
                "initial-cluster": f"node={peers_url}",
                "cert-file": f"{pki}/etcd.crt",
                "key-file": f"{pki}/etcd.key",
                "trusted-ca-file": f"{pki}/etcd-ca.crt",
                "client-cert-auth": "true",
                "peer-cert-file": f"{pki}/etcd.crt",
                "peer-key-file": f"{pki}/etcd.key",
                "peer-trusted-ca-file": f"{pki}/etcd-ca.crt",
                "peer-client-cert-auth": "true",
                # It is thrown away with the node: nothing to be saved from a power cut.
                "unsafe-no-fsync": "true",
                "heartbeat-interval": "500",
                "election-timeout": "2500",
                "initial-election-tick-advance": "true",
                "logger": "zap",
                "log-level": "warn",
            },
            listens=f"tcp:127.0.0.1:{PORTS.etcd}",
            # etcd 3.4 asks for this confirmation on 64-bit ARM, and warns of it anywhere else.
            env={"ETCD_UNSUPPORTED_ARCH": "arm64"} if platform.machine() == "aarch64" else {},
        ),
        kube(
            "kube-apiserver",
            {
                "advertise-address": net.node,
                "secure-port": str(PORTS.apiserver),
                "etcd-servers": etcd_url,
                "etcd-cafile": f"{pki}/etcd-ca.crt",
                "etcd-certfile": f"{pki}/apiserver-etcd-client.crt",
                "etcd-keyfile": f"{pki}/apiserver-etcd-client.key",
                "client-ca-file": f"{pki}/ca.crt",
                "tls-cert-file": f"{pki}/apiserver.crt",
                "tls-private-key-file": f"{pki}/apiserver.key",
                "kubelet-certificate-authority": f"{pki}/ca.crt",
                "kubelet-client-certificate": f"{pki}/apiserver-kubelet-client.crt",
                "kubelet-client-key": f"{pki}/apiserver-kubelet-client.key",
                # The node's name resolves nowhere.
                "kubelet-preferred-address-types": "InternalIP",
                "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
                "service-account-key-file": f"{pki}/service-accounts.pub",
                "service-account-signing-key-file": f"{pki}/service-accounts.key",
                "service-cluster-ip-range": str(net.services),
                "service-node-port-range": NODE_PORT_RANGE,
                "authorization-mode": "Node,RBAC",
                "enable-admission-plugins": "NodeRestriction",
                "anonymous-auth": "false",
                "allow-privileged": "true",
                "profiling": "false",
            },
            after=("etcd",),
            listens=f"tcp:127.0.0.1:{PORTS.apiserver}",
        ),
        kube(
            "kube-controller-manager",
            {
                "kubeconfig": f"{ETC}/controller-manager.kubeconfig",
                "bind-address": "127.0.0.1",
                "secure-port": str(PORTS.controllers),
                "root-ca-file": f"{pki}/ca.crt",
                "service-account-private-key-file": f"{pki}/service-accounts.key",
                "use-service-account-credentials": "true",
                # Meant for hundreds of nodes, the default of 20 calls a second takes five seconds to
                # start the controllers, and makes every namespace slow to go.
                "kube-api-qps": "200",
                "kube-api-burst": "400",
                "service-cluster-ip-range": str(net.services),
                "flex-volume-plugin-dir": _FLEX_VOLUMES,
                "leader-elect": "false",
                "profiling": "false",
            },
            after=("kube-apiserver",),
            listens=f"tcp:127.0.0.1:{PORTS.controllers}",
        ),
        kube(
            "kube-scheduler",
            {
                "kubeconfig": f"{ETC}/scheduler.kubeconfig",
                "bind-address": "127.0.0.1",
                "secure-port": str(PORTS.scheduler),
                "leader-elect": "false",
                "profiling": "false",
            },
            after=("kube-apiserver",),
            listens=f"tcp:127.0.0.1:{PORTS.scheduler}",
        ),
        kube(
            "kubelet",
            {
                "config": f"{ETC}/kubelet.yaml",
                "kubeconfig": f"{ETC}/kubelet.kubeconfig",
                "hostname-override": layout.name,
                "node-ip": net.node,
                "cert-dir": "/var/lib/kubelet/pki",
            },
            after=("kube-apiserver", "containerd"),
            listens=f"tcp:127.0.0.1:{PORTS.kubelet_health}",
        ),
        kube(
            "kube-proxy",
            {"config": f"{ETC}/kube-proxy.yaml"},
            after=("kube-apiserver",),
            listens=f"tcp:127.0.0.1:{PORTS.proxy_health}",
        ),
    ]


def containerd(layout: Layout, programs: Programs, *, tidy: bool) -> str:
    """Containerd's settings; with `tidy` those it runs with to forget an earlier node's containers."""
    off = [
        "io.containerd.internal.v1.opt",
        "io.containerd.internal.v1.tracing",
        "io.containerd.tracing.processor.v1.otlp",
        "io.containerd.snapshotter.v1.aufs",
        "io.containerd.snapshotter.v1.btrfs",
        "io.containerd.snapshotter.v1.devmapper",
        "io.containerd.snapshotter.v1.zfs",
    ] + (["io.containerd.grpc.v1.cri"] if tidy else [])
    return f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = {json.dumps(off)}

[grpc]
address = {json.dumps(_TIDY_SOCKET if tidy else CONTAINERD_SOCKET)}

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = {json.dumps(programs.pause.ref)}
# Where CAP_SYS_RESOURCE is withheld, a container with a lower score than the daemon's cannot start.
restrict_oom_score_adj = true
# A profile would be loaded into the host's kernel and stay there.
disable_apparmor = true
disable_hugetlb_controller = true
tolerate_missing_hugetlb_controller = true
stream_server_address = {json.dumps(layout.network.node)}

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = {json.dumps(str(cni_folder()))}
conf_dir = "{ETC}/cni"
"""


def cni(layout: Layout) -> Json:
    """Pods' network: a link of its own per pod, so every packet between pods is routed by the node."""
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "mtu": 1500,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": str(layout.network.pods)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": "/run/cni-leases",
                },
            }
        ],
    }


def kubelet(layout: Layout) -> Json:
    """The kubelet's settings."""
    pki = f"{ETC}/pki"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{pki}/kubelet-server.key",
        "address": layout.network.node,
        "port": PORTS.kubelet,
        "readOnlyPort": 0,
        "healthzPort": PORTS.kubelet_health,
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.name}",
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "clusterDNS": [layout.network.dns],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{ETC}/resolv.conf",
        # Images cannot be pulled again, so they are never collected; nor is a pod evicted early.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "maxPods": 200,
        "volumePluginDir": _FLEX_VOLUMES,
        "nodeStatusUpdateFrequency": "5s",
        "containerLogMaxSize": "10Mi",
        "containerLogMaxFiles": 2,
    }


def proxy(layout: Layout) -> Json:
    """kube-proxy's settings."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": f"{ETC}/kube-proxy.kubeconfig"},
        "hostnameOverride": layout.name,
        "clusterCIDR": str(layout.network.pods),
        "healthzBindAddress": f"127.0.0.1:{PORTS.proxy_health}",
        "metricsBindAddress": f"127.0.0.1:{PORTS.proxy_metrics}",
        # Only the host's own namespace may set these; 0 leaves them as they are.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
        "nftables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
    }


def kubeconfig(layout: Layout, user: str) -> str:
    """Access to the API server for one of the users in the node's certificates."""

    def text(name: str) -> str:
        return base64.b64encode((layout.pki / name).read_bytes()).decode()

    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": layout.name,
            "clusters": [
                {
                    "name": layout.name,
                    "cluster": {
                        "server": f"https://{layout.network.node}:{PORTS.apiserver}",
                        "certificate-authority-data": text("ca.crt"),
                    },
                }
            ],
            "users": [
                {
                    "name": user,
                    "user": {
                        "client-certificate-data": text(f"{user}.crt"),
                        "client-key-data": text(f"{user}.key"),
                    },
                }
            ],
            "contexts": [{"name": layout.name, "context": {"cluster": layout.name, "user": user}}],
        },
        sort_keys=False,
    )
