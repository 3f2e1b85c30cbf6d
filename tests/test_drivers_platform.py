"""Products are delivered as versions: what is the same is not delivered again, and helm is told of all."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.dagster import Recorded, Tick
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
        self.answer = "live"
        self.objects: set[str] = set()

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


@dataclass
class Launches:
    """Runs that end when they are asked for, and the seconds that each was given."""

    given: list[float] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def launch(self, product: str) -> Any:
        self.order.append(f"launch {product}")

        def finished(within: float) -> Any:
            self.order.append(f"await {product}")
            self.given.append(within)
            return SimpleNamespace(product=product)

        return SimpleNamespace(finished=finished)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def platform(told: Told, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setattr(Platform, "orchestrator", told.dagster)
    monkeypatch.setattr(Platform, "answer_of", lambda _self, _workload: told.answer)
    monkeypatch.setattr(Platform, "_objects", lambda _self: frozenset(told.objects))
    nowhere = Path("/nowhere")
    place = Place(told.cluster, told.helm, nowhere, nowhere, "127.0.0.1", [])
    return Platform(place, NAMESPACE, automated=frozenset({"parcel-search"}))


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


def test_a_workload_that_says_it_is_ready_and_does_not_serve_is_told(told: Told, platform: Platform) -> None:
    told.answer = "nothing on 127.0.0.1:9000: connection refused"
    with pytest.raises(ServiceError, match="serve as soon as it is Ready and answered: nothing on"):
        platform.start("polaris")


def test_a_store_that_forgot_an_object_while_it_was_away_is_told(told: Told, platform: Platform) -> None:
    told.objects = {"s3://warehouse/a", "s3://warehouse/b"}
    platform.stop("minio")
    platform.stop("minio")  # an upgrade gives it its replica back, so it is stopped once more
    told.objects = {"s3://warehouse/b", "s3://warehouse/c"}
    with pytest.raises(ServiceError, match=r"lost .*warehouse/a"):
        platform.start("minio")


def test_what_was_stopped_stays_so_when_a_product_is_deployed(told: Told, platform: Platform) -> None:
    platform.stop("minio")
    platform.deploy("stock-levels", b"first")
    assert told.scaled == [("minio", 0), ("minio", 0)]
    platform.start("minio")
    platform.deploy("stock-levels", b"second")
    assert told.scaled == [("minio", 0), ("minio", 0), ("minio", 1)]


def test_a_product_runs_by_itself_where_the_story_wants_it(told: Told, platform: Platform) -> None:
    platform.deploy("stock-levels", b"first")
    platform.deploy("parcel-search", b"first")
    automated = {name: value for name, value in told.releases[-1].items() if name.endswith("automation")}
    assert automated == {"dagster.products[2].automation": "true"}


def recorded(run_id: str, created: float) -> Recorded:
    return Recorded(run_id, "parcel_search", "SUCCESS", created, created, created)


class Automatic:
    """A Dagster whose sensor looks each time it is asked."""

    def __init__(self, *verdicts: str, said: str = "", later: int = 0) -> None:
        self._runs = [recorded(str(number), 100.0 + number) for number in range(len(verdicts))]
        self._verdicts, self._said, self._later, self._asked = verdicts, said, later, 0
        self.stopped: list[str] = []

    def ticks(self, _product: str, _sensor: str) -> list[Tick]:
        return [Tick(time.time() + 60, "SKIPPED", self._said), Tick(time.time() + 55, "SKIPPED", "")]

    def begun_by(self, _product: str, _automation: str) -> list[Recorded]:
        self._asked += 1
        more = [recorded("more", 200.0)] * self._later if self._asked > 1 else []
        return [*self._runs, *more]

    def of_recorded(self, run: Recorded, _product: str) -> Any:
        verdict, _, alone = self._verdicts[int(run.run_id)].partition(" of only ")
        made = dict.fromkeys([alone] if alone else ["stg_scans", "mart_parcels"])
        ended = SimpleNamespace(
            verdict=verdict, product="parcel-search", status=verdict.partition(":")[0], materializations=made
        )
        return SimpleNamespace(finished=lambda: ended)

    def loaded_at(self, _product: str) -> float:
        return 100.5

    def stop_schedule(self, product: str) -> None:
        self.stopped.append(product)


@pytest.mark.parametrize(
    ("dagster", "came_to"),
    [
        (Automatic(said="minio: no answer (in 5 s)"), 'nothing, because of "minio: no answer"'),
        (Automatic("SUCCESS"), "one run, which succeeds"),
        (Automatic("FAILURE: it is full"), "1 runs: FAILURE: it is full"),
        (Automatic("SUCCESS of only stg_scans"), "1 runs: SUCCESS, without mart_parcels"),
        (Automatic("SUCCESS", "SUCCESS"), "2 runs: SUCCESS, SUCCESS"),
        (Automatic("SUCCESS", later=1), "2 runs: SUCCESS"),
    ],
)
def test_what_a_sensor_begins_is_told_in_words(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, dagster: Automatic, came_to: str
) -> None:
    monkeypatch.setattr(Platform, "orchestrator", dagster)
    assert platform.begun_by("parcel-search", "first_run") == came_to


def test_a_schedule_is_told_by_the_runs_since_it_was_deployed_and_ends(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    dagster = Automatic("of an earlier one", "SUCCESS", "FAILURE: late")
    monkeypatch.setattr(Platform, "orchestrator", dagster)
    assert platform.recurred("parcel-search") == (["SUCCESS", "FAILURE: late"], 1.0)
    assert dagster.stopped == ["parcel-search"]


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
    assert Helm(program, tmp_path / "kubeconfig").test(NAMESPACE)[0] == outcome


def test_tests_that_fail_are_told_in_helms_words(tmp_path: Path) -> None:
    program = tmp_path / "helm"
    program.write_text("#!/bin/sh\necho 'Error: pod plugins-health failed' >&2\nexit 1\n")
    program.chmod(0o755)
    assert "pod plugins-health failed" in Helm(program, tmp_path / "kubeconfig").test(NAMESPACE)[0]


def test_products_of_the_image_are_served_once_another_web_server_is_there(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (Pod(name, None, ready=True, reason="", hopeless=False) for name in ("web-1", "web-2"))
    told.pods = {"web-1": old}
    seen = iter([{"web-1": old}, {"web-1": old, "web-2": new}, {"web-2": new}])
    looks: list[int] = []

    def pods(_namespace: str, _selector: str = "") -> dict[str, Pod]:
        looks.append(1)
        return next(seen)

    cluster = told.cluster
    cluster.pods = pods
    monkeypatch.setattr(Platform, "orchestrator", told.dagster)
    late = Platform(Place(cluster, told.helm, Path("/"), Path("/"), "127.0.0.1", []), NAMESPACE)
    late.readiness = Readiness(60, {}, {})
    late.serve("customer-360", "iot-telemetry")
    assert len(looks) == 3
    assert told.releases == [
        {"dagster.products[0].name": "customer-360", "dagster.products[1].name": "iot-telemetry"}
    ]


def test_what_is_served_already_is_not_released_again(told: Told, platform: Platform) -> None:
    platform.serve("customer-360")
    assert told.releases == []


def test_all_are_launched_before_the_first_is_waited_for_and_share_the_time(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    launches = Launches()
    monkeypatch.setattr(Platform, "orchestrator", launches)
    runs = platform.run_all(["customer-360", "iot-telemetry"], within=60)
    assert launches.order == [
        "launch customer-360",
        "launch iot-telemetry",
        "await customer-360",
        "await iot-telemetry",
    ]
    assert {name: run.product for name, run in runs.items()} == {
        "customer-360": "customer-360",
        "iot-telemetry": "iot-telemetry",
    }
    assert all(59 < given <= 60 for given in launches.given)
