"""The vocabulary around the scenarios: selection, order, and how a failure is told."""

from __future__ import annotations

import re
import subprocess
import sys

from drivers.rows import Rows
from foundation.cache import ROOT
from steps import explain
from steps.diagnostics import without_secrets


def test_stories_run_in_the_order_of_the_catalogue_and_what_is_worked_out_beside_them_last() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    modules = re.findall(r"<Module (\w+)\.py>", done.stdout)
    stories = [
        "test_us1_bootstrap",
        "test_us3_pipelines",
        "test_us4_observability",
        "test_us5_plugins",
        "test_us8_live_demo",
        "test_us9_schema_evolution",
        "test_us2_compilation",
    ]
    assert (done.returncode, modules) == (0, stories), done.stderr


def test_what_looks_like_a_credential_is_blanked() -> None:
    log = (
        'secret-key: "abc123" password=hunter2 Authorization: Bearer abc.def.ghi '
        '{"client_secret": "s3cr3t", "access_token":"eyJhbGciOi.eyJzdWIi.c2ln"} table=customers '
        "s3.access-key-id=AKIA7 rows: 12"
    )
    blanked = without_secrets(log)
    for word in ("abc123", "hunter2", "abc.def", "s3cr3t", "eyJ", "AKIA7"):
        assert word not in blanked
    assert "table=customers" in blanked
    assert "rows: 12" in blanked


def test_tables_that_differ_are_told_by_their_rows() -> None:
    there = {"mart": Rows.of("mart", [{"customer_id": 1, "orders": 2}]), "same": Rows.of("same", [])}
    expected = {"mart": Rows.of("mart", [{"customer_id": 1, "orders": 1}]), "same": Rows.of("same", [])}
    assert explain.pytest_assertrepr_compare("==", there, expected) == [
        "there is not what was expected:",
        "mart: 1 of 1 expected rows are missing, 1 of 1 are not expected",
        "  customer_id 1: orders should be 1, is 2",
    ]


def test_entries_that_are_too_many_or_missing_are_told_by_name() -> None:
    assert explain.pytest_assertrepr_compare("==", {"pod-a": "ImagePullBackOff"}, {}) == [
        "there is not what was expected:",
        "pod-a: ImagePullBackOff",
    ]
    assert explain.pytest_assertrepr_compare("==", {}, {"minio": "live"}) == [
        "there is not what was expected:",
        "minio: not there, expected live",
    ]


def test_sets_are_told_by_the_names_in_which_they_differ() -> None:
    there, expected = frozenset({"raw", "strange"}), frozenset({"raw", "mart"})
    told = ["missing: mart", "not expected: strange"]
    heading = "there is not what was expected:"
    assert explain.pytest_assertrepr_compare("==", there, expected) == [heading, *told]
    nested = [heading, *(f"customer_360: {line}" for line in told)]
    assert (
        explain.pytest_assertrepr_compare("==", {"customer_360": there}, {"customer_360": expected}) == nested
    )


def test_other_comparisons_are_left_to_pytest() -> None:
    assert explain.pytest_assertrepr_compare("==", 1, 2) is None
    assert explain.pytest_assertrepr_compare("in", {}, {}) is None
