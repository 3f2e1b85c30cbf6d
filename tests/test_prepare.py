"""The cluster is prepared once, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from console import prepare


class Cluster:
    name = "local"

    def __init__(self) -> None:
        self.done: list[str] = []
        self.asked = threading.Barrier(2)

    def up(self) -> None:
        self.done.append("up")

    def load(self, images: Sequence[str]) -> None:
        self.done.append(f"load {', '.join(images)}")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    cluster = Cluster()

    @contextmanager
    def locked(name: str, **_: object) -> Iterator[None]:
        cluster.done.append(f"lock {name}")
        yield

    prepare._ready.cache_clear()
    monkeypatch.setattr(prepare, "_run", ExitStack())
    monkeypatch.setattr(prepare, "locked", locked)
    monkeypatch.setattr(prepare, "provider", lambda: cluster)
    monkeypatch.setattr("images.build_all", lambda: ["dagster"])
    monkeypatch.setattr(prepare, "values_must_fit", lambda _: None)
    yield cluster
    prepare._ready.cache_clear()


def test_threads_that_ask_at_once_get_one_cluster_and_one_lock(cluster: Cluster) -> None:
    def ask(_: int) -> prepare.Prepared:
        cluster.asked.wait(timeout=5)
        return prepare.ready()

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(ask, range(2))
    assert first is second
    assert cluster.done == ["lock run", "up", "load dagster"]


@pytest.mark.usefixtures("cluster")
def test_values_are_those_of_the_images_and_the_kind_of_cluster() -> None:
    shown = [Path(file).name for file in prepare.ready().values]
    assert shown == ["images-values.yaml", "values-local.yaml"]
