"""Seed data of the demo products: generated, reproducible to the byte, scaled by one variable.

`write` puts a product's CSV files into a folder; the same scale gives the same bytes anywhere. What a
generator planted, and a pipeline must find out by itself, goes beside them as tab-separated files, which
dbt does not load.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from demo.seeds import customer_360, financial_risk, iot_telemetry
from foundation.errors import UserError

SCALE_VARIABLE = "FLOE_DEMO_SEED_SCALE"
SMALLEST, LARGEST = Decimal("0.1"), Decimal(1000)


@dataclass(frozen=True)
class Seed:
    """One CSV file: its table, its header, its rows at scale 1, and who makes the rows."""

    table: str
    columns: tuple[str, ...]
    rows_at_scale_1: int


Rows = Mapping[str, Sequence[Sequence[object]]]


@dataclass(frozen=True)
class Recipe:
    """How a product's tables are made, all at once because they refer to each other.

    Attributes:
        seeds: what dbt loads.
        make: gives the rows of every seed, and of the ground truth.
        ground_truth: what was planted: the columns of each file that is no seed.
    """

    seeds: tuple[Seed, ...]
    make: Callable[[Mapping[str, int]], Rows]
    ground_truth: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


RECIPES: dict[str, Recipe] = {
    "customer-360": Recipe(
        seeds=tuple(
            Seed(table, columns, customer_360.ROWS_AT_SCALE_1[table])
            for table, columns in customer_360.COLUMNS.items()
        ),
        make=customer_360.make,
    ),
    "financial-risk": Recipe(
        seeds=tuple(
            Seed(table, columns, financial_risk.ROWS_AT_SCALE_1[table])
            for table, columns in financial_risk.COLUMNS.items()
        ),
        make=financial_risk.make,
    ),
    "iot-telemetry": Recipe(
        seeds=tuple(
            Seed(table, columns, iot_telemetry.ROWS_AT_SCALE_1[table])
            for table, columns in iot_telemetry.COLUMNS.items()
        ),
        make=iot_telemetry.make,
        ground_truth=iot_telemetry.GROUND_TRUTH,
    ),
}


def scale_from(text: str | None) -> Decimal:
    """The scale a person asked for; 1 when nothing was said.

    Raises:
        UserError: it is no number, or outside 0.1 to 1000.
    """
    if text is None or not text.strip():
        return Decimal(1)
    remedy = f"set {SCALE_VARIABLE} to a number from {SMALLEST} to {LARGEST}, for instance 10"
    try:
        scale = Decimal(text.strip())
    except InvalidOperation as no_number:
        raise UserError(f"{SCALE_VARIABLE}={text!r} is not a number", remedy=remedy) from no_number
    if not scale.is_finite() or not SMALLEST <= scale <= LARGEST:
        raise UserError(f"{SCALE_VARIABLE}={text!r} is out of range", remedy=remedy)
    return scale


def row_counts(product: str, scale: Decimal) -> dict[str, int]:
    """Rows of every table at this scale: the count at scale 1, multiplied."""
    return {seed.table: int(seed.rows_at_scale_1 * scale) for seed in _recipe(product).seeds}


def write(product: str, out: Path, scale: Decimal | None = None) -> dict[str, int]:
    """Write the product's seed files and return the rows of each table.

    Args:
        product: as in floe.yaml.
        out: folder for the files; made when absent, other files in it are left alone.
        scale: taken from FLOE_DEMO_SEED_SCALE when not given.

    Raises:
        UserError: no such product, or a bad scale.
    """
    recipe = _recipe(product)
    chosen = scale if scale is not None else scale_from(os.environ.get(SCALE_VARIABLE))
    counts = row_counts(product, chosen)
    rows = recipe.make(counts)
    out.mkdir(parents=True, exist_ok=True)
    for seed in recipe.seeds:
        _write(out / f"{seed.table}.csv", seed.columns, rows[seed.table], ",")
    for name, columns in recipe.ground_truth.items():
        _write(out / f"{name}.tsv", columns, rows[name], "\t")
    return counts


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]], delimiter: str) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _recipe(product: str) -> Recipe:
    if product not in RECIPES:
        raise UserError(
            f"no demo product is named {product!r}", remedy=f"name one of: {', '.join(sorted(RECIPES))}"
        )
    return RECIPES[product]
