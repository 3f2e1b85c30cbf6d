"""The local node as far as it can be judged without starting one."""

from __future__ import annotations

import ipaddress
import json
import shutil
import socket
import ssl
import stat
import tarfile
import threading
from dataclasses import astuple
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from cluster.gobuild import STATIC, go, go_digest, go_version
from cluster.local import certificates, configuration, host
from cluster.local.layout import PORTS, Layout, Network, layout
from cluster.local.manifests import manifests
from cluster.local.programs import Programs, scratch_image
from cluster.provider import NODE_PORT_RANGE
from cluster.tools import GO
from foundation.errors import PlatformError, UserError
from foundation.process import run
from images.model import Image, references


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("node") / "pki"
    certificates.write_all(folder, "a-node", Network(ipaddress.IPv4Network("10.213.0.0/16")))
    return folder


@pytest.fixture
def node_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Image:
    """An image of one program, written to a cache of its own."""
    monkeypatch.setenv("FLOE_E2E_CACHE", str(tmp_path / "cache"))
    program = tmp_path / "built" / "program"
    program.parent.mkdir()
    program.write_bytes(b"\x7fELF" + bytes(9000))
    return scratch_image("a-program", {"program": program, "link": "program"}, entrypoint="/program")


@pytest.fixture
def programs(node_image: Image) -> Programs:
    return Programs(
        kube=Path("/cache/kube"),
        node=Path("/cache/node"),
        pause=node_image,
        coredns=node_image,
        volumes=node_image,
    )


def test_keys_can_be_read_by_root_only(pki: Path) -> None:
    assert stat.S_IMODE(pki.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in pki.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("file", "user", "groups"),
    [
        ("admin", "kubernetes-admin", ["system:masters"]),
        ("kubelet", "system:node:a-node", ["system:nodes"]),
        ("scheduler", "system:kube-scheduler", []),
        ("controller-manager", "system:kube-controller-manager", []),
        ("kube-proxy", "system:kube-proxy", []),
        ("apiserver-kubelet-client", "kube-apiserver-kubelet-client", []),
    ],
)
def test_clients_are_who_kubernetes_takes_them_for(
    pki: Path, file: str, user: str, groups: list[str]
) -> None:
    subject = x509.load_pem_x509_certificate((pki / f"{file}.crt").read_bytes()).subject
    named = [(attribute.rfc4514_attribute_name, attribute.value) for attribute in subject]
    assert named == [*(("O", group) for group in groups), ("CN", user)]


@pytest.mark.parametrize("name", ["10.213.0.2", "10.213.32.1", "kubernetes.default.svc"])
def test_the_api_server_is_believed_by_all_its_names(pki: Path, name: str) -> None:
    assert _handshake(pki, "apiserver", "admin", "ca", name) == "kubernetes-admin"


def test_etcd_believes_no_client_of_the_cluster(pki: Path) -> None:
    with pytest.raises(ssl.SSLError):
        _handshake(pki, "etcd", "admin", "etcd-ca", "localhost")


def test_the_components_start_in_an_order_that_exists(tmp_path: Path) -> None:
    ready: set[str] = set()
    for component in configuration.components(_layout(tmp_path)):
        assert set(component["after"]) <= ready
        ready.add(component["name"])


def test_no_service_and_no_outgoing_connection_can_take_a_components_port() -> None:
    ports = astuple(PORTS)
    node_ports_end = int(NODE_PORT_RANGE.split("-")[1])
    ephemeral_end = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[1])
    assert len(set(ports)) == len(ports)
    assert min(ports) > max(node_ports_end, ephemeral_end)


def test_the_ranges_are_apart(tmp_path: Path) -> None:
    net = _layout(tmp_path).network
    link = ipaddress.IPv4Network(f"{net.host}/30", strict=False)
    parts = [link, net.services, net.pods]
    assert all(part.subnet_of(net.whole) for part in parts)
    assert not any(one.overlaps(other) for one in parts for other in parts if one is not other)
    assert ipaddress.IPv4Address(net.dns) in net.services


def test_the_dns_answers_its_own_zone_only(tmp_path: Path, programs: Programs) -> None:
    [corefile] = [
        thing["data"]["Corefile"]
        for thing in manifests(_layout(tmp_path), programs)
        if "Corefile" in thing.get("data", {})
    ]
    assert "forward" not in corefile
    assert "rcode NXDOMAIN" in corefile


def test_pods_of_the_node_may_little(tmp_path: Path, programs: Programs) -> None:
    pods = [
        thing["spec"]["template"]["spec"]
        for thing in manifests(_layout(tmp_path), programs)
        if thing["kind"] == "Deployment"
    ]
    allowed = [
        (pod["securityContext"]["seccompProfile"], container["securityContext"]["allowPrivilegeEscalation"])
        for pod in pods
        for container in pod["containers"]
    ]
    assert allowed == [({"type": "RuntimeDefault"}, False)] * 2


def test_a_kubeconfig_names_node_authority_and_user(pki: Path, tmp_path: Path) -> None:
    shutil.copytree(pki, tmp_path / "etc" / "pki")
    [user] = yaml.safe_load(configuration.kubeconfig(_layout(tmp_path), "admin"))["users"]
    assert set(user["user"]) == {"client-certificate-data", "client-key-data"}


