"""The tunnel understands kubectl and says in its words why there is no way."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from drivers.errors import ServiceError
from drivers.tunnel import Tunnel, local_port

NOWHERE = """
apiVersion: v1
kind: Config
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: nobody, user: {}}]
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
current-context: nowhere
"""


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("Forwarding from 127.0.0.1:40123 -> 9000\n", 40123),
        ("Forwarding from 127.0.0.1:1 -> 1", 1),
        ("Forwarding from [::1]:40123 -> 9000", None),
        ("Handling connection for 40123", None),
        ("error: lost connection to pod", None),
        ("", None),
    ],
)
def test_the_port_is_read_from_what_kubectl_says(line: str, port: int | None) -> None:
    assert local_port(line) == port


def test_kubectls_own_words_tell_why_there_is_no_way(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(NOWHERE)
    tunnel = Tunnel(Path(sys.prefix) / "bin" / "kubectl", kubeconfig, "floe-us1", "minio", 9000)
    with pytest.raises(ServiceError, match=r"forward port 9000 of service minio in floe-us1.*refused"):
        tunnel.address()
