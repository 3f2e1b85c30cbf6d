"""What others deliver to a product: the tables that it reads and does not make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from drivers.product import NEW_ID


@dataclass(frozen=True)
class Source:
    """A table of a product's dbt sources.

    Attributes:
        product: that reads it.
        table: as namespace.name.
        schema: each column with its Iceberg type.
        row: one that is sound.
    """

    product: str
    table: str
    schema: Mapping[str, str]
    row: Mapping[str, object]

    def another_row(self, changed: Mapping[str, object]) -> dict[str, object]:
        """A sound row, with some columns changed."""
        return {**self.row, **changed}


SOURCES: Mapping[str, Source] = {
    "scans": Source(
        "parcel-search",
        "deliveries.scans",
        {"parcel": "long", "depot": "string", "scanned_at": "timestamp"},
        {"parcel": NEW_ID, "depot": "Bern", "scanned_at": datetime(2026, 1, 2, 6, 30)},  # noqa: DTZ001
    )
}
"""By the name of the table; the columns are those that parcel-search declares."""
