"""A tiny project of features, for the tests that need a real run of pytest-bdd to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gate import review
from reports import results

CATALOGUE = """\
stories:
  US1: {title: Platform bootstrap and service health, priority: P1, role: platform operator}
  US3: {title: Data pipeline execution, priority: P1, role: data engineer}
requirements:
- {id: FR-001, story: US1, title: One chart, statement: It comes up., proof: It answers.}
- {id: FR-002, story: US1, title: Ready in time, statement: Pods are Ready., proof: The time is measured.}
- {id: FR-005, story: US1, title: Buckets exist, statement: They do., proof: An object is put and read.}
- {id: FR-020, story: US3, title: Models run in order, statement: They run., proof: Times respect edges.}
- {id: FR-021, story: US3, title: Layers, statement: Three layers., proof: Values are equal.}
- {id: FR-022, story: US3, title: Iceberg, statement: Output is Iceberg., proof: PyIceberg loads it.}
- {id: FR-023, story: US3, title: Seeds, statement: Seeds load., proof: Counts are equal.}
edge_cases:
- {id: EDGE-01, story: US3, covers: [FR-020], statement: "A pod crashes: it is recorded."}
test_quality:
- {id: TQR-001, rule: Check behaviour.}
gaps:
  GAP-007: {covers: [FR-022], topic: Iceberg instead of DuckDB}
success_criteria:
  SC-001: All services Ready in time.
"""

BOOTSTRAP = """\
@US1
Feature: Platform bootstrap
  Background:
    Given the platform is up

  @FR-001
  Scenario: Every service serves its own API
    When the operator asks every service
    Then each of them answers

  @FR-005
  Scenario Outline: A bucket keeps what is put into it
    When an object is put into <bucket>
    Then it is read back from <bucket>

    Examples:
      | bucket    |
      | warehouse |
      | staging   |

  @FR-002
  Scenario: A pod that cannot start is named
    When an image does not exist
    Then the check names these pods
      | pod     | reason           |
      | polaris | ImagePullBackOff |
    And nothing else is blamed
"""

PIPELINES = """\
@US3
Feature: Data pipelines
  @FR-022 @GAP-007
  Scenario: Every model is an Iceberg table
    Given a finished run of customer-360
    Then every model is an Iceberg table

  @FR-021
  Scenario: Gold figures are what the seeds say
    Given a finished run of customer-360
    Then the figures are equal

  @FR-020
  Scenario: The warehouse is gone
    Given a warehouse that is missing
    Then nobody gets here

  @FR-023
  Scenario: The tear-down breaks
    Given a platform that cannot be removed
    Then the seeds are there
"""

STEPS = """\
import pytest
from foundation.errors import DeadlineError
from pytest_bdd import given, parsers, then, when
from reports import evidence


@pytest.fixture(scope="module")
def finished_run():
    with evidence.apart():
        evidence.touched("a look around")
    evidence.touched("pipeline")
    return ["mart"]


@pytest.fixture
def broken_warehouse():
    raise RuntimeError("bucket warehouse does not exist")


@pytest.fixture
def stubborn():
    yield
    raise DeadlineError("namespace floe-us3 still there after 60 s")


@given("the platform is up")
def _():
    evidence.component("PostgreSQL", "15.14")

@when("the operator asks every service")
def _():
    evidence.touched("catalog")

@then("each of them answers")
def _(): pass

@when(parsers.parse("an object is put into {bucket}"))
def _(bucket): evidence.touched("minio")

@then(parsers.parse("it is read back from {bucket}"))
def _(bucket):
    assert bucket == "warehouse"

@when("an image does not exist")
def _(): pass

@then("the check names these pods")
def _(datatable):
    assert datatable[1] == ["polaris", "CrashLoopBackOff"]

@then("nothing else is blamed")
def _(): pass

@given("a finished run of customer-360")
def _(finished_run): pass

@then("every model is an Iceberg table")
def _(): pass

@then("the figures are equal")
def _(finished_run):
    assert finished_run == ["mart"]

@given("a warehouse that is missing")
def _(broken_warehouse): pass

@then("nobody gets here")
def _(): pass

@given("a platform that cannot be removed")
def _(stubborn): pass

@then("the seeds are there")
def _(): pass
"""

CONFTEST = 'pytest_plugins = ("reports.plugin", "steps_of_the_sample")\n'


def lay(root: Path, **features: str) -> None:
    """Write the sample project into `root`; other features may be named instead of its own."""
    chosen = features or {"us1_bootstrap": BOOTSTRAP, "us3_pipelines": PIPELINES}
    folder = root / "features"
    folder.mkdir(exist_ok=True)
    (folder / "requirements.yaml").write_text(CATALOGUE)
    for name, text in chosen.items():
        (folder / f"{name}.feature").write_text(text)
        (folder / f"test_{name}.py").write_text(
            f'from pytest_bdd import scenarios\nscenarios("{name}.feature")\n'
        )
    (root / "steps_of_the_sample.py").write_text(STEPS)
    (root / "conftest.py").write_text(CONFTEST)
    (root / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\ntestpaths = ["features"]\npythonpath = ["."]\n'
        'addopts = ["-v", "--strict-markers", "-p", "no:cacheprovider"]\n'
        'bdd_features_base_dir = "features/"\n'
    )
    (folder / "index.yaml").unlink(missing_ok=True)
    review.accept(review.EVERYTHING, root)


def lay_results(folder: Path, failed: Sequence[str]) -> None:
    """Results of an earlier run in which one scenario passed and these failed."""
    scenarios = [("features/test_us1_bootstrap.py::passed", "passed"), *((node, "failed") for node in failed)]
    run = {
        "began": "2026-01-01T00:00:00Z",
        "ended": "2026-01-01T00:01:00Z",
        "exit_code": 1,
        "scenarios": [
            {
                "node": node,
                "feature": "f",
                "line": 1,
                "title": node,
                "story": None,
                "ids": [],
                "result": result,
                "began": "2026-01-01T00:00:00Z",
                "seconds": 1.0,
            }
            for node, result in scenarios
        ],
        "facts": {
            "host": {"system": "s", "cores": 2, "memory_gib": 8, "disk_gib": 9, "disk_free_gib": 5},
            "cluster": {"provider": "none"},
            "revision": {"commit": None, "dirty": False},
            "versions": {},
            "suite": {},
            "stand_ins": {},
        },
    }
    results.write(results.Run.model_validate(run), folder)
