"""What can go wrong when the pages are built, and what is said then."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from foundation import npm
from foundation.errors import PlatformError, UserError
from reports import __main__ as commands
from reports import evidence, facts, html
from reports.results import DeployedImage


def test_without_node_there_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as refused:
        npm.node()
    assert "Node.js with npm is not installed" in refused.value.problem
    assert "apt-get install nodejs npm" in refused.value.remedy


def test_a_node_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v16.20.0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"Node\.js v16\.20\.0 is too old"):
        npm.node()


COUNTER = (
    '<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>\n<script>gtag()</script>'
)


def test_the_visitor_counter_is_taken_out() -> None:
    assert html.without_analytics(f"<body>{COUNTER}<script>kept()</script></body>") == (
        "<body><script>kept()</script></body>"
    )


def test_a_counter_in_another_form_is_not_let_through() -> None:
    with pytest.raises(PlatformError, match="googletagmanager"):
        html.without_analytics('<img src="https://www.googletagmanager.com/x.gif">')


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["bogus"]) == 2
    assert "one of html, matrix, summary, pictures" in capsys.readouterr().err


def test_the_lock_names_no_registry() -> None:
    lock = (Path(html.__file__).parent / "package-lock.json").read_text()
    assert ('"node_modules/allure"' in lock, "resolved" in lock) == (True, False)


def test_a_run_that_is_rendered_again_is_no_other_run(tmp_path: Path) -> None:
    file = tmp_path / "allure.jsonl"
    html._forget("b", file)
    assert not file.exists()
    points = [json.dumps({"name": name}) + "\n" for name in "abb"]
    file.write_text("".join(points))
    html._forget("b", file)
    assert file.read_text() == points[0]


# ---- facts


def test_what_images_and_chart_are_built_from_gives_their_versions(tmp_path: Path) -> None:
    files = {
        "images/dagster/requirements.lock": "dagster==1.13.27 \\\n  --hash\nduckdb==1.5.5\n",
        "images/minio/go.mod": "require github.com/minio/minio v0.0.0-2026\n",
        "charts/floe-platform/Chart.yaml": "name: floe-platform\nversion: 0.1.0\nappVersion: 1\n",
        ".cluster/images-values.yaml": (
            "global:\n  catalog: {standIn: true}\n  images: {polaris: localhost/floe-e2e/polaris:abc}\n"
        ),
        "standins/polaris/host/pom.xml": "<version>1</version><iceberg.version>1.11.0</iceberg.version>",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = facts.gather(tmp_path, facts.revision(tmp_path))
    assert {name: found.versions[name] for name in ("Dagster", "duckdb", "chart", "MinIO", "catalog")} == {
        "Dagster": "1.13.27",
        "duckdb": "1.5.5",
        "chart": "0.1.0",
        "MinIO": "v0.0.0-2026",
        "catalog": "localhost/floe-e2e/polaris:abc",
    }
    assert found.stand_ins == {"catalog": "stand-in for Apache Polaris (Apache Iceberg 1.11.0, polaris:abc)"}
    assert (found.cluster.provider, found.revision.commit) == ("none", None)


@pytest.mark.parametrize(("chosen", "asked"), [("kind", "kind"), ("auto", None)])
def test_the_cluster_asked_for_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, asked: str | None
) -> None:
    monkeypatch.setenv("CLUSTER", chosen)
    assert facts.gather(tmp_path, facts.revision(tmp_path)).cluster.asked == asked


def archive(cache: Path, name: str, content: dict[str, object]) -> None:
    file = cache / "images" / name / "image.tar"
    file.parent.mkdir(parents=True)
    index = json.dumps(content).encode()
    with tarfile.open(file, "w") as tar:
        member = tarfile.TarInfo("index.json")
        member.size = len(index)
        tar.addfile(member, io.BytesIO(index))


def test_an_image_is_named_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_E2E_CACHE", str(tmp_path / "cache"))
    archive(tmp_path / "cache", "minio-abc", {"manifests": [{"digest": "sha256:archived"}]})
    archive(tmp_path / "cache", "dagster-abc", {"manifests": []})
    (tmp_path / ".cluster").mkdir()
    images = {
        "minio": "localhost/floe-e2e/minio:abc",
        "polaris": "docker.io/apache/polaris:1.2.0",
        "dagster": "localhost/floe-e2e/dagster:abc",
    }
    (tmp_path / ".cluster" / "images-values.yaml").write_text(json.dumps({"global": {"images": images}}))
    pulled = ["docker.io/apache/polaris@sha256:pulled", images["polaris"]]
    node = {"status": {"images": [{"names": pulled}, {"names": [images["minio"]]}, {"names": None}]}}
    assert facts._images(tmp_path, [node]) == {
        "dagster": DeployedImage(reference=images["dagster"], digest=None),
        "minio": DeployedImage(reference=images["minio"], digest="sha256:archived"),
        "polaris": DeployedImage(reference=images["polaris"], digest="sha256:pulled"),
    }


@pytest.mark.parametrize(("told", "version"), [("true", "0.1.0"), ("false", "off")])
def test_a_run_on_floe_as_released_is_told_apart(tmp_path: Path, told: str, version: str) -> None:
    for name, text in {
        "additions/pyproject.toml": 'version = "0.1.0"\n',
        ".cluster/images-values.yaml": f"global: {{additions: {told}}}\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    assert facts.gather(tmp_path, facts.revision(tmp_path)).versions["additions"] == version


# ---- the recorder


def test_a_pipeline_goes_through_every_service() -> None:
    with evidence.scenario() as touched:
        evidence.touched("pipeline")
    assert touched == {"catalog", "dagster", "minio", "postgresql"}


def test_a_look_around_is_no_evidence() -> None:
    with evidence.scenario() as touched:
        with evidence.apart():
            evidence.touched("catalog")
        evidence.touched("minio")
    assert touched == {"minio"}


def test_a_fixture_made_anew_forgets_what_its_forerunner_touched() -> None:
    with evidence.fixture("platform"):
        evidence.touched("catalog")
    assert evidence.inherited(["platform"]) == {"catalog"}
    with evidence.fixture("platform"):
        evidence.touched("minio")
    assert evidence.inherited(["platform", "other"]) == {"minio"}
