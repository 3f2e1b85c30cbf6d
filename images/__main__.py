"""`python -m images [list | build NAME]`."""

from __future__ import annotations

import argparse
import sys

from foundation.errors import PlatformError, UserError
from foundation.progress import say
from images.build import build_all, build_one, image_set


def main(words: list[str] | None = None) -> int:
    """Run one command; 0, 1 when a tool failed, 2 when the person can mend it."""
    parser = argparse.ArgumentParser(prog="python -m images", description="The images of the platform.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("list", help="references and sizes, as the inputs are now")
    one = commands.add_parser("build", help="build one image, load nothing")
    one.add_argument("name")
    asked = parser.parse_args(words)
    try:
        if asked.command == "list":
            show()
        elif asked.command == "build":
            image = build_one(asked.name)
            sys.stdout.write(f"{image.ref}\n{image.archive}\n")
        else:
            build_and_load()
    except (UserError, PlatformError) as error:
        say(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted: running it again goes on")
        return 130
    return 0


def build_and_load() -> None:
    """Build what changed and bring it to the cluster's nodes."""
    images = build_all()
    from cluster import provider  # noqa: PLC0415 - building alone needs no cluster package

    provider().load(images)


def show() -> None:
    """Print every image with its size and where it comes from."""
    chosen = image_set()
    rows = [(name, ref, "pulled by the nodes") for name, ref in chosen.public.items()]
    rows += [
        (image.name, image.ref, f"{_size(image.size)}, put in by hand") for image in chosen.given.values()
    ]
    for recipe in chosen.recipes:
        image = chosen.image(recipe)
        state = _size(image.size) if image.archive.exists() else "not built"
        rows.append((image.name, image.ref, state))
    for name, ref, state in sorted(rows):
        sys.stdout.write(f"{name:14} {ref:70} {state}\n")


def _size(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
