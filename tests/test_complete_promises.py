"""What a product's tables promise to their readers: written down, kept, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from floe_complete import promises
from floe_complete.dbt_child import Table
from floe_complete.problems import Problem, RefusedError

SALES = {"sale_id": "INTEGER", "price": "DECIMAL(6,2)", "sold_at": "TIMESTAMP"}
MODEL = "models/sales.sql"


def table(**columns: str) -> Table:
    return Table(file=MODEL, columns=columns)


@pytest.fixture
def product(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / MODEL).write_text(
        "select\n    sale_id,\n    price,\n    sold_at\nfrom raw\nwhere sold_at > 0\n"
    )
    promises.write(tmp_path, {"sales": table(**SALES)})
    return tmp_path


def refused(product: Path, **columns: str) -> list[tuple[str, str, int]]:
    found: list[Problem] = list(promises.broken(product, {"sales": table(**columns)}))
    return [(one.field, one.found, one.line) for one in found]


def test_the_record_is_the_same_for_the_same_tables(product: Path) -> None:
    written = (product / promises.FILE).read_bytes()
    promises.write(product, {"sales": table(**SALES)})
    assert (product / promises.FILE).read_bytes() == written
    assert json.loads(written) == {"sales": SALES}


def test_without_a_record_nothing_is_promised(tmp_path: Path) -> None:
    assert list(promises.broken(tmp_path, {"sales": table(**SALES)})) == []


def test_what_is_as_it_was_or_more_is_no_break(product: Path) -> None:
    assert refused(product, **SALES, buyer="VARCHAR") == []
    wider = {**SALES, "sale_id": "BIGINT", "price": "DECIMAL(9,2)"}
    assert refused(product, **wider) == []


def test_a_lost_column_is_dropped_or_renamed(product: Path) -> None:
    without = {name: kind for name, kind in SALES.items() if name != "price"}
    assert refused(product, **without) == [("sales.price", "the column is dropped", 0)]
    renamed = {"sale_id": "INTEGER", "cost": "DECIMAL(6,2)", "sold_at": "TIMESTAMP"}
    assert refused(product, **renamed) == [("sales.price", "the column is renamed to cost", 0)]
    moved = {"sale_id": "INTEGER", "sold_at": "TIMESTAMP", "cost": "DECIMAL(6,2)"}
    assert refused(product, **moved) == [("sales.price", "the column is dropped", 0)]


@pytest.mark.parametrize(
    ("column", "kind", "said", "line"),
    [
        ("sale_id", "VARCHAR", "the column changes from INTEGER to VARCHAR", 2),
        ("price", "DECIMAL(5,2)", "the column is narrowed from DECIMAL(6,2) to DECIMAL(5,2)", 3),
        ("price", "DECIMAL(9,3)", "the column changes from DECIMAL(6,2) to DECIMAL(9,3)", 3),
        ("price", "DOUBLE", "the column changes from DECIMAL(6,2) to DOUBLE", 3),
        ("sold_at", "DATE", "the column changes from TIMESTAMP to DATE", 0),
    ],
)
def test_another_type_is_told_with_both_and_the_one_line_that_names_it(
    product: Path, column: str, kind: str, said: str, line: int
) -> None:
    assert refused(product, **{**SALES, column: kind}) == [(f"sales.{column}", said, line)]


def test_a_lost_table_is_told(product: Path) -> None:
    (problem,) = promises.broken(product, {})
    assert (Path(problem.file).name, problem.field, problem.found) == (
        promises.FILE,
        "sales",
        "the table is dropped",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "EOF"), ('{"sales": ["a"]}', "sales: Input should be"), ("[]", "Input should be")],
)
def test_a_record_that_cannot_be_read_is_refused(product: Path, content: str, said: str) -> None:
    (product / promises.FILE).write_text(content)
    with pytest.raises(RefusedError, match=said) as caught:
        promises.promised(product)
    (problem,) = caught.value.problems
    assert "version control" in problem.remedy
