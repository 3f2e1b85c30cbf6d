"""A machine that lacks something gets one clear line, before anything was begun."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from console import preconditions
from foundation.errors import UserError


@pytest.fixture
def bin_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what the test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _program(folder: Path, name: str, says: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_no_go_is_named(bin_only: Path) -> None:
    assert not list(bin_only.iterdir())
    with pytest.raises(UserError, match="Go is not installed"):
        preconditions.go()


def test_an_old_go_is_named_with_its_version(bin_only: Path) -> None:
    _program(bin_only, "go", "go1.19.8")
    with pytest.raises(UserError, match=r"go1\.19\.8"):
        preconditions.go()


@pytest.mark.parametrize("version", ["go1.25.0", "go1.26.8", "go2.0.1"])
def test_a_new_go_passes(bin_only: Path, version: str) -> None:
    _program(bin_only, "go", version)
    preconditions.go()


def test_a_disk_too_small_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLOE_E2E_CACHE", str(tmp_path / "not" / "there"))
    monkeypatch.setattr(preconditions, "DISK_FRESH", 10**18)
    with pytest.raises(UserError, match=r"GiB free; this run needs"):
        preconditions.disk()


def test_no_root_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UserError, match="needs root"):
        preconditions.root()
