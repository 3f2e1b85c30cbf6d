"""The command line of the set-up steps."""

from __future__ import annotations

import argparse
import sys

from floe_platform_setup.errors import SetupError


def main(arguments: list[str] | None = None) -> int:
    """Run one step; 0 when it is done (or was done before), 1 with one clear message when not."""
    parser = argparse.ArgumentParser(prog="python -m floe_platform_setup", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("buckets", help="create the buckets that are missing")
    steps.add_parser("catalog", help="create catalog, principals, roles, grants and their Secrets")
    asked = parser.parse_args(arguments)
    try:
        _step(asked)
    except SetupError as failed:
        sys.stderr.write(f"{asked.step}: {failed}\n")
        return 1
    return 0


def _step(asked: argparse.Namespace) -> None:
    # Each step imports its own clients.
    if asked.step == "buckets":
        from floe_platform_setup.buckets import create_buckets  # noqa: PLC0415

        create_buckets()
    else:
        from floe_platform_setup.catalog import set_up_catalog  # noqa: PLC0415

        set_up_catalog()


if __name__ == "__main__":
    raise SystemExit(main())
