"""The node's certificates: one authority for the cluster, one for etcd, made anew for every node."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.local.layout import Network
from cluster.private import write_private

_VALID = timedelta(days=365)
_SKEW = timedelta(minutes=5)


class Authority:
    """Signs certificates; its key is kept in memory only, nobody signs after the node has started."""

    def __init__(self, name: str, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.path = folder / f"{name}.crt"
        write_private(self.path, certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, file: str, common_name: str, *, groups: Sequence[str] = (), hosts: Sequence[str] = ()
    ) -> None:
        """Write FILE.crt and FILE.key, for a client, and for a server too where hosts are given.

        Args:
            file: name of the two files without suffix.
            common_name: the user, as Kubernetes reads it.
            groups: its groups, as Kubernetes reads them.
            hosts: names and addresses it serves under.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
            + [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        )
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH] + ([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])
        builder = (
            _builder(subject, self._name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        write_private(self._folder / f"{file}.crt", certificate.public_bytes(serialization.Encoding.PEM))
        write_private(self._folder / f"{file}.key", _pem(key))


def write_all(folder: Path, node_name: str, network: Network) -> None:
    """Every certificate and key of a node, into an empty folder that only root can enter."""
    folder.mkdir(parents=True, mode=0o700)
    cluster = Authority("ca", folder)
    cluster.issue(
        "apiserver",
        "kube-apiserver",
        hosts=[
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "localhost",
            "127.0.0.1",
            network.api,
            network.node,
        ],
    )
    cluster.issue("apiserver-kubelet-client", "kube-apiserver-kubelet-client")
    cluster.issue("admin", "kubernetes-admin", groups=["system:masters"])
    cluster.issue("controller-manager", "system:kube-controller-manager")
    cluster.issue("scheduler", "system:kube-scheduler")
    cluster.issue("kube-proxy", "system:kube-proxy")
    cluster.issue("kubelet", f"system:node:{node_name}", groups=["system:nodes"])
    cluster.issue("kubelet-server", f"system:node:{node_name}", hosts=[node_name, network.node, "127.0.0.1"])
    store = Authority("etcd-ca", folder)
    store.issue("etcd", "etcd", hosts=["localhost", "127.0.0.1"])
    store.issue("apiserver-etcd-client", "kube-apiserver-etcd-client")
    accounts = ec.generate_private_key(ec.SECP256R1())
    write_private(folder / "service-accounts.key", _pem(accounts))
    write_private(
        folder / "service-accounts.pub",
        accounts.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _VALID)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        # Kubernetes reads service account keys in this format only for elliptic curves.
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
