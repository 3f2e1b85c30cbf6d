"""A dbt that is imported before it is called does what dbt does, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from floe_additions.orchestrator import dbt_ahead
from floe_additions.orchestrator.assets import dbt_command

JOB = "customer_360"
SECONDS = 60


@pytest.fixture
def scratch(tmp_path: Path) -> Callable[[str], Path]:
    def made(purpose: str) -> Path:
        folder = tmp_path / purpose
        folder.mkdir()
        return folder

    return made


@pytest.fixture
def command(scratch: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What leads to a dbt that is being imported."""
    monkeypatch.setattr(dbt_ahead, "_begun", [])
    monkeypatch.setenv(dbt_ahead.RUN_OF, JOB)
    dbt_ahead.begin(JOB, dbt_command(), scratch)
    yield dbt_ahead.command(dbt_command())
    for one in dbt_ahead._begun:
        one.close()


def called(command: str, *words: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Exit code and output of a call."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    done = subprocess.run(
        [command, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def project(folder: Path) -> Path:
    """A dbt project with one model, whose value a variable of the environment gives."""
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "one.sql").write_text("select {{ env_var('VALUE') }} as value")
    (folder / "dbt_project.yml").write_text("{name: small, version: '1.0', profile: small, flags: {}}")
    (folder / "profiles.yml").write_text(
        "small: {target: dev, outputs: {dev: {type: duckdb, path: small.duckdb}}}"
    )
    return folder


WORDS = ("--quiet", "--no-use-colors", "show", "--output", "json", "--select", "one")


def test_it_answers_as_dbt_does(command: str, tmp_path: Path) -> None:
    first, second = project(tmp_path / "first"), project(tmp_path / "second")
    ours = called(command, *WORDS, folder=first, VALUE="42")
    assert command != dbt_command()
    assert ours == called(dbt_command(), *WORDS, folder=second, VALUE="42")
    assert (ours[0], "42" in ours[1]) == (0, True)


@pytest.mark.parametrize("words", [("build",), ("no-such-command",)], ids=["no project", "no command"])
def test_what_dbt_refuses_it_refuses_with_the_same_words_and_code(
    command: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    plain = ("--no-use-colors", "--log-format", "text", "--log-level", "none", *words)
    ours, theirs = (called(one, *plain, folder=tmp_path) for one in (command, dbt_command()))
    assert ours == theirs
    assert ours[0] > 0


def test_a_second_call_is_plain_dbt(command: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    answers = [called(command, *WORDS, folder=folder, VALUE=value) for value in ("1", "2")]
    assert answers == [called(dbt_command(), *WORDS, folder=folder, VALUE=value) for value in ("1", "2")]


def test_a_call_while_the_other_process_is_gone_is_plain_dbt(command: str, tmp_path: Path) -> None:
    dbt_ahead._begun[0].close()
    folder = project(tmp_path / "project")
    assert called(command, *WORDS, folder=folder, VALUE="3") == called(
        dbt_command(), *WORDS, folder=folder, VALUE="3"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_who_ends_the_call_ends_dbt(command: str, tmp_path: Path, number: signal.Signals) -> None:
    folder = project(tmp_path / "project")
    # DuckDB takes minutes to count these, and dbt says so before it begins.
    (folder / "models" / "one.sql").write_text("select count(*) from range(400000) a, range(400000) b")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [command, "--no-use-colors", "run"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as call:
        assert call.stdout is not None
        said = next(line for line in call.stdout if "START" in line)
        assert "one" in said
        call.send_signal(number)
        # To its end: whoever writes to it still would keep it open.
        call.stdout.read()
        assert call.wait(SECONDS) != 0
    assert dbt_ahead._begun[0]._process.wait(SECONDS) != 0


def test_nothing_is_begun_where_no_run_of_the_job_is(
    scratch: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_ahead, "_begun", [])
    monkeypatch.delenv(dbt_ahead.RUN_OF, raising=False)
    dbt_ahead.begin(JOB, "dbt", scratch)
    monkeypatch.setenv(dbt_ahead.RUN_OF, "upkeep")
    dbt_ahead.begin(JOB, "dbt", scratch)
    assert dbt_ahead.command("dbt") == "dbt"
