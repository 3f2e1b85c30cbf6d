"""Products are delivered as versions: what is the same is not delivered again, and helm is told of all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.errors import ServiceError
from drivers.helm import Helm
from drivers.kubernetes import Pod, Readiness
from drivers.platform import Place, Platform

NAMESPACE = "floe-us2"


class Told:
    """A cluster, a helm and a Dagster that take note of what they are told."""

    def __init__(self) -> None:
        self.maps: list[str] = []
        self.releases: list[dict[str, str]] = []
        self.reloaded: list[str] = []
        self.scaled: list[tuple[str, int]] = []
        self.pods: dict[str, Pod] = {}
        self.late: dict[str, str] = {}

    @property
    def cluster(self) -> Any:
        def config_map(_namespace: str, name: str, _files: object) -> None:
            assert name not in self.maps
            self.maps.append(name)

        return SimpleNamespace(
            create_config_map=config_map,
            scale=lambda _namespace, workload, replicas: self.scaled.append((workload, replicas)),
            pods=lambda _namespace, _selector="": self.pods,
            until_ready=lambda _namespace, limit: Readiness(limit, {}, self.late),
        )

    @property
    def helm(self) -> Any:
        def install(_chart: Path, _namespace: str, *, values: object, settings: dict[str, str]) -> None:
            assert values == []
            self.releases.append(settings)

        return SimpleNamespace(install=install)

    @property
    def dagster(self) -> Any:
        return SimpleNamespace(
            loaded_at=lambda _product: 10.0,
            reloaded=lambda product, since, within: self.reloaded.append(product),  # noqa: ARG005
        )


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def platform(told: Told, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setattr(Platform, "orchestrator", told.dagster)
    nowhere = Path("/nowhere")
    return Platform(Place(told.cluster, told.helm, nowhere, nowhere, "127.0.0.1", []), NAMESPACE)


def test_a_version_is_delivered_once_and_told_beside_the_images_products(
    told: Told, platform: Platform
) -> None:
    platform.deploy("stock-levels", b"first")
    platform.deploy("stock-levels", b"second")
    platform.deploy("stock-levels", b"second")
    platform.deploy("stock-levels", b"first")
    first, second = told.maps
    assert [release["dagster.products[1].configMap"] for release in told.releases] == [first, second, first]
    assert told.releases[0] == {
        "dagster.products[0].name": "customer-360",
        "dagster.products[1].name": "stock-levels",
        "dagster.products[1].configMap": first,
    }
    assert told.reloaded == ["stock-levels"] * 3


def test_a_workload_is_stopped_once_its_pods_are_gone(told: Told, platform: Platform) -> None:
    job = Pod("minio-buckets-x", "minio-buckets", ready=True, reason="", hopeless=False)
    told.pods = {"minio-buckets-x": job}
    platform.stop("minio")
    assert told.scaled == [("minio", 0)]


def test_a_workload_that_does_not_come_back_is_told(told: Told, platform: Platform) -> None:
    platform.start("minio")
    told.late = {"minio-0": "CrashLoopBackOff"}
    with pytest.raises(ServiceError, match=r"start minio again and answered: .*CrashLoopBackOff"):
        platform.start("minio")
    assert told.scaled == [("minio", 1), ("minio", 1)]


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("echo 'TEST SUITE:     plugins-health'; echo 'Phase:          Succeeded'", "Succeeded"),
        ("echo 'TEST SUITE: None'", "there is no test"),
    ],
)
def test_the_releases_own_tests_are_told_by_their_phase(tmp_path: Path, script: str, outcome: str) -> None:
    program = tmp_path / "helm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert Helm(program, tmp_path / "kubeconfig").test(NAMESPACE) == outcome


def test_tests_that_fail_are_told_in_helms_words(tmp_path: Path) -> None:
    program = tmp_path / "helm"
    program.write_text("#!/bin/sh\necho 'Error: pod plugins-health failed' >&2\nexit 1\n")
    program.chmod(0o755)
    assert "pod plugins-health failed" in Helm(program, tmp_path / "kubeconfig").test(NAMESPACE)
