"""What floe.yaml expects of rows: each expectation is a check of its table, with its score."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest
import yaml
from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    DagsterInstance,
    ExecuteInProcessResult,
)
from duckdb_extensions import import_extension  # type: ignore[import-untyped]

from drivers.product import SMALL
from floe_complete.compiling import compile_product
from foundation.cache import ROOT
from standins.loopback.lake import Lake

VIEWS: list[dict[str, object]] = [
    {"name": "page_is_a_path", "type": "regex_match", "column": "page", "parameters": {"regex": "^/"}},
    {
        "name": "visitor_is_short",
        "type": "regex_match",
        "column": "visitor",
        "severity": "warning",
        "parameters": {"regex": "^..$"},
    },
    {"name": "no_such_kind", "type": "is_beautiful", "column": "page"},
    {"name": "five_views", "type": "row_count_between", "parameters": {"min_value": 5, "max_value": 5}},
]
"""Of stg_page_views: five views, by ada (2), bob (1) and cy (2)."""


def built(place: Path, **more: str) -> Path:
    """web-visits with these expectations, compiled."""
    shutil.copy(ROOT / "demo" / "manifest.yaml", place)
    folder = shutil.copytree(SMALL / "web-visits", place / "web-visits")
    spec = yaml.safe_load((folder / "floe.yaml").read_text())
    spec["transforms"][0]["qualityChecks"] = [{"dimension": "validity", **check, **more} for check in VIEWS]
    (folder / "floe.yaml").write_text(yaml.safe_dump(spec))
    compile_product(folder)
    return folder


def run_of(folder: Path, *models: str) -> ExecuteInProcessResult:
    defs = runpy.run_path(str(folder / "definitions.py"))["defs"]
    result: ExecuteInProcessResult = defs.resolve_job_def("web_visits").execute_in_process(
        instance=DagsterInstance.ephemeral(),
        asset_selection=[AssetKey(model) for model in models] or None,
        raise_on_error=False,
    )
    return result


def told(check: AssetCheckEvaluation) -> tuple[bool, float, int, int]:
    score, checked, against = (
        check.metadata[name].value for name in ("score", "rows_checked", "rows_against")
    )
    assert isinstance(score, float)
    assert isinstance(checked, int)
    assert isinstance(against, int)
    return check.passed, score, checked, against


@pytest.fixture
def environment(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    for name, value in {**lake.environment, "FLOE_SCRATCH": str(tmp_path / "scratch")}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
def test_each_expectation_is_a_check_with_its_score(tmp_path: Path) -> None:
    folder = built(tmp_path)
    result = run_of(folder)
    found = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert {name: told(check) for name, check in found.items()} == {
        "page_is_a_path": (True, 100.0, 5, 0),
        "visitor_is_short": (False, 40.0, 5, 3),
        "no_such_kind": (False, 0.0, 0, 0),
        "five_views": (True, 100.0, 0, 0),
    }
    # floe's calculator: half of all validity, of which a fifth of the score is made.
    assert {check.metadata["table_score"].value for check in found.values()} == {90.0}
    assert (result.success, {check.severity for check in found.values()}) == (True, {AssetCheckSeverity.WARN})
    assert (
        found["no_such_kind"].description == "great_expectations has no expectation of the type is_beautiful"
    )
    # Those of a model that is not selected are not asked.
    assert [
        check.check_name for check in run_of(folder, "mart_page_visits").get_asset_check_evaluations()
    ] == []


@pytest.mark.usefixtures("environment")
def test_what_is_critical_fails_the_run(tmp_path: Path) -> None:
    result = run_of(built(tmp_path, severity="critical"), "stg_page_views")
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "not met, and critical: visitor_is_short of stg_page_views, no_such_kind of stg_page_views" in str(
        failure.step_failure_data.error
    )
    assert len(result.get_asset_check_evaluations()) == len(VIEWS)
