"""A CSV's kinds of columns are found from its values alone."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from drivers import seeds


def test_each_column_has_the_kind_that_all_its_values_have(tmp_path: Path) -> None:
    file = tmp_path / "raw.csv"
    file.write_text(
        "id,price,paid,at,day,note,never\n"
        "1,2.50,true,2025-01-02 03:04:05,2025-01-02,7,\n"
        "2,,false,,2025-01-03,x,\n"
    )
    seed = seeds.read(file)
    assert seed.kinds == {
        "id": "whole number",
        "price": "decimal number",
        "paid": "truth value",
        "at": "moment",
        "day": "day",
        "note": "text",
        "never": "text",
    }
    assert [dict(row) for row in seed.rows] == [
        {
            "id": 1,
            "price": Decimal("2.50"),
            "paid": True,
            "at": datetime(2025, 1, 2, 3, 4, 5),  # noqa: DTZ001 - the files carry plain UTC
            "day": datetime(2025, 1, 2).date(),  # noqa: DTZ001
            "note": "7",
            "never": None,
        },
        {
            "id": 2,
            "price": None,
            "paid": False,
            "at": None,
            "day": datetime(2025, 1, 3).date(),  # noqa: DTZ001
            "note": "x",
            "never": None,
        },
    ]


@pytest.mark.parametrize(
    ("iceberg", "kind"),
    [
        ("long", "whole number"),
        ("int", "whole number"),
        ("decimal(10, 2)", "decimal number"),
        ("timestamp", "moment"),
        ("date", "day"),
        ("boolean", "truth value"),
        ("string", "text"),
        ("list<string>", "list<string>"),
    ],
)
def test_an_iceberg_type_is_told_in_the_same_kinds(iceberg: str, kind: str) -> None:
    assert seeds.kind_of(iceberg) == kind
