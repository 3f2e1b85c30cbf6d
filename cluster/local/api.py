"""The few calls of the API server that starting a node needs; no client library to be imported."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any

from foundation.errors import PlatformError

Json = dict[str, Any]

_PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "Namespace": "namespaces",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "StorageClass": "storageclasses",
}


class UnreachableError(PlatformError):
    """The API server does not answer (yet)."""


class Api:
    """The API server, as the cluster's administrator."""

    def __init__(self, address: str, port: int, pki: Path) -> None:
        self._address, self._port = address, port
        self._tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self._tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    def get(self, path: str) -> Json:
        """An object or a list."""
        answer: Json = json.loads(self._call("GET", path))
        return answer

    def find(self, path: str) -> Json | None:
        """An object, or None if there is none of that name."""
        status, body = self._send("GET", path)
        if status == http.client.NOT_FOUND:
            return None
        return self._good("GET", path, status, body)

    def answers(self) -> str | None:
        """None if it takes requests, else what it says instead."""
        try:
            status, body = self._send("GET", "/readyz")
        except UnreachableError as silent:
            return str(silent)
        return None if status == http.client.OK else body.decode(errors="replace")[-200:]

    def apply(self, thing: Json) -> None:
        """Server-side apply: create it, or change it to this."""
        group, metadata = thing["apiVersion"], thing["metadata"]
        path = f"/{'apis' if '/' in group else 'api'}/{group}"
        if "namespace" in metadata:
            path += f"/namespaces/{metadata['namespace']}"
        path += f"/{_PLURALS[thing['kind']]}/{metadata['name']}?fieldManager=floe-e2e&force=true"
        status, body = self._send("PATCH", path, json.dumps(thing))
        self._good("PATCH", path, status, body)

    def _call(self, method: str, path: str) -> bytes:
        status, body = self._send(method, path)
        self._good(method, path, status, body)
        return body

    def _good(self, method: str, path: str, status: int, body: bytes) -> Json:
        if status >= http.client.BAD_REQUEST:
            raise PlatformError(
                f"the API server answered {method} {path} with {status}: "
                + body.decode(errors="replace")[:300]
            )
        read: Json = json.loads(body)
        return read

    def _send(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(self._address, self._port, timeout=10, context=self._tls)
        try:
            headers = {"Content-Type": "application/apply-patch+yaml"} if body else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as failed:
            raise UnreachableError(f"the API server does not answer: {failed}") from failed
        finally:
            connection.close()
