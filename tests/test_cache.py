"""The user's cache: content decides, races and kills leave nothing half-built."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from foundation import cache, process
from foundation.errors import DeadlineError, PlatformError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_E2E_CACHE", str(tmp_path / "cache"))


def test_digest_follows_content_names_and_modes_only(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a").write_text("1")
    first = cache.digest_of([folder])
    os.utime(folder / "a", (0, 0))
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("compiled")
    assert cache.digest_of([folder]) == first
    (folder / "a").write_text("2")
    changed = cache.digest_of([folder])
    (folder / "a").rename(folder / "b")
    renamed = cache.digest_of([folder])
    (folder / "b").chmod(0o755)
    assert len({first, changed, renamed, cache.digest_of([folder])}) == 4


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    calls = tmp_path / "calls"

    def build(place: Path) -> None:
        calls.write_text(calls.read_text() + "x" if calls.exists() else "x")
        (place / "made").write_text("yes")

    first = cache.entry("thing", "d1", build)
    assert (cache.entry("thing", "d1", build), (first / "made").read_text(), calls.read_text()) == (
        first,
        "yes",
        "x",
    )


def test_a_failed_build_leaves_nothing() -> None:
    def build(place: Path) -> None:
        (place / "half").write_text("half")
        raise PlatformError("no")

    with pytest.raises(PlatformError):
        cache.entry("thing", "d2", build)
    assert list((cache.cache_root() / "thing").iterdir()) == []


def _build_slowly(place: Path) -> None:
    with (place / "log").open("a") as log:
        log.write("begun\n")
    signal.pause()  # until it is killed


def test_a_killed_build_is_begun_anew_and_its_remains_go() -> None:
    child = multiprocessing.get_context("fork").Process(
        target=cache.entry, args=("thing", "d3", _build_slowly)
    )
    child.start()
    deadline = time.monotonic() + 10
    while not list((cache.cache_root() / "thing").glob(".d3.*/log")) and time.monotonic() < deadline:
        pass
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    child.join(10)
    place = cache.entry("thing", "d3", lambda place: (place / "whole").touch())
    assert [path.name for path in place.parent.iterdir()] == ["d3"]
    assert [path.name for path in place.iterdir()] == ["whole"]


def test_a_second_holder_is_told_who_the_first_is() -> None:
    def hold(ready: multiprocessing.synchronize.Event, leave: multiprocessing.synchronize.Event) -> None:
        with cache.locked("run"):
            ready.set()
            leave.wait(10)

    context = multiprocessing.get_context("fork")
    ready, leave = context.Event(), context.Event()
    first = context.Process(target=hold, args=(ready, leave))
    first.start()
    assert ready.wait(10)
    told: list[str] = []

    def waiting(holder: str) -> None:
        told.append(holder)
        leave.set()

    with cache.locked("run", waiting=waiting):
        pass
    first.join(10)
    assert told == [f"pid {first.pid} of {cache.ROOT}"]


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(PlatformError, match=r"ended with code 3:\nwhat went wrong"):
        process.run(["sh", "-c", "echo what went wrong >&2; exit 3"], timeout=10)


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(DeadlineError, match="still running after 0 s"):
        process.run(["sleep", "60"], timeout=0.2)


def test_ctrl_c_counts_even_where_a_shell_had_it_ignored() -> None:
    told = process.run(
        [sys.executable, "-c", _IGNORED_AT_FIRST], timeout=30, env={"PYTHONPATH": str(cache.ROOT)}
    )
    assert told.split() == ["ignored", "heeded"]


_IGNORED_AT_FIRST = """
import signal
import sys
from foundation.process import heed_interrupts
signal.signal(signal.SIGINT, signal.SIG_IGN)
for _ in range(2):
    print("ignored" if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else "heeded")
    heed_interrupts()
"""
