"""What the stand-in's image is made of.

`python -m standins.marquez.build image DIR` fills DIR, a build context, for the Containerfile.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from foundation.errors import UserError
from standins.common import packages

DIST: Final = "standins/marquez/dist"
"""Where the generated parts lie in a build context."""

FILES: Final = (
    "standins/__init__.py",
    *packages.SHARED,
    *(
        f"standins/marquez/{name}"
        for name in (
            "__init__.py",
            "__main__.py",
            "api.py",
            "database.py",
            "errors.py",
            "events.py",
            "graph.py",
            "health.py",
            "http.py",
            "intake.py",
            "metrics.py",
            "server.py",
            "settings.py",
            "store.py",
            "times.py",
            "entrypoint.sh",
        )
    ),
)
"""The checkout's files that the image holds."""

_DIRECT: Final = ("starlette", "uvicorn", "uvloop", "httptools", "psycopg", "psycopg-binary", "pydantic")


def inputs() -> list[Path | str]:
    """What decides the generated parts of the image."""
    return [f"{name}=={importlib.metadata.version(name)}" for name in packages.closure(_DIRECT)]


def fill(context: Path) -> None:
    """Put the generated parts into a build context: the Python packages."""
    packages.copy(_DIRECT, context / DIST / "python")


def main(arguments: Sequence[str]) -> int:
    """Fill a build context."""
    match arguments:
        case ["image", directory]:
            context = Path(directory)
            packages.lay_out(("standins/marquez/Containerfile", *FILES), context)
            fill(context)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
