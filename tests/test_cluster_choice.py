"""Which provider a run gets, and what the ones that need something from the user say without it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

import cluster
from cluster.existing.provider import Existing, transport
from cluster.gobuild import go_binaries
from cluster.kind import provider as kind_provider
from cluster.kind.config import LISTEN, config
from cluster.local.programs import scratch_image
from cluster.provider import NODE_PORT_RANGE, NODE_PORTS, choose
from cluster.tools import GO
from foundation.errors import PlatformError, UserError
from foundation.process import run
from images.model import Image


@pytest.fixture
def node_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Image:
    """An image of one program, written to a cache of its own."""
    monkeypatch.setenv("FLOE_E2E_CACHE", str(tmp_path / "cache"))
    program = tmp_path / "built" / "program"
    program.parent.mkdir()
    program.write_bytes(b"\x7fELF" + bytes(9000))
    return scratch_image("a-program", {"program": program, "link": "program"}, entrypoint="/program")


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def docker(folder: Path, code: int) -> str:
    """A PATH on which `docker` ends with this code."""
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("name", ["local", "kind", "existing"])
def test_a_named_provider_is_taken(name: str) -> None:
    assert choose({"CLUSTER": name, "FLOE_E2E_KUBECONFIG": "/somewhere"}) == name


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(UserError, match="CLUSTER=minikube is no provider"):
        choose({"CLUSTER": "minikube"})


@pytest.mark.parametrize("variable", ["FLOE_E2E_KUBECONFIG", "CLUSTER_KUBECONFIG"])
def test_a_named_kubeconfig_means_an_existing_cluster(variable: str) -> None:
    assert choose({variable: "/somewhere/config"}) == "existing"


@pytest.mark.usefixtures("no_docker")
def test_the_shells_own_kubeconfig_is_not_asked_for() -> None:
    assert choose({"KUBECONFIG": "/somewhere/config"}) == "local"


@pytest.mark.parametrize(("code", "name"), [(0, "kind"), (1, "local")])
def test_a_docker_engine_means_kind_only_if_it_answers(
    code: int, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", docker(tmp_path, code) + ":/usr/bin:/bin")
    assert choose({"CLUSTER": "auto"}) == name


@pytest.mark.parametrize("name", ["local", "kind", "existing"])
def test_every_provider_has_its_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER", name)
    assert cluster.provider().name == name


@pytest.mark.usefixtures("no_docker")
def test_kind_without_docker_says_so() -> None:
    with pytest.raises(UserError, match="kind needs a Docker engine"):
        kind_provider.Kind().up()


def test_existing_without_registry_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGE_REGISTRY", raising=False)
    with pytest.raises(UserError, match="needs a registry"):
        Existing().up()


def test_existing_with_a_kubeconfig_that_is_not_there_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IMAGE_REGISTRY", "registry.example.com/floe/")
    monkeypatch.setenv("FLOE_E2E_KUBECONFIG", str(tmp_path / "absent"))
    with pytest.raises(UserError, match="absent is not a file"):
        Existing().up()


def test_existing_calls_images_by_the_users_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_REGISTRY", "registry.example.com/floe/")
    given = [Existing().reference("localhost/floe-e2e/minio:1"), Existing().reference("docker.io/x/y:2")]
    assert given == ["registry.example.com/floe/minio:1", "docker.io/x/y:2"]


def test_archives_are_told_apart(node_image: Image) -> None:
    assert transport(node_image.archive) == "oci-archive"


@pytest.fixture(scope="module")
def check() -> Path:
    """Reads a configuration into kind's own types."""
    return go_binaries(GO / "kind", "./check", title="the check of kind's configuration") / "check"


def test_kind_knows_its_configuration(check: Path) -> None:
    assert run([check], stdin=yaml.safe_dump(config()), timeout=20) == ""


def test_the_check_refuses_what_kind_does_not_know(check: Path) -> None:
    wrong = config()
    wrong["nodes"][0]["extraPortMapping"] = []
    with pytest.raises(PlatformError, match="extraPortMapping not found"):
        run([check], stdin=yaml.safe_dump(wrong), timeout=20)


def test_kind_maps_the_documented_ports_to_this_machine_only() -> None:
    mapped = [(each["containerPort"], each["hostPort"], each["listenAddress"]) for each in _mappings()]
    assert mapped == [(port, port, LISTEN) for port in (3000, 8181, 9000, 9001, 5001, 16686, 9090, 3001)]


def test_the_documented_ports_can_be_node_ports() -> None:
    low, high = map(int, NODE_PORT_RANGE.split("-"))
    assert [port for port in NODE_PORTS.values() if not low <= port <= high] == []
    assert f"service-node-port-range: {NODE_PORT_RANGE}" in config()["kubeadmConfigPatches"][0]


def test_a_port_in_use_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((LISTEN, 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setitem(NODE_PORTS, "dagster", port)
        with pytest.raises(UserError, match=f"port {port} of this machine, where dagster is to answer"):
            kind_provider.require_free_ports()


def _mappings() -> list[dict[str, object]]:
    mappings: list[dict[str, object]] = config()["nodes"][0]["extraPortMappings"]
    return mappings
