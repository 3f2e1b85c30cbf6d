"""What versions of a small product deliver, and what a table then owes its readers."""

from __future__ import annotations

import pytest

from drivers import versions
from drivers.rows import Rows


@pytest.mark.parametrize("product", versions.LATER)
def test_each_version_is_there_with_its_delivery(product: str) -> None:
    there = {folder.name for folder in (versions.CHANGES / product).iterdir()}
    assert there == set(versions.of(product)[1:])


def test_a_row_that_came_again_counts_as_it_came_last() -> None:
    rows = [dict(row) for row in versions.delivered("parcel-returns", "stg_scans").rows]
    by_key = {row["scan_id"]: (row["reason"], row["refund"]) for row in rows}
    assert by_key == {
        "1": ("damaged", "null"),
        "2": ("refused", "15"),
        "5000000000": ("damaged", "19.9"),
    }


def test_a_reader_of_before_knows_the_columns_of_before() -> None:
    assert versions.columns_before("parcel-tracking", "weight") == (
        *("scan_id", "parcel", "depot", "litres", "scanned_at"),
    )
    assert versions.columns_before("parcel-tracking", "scan_id") == ()


def test_rows_may_be_narrowed_to_some_columns() -> None:
    rows = Rows.of("sales", [{"sale_id": 2, "price": 1}, {"sale_id": 1, "price": 2}])
    assert rows.only(["sale_id"]) == Rows.of("sales", [{"sale_id": 1}, {"sale_id": 2}])
