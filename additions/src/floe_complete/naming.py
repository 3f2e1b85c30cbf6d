"""How files are called in what a person reads."""

from __future__ import annotations

import os
from pathlib import Path


def shown(file: Path) -> str:
    """A file as they named it, or relative to where they are; never absolute."""
    if not file.is_absolute():
        return os.path.normpath(file)
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(Path(*file.parts[-2:]))
