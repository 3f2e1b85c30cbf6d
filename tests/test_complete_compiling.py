"""`floe-complete compile` as a person types it: what it refuses, what it leaves, what a kill leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from floe_core.compilation.stages import CompilationStage

from floe_complete.blame import quality_provider, refusal
from floe_complete.compiling import compile_product
from floe_complete.dbt import FailedError
from floe_complete.problems import RefusedError
from floe_complete.reading import Sources, sources_of
from foundation.cache import ROOT
from tests import demo_product

COMMAND = (sys.executable, "-m", "floe_complete", "compile")


@pytest.fixture
def product(tmp_path: Path) -> Path:
    return demo_product.copy_of_the_demo(tmp_path)


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def rewrite(file: Path, *path: str | int, value: object) -> None:
    whole = here = yaml.safe_load(file.read_text())
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    file.write_text(yaml.safe_dump(whole, sort_keys=False))


def typed(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_folder_without_a_product_is_refused_at_load(tmp_path: Path) -> None:
    done = typed(folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("LOAD     refused\nfloe.yaml: ")
    assert done.stderr.endswith("nothing was written\n")


def test_what_a_compute_refuses_is_told_by_its_field(product: Path) -> None:
    rewrite(product.parent / "manifest.yaml", "plugins", "compute", "config", "memory_limit", value="lots")
    before = content(product.parent)
    with pytest.raises(RefusedError) as caught:
        compile_product(product)
    (problem,) = caught.value.problems
    assert (problem.field, problem.stage) == ("plugins.compute.config.memory_limit", "COMPILE")
    assert content(product.parent) == before


def test_a_policy_that_a_model_violates_is_told_as_enforce(product: Path) -> None:
    rules = {
        "policy_enforcement_level": "strict",
        "naming": {"enforcement": "strict", "pattern": "medallion"},
    }
    rewrite(product.parent / "manifest.yaml", "governance", value=rules)
    with pytest.raises(RefusedError) as caught:
        compile_product(product)
    fields = [f"transforms[{position}].name" for position in range(6)]
    assert [problem.field for problem in caught.value.problems] == fields
    assert {problem.stage for problem in caught.value.problems} == {"ENFORCE"}


def test_macros_that_dbt_would_not_find_are_told(product: Path) -> None:
    rewrite(product / "dbt_project.yml", "macro-paths", value=["macros"])
    with pytest.raises(RefusedError, match=r"dbt_project\.yml: macro-paths: does not name floe_macros"):
        compile_product(product)


def test_a_quality_provider_is_known_or_told(product: Path) -> None:
    sources = sources_of(product)
    assert list(quality_provider(sources)) == []
    rewrite(product.parent / "manifest.yaml", "plugins", "quality", value={"provider": "soothsayer"})
    (problem,) = quality_provider(sources_of(product))
    assert (problem.field, problem.stage) == ("plugins.quality.provider", "VALIDATE")


def test_what_is_no_mistake_of_a_person_is_a_failure_with_its_stage(product: Path) -> None:
    sources: Sources = sources_of(product)
    told = refusal(KeyError("nowhere"), CompilationStage.COMPILE.value, sources)
    assert isinstance(told, FailedError)
    assert str(told) == "COMPILE failed: KeyError: 'nowhere'"


def test_a_kill_leaves_what_was_there(product: Path) -> None:
    shutil.copy(ROOT / "demo" / "customer-360" / "README.md", product / "compiled_artifacts.json")
    before = content(product.parent)
    with subprocess.Popen([*COMMAND], cwd=product, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("COMPILE"):
                running.send_signal(signal.SIGKILL)
    assert running.returncode == -signal.SIGKILL
    assert content(product.parent) == before
