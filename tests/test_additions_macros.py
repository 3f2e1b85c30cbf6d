"""The materializations as dbt runs them: what each run leaves, and what is refused.

A DuckDB file stands where the catalog is attached: the statements are the same.
"""

from __future__ import annotations

import gc
from pathlib import Path

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from floe_additions.compute import DuckDBIcebergComputePlugin

Row = tuple[object, ...]

PROJECT = """
name: shop
version: 1.0.0
config-version: 2
profile: shop
macro-paths: [{macros}]
models: {{+materialized: table}}
"""

MERGED = "{{ config(materialized='incremental', unique_key='id') }} "
APPENDED = "{{ config(materialized='incremental') }} "


def named(*rows: str) -> str:
    return f"select * from (values {', '.join(rows)}) as arrived(id, name)"


class Shop:
    """A dbt project of one model or seed, its runs, and the rows they leave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "lakehouse.duckdb"
        macros = ", ".join(map(str, DuckDBIcebergComputePlugin().get_dbt_macro_paths()))
        (folder / "models").mkdir()
        (folder / "seeds").mkdir()
        (folder / "dbt_project.yml").write_text(PROJECT.format(macros=macros))
        target = {
            "type": "duckdb",
            "path": ":memory:",
            "database": "lakehouse",
            "schema": "shop",
            "attach": [{"path": str(self.file), "alias": "lakehouse"}],
        }
        (folder / "profiles.yml").write_text(
            yaml.safe_dump({"shop": {"target": "dev", "outputs": {"dev": target}}})
        )

    def model(self, sql: str) -> Shop:
        (self.folder / "models" / "it.sql").write_text(sql)
        return self

    def seed(self, csv: str, types: dict[str, str] | None) -> None:
        (self.folder / "seeds" / "it.csv").write_text(csv)
        config = {"config": {"column_types": types}} if types else {}
        (self.folder / "seeds" / "it.yml").write_text(
            yaml.safe_dump({"version": 2, "seeds": [{"name": "it", **config}]}, sort_keys=False)
        )

    def emptied(self) -> Shop:
        """Without model, seed and rows; what dbt has parsed of the macros stays."""
        self.file.unlink(missing_ok=True)
        for kind in ("models", "seeds"):
            for file in (self.folder / kind).iterdir():
                file.unlink()
        return self

    def build(self, *words: str) -> str:
        """Run dbt; what it said of the node when it failed, else nothing."""
        result = dbtRunner().invoke(
            [
                "--quiet",
                "build",
                *("--project-dir", str(self.folder), "--profiles-dir", str(self.folder)),
                *("--target-path", str(self.folder / "target"), "--log-path", str(self.folder)),
                *words,
            ]
        )
        # The file is dbt's until its engine is gone.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        gc.collect()
        if result.exception:
            return str(result.exception)
        return "" if result.success else "\n".join(str(node.message) for node in result.result)  # type: ignore[union-attr]

    def rows(self, order: str = "1") -> list[Row]:
        with duckdb.connect(str(self.file)) as engine:
            return engine.execute(f"select * from shop.it order by {order}").fetchall()

    def columns(self) -> dict[str, str]:
        with duckdb.connect(str(self.file)) as engine:
            return {name: kind for name, kind, *_ in engine.execute("describe shop.it").fetchall()}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def shop(project: Shop) -> Shop:
    return project.emptied()


def test_merge_updates_what_is_known_and_inserts_what_is_new(shop: Shop) -> None:
    assert shop.model(MERGED + named("(1, 'a')", "(2, 'b')")).build() == ""
    assert shop.model(MERGED + named("(2, 'B')", "(3, 'c')")).build() == ""
    assert shop.rows() == [(1, "a"), (2, "B"), (3, "c")]


def test_merge_knows_a_null_key_again(shop: Shop) -> None:
    assert shop.model(MERGED + named("(1, 'a')", "(null, 'b')")).build() == ""
    assert shop.model(MERGED + named("(1, 'a')", "(null, 'B')")).build() == ""
    assert shop.rows("1 nulls last") == [(1, "a"), (None, "B")]


def test_merge_refuses_two_new_rows_of_one_key(shop: Shop) -> None:
    assert shop.model(MERGED + named("(1, 'a')")).build() == ""
    said = shop.model(MERGED + named("(2, 'b')", "(2, 'c')")).build()
    assert "merge into it: several new rows have id = 2" in said
    assert shop.rows() == [(1, "a")]


def test_full_refresh_starts_anew(shop: Shop) -> None:
    assert shop.model(MERGED + named("(1, 'a')", "(2, 'b')")).build() == ""
    assert shop.model(MERGED + named("(3, 'c')")).build("--full-refresh") == ""
    assert shop.rows() == [(3, "c")]


def test_append_keeps_every_row(shop: Shop) -> None:
    assert shop.model(APPENDED + named("(1, 'a')")).build() == ""
    assert shop.model(APPENDED + named("(1, 'a')", "(2, 'b')")).build() == ""
    assert shop.rows() == [(1, "a"), (1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("merge", "incremental model it merges and needs a unique_key"),
        ("delete+insert", "incremental_strategy delete+insert of it is not one of merge, append"),
    ],
)
def test_an_impossible_strategy_is_refused(shop: Shop, strategy: str, said: str) -> None:
    config = "{{ config(materialized='incremental', incremental_strategy='" + strategy + "') }} "
    assert said in shop.model(config + "select 1 as id").build()


def test_table_replaces_all_rows(shop: Shop) -> None:
    assert shop.model("select 1 as id, 'a' as name").build() == ""
    assert shop.model("select 'b' as name, 2 as id").build() == ""
    assert shop.rows() == [(2, "b")]


def test_table_gets_a_new_column(shop: Shop) -> None:
    assert shop.model("select 1 as id").build() == ""
    assert shop.model("select 1 as id, 'x' as remark").build() == ""
    assert (shop.rows(), list(shop.columns())) == ([(1, "x")], ["id", "remark"])


def test_a_type_that_is_wider_now_widens(shop: Shop) -> None:
    assert shop.model(MERGED + "select 1 as id, 1.5::decimal(4, 2) as price").build() == ""
    assert shop.model(MERGED + "select 5000000000 as id, 1.5::decimal(9, 2) as price").build() == ""
    assert shop.columns() == {"id": "BIGINT", "price": "DECIMAL(9,2)"}
    said = shop.model(MERGED + "select 1 as id, 1.5::decimal(9, 3) as price").build()
    assert "id changes from BIGINT to INTEGER; column price changes from DECIMAL(9,2) to DECIMAL(9,3)" in said


def test_table_refuses_to_lose_or_change_a_column(shop: Shop) -> None:
    assert shop.model("select 1 as id, 'a' as name").build() == ""
    said = shop.model("select '1' as id").build()
    assert "column id changes from INTEGER to VARCHAR; column name is dropped" in said
    assert shop.rows() == [(1, "a")]


def test_a_failing_query_leaves_the_table_as_it_was(shop: Shop) -> None:
    assert shop.model("select cast(id as integer) as id from (values ('1'), ('2')) as t(id)").build() == ""
    said = shop.model("select cast(id as integer) as id from (values ('3'), ('many')) as t(id)").build()
    assert "Could not convert string 'many'" in said
    assert shop.rows() == [(1,), (2,)]


TYPES = {"id": "bigint", "price": "decimal(10, 2)", "note": "varchar", "at": "timestamp"}
CSV = 'at,id,note,price\n2025-01-02 03:04:05,1," a, b ",9.90\n,2,,\n'


def test_a_seed_is_typed_by_name_and_empty_is_null(shop: Shop) -> None:
    shop.seed(CSV, TYPES)
    assert shop.build() == ""
    assert shop.build() == "", "and again, over the rows that are there"
    assert shop.columns() == {"id": "BIGINT", "price": "DECIMAL(10,2)", "note": "VARCHAR", "at": "TIMESTAMP"}
    assert [tuple(map(str, row)) for row in shop.rows()] == [
        ("1", "9.90", " a, b ", "2025-01-02 03:04:05"),
        ("2", "None", "None", "None"),
    ]


@pytest.mark.parametrize(
    ("csv", "types", "said"),
    [
        (CSV, None, "seed it has no column_types: every column needs its type"),
        (CSV.replace("9.90", "cheap"), TYPES, "cheap"),
        (CSV.replace("note", "comment"), TYPES, "note"),
        ("id,price\n1,2\n1,2,3\n", {"id": "bigint", "price": "bigint"}, "do not exist in the CSV File"),
    ],
    ids=["no types", "wrong value", "wrong header", "ragged line"],
)
def test_a_malformed_seed_is_refused(shop: Shop, csv: str, types: dict[str, str] | None, said: str) -> None:
    shop.seed(csv, types)
    assert said in shop.build()
