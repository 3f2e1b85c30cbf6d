"""A copy of the system under test with a fault in it. The checkout itself is never changed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from controls.catalogue import SYSTEM_FOLDERS, Edit, Fault
from foundation.cache import ROOT, STATE
from foundation.errors import UserError

COPIES = STATE / "controls"
"""Where the copies are made; below what git ignores."""

BESIDE = ("foundation", "requirements-uv.lock")
"""What images are made from beside the folders of the system."""

_VALUES = ("values-local.yaml", "values-kind.yaml")
_CHART = Path("charts") / "floe-platform"
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", "target", "node_modules", "*.egg-info", "build")


def plant(name: str, faults: Sequence[Fault], *, root: Path = ROOT, into: Path = COPIES) -> Path:
    """Make the copy with these faults in it, anew, below `name`.

    Returns:
        The folder that takes the checkout's place as the source of chart, images and products.

    Raises:
        UserError: the fault does not fit the files as they are now.
    """
    copy = into / name
    shutil.rmtree(copy, ignore_errors=True)
    for part in (*SYSTEM_FOLDERS, *BESIDE):
        place = copy / part
        place.parent.mkdir(parents=True, exist_ok=True)
        if (root / part).is_dir():
            shutil.copytree(root / part, place, ignore=_NOT_COPIED, symlinks=True)
        else:
            shutil.copy2(root / part, place)
    for file, text in _edited(faults, root=copy).items():
        (copy / file).write_text(text, encoding="utf-8")
    for fault in faults:
        for values in _VALUES:
            _add_values(copy / _CHART / values, fault.plant.values)
    return copy


def fit_together(faults: Sequence[Fault], *, root: Path = ROOT) -> bool:
    """Whether each edit still finds its text once when those before it have been made."""
    try:
        _edited(faults, root=root)
    except UserError:
        return False
    return True


def _edited(faults: Sequence[Fault], *, root: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for fault in faults:
        for edit in fault.plant.edits:
            file = root / edit.file
            if edit.file not in texts:
                texts[edit.file] = file.read_text(encoding="utf-8") if file.is_file() else ""
            texts[edit.file] = edited(fault, edit, texts[edit.file])
    return texts


def edited(fault: Fault, edit: Edit, text: str) -> str:
    """The text of the edit's file with the edit made.

    Raises:
        UserError: what is to be replaced does not stand there exactly once.
    """
    found = text.count(edit.find)
    if found != 1:
        raise UserError(
            f"controls/faults/{fault.id}.yaml: {edit.file} holds {edit.find.strip()!r} "
            f"{found} times, not once",
            remedy="make the edit fit the file as it is now",
        )
    return text.replace(edit.find, edit.put)


def _add_values(file: Path, values: Mapping[str, Any]) -> None:
    if not values:
        return
    present = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    file.write_text(yaml.safe_dump(merged(present, values), sort_keys=False), encoding="utf-8")


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values as helm merges them: mappings key by key, anything else replaced."""
    both = dict(below)
    for key, value in above.items():
        under = both.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            both[key] = merged(under, value)
        else:
            both[key] = value
    return both
