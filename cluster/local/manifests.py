"""What the node itself runs as pods: the cluster's DNS and the default StorageClass."""

from __future__ import annotations

from typing import Any

from cluster.local.configuration import VOLUMES
from cluster.local.layout import Layout
from cluster.local.programs import Programs

Json = dict[str, Any]

STORAGE = "volumes"
SYSTEM_PODS = (("kube-system", "coredns"), (STORAGE, "volumes"))
"""Deployments whose pods must be Ready before the node is."""

_PROVISIONER = "floe-e2e.local/node-folders"

_LOCKED_DOWN = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def manifests(layout: Layout, programs: Programs) -> list[Json]:
    """Every object, in an order in which each finds what it needs."""
    return [
        *_kubelet_access(),
        *_dns(layout, programs),
        *_storage(programs),
    ]


def _kubelet_access() -> list[Json]:
    # For logs, exec and port-forward, which the API server asks of the kubelet.
    return [
        _binding("kube-apiserver-kubelet", "system:kubelet-api-admin")
        | {
            "subjects": [
                {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "User",
                    "name": "kube-apiserver-kubelet-client",
                }
            ]
        }
    ]


def _dns(layout: Layout, programs: Programs) -> list[Json]:
    name, labels = "coredns", {"app.kubernetes.io/name": "coredns"}
    # The last block is the whole rest of the world: there is none.
    corefile = """\
cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {
    errors
    health :8080 {
        lameduck 1s
    }
    ready :8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
}
.:53 {
    errors
    template ANY ANY . {
        rcode NXDOMAIN
    }
}
"""
    service = {
        "clusterIP": layout.network.dns,
        "selector": labels,
        "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
        ],
    }
    container = {
        "name": name,
        "image": programs.coredns.ref,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [
            {"containerPort": 53, "name": "dns", "protocol": "UDP"},
            {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "initialDelaySeconds": 30},
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "170Mi"}},
        "securityContext": _LOCKED_DOWN | {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    rules = [
        {
            "apiGroups": [""],
            "resources": ["endpoints", "services", "pods", "namespaces"],
            "verbs": ["list", "watch"],
        },
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    return [
        _object("v1", "ServiceAccount", name, "kube-system"),
        _object("rbac.authorization.k8s.io/v1", "ClusterRole", "system:coredns") | {"rules": rules},
        _binding("system:coredns", "system:coredns") | {"subjects": [_account(name, "kube-system")]},
        _object("v1", "ConfigMap", name, "kube-system") | {"data": {"Corefile": corefile}},
        _object("v1", "Service", "kube-dns", "kube-system") | {"spec": service},
        _deployment(
            name,
            "kube-system",
            labels,
            {
                "priorityClassName": "system-cluster-critical",
                "dnsPolicy": "Default",
                "containers": [container],
                "volumes": [{"name": "config", "configMap": {"name": name}}],
            },
        ),
    ]


def _storage(programs: Programs) -> list[Json]:
    name, labels = "volumes", {"app.kubernetes.io/name": "volumes"}
    container = {
        "name": name,
        "image": programs.volumes.ref,
        "imagePullPolicy": "IfNotPresent",
        "args": [_PROVISIONER, VOLUMES],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        # Folders of any user's pods are made and removed here: by root, in this folder of the node alone.
        "securityContext": _LOCKED_DOWN
        | {"capabilities": {"drop": ["ALL"], "add": ["DAC_OVERRIDE", "FOWNER"]}},
        "volumeMounts": [{"name": "volumes", "mountPath": VOLUMES}],
    }
    read = ["get", "list", "watch"]
    rules = [
        {"apiGroups": [""], "resources": ["nodes", "persistentvolumeclaims"], "verbs": read},
        {
            "apiGroups": [""],
            "resources": ["persistentvolumes"],
            "verbs": [*read, "create", "patch", "update", "delete"],
        },
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
        {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": read},
    ]
    default = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    storage_class = _object("storage.k8s.io/v1", "StorageClass", "node-folders")
    storage_class["metadata"] |= default
    return [
        _object("v1", "Namespace", STORAGE),
        _object("v1", "ServiceAccount", name, STORAGE),
        _object("rbac.authorization.k8s.io/v1", "ClusterRole", name) | {"rules": rules},
        _binding(name, name) | {"subjects": [_account(name, STORAGE)]},
        storage_class
        | {
            "provisioner": _PROVISIONER,
            "volumeBindingMode": "WaitForFirstConsumer",
            "reclaimPolicy": "Delete",
        },
        _deployment(
            name,
            STORAGE,
            labels,
            {
                "serviceAccountName": name,
                "containers": [container],
                "volumes": [{"name": "volumes", "hostPath": {"path": VOLUMES, "type": "Directory"}}],
            },
        ),
    ]


def _object(api: str, kind: str, name: str, namespace: str | None = None) -> Json:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata}


def _binding(name: str, role: str) -> Json:
    return _object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name) | {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    }


def _account(name: str, namespace: str) -> Json:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def _deployment(name: str, namespace: str, labels: dict[str, str], pod: Json) -> Json:
    return _object("apps/v1", "Deployment", name, namespace) | {
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": name,
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    **pod,
                },
            },
        }
    }
