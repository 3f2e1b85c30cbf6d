"""Versions of small products: what a team changes in one, delivery after delivery, and what it then owes.

A version is the files that differ from those of the version before (features/versions). Its seeds are what is
delivered with it: new rows, and some that came before, corrected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

from drivers import deliveries, seeds
from drivers.floe import Floe
from drivers.product import SMALL
from drivers.rows import Row, Rows
from foundation.cache import ROOT

CHANGES = ROOT / "features" / "versions"

LATER: Mapping[str, tuple[str, ...]] = {
    "parcel-tracking": ("with-weights", "by-day"),
    "parcel-returns": ("with-refunds",),
}
"""Of each product that has versions those after its first, in their order."""

FIRST = "as-released"
KEY = "scan_id"
"""What tells the rows of all these deliveries apart."""


@dataclass(frozen=True)
class Seen:
    """What a table was once a version had run.

    Attributes:
        version: its name.
        at: a moment when the table was so, in epoch seconds.
        snapshot: its snapshot.
        rows: its rows.
        files: the data files that it was read from, each with what it is partitioned by.
    """

    version: str
    at: float
    snapshot: int | None
    rows: Rows
    files: Mapping[str, str]


def of(product: str) -> tuple[str, ...]:
    """The versions of a product."""
    return (FIRST, *LATER[product])


def compiled(floe: Floe, folder: Path, product: str, version: str) -> bytes:
    """A version of a product, compiled and packed.

    Raises:
        ServiceError: it does not compile; with what was said.
    """
    changes = [CHANGES / product / one for one in _until(product, version) if one != FIRST]

    def change(place: Path) -> None:
        for files in changes:
            copytree(files, place, dirs_exist_ok=True)

    return deliveries.changed(floe, folder, product, change)


def delivered(product: str, table: str) -> Rows:
    """Every row that was delivered, as it came last; null where it came without a column that others have."""
    by_key: dict[object, Row] = {}
    for file in _deliveries(product):
        by_key |= {row[KEY]: row for row in seeds.read(file).rows}
    columns = dict.fromkeys(column for row in by_key.values() for column in row)
    return Rows.of(table, ({column: row.get(column) for column in columns} for row in by_key.values()))


def columns_before(product: str, column: str) -> tuple[str, ...]:
    """The columns that a reader knew before one was added."""
    known: tuple[str, ...] = ()
    for file in _deliveries(product):
        columns = tuple(seeds.read(file).kinds)
        if column in columns:
            return known
        known = columns
    return known


def _deliveries(product: str) -> Iterator[Path]:
    for version in of(product):
        folder = SMALL / product if version == FIRST else CHANGES / product / version
        yield folder / "seeds" / "raw_scans.csv"


def _until(product: str, version: str) -> tuple[str, ...]:
    versions = of(product)
    return versions[: versions.index(version) + 1]
