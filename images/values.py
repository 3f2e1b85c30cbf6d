"""The chart's values that say which image is which, written beside the kubeconfig."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from demo import lineage
from foundation.cache import STATE

FILE = STATE / "images-values.yaml"
_KEYS = {"polaris-admin": "polarisAdmin"}


def values(names: Mapping[str, str], *, stand_ins: Collection[str], additions: bool) -> dict[str, Any]:
    """The values file's content.

    Args:
        names: reference of every image by its name; an image for the catalog's admin tool is the
            stand-in's own when none is named.
        stand_ins: the images that are stand-ins; the report says so of what they prove.
        additions: whether products are built with the additions; without, they are floe's as released.
    """
    images = {_KEYS.get(name, name): ref for name, ref in sorted(names.items())}
    if "polaris" in stand_ins and "polaris" in images:
        images.setdefault("polarisAdmin", images["polaris"])
    return {
        "global": {
            "images": images,
            "imagePullPolicy": "IfNotPresent",
            "catalog": {"standIn": "polaris" in stand_ins},
            "lineage": {"standIn": "marquez" in stand_ins, "database": lineage.database()},
            "additions": additions,
        }
    }


def write(
    names: Mapping[str, str], *, stand_ins: Collection[str], additions: bool, file: Path | None = None
) -> Path:
    """Write the values file in one step, so that no reader sees half of it."""
    file = file or FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(
        "# Written by `python -m images`; the chart's values for this checkout's images.\n"
        + yaml.safe_dump(values(names, stand_ins=stand_ins, additions=additions), sort_keys=True)
    )
    draft.replace(file)
    return file
