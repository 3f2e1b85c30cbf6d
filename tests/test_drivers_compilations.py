"""What a compilation says and makes is read as it is, and a change is made where it is meant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgpack  # type: ignore[import-untyped]
import pytest
import yaml

import demo
from drivers import changes, compilations
from drivers.compilations import Compilation
from drivers.errors import ServiceError
from drivers.floe import Outcome, Project
from drivers.product import SMALL


def compilation(
    folder: Path, *, err: str = "", out: str = "", made: Mapping[str, bytes] | None = None
) -> Compilation:
    return Compilation(Project(folder), "shop", Outcome(2, out, err, made or {}))


def test_the_products_of_the_demo_are_found() -> None:
    assert "customer-360" in demo.products()


def test_stages_are_told_as_a_person_reads_them(tmp_path: Path) -> None:
    err = "LOAD       0.01 s\nVALIDATE   0.00 s\nRESOLVE  refused\nCOMPILE is a word\n"
    told = compilations.stages_told(compilation(tmp_path, err=err).outcome)
    assert told == compilations.until("RESOLVE") == ["LOAD done", "VALIDATE done", "RESOLVE refused"]


def test_stages_are_read_from_the_log_wherever_it_is(tmp_path: Path) -> None:
    lines = [
        {"event": "compilation_stage_start", "stage": "LOAD"},
        {"event": "something"},
        {"event": "compilation_stage_complete", "stage": "LOAD"},
    ]
    log = "\n".join(map(json.dumps, lines))
    expected = [("begun", "LOAD"), ("complete", "LOAD")]
    assert compilations.stages_logged(compilation(tmp_path, out=f"Compiling\n{log}\n")) == expected
    in_a_file = compilation(tmp_path, out="nothing", made={compilations.LOG: log.encode()})
    assert compilations.stages_logged(in_a_file) == expected
    assert in_a_file.made == {}


def test_what_is_wrong_is_read_with_its_place(tmp_path: Path) -> None:
    err = (
        "LOAD     refused\n../manifest.yaml: plugins.compute.type: there is no x\n  expected: y\n"
        "models/a.sql:2: a: Parser Error: nope\n  expected: SQL\n  remedy: none\nnothing was written\n"
    )
    (tmp_path / "shop" / "models").mkdir(parents=True)
    (tmp_path / "shop" / "models" / "a.sql").write_text("select 1\nfromm b\n")
    done = compilation(tmp_path, err=err)
    assert compilations.refusals(done.outcome) == {
        ("manifest.yaml", "-", "plugins.compute.type"): "there is no x",
        ("models/a.sql", "2", "a"): "Parser Error: nope",
    }
    rows = [["models/a.sql", "fromm b", "a", "Parser Error"]]
    (place,) = compilations.places(done, rows)
    assert place == ("models/a.sql", "2", "a")
    assert compilations.wrong(done, rows) == {
        ("manifest.yaml", "-", "plugins.compute.type"): "there is no x",
        place: "Parser Error",
    }
    assert (
        compilations.wrong(done, [["models/a.sql", "fromm b", "a", "other"]])[place] == "Parser Error: nope"
    )
    with pytest.raises(ServiceError, match="0 say so"):
        compilations.places(done, [["models/a.sql", "nowhere", "a", ""]])


def test_a_file_that_was_not_made_is_missed_with_what_was_said(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"make profiles.yml of shop and answered: LOAD refused"):
        compilation(tmp_path, err='{"event": "x"}\nLOAD refused').file("profiles.yml")


def test_credentials_are_found_by_their_fields_and_their_values() -> None:
    profile = {
        "outputs": {
            "dev": {
                "password": "hunter2",
                "secrets": [{"client_secret": "{{ env_var('S') }}", "client_id": "POLARIS_CLIENT_ID"}],
                "options": {"secret": "polaris"},
            }
        }
    }
    assert compilations.credentials_held(profile) == {"password": "hunter2", "client_id": "POLARIS_CLIENT_ID"}
    value = compilations.CREDENTIALS["POLARIS_CLIENT_SECRET"]
    made = {"a": f"secret: {value}".encode(), "b": b"nothing"}
    assert compilations.leaks(made) == frozenset({"a"})


def test_what_differs_is_named_by_file_and_field() -> None:
    def made(clock: float, text: str) -> dict[str, bytes]:
        document = {"metadata": {"at": clock}, "nodes": {"model.shop.a": {"created_at": clock, "list": [1]}}}
        return {
            "shop/manifest.json": json.dumps(document).encode(),
            "shop/state.msgpack": msgpack.packb(document),
            "shop/definitions.py": text.encode(),
            "same": b"1",
        }

    assert compilations.differences(made(1.5, "a"), {**made(2.5, "b"), "more": b"1"}) == frozenset(
        {
            ("manifest.json", "metadata.at"),
            ("manifest.json", "each.created_at"),
            ("state.msgpack", "metadata.at"),
            ("state.msgpack", "each.created_at"),
            ("definitions.py", "its text"),
            ("more", "the file itself"),
        }
    )
    assert compilations.differences(made(1.5, "a"), made(1.5, "a")) == frozenset()


def test_the_order_of_names_is_a_difference() -> None:
    left, right = b'{"a": 1, "b": 2}', b'{"b": 2, "a": 1}'
    assert compilations.differences({"x.json": left}, {"x.json": right}) == frozenset(
        {("x.json", ": names or their order")}
    )


@pytest.mark.parametrize("change", sorted(changes.NAMES))
def test_every_change_fits_the_demo(tmp_path: Path, change: str) -> None:
    project = Project.of_the_demo(tmp_path, "customer-360")
    project.add(SMALL / "parcel-tracking")
    product = "parcel-tracking" if "reader" in change else "customer-360"
    before = project.files()
    changes.make(change, project, product)
    assert project.files() != before


def test_a_change_nobody_wrote_down_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no such change"):
        changes.make("a miracle", Project(tmp_path), "customer-360")


def test_what_the_files_say_is_read_without_floe(tmp_path: Path) -> None:
    project = Project.of_the_demo(tmp_path, "customer-360")
    said = compilations.said_by_the_files(project, "customer-360")
    manifest = yaml.safe_load(project.read("manifest.yaml"))
    assert said["plugins"] == {kind: one["type"] for kind, one in manifest["plugins"].items()}
    assert said["model int_customer_orders"] == (
        "silver",
        frozenset({"stg_crm_customers", "stg_transactions"}),
        "duckdb-iceberg",
    )
