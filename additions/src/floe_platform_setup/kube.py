"""Where the principals' credentials are kept: two Secrets that the chart makes empty."""

from __future__ import annotations

import base64
from typing import Protocol

from kubernetes import client, config  # type: ignore[import-untyped]
from kubernetes.client.exceptions import ApiException  # type: ignore[import-untyped]

from floe_platform_setup.errors import SetupError

_TIMEOUT = 15


class SecretStore(Protocol):
    """Reads and writes the text values of named Secrets."""

    def read(self, name: str) -> dict[str, str]:
        """The values; empty when there is none yet."""

    def write(self, name: str, values: dict[str, str]) -> None:
        """Put the values in; other keys stay."""


class KubernetesSecrets:
    """Secrets of the Job's own namespace, by the Job's own service account.

    The account may get and patch the two Secrets by name and nothing else, so they are never
    created here: the chart makes them, and `helm uninstall` removes them.
    """

    def __init__(self, namespace: str) -> None:
        try:
            config.load_incluster_config()
        except config.ConfigException as outside:
            raise SetupError(f"not inside a Kubernetes pod: {outside}") from outside
        self._api = client.CoreV1Api()
        self._namespace = namespace

    def read(self, name: str) -> dict[str, str]:
        """The values of a Secret, decoded."""
        try:
            secret = self._api.read_namespaced_secret(name, self._namespace, _request_timeout=_TIMEOUT)
        except ApiException as answer:
            raise self._refused("read", name, answer) from answer
        return {key: base64.b64decode(value).decode() for key, value in (secret.data or {}).items()}

    def write(self, name: str, values: dict[str, str]) -> None:
        """Patch a Secret's values."""
        try:
            self._api.patch_namespaced_secret(
                name, self._namespace, {"stringData": values}, _request_timeout=_TIMEOUT
            )
        except ApiException as answer:
            raise self._refused("patch", name, answer) from answer

    def _refused(self, verb: str, name: str, answer: ApiException) -> SetupError:
        # Never the body: it may repeat what was sent.
        return SetupError(f"Secret {self._namespace}/{name}: {verb} answered {answer.status} {answer.reason}")
