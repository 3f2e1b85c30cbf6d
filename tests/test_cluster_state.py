"""Whose node it is, and whether it still runs: judged by real processes that really die."""

from __future__ import annotations

import ipaddress
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.local import state
from cluster.local.layout import Layout, Network
from cluster.local.provider import Local
from cluster.local.state import Holder, Identity
from foundation.errors import UserError


@pytest.fixture
def node(tmp_path: Path) -> Layout:
    return Layout("a-node", Network(ipaddress.IPv4Network("10.213.0.0/16")), tmp_path, tmp_path / "run")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as running:
        yield running
        running.kill()


def identity(process: subprocess.Popen[bytes]) -> Identity:
    started = state.started_of(process.pid)
    assert started is not None
    return Identity(pid=process.pid, started=started)


def holder(checkout: Path, *, boot: str | None = None) -> Holder:
    return Holder(
        checkout=checkout,
        home=checkout,
        digest="0",
        network="10.213.0.0/16",
        since=datetime.now(UTC),
        boot=boot or state.boot_id(),
    )


def record(node: Layout, who: Identity, whose: Holder) -> None:
    state.record_holder(node, whose)
    state.identity_file(node).write_text(who.model_dump_json())


def test_a_running_node_is_found(node: Layout, process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    record(node, identity(process), holder(tmp_path))
    assert state.identity(node) == identity(process)


def test_a_node_that_died_is_not(node: Layout, process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    record(node, identity(process), holder(tmp_path))
    process.send_signal(signal.SIGKILL)
    process.wait(5)
    assert state.identity(node) is None


def test_a_reused_process_id_is_no_node(
    node: Layout, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    later = identity(process)
    record(node, Identity(pid=later.pid, started=later.started - 1), holder(tmp_path))
    assert state.identity(node) is None


def test_a_record_of_another_boot_is_no_node(
    node: Layout, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    record(node, identity(process), holder(tmp_path, boot="another"))
    assert state.identity(node) is None


def test_a_zombie_is_dead(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert state.started_of(process.pid) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}'])
def test_a_damaged_record_is_no_record(node: Layout, content: str) -> None:
    node.runtime.mkdir()
    for file in (state.holder_file(node), state.identity_file(node)):
        file.write_text(content)
    assert (state.holder(node), state.identity(node)) == (None, None)


def test_only_the_recorded_process_is_ended(process: subprocess.Popen[bytes]) -> None:
    mine = identity(process)
    state.kill(Identity(pid=mine.pid, started=mine.started - 1), within=1)
    assert process.poll() is None
    state.kill(mine, within=5)
    assert process.wait(5) == -signal.SIGKILL


def test_ending_what_is_gone_is_no_error(process: subprocess.Popen[bytes]) -> None:
    gone = identity(process)
    process.kill()
    process.wait(5)
    state.kill(gone, within=1)


def test_a_second_run_waits_and_is_told_for_whom(node: Layout) -> None:
    script = (
        "import sys; from pathlib import Path; from cluster.local import state; import time\n"
        "from cluster.local.layout import Layout, Network\n"
        "node = Layout('a-node', None, None, Path(sys.argv[1]))\n"
        "with state.machine_lock(node, waiting=print):\n"
        "    print('held', flush=True); time.sleep(600)\n"
    )
    told: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", script, node.runtime], stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"

        def waiting(whom: str) -> None:
            told.append(whom)
            other.kill()  # The kernel lets go of the lock with its holder, however that ends.

        with state.machine_lock(node, waiting=waiting):
            pass
    assert told == [f"process {other.pid} in {Path(__file__).parents[1]}"]


def test_another_checkouts_node_is_left_alone(
    node: Layout, process: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(node, identity(process), holder(tmp_path))
    monkeypatch.setattr("cluster.local.provider.layout", lambda: node)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(UserError) as refused:
        Local().up()
    assert refused.value.problem.startswith(
        f"this machine's node belongs to {tmp_path} (process {process.pid}"
    )
    assert refused.value.remedy == f"make -C {tmp_path} down"
    assert process.poll() is None