def test_a_scratch_image_is_an_image(node_image: Image) -> None:
    assert references(node_image.archive) == [node_image.ref]
    with tarfile.open(node_image.archive) as tar:
        names = tar.getnames()
        index = json.load(tar.extractfile("index.json") or BytesIO())
    manifest = index["manifests"][0]["digest"].replace(":", "/")
    assert f"blobs/{manifest}" in names


def test_of_an_image_only_what_lacks_is_sent(node_image: Image) -> None:
    with tarfile.open(node_image.archive) as tar:
        blobs = sorted((m for m in tar if m.name.startswith("blobs/")), key=lambda member: member.size)
    layer = blobs[-1].name.removeprefix("blobs/").replace("/", ":")
    sent = BytesIO()
    node_image.write_to(sent, present={layer})
    sent.seek(0)
    with tarfile.open(fileobj=sent) as tar:
        assert set(tar.getnames()) == {"oci-layout", "index.json", *(blob.name for blob in blobs[:-1])}


def test_without_root_the_node_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(UserError, match="needs root"):
        host.require_root()


def test_without_go_nothing_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="Go is not installed"):
        go()


def test_an_old_go_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "go").write_text("#!/bin/sh\necho go1.21.3\n")
    (tmp_path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"go1\.21\.3 is too old"):
        go_version(tmp_path)


@pytest.mark.parametrize("building", [True, False])
def test_a_full_disk_is_named_with_what_is_needed(
    building: bool,  # noqa: FBT001 - pytest gives it by name
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("FLOE_E2E_CACHE", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda _place: shutil._ntuple_diskusage(2, 1, host.GIB))
    with pytest.raises(UserError, match=rf"has 1\.0 GiB free, {10 if building else 3} GiB are needed"):
        host.require_disk(building=building)


def test_a_killed_installation_leaves_no_policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(host, "_POLICY", policy)
    with host._services_stay_off():
        left_by_a_kill = policy.read_text()
        with pytest.raises(PlatformError, match="ended with code 101"):
            run([policy, "etcd", "start"], timeout=5)
    assert not policy.exists()
    policy.write_text(left_by_a_kill)
    host._drop_stale_policy()
    assert not policy.exists()


def test_an_administrators_policy_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    monkeypatch.setattr(host, "_POLICY", policy)
    with host._services_stay_off():
        pass
    host._drop_stale_policy()
    assert policy.exists()


def test_a_file_system_without_layers_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("#!/bin/sh\necho overlayfs\n")
    (tmp_path / "stat").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("FLOE_E2E_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="is on overlayfs, on which images cannot be layered"):
        host.require_layers()


def test_a_range_the_host_uses_is_refused(tmp_path: Path) -> None:
    loopback = Network(ipaddress.IPv4Network("127.0.0.0/16"))
    with pytest.raises(UserError, match=r"127\.0\.0\.0/16 are in use here: .*on lo"):
        host.require_free_network(Layout("a-node", loopback, tmp_path, tmp_path))


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("FLOE_E2E_NETWORK", "10.1.2.3/16", "has host bits set"),
        ("FLOE_E2E_NETWORK", "10.1.0.0/24", "is not a private /16"),
        ("FLOE_E2E_NETWORK", "8.8.0.0/16", "is not a private /16"),
        ("FLOE_E2E_NODE", "a/b", "cannot name a network link"),
    ],
)
def test_settings_that_make_no_node_are_refused(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=told):
        layout()


def test_what_is_built_depends_on_sources_flags_and_go(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module a\n")
    (tmp_path / "main.go").write_text("package main\n")

    def digest(*, flag: str = "-X a=1", version: str = "go1.26.0") -> str:
        return go_digest(tmp_path, "./.", ldflags=[flag], version=version)

    before = [digest(), digest(flag="-X a=2"), digest(version="go1.26.1")]
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {}\n")
    assert len({*before, digest()}) == 4


def test_the_nodes_own_programs() -> None:
    # With the flags they are built with, what they import is compiled already.
    for module, packages in (("node", "./..."), ("kubernetes", "./volumes")):
        run([go(), "vet", packages], cwd=GO / module, timeout=300, env=STATIC)
        run([go(), "test", "-count=1", packages], cwd=GO / module, timeout=300, env=STATIC)


def _layout(home: Path) -> Layout:
    return Layout("a-node", Network(ipaddress.IPv4Network("10.213.0.0/16")), home, home / "run")


def _handshake(pki: Path, server: str, client: str, authority: str, name: str) -> str:
    """Whom the server takes the client for, after a mutual TLS handshake."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki / f"{authority}.crt"))
    serving.verify_mode = ssl.CERT_REQUIRED
    serving.load_cert_chain(pki / f"{server}.crt", pki / f"{server}.key")
    calling = ssl.create_default_context(cafile=str(pki / f"{authority}.crt"))
    calling.load_cert_chain(pki / f"{client}.crt", pki / f"{client}.key")
    left, right = socket.socketpair()
    seen: list[str] = []

    def serve() -> None:
        try:
            with serving.wrap_socket(left, server_side=True) as tls:
                sent = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
                [common_name] = sent.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
                seen.append(str(common_name.value))
                tls.sendall(b".")
        except ssl.SSLError:
            left.close()

    aside = threading.Thread(target=serve)
    aside.start()
    try:
        with calling.wrap_socket(right, server_hostname=name) as tls:
            tls.settimeout(5)
            if tls.recv(1) != b".":
                raise ssl.SSLError("the server ended the handshake")
    finally:
        aside.join(5)
    return seen[0]
