"""Figures that an earlier run of the benchmarks kept as YAML."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from foundation.errors import UserError

Kept = TypeVar("Kept", bound=BaseModel)


def read(file: Path, kind: type[Kept]) -> Kept | None:
    """What was measured before; None when nothing was.

    Raises:
        UserError: the file is not one of these; with the field.
    """
    if not file.is_file():
        return None
    try:
        return kind.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as wrong:
        said = " ".join(str(wrong).split())
        raise UserError(f"{file.name}: {said}", remedy="delete it and measure anew") from wrong
