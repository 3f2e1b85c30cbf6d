"""An environment that stands on another sees all of it, and what is added to it is its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from foundation.process import run
from images import environment

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "acme-floe-plugin"
version = "1.2.3"
[project.entry-points."floe.computes"]
acme = "acme_plugin:Plugin"
[tool.setuptools]
py-modules = ["acme_plugin"]
"""
VERSION = "import importlib.metadata as m; print(m.version('acme-floe-plugin'))"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "acme_plugin.py").write_text("class Plugin: ...\n")
    return folder


def asked(home: Path, code: str) -> str:
    return run([environment.python(home), "-c", code], timeout=60).strip()


def test_what_is_added_is_there_and_not_below(tmp_path: Path, package: Path) -> None:
    suite = Path(sys.prefix)
    upper = environment.beside(environment.beside(suite, tmp_path / "lower"), tmp_path / "upper")
    environment.add(upper, package)
    assert asked(upper, VERSION) == "1.2.3"
    assert asked(upper, "import floe_core; print(floe_core.__name__)") == "floe_core"
    listed = "import importlib.metadata as m; print([e.name for e in m.entry_points(group='floe.computes')])"
    assert "acme" in asked(upper, listed)
    assert "acme" not in asked(tmp_path / "lower", listed)
