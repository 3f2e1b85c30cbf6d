"""report.yaml: what it says of a run, and that it says it the same way every time."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

from foundation.cache import ROOT
from reports import conformance, matrix, page, results
from reports.results import DeployedImage, Run
from reports.seen_red import Ledger, Sighting
from tests import sample_run
from tests import test_reports_matrix as of_matrix
from tests.test_reports_matrix import ALL_PASSED, judged, record, run_of

SIGHTING = Sighting(
    fault="no-credentials", title="No credentials", seen=date(2026, 2, 27), revision=None, scenarios={}
)
IMAGE = DeployedImage(reference="localhost/floe-e2e/minio:abc", digest="sha256:0123")


def with_images(run: Run) -> Run:
    return run.model_copy(update={"facts": run.facts.model_copy(update={"images": {"minio": IMAGE}})})


def test_it_says_what_was_tested_where_and_with_which_result(tmp_path: Path) -> None:
    failing = [record("first"), record("second", "failed"), *ALL_PASSED[2:]]
    run = with_images(run_of(failing, stand_ins=of_matrix.STAND_IN))
    got = judged(tmp_path, run, ledger=Ledger(sightings={"FR-001": [SIGHTING]}))
    data = yaml.safe_load(conformance.as_yaml(got))
    assert (data["kind"], data["date"], data["result"]) == (
        "ConformanceReport",
        "2026-03-01T12:00:00Z",
        "failure",
    )
    assert data["summary"] == page.verdict(got)[1]
    assert data["implementation"] == {
        "project": "floe",
        "version": None,
        "components": {"Dagster": "1.13.27"},
        "images": {"minio": {"reference": "localhost/floe-e2e/minio:abc", "digest": "sha256:0123"}},
        "standIns": {"catalog": "stand-in for Apache Polaris"},
    }
    assert (data["environment"]["provider"], data["environment"]["host"]["memoryGib"]) == ("local", 8.0)
    assert data["scenarios"] == {"passed": 3, "failed": 1, "notRun": 0}
    assert (data["failed"], data["notVerified"]) == (
        ["FR-001", "FR-002"],
        ["FR-001", "FR-002", "FR-020", "FR-021", "FR-022", "FR-023", "EDGE-01"],
    )
    assert data["seenRed"] == {
        "seen": [{"id": "FR-001", "date": "2026-02-27", "fault": "no-credentials"}],
        "never": ["FR-002", "FR-005"],
    }
    assert data["profiles"][0] == {
        "name": "US1",
        "title": "Platform bootstrap and service health",
        "result": "failure",
        "statistics": {"passed": 3, "failed": 1, "notRun": 0},
        "verified": ["FR-005"],
        "failed": ["FR-001", "FR-002"],
        "notVerified": {},
    }
    assert data["profiles"][1]["result"] == "partial"
    assert data["reproduce"]["command"] == "make e2e"
    assert data["reproduce"]["revision"] == "0123456789abcdef"


def test_it_reads_back_as_what_was_written(tmp_path: Path) -> None:
    got = judged(tmp_path, with_images(run_of(ALL_PASSED)))
    assert conformance.read(conformance.as_yaml(got)) == conformance.of(got)


def test_something_else_is_no_report(tmp_path: Path) -> None:
    text = conformance.as_yaml(judged(tmp_path, run_of(ALL_PASSED)))
    with pytest.raises(ValueError, match="kind"):
        conformance.read(text.replace("ConformanceReport", "Something"))


def test_the_same_results_give_the_same_files_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "f.feature").write_text(of_matrix.FEATURE)
    (folder / "requirements.yaml").write_text(sample_run.CATALOGUE)
    (tmp_path / ".cluster").mkdir()
    phase = of_matrix.phase("cluster: local up", 0, 12, budget=60)
    (tmp_path / ".cluster" / "phases.jsonl").write_text(phase.model_dump_json() + "\n")
    records = [record("first", touched=("minio", "catalog", "dagster")), *ALL_PASSED[1:]]
    run = with_images(run_of(records, stand_ins=of_matrix.STAND_IN))
    results.write(run, tmp_path / "out")
    script = (
        "import sys; from pathlib import Path; from reports import matrix;"
        "root = Path(sys.argv[1]); matrix.write(root / 'out', root=root)"
    )
    found = []
    for number, zone in (("1", "Asia/Tokyo"), ("2", "America/Los_Angeles")):
        odd = {"PYTHONHASHSEED": number, "TZ": zone, "PYTHONPATH": str(ROOT), "CLUSTER": f"kind{number}"}
        words = [sys.executable, "-c", script, str(tmp_path)]
        subprocess.run(words, check=True, timeout=60, env={**os.environ, **odd})
        names = (matrix.JSON, matrix.HTML, matrix.MARKDOWN, matrix.REPORT)
        found.append({name: (tmp_path / "out" / name).read_bytes() for name in names})
    assert found[0] == found[1]
