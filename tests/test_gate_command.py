"""The gate as a whole, on a copy of this project: quiet as it stands, one line for each thing broken."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from foundation.cache import ROOT
from gate import __main__ as command
from gate import check, project

COPIED = ("features", "steps", "drivers", "docs/evidence", "conftest.py")
SECONDS = 10
"""What `in seconds` means, on two cores that do other things as well."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def findings(root: Path) -> list[str]:
    return [finding.line for finding in check.findings(project.load(root))]


US1, US3 = "features/us1_bootstrap.feature", "features/us3_pipelines.feature"
REQUIREMENTS, STEPS = "features/requirements.yaml", "steps/pipelines.py"


# ---- the project itself


def test_this_project_keeps_every_rule_and_is_told_so_in_seconds() -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "gate"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr.startswith("gate: ")) == (0, True), done.stderr
    assert done.stderr.count("\n") == 1
    assert time.monotonic() - began < SECONDS


def test_the_gate_asks_nothing_of_cluster_or_engine() -> None:
    script = (
        "import sys, gate.__main__\n"
        "heavy = {'kubernetes', 'pyiceberg', 'dagster', 'duckdb', 'drivers', 'steps'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


# ---- the seven


def delete_a_scenario(root: Path) -> None:
    before, found, after = (root / US3).read_text().partition("  @FR-021")
    _, _, rest = after.partition("  @FR-021")
    (root / US3).write_text(before + found + rest)


def mistype_an_id(root: Path) -> None:
    edit(root / US1, "@FR-005 ", "@FR-0005 ")


def change_a_requirement(root: Path) -> None:
    edit(root / REQUIREMENTS, "dbt seeds load test and demo data.", "dbt seeds may load data.")


def add_an_unused_step(root: Path) -> None:
    with (root / STEPS).open("a") as file:
        file.write(
            '\n\n@when("nobody says this")\ndef unused(platform: Platform) -> None:\n    platform.close()\n'
        )


def add_a_skip(root: Path) -> None:
    edit(root / STEPS, "from pytest_bdd import", "import pytest\nfrom pytest_bdd import")
    edit(root / STEPS, "    assert (run.status", '    pytest.skip("later")\n    assert (run.status')


def add_a_sleep(root: Path) -> None:
    edit(root / STEPS, "from collections.abc", "import time\nfrom collections.abc")
    edit(root / STEPS, "    assert (run.status", "    time.sleep(5)\n    assert (run.status")


def add_a_bare_assertion(root: Path) -> None:
    whole = 'assert (run.status, run.failed_checks) == ("FAILURE", frozenset({name}))'
    edit(root / STEPS, whole, "assert run.verdict is not None")


def without_numbers(line: str) -> str:
    """The line without what any edit of a feature or a step moves."""
    return re.sub(r"\b[0-9a-f]{8}\b", "HASH", re.sub(r":\d+: ", ":N: ", line))


SEVEN: dict[Callable[[Path], None], str] = {
    delete_a_scenario: (
        'features/index.yaml:N: scenario "Bronze is the seeds, row for row" of '
        "features/us3_pipelines.feature is gone; it proved FR-021 — "
        "restore it, or if another scenario proves it: make requirements-accept ID=FR-021"
    ),
    mistype_an_id: (
        "features/us1_bootstrap.feature:N: @FR-0005 is not in the catalogue — "
        "use an id of features/requirements.yaml, written as it is there"
    ),
    change_a_requirement: (
        "features/us3_pipelines.feature:N: FR-023 was reviewed with another text: HASH, now HASH — "
        "read its scenarios against the text, then: make requirements-accept ID=FR-023"
    ),
    add_an_unused_step: ('steps/pipelines.py:N: step "nobody says this" is used by no feature — remove it'),
    add_a_skip: (
        "steps/pipelines.py:N: TQR-013: pytest.skip — let it fail: missing infrastructure is a failure"
    ),
    add_a_sleep: "steps/pipelines.py:N: no sleep: time.sleep(5) — wait through drivers/wait.py",
    add_a_bare_assertion: (
        "steps/pipelines.py:N: TQR-011: only whether there is anything: assert run.verdict is not None — "
        "compare the whole value with the whole value that is expected"
    ),
}


@pytest.mark.parametrize(("break_it", "line"), SEVEN.items(), ids=[one.__name__ for one in SEVEN])
def test_each_of_the_seven_fails_with_one_clear_line(
    root: Path, capfd: pytest.CaptureFixture[str], break_it: Callable[[Path], None], line: str
) -> None:
    assert findings(root) == []
    break_it(root)
    assert command.main([], root) == 1
    told = capfd.readouterr().err.splitlines()
    assert [without_numbers(one) for one in told] == [line, "gate: 1 finding"]


# ---- causes and what follows from them


def test_deleting_the_only_scenario_of_an_id_is_told_once(root: Path) -> None:
    text = (root / US1).read_text()
    begin, end = text.index("  @FR-005"), text.index("  @FR-006")
    (root / US1).write_text(text[:begin] + text[end:])
    [line] = findings(root)
    assert 'scenario "Each bucket keeps an object until it is deleted"' in line


def test_what_is_independent_is_told_beside_a_cause(root: Path) -> None:
    mistype_an_id(root)
    add_a_sleep(root)
    assert len(findings(root)) == 2


def test_an_id_put_back_on_the_planned_list_is_found(root: Path) -> None:
    planned = root / "features" / "planned.yaml"
    edit(planned, "planned:\n", "planned:\n- FR-005\n")
    said = "\n".join(findings(root))
    assert "FR-005 has a scenario and is still planned" in said
    assert "at_most allows" in said


def test_evidence_outlives_the_index(root: Path) -> None:
    text = (root / US1).read_text()
    begin, end = text.index("  @FR-005"), text.index("  @FR-006")
    (root / US1).write_text(text[:begin] + text[end:])
    (root / "features" / "index.yaml").unlink()
    edit(root / "features" / "planned.yaml", "planned:\n", "planned:\n- FR-005\n")
    assert any("FR-005 had a scenario before and is planned again" in line for line in findings(root))


# ---- the command


def test_accepting_makes_a_changed_text_right(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    change_a_requirement(root)
    assert command.main(["accept", "FR-023"], root) == 0
    assert capfd.readouterr().err == f"accepted FR-023: {US3}\n"
    assert findings(root) == []


def test_a_suite_without_findings_is_summed_up(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert command.main([], root) == 0
    summary = r"gate: \d+ scenarios, \d+ of 120 step phrases, \d+ ids covered, \d+ planned\n"
    assert re.fullmatch(summary, capfd.readouterr().err)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["accept"], "error: no ID was given"),
        (["accept", "FR-999"], 'error: ID=FR-999: "FR-999" is not in the catalogue'),
        (["accept", "FR-001", "FR-002"], "error: accept FR-001 FR-002: no such command"),
        (["check"], "error: check: no such command"),
    ],
)
def test_what_cannot_be_done_ends_with_2(
    root: Path, capfd: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    assert command.main(words, root) == 2
    assert capfd.readouterr().err.splitlines()[0] == line


def test_what_cannot_be_read_ends_with_2(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    edit(root / US1, "Then nothing of it is left", "Ten nothing of it is left")
    assert command.main([], root) == 2
    assert capfd.readouterr().err.startswith(f"error: {US1}:")
