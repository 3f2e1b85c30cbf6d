"""`python -m demo.seeds customer-360 --out DIR`: write a product's seed files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from demo.seeds import LARGEST, RECIPES, SCALE_VARIABLE, SMALLEST, write
from foundation.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 with one clear line when it was used badly."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.seeds",
        description="Write a demo product's seed files.",
        epilog=f"{SCALE_VARIABLE} ({SMALLEST} to {LARGEST}, 1 unless set) multiplies the rows.",
    )
    parser.add_argument("product", help=f"one of: {', '.join(sorted(RECIPES))}")
    parser.add_argument("--out", type=Path, required=True, help="folder for the CSV files")
    asked = parser.parse_args(arguments)
    try:
        counts = write(asked.product, asked.out)
    except UserError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return wrong.exit_code
    for table, rows in counts.items():
        sys.stdout.write(f"{asked.out / table}.csv: {rows} rows\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
