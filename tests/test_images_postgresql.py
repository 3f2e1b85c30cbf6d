"""The PostgreSQL image's entrypoint, run against a real PostgreSQL as the pod would run it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from drivers import wait
from foundation.cache import ROOT
from standins.loopback import postgres
from standins.loopback.processes import Running, as_user, free_port

ENTRYPOINT = ROOT / "images" / "postgresql" / "entrypoint.sh"
PASSWORD = 'it\'s $odd \\ and "quoted"'


class Pod:
    """What the kubelet would give the entrypoint: a user, a volume, variables and arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.programs = postgres.programs(folder)
        self.script = folder / "entrypoint.sh"
        self.script.write_bytes(ENTRYPOINT.read_bytes())
        self.data = folder / "volume" / "data"
        self.data.parent.mkdir()
        self.data.parent.chmod(0o777)

    def start(self, **variables: str) -> Running:
        environment = {
            "PGDATA": str(self.data),
            "PATH": f"{self.programs / 'bin'}:/usr/bin:/bin",
            "PGPORT": str(self.port),
            "PGHOST": str(self.data.parent),
            "LANG": "C.UTF-8",
            **postgres.libraries(self.programs),
            **variables,
        }
        arguments = ["-c", f"unix_socket_directories={self.data.parent}", "-c", "listen_addresses=127.0.0.1"]
        return Running(
            "entrypoint",
            ["setpriv", *as_user(postgres.user()), "bash", self.script, *arguments],
            env=environment,
            log=self.folder / "log",
        )

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def answer(self, password: str, running: Running) -> str:
        """The server's answer to a client that comes by network with this password."""

        def ask() -> str | None:
            running.must_run()
            try:
                with psycopg.connect(
                    host="127.0.0.1", port=self.port, user="postgres", password=password, connect_timeout=2
                ) as connection:
                    row = connection.execute("select current_user").fetchone()
            except psycopg.OperationalError as refused:
                return "refused" if "password authentication failed" in str(refused) else None
            return str(row[0]) if row else None

        return str(wait.until(ask, bool, what="PostgreSQL answering by network", within=30, every=0.05))


@pytest.fixture
def pod() -> Iterator[Pod]:
    with tempfile.TemporaryDirectory(prefix="entrypoint-") as folder:
        Path(folder).chmod(0o777)
        yield Pod(Path(folder))


def test_the_password_may_come_from_a_file_and_guards_the_network(pod: Pod) -> None:
    secret = pod.folder / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    running = pod.start(POSTGRES_PASSWORD_FILE=str(secret))
    try:
        assert (pod.answer(PASSWORD, running), pod.answer("wrong", running)) == ("postgres", "refused")
    finally:
        running.stop(quick=True)


def test_a_pod_killed_while_it_makes_its_cluster_starts_anew(pod: Pod) -> None:
    draft = pod.data / ".new"
    dying = pod.start(POSTGRES_PASSWORD=PASSWORD)
    wait.until((draft / "base").exists, bool, what="a cluster in the making", within=30, every=0.01)
    dying.kill()
    assert not (pod.data / "PG_VERSION").exists()
    running = pod.start(POSTGRES_PASSWORD=PASSWORD)
    try:
        assert pod.answer(PASSWORD, running) == "postgres"
        assert not draft.exists()
    finally:
        running.stop(quick=True)


def test_a_pod_that_comes_back_keeps_its_data_and_its_password(pod: Pod) -> None:
    first = pod.start(POSTGRES_PASSWORD=PASSWORD)
    assert pod.answer(PASSWORD, first) == "postgres"
    made = (pod.data / "PG_VERSION").stat().st_ino
    first.stop(quick=True)
    again = pod.start(POSTGRES_PASSWORD="another")
    try:
        assert pod.answer(PASSWORD, again) == "postgres"
        assert (pod.data / "PG_VERSION").stat().st_ino == made
    finally:
        again.stop(quick=True)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({}, "error: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must name a password for postgres"),
        (
            {"POSTGRES_PASSWORD": "a", "POSTGRES_PASSWORD_FILE": "/b"},
            "error: POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are both set",
        ),
    ],
)
def test_without_one_password_it_says_so_and_ends(
    pod: Pod, variables: dict[str, str], complaint: str
) -> None:
    ended = subprocess.run(
        ["setpriv", *as_user(postgres.user()), "bash", pod.script, "postgres"],
        env={"PGDATA": str(pod.data), "PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stderr.strip()) == (1, complaint)


def test_it_does_not_run_as_root(pod: Pod) -> None:
    if os.geteuid() != 0:
        return
    ended = subprocess.run(
        ["bash", pod.script, "postgres"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stderr.strip()) == (
        1,
        "error: PostgreSQL does not run as root; run this image as user 999",
    )
