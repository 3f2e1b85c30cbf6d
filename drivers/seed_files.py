"""The seed generator's command, as a person runs it: what it makes, and whether always the same.

`python -m drivers.seed_files` makes the record of its bytes anew, where a change of the generator is meant.
"""

from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from demo import products
from demo.seeds import SCALE_VARIABLE
from drivers.errors import ServiceError, brief
from foundation.cache import ROOT, SYSTEM

COMMAND_SECONDS = 60.0
"""How long the generator may take; scale 10 takes half a second."""

REFUSED = 2
"""The exit code of a command that was used badly."""

RECORD = Path(__file__).with_name("seed_digests.yaml")
"""SHA-256 of each seed, by product and scale, so that what is made today is what was made on another day."""

SCALES = ("0.1", "1", "10")

_SURROUNDINGS = ({"PYTHONHASHSEED": "1", "TZ": "UTC"}, {"PYTHONHASHSEED": "2", "TZ": "Asia/Kathmandu"})
"""What must make no difference."""


def made(product: str, scale: str) -> str:
    """The rows of each file that the generator makes, or what it says when it refuses.

    It is run twice, in processes that have nothing in common; that they made other bytes than each other, or
    than are on record, is told as well.

    Raises:
        ServiceError: it ended neither well nor with a refusal, or refused and left files all the same.
    """
    with tempfile.TemporaryDirectory(prefix="floe-seeds-") as place:
        folders = [Path(place) / name for name in ("once", "again")]
        refusals = [
            _run(product, scale, folder, surroundings)
            for folder, surroundings in zip(folders, _SURROUNDINGS, strict=True)
        ]
        if refusals[0]:
            return f"refused: {refusals[0]}"
        once, again = map(_digests, folders)
        rows = ", ".join(f"{count} {name}" for name, count in _counts(folders[0]).items())
        if once != again:
            return f"{rows}; but other bytes in {_differing(once, again)}"
        recorded = yaml.safe_load(RECORD.read_text()).get(product, {}).get(scale, {})
        if once != recorded:
            return f"{rows}; but other bytes than on record in {_differing(once, recorded)}"
        return rows


def _run(product: str, scale: str, folder: Path, surroundings: dict[str, str]) -> str | None:
    """What the command says when it refuses; nothing when it does as asked."""
    command = [sys.executable, "-m", "demo.seeds", product, "--out", str(folder)]
    asked = f"make the seeds of {product} at scale {scale}"
    # The generator is what is under test, and stands in the copy that a fault is planted in.
    path = os.pathsep.join((str(SYSTEM), str(ROOT)))
    try:
        done = subprocess.run(
            command,
            cwd=SYSTEM,
            env={"PATH": "", "PYTHONPATH": path, SCALE_VARIABLE: scale, **surroundings},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise ServiceError(asked, of="the generator", answer=f"nothing in {COMMAND_SECONDS:.0f} s") from late
    if done.returncode == 0:
        return None
    said = done.stderr.partition("\n")[0]
    if done.returncode != REFUSED or folder.exists():
        left = sorted(file.name for file in folder.glob("*"))
        last = brief(done.stderr.strip().rpartition("\n")[2])
        answer = f"exit code {done.returncode}, files {left}, {last}"
        raise ServiceError(asked, of="the generator", answer=answer)
    return said


def _counts(folder: Path) -> dict[str, int]:
    """The rows of each seed."""
    found = {}
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as lines:
            found[file.stem] = sum(1 for _ in csv.reader(lines)) - 1
    return found


def _digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def _differing(once: dict[str, str], again: dict[str, str]) -> str:
    return ", ".join(sorted(name for name in {*once, *again} if once.get(name) != again.get(name)))


def _record() -> dict[str, dict[str, dict[str, str]]]:
    """What is to be on record, as the generator makes it now."""
    with tempfile.TemporaryDirectory(prefix="floe-seeds-") as place:
        found: dict[str, dict[str, dict[str, str]]] = {}
        for product in products():
            for scale in SCALES:
                folder = Path(place) / product / scale
                if refused := _run(product, scale, folder, _SURROUNDINGS[0]):
                    raise ServiceError(f"make the seeds of {product}", of="the generator", answer=refused)
                found.setdefault(product, {})[scale] = _digests(folder)
        return found


if __name__ == "__main__":
    RECORD.write_text(yaml.safe_dump(_record()))
