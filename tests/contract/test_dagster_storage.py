"""What Dagster keeps of its runs, in a real PostgreSQL, by connections that are kept."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from dagster import DagsterInstance, job, op
from dagster._core.instance.ref import InstanceRef
from dagster._daemon.types import DaemonHeartbeat

from floe_additions.orchestrator.postgres import KEPT
from standins.loopback.postgres import Postgres
from standins.loopback.servers import own_folder
from tests.chart import CHART

STORAGE = {
    "module": "floe_additions.orchestrator.postgres",
    "class": "PooledPostgresStorage",
}


@op
def _nothing() -> None:
    """A step with nothing to do."""


@job
def _two_steps() -> None:
    _nothing.alias("first")()
    _nothing.alias("second")()


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server of these tests alone, since they start it anew."""
    with own_folder("floe-dagster-storage-") as folder:
        server = Postgres(folder / "postgres")
        server.start()
        server.execute("CREATE ROLE dagster LOGIN", "CREATE DATABASE dagster OWNER dagster")
        yield server
        server.stop()


@pytest.fixture
def instance(server: Postgres, tmp_path: Path) -> Iterator[DagsterInstance]:
    database = {"hostname": "127.0.0.1", "port": server.port, "db_name": "dagster", "username": "dagster"}
    config = {"postgres_db": {**database, "password": "", "scheme": "postgresql+psycopg2"}}
    ref = InstanceRef.from_dir(
        str(tmp_path),
        overrides={"storage": {"custom": {**STORAGE, "config": config}}, "telemetry": {"enabled": False}},
    )
    with DagsterInstance.from_ref(ref) as made:
        yield made


def _processes(server: Postgres) -> list[int]:
    """The server's processes for Dagster, each of which is a connection."""
    query = "SELECT pid FROM pg_stat_activity WHERE usename = 'dagster' ORDER BY 1"
    with psycopg.connect(f"host=127.0.0.1 port={server.port} user=postgres dbname=dagster") as connection:
        rows = connection.execute(query).fetchall()
    return [int(pid) for (pid,) in rows]


def test_a_run_and_all_that_is_asked_of_it_take_the_connections_that_are_kept(
    server: Postgres, instance: DagsterInstance
) -> None:
    run = _two_steps.execute_in_process(instance=instance).run_id
    before = _processes(server)
    for _ in range(20):
        (record,) = instance.get_run_records(limit=1)
        assert record.dagster_run.run_id == run
        assert instance.all_logs(run)
        assert instance.all_instigator_state() == []
        assert instance.get_daemon_heartbeats() == {}
    assert _processes(server) == before
    assert 1 <= len(before) <= KEPT


def test_a_server_that_was_started_anew_is_noticed_before_a_connection_is_used(
    server: Postgres, instance: DagsterInstance
) -> None:
    run = _two_steps.execute_in_process(instance=instance).run_id
    server.stop()
    server.start()
    assert instance.get_run_by_id(run) is not None
    assert _two_steps.execute_in_process(instance=instance).success


def test_nothing_is_held_once_the_instance_is_done_with(server: Postgres, instance: DagsterInstance) -> None:
    assert instance.get_run_records(limit=1)
    assert _processes(server)
    instance.dispose()
    assert not _processes(server)


def test_pods_wait_until_a_daemon_has_beaten(server: Postgres, instance: DagsterInstance) -> None:
    assert instance.get_daemon_heartbeats() == {}  # with that the tables are there
    script = CHART / "charts" / "dagster" / "files" / "heartbeat.py"
    # The script asks the host `postgresql`, which has an address in a cluster only.
    place = {"PGHOSTADDR": "127.0.0.1", "PGPORT": str(server.port), "DAGSTER_PG_PASSWORD": ""}
    with subprocess.Popen(
        [sys.executable, script, "first"], env={**os.environ, **place}, stdout=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stdout is not None
        assert "first heartbeat" in waiting.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1)
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SENSOR", "a-daemon", []))
        assert waiting.wait(10) == 0
    instance.wipe_daemon_heartbeats()
