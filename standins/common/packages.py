"""The Python packages of a stand-in's image: those installed here, which the lock file pinned by hash."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from foundation import cache
from foundation.errors import PlatformError

SHARED: Final = tuple(
    f"standins/common/{name}" for name in ("__init__.py", "audit.py", "pool.py", "serving.py")
)
"""What an image holds of this folder."""


def closure(direct: Sequence[str]) -> list[str]:
    """The distributions that a stand-in needs, with all that they need, as they are installed here.

    Args:
        direct: names of those that it imports itself.

    Raises:
        PlatformError: one of these is not installed.
    """
    found: set[str] = set()
    todo = list(direct)
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in found:
            continue
        try:
            requires = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # needed on other systems only, such as tzdata
        found.add(name)
        todo += [
            re.split(r"[\s<>=!~;\[(]", wanted, maxsplit=1)[0]
            for wanted in requires
            if "extra ==" not in wanted
        ]
    missing = [name for name in direct if name not in found]
    if missing:
        raise PlatformError(f"not installed in {sys.prefix}: {', '.join(missing)}")
    return sorted(found)


def copy(direct: Sequence[str], target: Path) -> None:
    """Copy these distributions and all that they need.

    Args:
        direct: see closure.
        target: folder that is put on the image's import path.
    """
    for name in closure(direct):
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files or []:
            if ".." in file.parts or file.suffix == ".pyc":
                continue
            place = target / Path(*file.parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file.locate(), place)


def lay_out(files: Sequence[str], context: Path) -> None:
    """Copy files of the checkout, by their path in it, to the same paths of a build context."""
    for name in files:
        place = context / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(cache.ROOT / name, place)
