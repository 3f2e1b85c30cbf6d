"""What the command says to a person at a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.team import SPEC, team


def run(folder: Path, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "floe_complete", "validate", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_good_product_is_told_in_a_line(tmp_path: Path) -> None:
    assert run(team(tmp_path).folder, "customer-360") == (
        0,
        "customer-360/floe.yaml is valid: 6 transforms, 9 tables, with manifest.yaml\n",
        "",
    )


def test_a_bad_one_is_refused_with_all_that_is_wrong(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.edit(SPEC, "tier: gold", "teir: gold")
    told = (
        "floe.yaml:48: transforms[5].teir: there is no such field\n"
        "  expected: one of compute, dependsOn, name, qualityChecks, tags, tier\n"
        "  remedy: did you mean tier?\n"
        "team/manifset.yaml: there is no such file\n"
        "  expected: a platform's apiVersion, kind, metadata and plugins\n"
        "  remedy: did you mean manifest.yaml?\n"
        "nothing was written\n"
    )
    manifest = str(project.folder / "manifset.yaml")
    assert run(project.folder / "customer-360", "--manifest", manifest) == (2, "", told)
