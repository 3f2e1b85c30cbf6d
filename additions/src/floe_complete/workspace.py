"""workspace.yaml: which products a Dagster loads, each as a code location of its own."""

from __future__ import annotations

import errno
import os
from pathlib import Path

FILE = "workspace.yaml"
DEFINITIONS = "definitions.py"

_HEADER = """\
# One code location for each product that is compiled beside the manifest: they load, fail and reload
# independently. Written by `floe-complete compile`; compile again instead of editing.
"""


def must_be_writable(manifest: Path) -> None:
    """See that a workspace can be written beside a manifest, before anything else is.

    Raises:
        OSError: it cannot.
    """
    home = manifest.resolve().parent
    if (home / FILE).is_dir():
        raise IsADirectoryError(errno.EISDIR, f"{FILE} is a directory")
    new = _beside(home)
    new.touch()
    new.unlink()


def write(manifest: Path, product: Path) -> list[str]:
    """Write the workspace beside a manifest, all of it or nothing.

    Args:
        manifest: the platform's manifest.
        product: the folder that was just compiled; it need not be beside the manifest.

    Returns:
        The products in it, by the names of their folders.
    """
    import yaml  # noqa: PLC0415

    home = manifest.resolve().parent
    beside = {file.parent for file in (*home.glob(f"*/{DEFINITIONS}"), home / DEFINITIONS) if _compiled(file)}
    products = sorted(beside | {product.resolve()})
    locations = [
        {
            "python_file": {
                "relative_path": os.path.relpath(folder / DEFINITIONS, home),
                "working_directory": os.path.relpath(folder, home),
                "location_name": folder.name,
            }
        }
        for folder in products
    ]
    # Several products may be compiled at once: each writes a file of its own, and the last one to move wins.
    new = _beside(home)
    new.write_text(_HEADER + yaml.safe_dump({"load_from": locations}, sort_keys=False), encoding="utf-8")
    new.replace(home / FILE)
    return [folder.name for folder in products]


def _beside(home: Path) -> Path:
    return home / f".{FILE}.{os.getpid()}.new"


def _compiled(definitions: Path) -> bool:
    return definitions.is_file() and (definitions.parent / "compiled_artifacts.json").is_file()
