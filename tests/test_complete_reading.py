"""A file is read as it is meant, or refused with its line, its field and what belongs there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.floe import Project
from floe_complete import document, reading
from floe_complete.document import Kind, load, meant, shown, spelled
from floe_complete.problems import RefusedError
from tests.team import SPEC, refused, said, team

ANY = Kind("a.yaml", "some fields", "write one")


def text_refused(folder: Path, text: str | bytes) -> tuple[str, str, int]:
    file = folder / "a.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(RefusedError) as caught:
        load(file, ANY)
    (one,) = caught.value.problems
    return one.field, one.found, one.line


def content(folder: Path, text: str) -> dict[str, object]:
    file = folder / "a.yaml"
    file.write_text(text)
    return load(file, ANY).content


# ---- the file


def test_the_demo_is_read(tmp_path: Path) -> None:
    sources = reading.sources_of(team(tmp_path).folder / "customer-360")
    assert (sources.spec.metadata.name, sources.manifest.metadata.name) == ("customer-360", "floe-demo")
    assert sources.manifest_file == tmp_path / "team" / "manifest.yaml"


def test_another_manifest_than_the_named_one_is_read(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.write("other.yaml", project.read("manifest.yaml").replace("floe-demo", "floe-other"))
    project.edit(SPEC, "../manifest.yaml", "../gone.yaml")
    sources = reading.sources_of(project.folder / "customer-360", project.folder / "other.yaml")
    assert sources.manifest.metadata.name == "floe-other"


def test_a_file_too_large_is_never_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    with file.open("wb") as handle:
        handle.truncate(1 << 40)
    with pytest.raises(RefusedError, match=r"has 1048576\.0 MiB\n  expected: at most 1 MiB"):
        load(file, ANY)


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    text = "a: 1\n"
    assert content(tmp_path, text + "#" * (document.SIZE - len(text))) == {"a": 1}


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(RefusedError, match="is no ordinary file"):
        load(tmp_path / "a.yaml", ANY)


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    (tmp_path / "a.yaml").write_text("a: 1")
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(RefusedError, match=r"a\.yaml: cannot be read: permission denied\n"):
        load(tmp_path / "a.yaml", ANY)


@pytest.mark.parametrize(
    ("asked", "found", "remedy"),
    [
        ("customer-360/floe.yaml", "is a file", "name the folder: customer-360"),
        ("customer-36", "there is no such folder", "did you mean customer-360?"),
        ("nowhere", "there is no such folder", ""),
        (".", "there is no such file", "run it in a product's folder, or name that folder"),
    ],
)
def test_a_folder_that_is_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, found: str, remedy: str
) -> None:
    monkeypatch.chdir(team(tmp_path).folder)
    with pytest.raises(RefusedError) as caught:
        reading.sources_of(Path(asked))
    assert said(tuple(caught.value.problems)) == [("", found, remedy)]


def test_a_file_of_another_ending_is_offered(tmp_path: Path) -> None:
    project = team(tmp_path)
    (project.folder / SPEC).rename(project.folder / "customer-360" / "floe.yml")
    assert said(refused(project)) == [("", "there is no such file", "did you mean floe.yml?")]


def test_no_path_of_the_machine_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "a" / "floe.yaml") == "a/floe.yaml"
    assert shown(Path("/srv/secret/a/floe.yaml")) == "a/floe.yaml"
    assert shown(Path("a/../../manifest.yaml")) == "../manifest.yaml"


# ---- its text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ("", "is empty", 0)),
        ("---\n", ("", "is empty", 0)),
        ("a: 1\nb: \x00", ("", "is not text: a control character", 2)),
        (b"a: 1\nb: \xff", ("", "byte 9 is not UTF-8", 2)),
        ("a: 1".encode("utf-16"), ("", "is UTF-16", 1)),
        ("a:\n\tb: 1", ("", "a tab in the indentation", 2)),
        ("a: [1\nb: 2", ("", "a list that is not closed", 1)),
        ("a: {b: 1\nc: 2\n", ("", "a group of fields that is not closed", 1)),
        ("a: 1\nb: 'x\nc: 2", ("", "a quote that is not closed", 2)),
        ("a: b: c", ("", "a colon, or an indentation, that does not fit", 1)),
        ("a: @b", ("", "a text that begins with @, `, % or a tab", 1)),
        ("a: *b", ("", "an alias without its anchor", 1)),
        ("a: 2024-13-45", ("", "a date or number that there is not", 1)),
        ("a: 1\n---\na: 2", ("", "a second document", 2)),
        ("a: !!python/name:os.system", ("a", "the tag python/name:os.system", 1)),
        ("a: &a [*a]", ("", "a value that holds itself, by an alias (*name)", 1)),
        ("<<: [1]", ("", "fields that cannot be merged", 1)),
        ("on: 1", ("", "a field named on, which is no text", 1)),
        ("? [a]\n: 1", ("", "a field whose name is a list or a group of fields", 1)),
        ("a: " + "[" * 60 + "]" * 60, ("", "values too deep within each other", 1)),
        (
            "a: [" + "x," * document.VALUES + "]",
            ("", "holds too many values, those that its aliases (*name) stand for included", 0),
        ),
    ],
)
def test_what_is_no_plain_yaml_is_refused(
    tmp_path: Path, text: str | bytes, told: tuple[str, str, int]
) -> None:
    assert text_refused(tmp_path, text) == told


def test_aliases_nested_too_deep_are_refused(tmp_path: Path) -> None:
    chain = "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 100))
    assert text_refused(tmp_path, f"a0: &a0 [x]\n{chain}")[1] == "values too deep within each other"


def test_honest_aliases_tabs_and_marks_are_read(tmp_path: Path) -> None:
    assert content(tmp_path, "\ufeffa: &x {b: 1}\r\nc:\r\n  <<: *x\r\n  d: *x\r\n") == {
        "a": {"b": 1},
        "c": {"b": 1, "d": {"b": 1}},
    }
    assert content(tmp_path, "a: |\n  x\n  \ty\n") == {"a": "x\n\ty\n"}


def test_a_field_that_is_there_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    told = text_refused(tmp_path, "a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert told == ("a.b", "is there 2 times, on lines 2 and 4", 4)


def test_every_field_that_is_there_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\nb: [{c: 1, c: 2}]\na: 3\n")
    with pytest.raises(RefusedError) as caught:
        load(tmp_path / "a.yaml", ANY)
    assert sorted(one.field for one in caught.value.problems) == ["a", "b[0].c"]


def test_a_path_is_spelled_as_it_is_read() -> None:
    assert spelled(("transforms", 2, "dependsOn", 0)) == "transforms[2].dependsOn[0]"
    assert spelled(("labels", "a.b")) == 'labels["a.b"]'


def test_a_word_is_only_guessed_when_it_is_near() -> None:
    assert (meant("Teir", ["tier", "tags"]), meant("nothing", ["tier"])) == ("did you mean tier?", "")


# ---- its shape


@pytest.mark.parametrize(
    ("find", "put", "told"),
    [
        ("tier: gold", "tier: Gold", ("transforms[5].tier", '"Gold"', "did you mean gold?")),
        (
            "tags: [mart]",
            "depends_on: 5",
            ("transforms[5].depends_on", "the number 5", ""),
        ),
        ("timezone: UTC", "zone: UTC", ("schedule.zone", "there is no such field", "did you mean timezone?")),
        (
            "version: 1.0.0",
            "version: 2024-01-01",
            ("metadata.version", "the date 2024-01-01", "put it in quotes"),
        ),
        ("domain: retail", "domain: true", ("metadata.labels.domain", "true", "put it in quotes")),
        ("domain: retail", "domain:", ("metadata.labels.domain", "is empty", "")),
        ("tags: [mart]", "tags: {a: b}", ("transforms[5].tags", "a group of fields", "")),
        ("owner: customer-data@example.com", 'owner: ""', ("metadata.owner", '""', "")),
        ("kind: FloeSpec", "kind: Floespec", ("kind", '"Floespec"', "did you mean FloeSpec?")),
    ],
)
def test_a_wrong_shape_is_told_as_it_is_written(
    tmp_path: Path, find: str, put: str, told: tuple[str, str, str]
) -> None:
    project = team(tmp_path)
    text = project.read(SPEC).replace(
        "    dependsOn: [stg_crm_customers, int_customer_orders, int_customer_support]\n", ""
    )
    project.write(SPEC, text)
    project.edit(SPEC, find, put)
    assert said(refused(project)) == [told]


def test_a_union_is_told_once(tmp_path: Path) -> None:
    project = team(tmp_path)
    source = (
        "ingestion: {sources: [{name: a, sourceType: filesystem, format: csv, path: a.csv, "
        "destinationTable: a.b, primaryKey: {x: 1}}]}\n"
    )
    project.write(SPEC, project.read(SPEC) + source)
    (one,) = refused(project)
    assert (one.field, one.expected) == ("ingestion.sources[0].primaryKey", "a text or a list of texts")


def test_a_rule_of_floe_is_told_at_the_field_it_speaks_of(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.write("manifest.yaml", f"scope: domain\n{project.read('manifest.yaml')}")
    assert said(refused(project)) == [
        ("parent_manifest", "parent_manifest is required for scope='domain'", "")
    ]


def test_fields_of_an_environment_hide_no_other_mistake(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.edit(SPEC, "tier: gold", "tier: platinum\n    Password: hunter2")
    problems = refused(project)
    assert [(one.field, one.line) for one in problems] == [
        ("transforms[5].tier", 48),
        ("transforms[5].Password", 49),
    ]
    assert "hunter2" not in "".join(map(str, problems))


def test_output_ports_are_refused_with_the_reason(tmp_path: Path) -> None:
    project = team(tmp_path)
    ports = "outputPorts: [{name: customers, schema: [{name: id, type: string}]}]\n"
    project.write(SPEC, project.read(SPEC) + ports)
    (one,) = refused(project)
    assert (one.field, one.remedy) == (
        "outputPorts[0].schema",
        "leave outputPorts out, floe 0.1.0a1 cannot take them",
    )


def test_a_file_of_another_version_is_told_that_alone(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.write(SPEC, project.read(SPEC).replace("floe.dev/v1", "floe.dev/v9").replace("tier:", "layer:"))
    assert [one.field for one in refused(project)] == ["apiVersion"]


def test_credentials_are_never_repeated(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.edit("manifest.yaml", "endpoint: http://otel", "endpoint: grpc://me:hunter2@otel")
    project.edit(
        "manifest.yaml", "    type: minio\n", "    type: minio\n    connection_secret_ref: Hunter_2\n"
    )
    told = "\n".join(map(str, refused(project)))
    assert ("observability.tracing.endpoint" in told, "a value that is not shown here" in told) == (
        True,
        True,
    )
    assert "unter" not in told


def test_both_files_are_told_of_together_in_their_order(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.write(SPEC, project.read(SPEC).replace("tier: gold", "tier: platinum").replace("*/10", "61"))
    project.edit("manifest.yaml", "level: INFO", "level: LOUD")
    problems = refused(project)
    assert [(Path(one.file).name, one.field, one.stage) for one in problems] == [
        ("floe.yaml", "transforms[5].tier", "LOAD"),
        ("floe.yaml", "schedule.cron", "VALIDATE"),
        ("manifest.yaml", "observability.logging.level", "LOAD"),
    ]


def test_a_floe_yaml_that_is_none_does_not_hide_a_bad_manifest(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.write(SPEC, "")
    project.write("other.yaml", "- a\n")
    assert [one.found for one in refused(project, manifest="other.yaml")] == ["is empty", "is a list"]


@pytest.mark.parametrize(
    ("put", "told"),
    [
        ("", ("platform.manifest", "is missing", "write it there, or name one: --manifest FILE")),
        ("platform:\n", ("platform.manifest", "is missing", "write it there, or name one: --manifest FILE")),
        ("platform: {manifest: 5}\n", ("platform.manifest", "the number 5", "put it in quotes")),
        (
            "platform: {manifest: ../manifests.yaml}\n",
            ("platform.manifest", 'there is no file "../manifests.yaml"', "did you mean manifest.yaml?"),
        ),
        (
            f"platform: {{manifest: {'x' * 5000}}}\n",
            (
                "platform.manifest",
                f'there is no file "{"x" * 37}..."',
                "correct the path, or name one: --manifest FILE",
            ),
        ),
    ],
)
def test_a_manifest_that_is_not_named_right_is_told(
    tmp_path: Path, put: str, told: tuple[str, str, str]
) -> None:
    project = team(tmp_path)
    project.edit(SPEC, "platform:\n  manifest: ../manifest.yaml\n", put)
    assert said(refused(project)) == [told]


def test_resources_may_be_written_flat(tmp_path: Path) -> None:
    project = team(tmp_path)
    flat = (
        "resource_presets: {small: {cpu_request: 1, memory_request: 1Gi, cpu_limit: 1, memory_limit: 1Gi}}\n"
    )
    project.write("manifest.yaml", project.read("manifest.yaml") + flat.replace("1,", '"1",'))
    assert reading.sources_of(project.folder / "customer-360").manifest.metadata.name == "floe-demo"


# ---- in how little time


def imported(project: Project, *names: str) -> set[str]:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from floe_complete import reading\n"
        "from floe_complete.problems import RefusedError\n"
        "try:\n"
        "    reading.sources_of(Path(sys.argv[1]))\n"
        "except RefusedError:\n"
        "    print(*(name for name in sys.argv[2:] if name in sys.modules))\n"
    )
    words = [sys.executable, "-c", code, str(project.folder / "customer-360"), *names]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_a_refusal_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    heavy = ("floe_core.schemas", "floe_core.compilation", "dagster", "dbt", "duckdb", "pyiceberg")
    project = team(tmp_path)
    project.edit(SPEC, "tier: gold", "teir: gold")
    assert imported(project, *heavy) == {"floe_core.schemas"}
    project.write(SPEC, "a: [")
    assert imported(project, *heavy) == set()
