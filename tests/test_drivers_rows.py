"""Tables are compared whole, and a difference is told in words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from drivers.rows import Rows, canonical


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (2, "2"),
        (2.0, "2"),
        (Decimal("2.00"), "2"),
        (Decimal("-0.00"), "0"),
        (Decimal("1200"), "1200"),
        (Decimal("0.0001"), "0.0001"),
        (datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC), "2025-01-02 03:04:05"),
        (date(2025, 1, 2), "2025-01-02"),
        (" a ", " a "),
    ],
)
def test_equal_values_of_different_carriers_are_equal(value: object, text: str) -> None:
    assert canonical(value) == text


def test_order_of_rows_and_columns_does_not_count() -> None:
    one = Rows.of("t", [{"id": 1, "v": 1}, {"id": 2, "v": None}])
    other = Rows.of("t", [{"v": None, "id": 2}, {"v": Decimal("1.0"), "id": 1}])
    assert one == other


def test_a_row_that_is_there_twice_is_not_a_row_that_is_there_once() -> None:
    once, twice = Rows.of("t", [{"id": 1}]), Rows.of("t", [{"id": 1}, {"id": 1}])
    assert once != twice
    assert once.differences(twice)[0] == "t: 0 of 1 expected rows are missing, 1 of 2 are not expected"


def test_a_wrong_value_is_told_by_its_key_and_column() -> None:
    expected = Rows.of("mart", [{"customer_id": 7, "lifetime_value": Decimal("12.50")}])
    there = Rows.of("mart", [{"customer_id": 7, "lifetime_value": Decimal("25.00")}])
    assert expected.differences(there) == [
        "mart: 1 of 1 expected rows are missing, 1 of 1 are not expected",
        "  customer_id 7: lifetime_value should be 12.5, is 25",
    ]


def test_equal_tables_have_no_difference() -> None:
    rows = Rows.of("t", [{"id": 1}])
    assert rows.differences(rows) == []


def test_many_differences_are_counted_not_listed() -> None:
    expected = Rows.of("t", [{"id": number} for number in range(20)])
    assert expected.differences(Rows.of("t", []))[-1] == "  and 15 more"
