"""A project is edited exactly as asked, and what a command made there is told."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from drivers.errors import ServiceError
from drivers.floe import Floe, Project


def floe_with(tmp_path: Path, script: str) -> Floe:
    program = tmp_path / "home" / "bin" / "floe"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Floe(tmp_path / "home", completed=False)


def test_a_copy_of_the_demo_holds_sources_only(tmp_path: Path) -> None:
    files = Project.of_the_demo(tmp_path / "team", "customer-360").files()
    assert {"manifest.yaml", "customer-360/floe.yaml", "customer-360/dbt_project.yml"} <= files.keys()
    assert not [path for path in files if "target/" in path or path.endswith("compiled_artifacts.json")]


def test_a_text_is_replaced_only_where_it_stands_once(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("a/floe.yaml", "tier: silver\ntier: gold\n")
    project.edit("a/floe.yaml", "gold", "bronze")
    assert project.read("a/floe.yaml") == "tier: silver\ntier: bronze\n"
    with pytest.raises(ServiceError, match="it stands there 2 times"):
        project.edit("a/floe.yaml", "tier", "layer")


def test_a_folder_is_packed_to_the_same_bytes_whenever_its_files_are_the_same(tmp_path: Path) -> None:
    packed = []
    for place, moment in (("one", 1_000), ("other", 2_000)):
        project = Project(tmp_path / place)
        project.write("a/models/b.sql", "select 1")
        project.write("a/floe.yaml", "kind: FloeSpec")
        os.utime(project.folder / "a" / "floe.yaml", (moment, moment))
        packed.append(project.packed("a"))
    assert packed[0] == packed[1]
    with tarfile.open(fileobj=io.BytesIO(packed[0])) as archive:
        assert archive.getnames() == ["floe.yaml", "models/b.sql"]
    with tarfile.open(fileobj=io.BytesIO(project.packed("a", without=frozenset({"floe.yaml"})))) as archive:
        assert archive.getnames() == ["models/b.sql"]


def test_a_commands_exit_code_words_and_files_are_told(tmp_path: Path) -> None:
    project = Project(tmp_path / "team")
    project.write("kept", "1")
    project.write("changed", "1")
    floe = floe_with(tmp_path, "echo done; echo oops >&2; echo 2 > changed; echo $ZONE > new; exit 3")
    outcome = floe.run(["floe"], project, variables={"ZONE": "UTC"})
    assert (outcome.code, outcome.out, outcome.err) == (3, "done\n", "oops\n")
    assert outcome.made == {"changed": b"2\n", "new": b"UTC\n"}


def test_a_command_sees_only_what_every_person_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "never")
    assert "never" not in floe_with(tmp_path, "env").run(["floe"]).said


def test_a_command_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="nothing after 1 s"):
        floe_with(tmp_path, "exec tail -f /dev/null").run(["floe"], within=1)


def test_a_program_that_is_not_there_is_missed_by_name(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="run dbt and answered: this installation has no such program"):
        floe_with(tmp_path, "exit").run(["dbt"])
