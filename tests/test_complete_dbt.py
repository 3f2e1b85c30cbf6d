"""What dbt and DuckDB say, for a person; and what they are given to judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floe_complete.dbt import as_on_the_platform, shadow, source_line, told, tried_in_memory
from floe_complete.dbt_child import Wrong
from floe_complete.problems import Problem

MODEL = "{{ config(materialized='table') }}\n\nselect *\nfrom {{ ref('raw') }}\nwhere amout > 0\n"
COMPILED = '\n\nselect *\nfrom "lakehouse"."shop"."raw"\nwhere amout > 0'
PROJECT = Path("/tmp/floe-compile-x/project")


def wrong(said: str, **rest: str) -> Wrong:
    return Wrong(**{"file": "", "node": "", "raw": "", "compiled": "", **rest, "said": said})  # type: ignore[typeddict-item]


def only(one: Wrong, product: Path = Path("shop")) -> Problem:
    (problem,) = told(one, PROJECT, product)
    return problem


def test_a_model_is_told_with_file_line_and_the_engines_words() -> None:
    said = (
        "Runtime Error in model sales (models/sales.sql)\n"
        '  Binder Error: Referenced column "amout" not found in FROM clause!\n'
        '  Candidate bindings: "amount"\n  \n  LINE 9: where amout > 0\n                ^'
    )
    one = wrong(said, file="models/sales.sql", node="sales", raw=MODEL, compiled=COMPILED)
    assert only(one) == Problem(
        "shop/models/sales.sql",
        "sales",
        'Binder Error: Referenced column "amout" not found in FROM clause!; Candidate bindings: "amount"',
        "SQL that DuckDB can run",
        stage="GENERATE",
        line=5,
    )


@pytest.mark.parametrize(
    ("said", "raw", "compiled", "line"),
    [
        ("LINE 4: selec 2", "select 1;\nselec 2", "select 1;\nselec 2", 2),
        (
            "LINE 9: ...ry_long > 0",
            "{# a\nb #}\nselect 1\nwhere very_long > 0",
            "select 1\nwhere very_long > 0",
            4,
        ),
        ("LINE 3: x", "a\nx\nb\nx", "a\nx\nb\nx", 2),
        ("LINE 6: x", "a\nx\nb\nx", "a\nx\nb\nx", 4),
        ("LINE 3: from here", "{# c\n#}from {{ this }}", "from here", 0),
        ("LINE 3: of another statement", "select 1", "select 1", 0),
        ("no line at all", "select 1", "select 1", 0),
    ],
)
def test_the_line_is_that_of_the_file_or_none(said: str, raw: str, compiled: str, line: int) -> None:
    assert source_line(said, raw, compiled) == line


def test_a_table_nobody_makes_is_told_by_its_name() -> None:
    said = (
        "Compilation Error\n  Model 'model.shop.sales' (models/sales.sql) depends on a node named 'raww' "
        "which was not found"
    )
    problem = only(wrong(said))
    assert (problem.file, problem.field) == ("shop/models/sales.sql", "sales")
    assert problem.found == 'there is no model, seed or source "raww"'


def test_a_seed_without_its_file_is_told_with_where_it_belongs() -> None:
    said = (
        "Compilation Error\n  [WARNING]: Did not find matching node for patch with name 'raw' in the 'seeds' "
        "section of file 'seeds/_seeds.yml'"
    )
    problem = only(wrong(said))
    assert (problem.file, problem.field, problem.expected) == (
        "shop/seeds/_seeds.yml",
        "raw",
        "shop/seeds/raw.csv",
    )


def test_what_dbt_cannot_parse_is_told_with_its_line_and_no_path_of_this_machine() -> None:
    said = (
        f"Compilation Error in model sales (models/sales.sql)\n  unexpected '}}', expected ')'\n    line 7\n"
        f"      in {PROJECT}/models/sales.sql"
    )
    problem = only(wrong(said))
    assert (problem.file, problem.line) == ("shop/models/sales.sql", 7)
    assert "/tmp" not in str(problem)


def test_the_trial_is_an_empty_duckdb_for_every_database() -> None:
    output: dict[str, Any] = {
        "type": "duckdb",
        "path": ":memory:",
        "schema": "shop",
        "threads": 2,
        "database": "lakehouse",
        "extensions": ["httpfs"],
        "attach": [
            {"path": "lakehouse", "alias": "lakehouse", "type": "iceberg", "options": {"secret": "s"}}
        ],
        "secrets": [{"type": "iceberg", "client_secret": "{{ env_var('S') }}"}],
    }
    trial = tried_in_memory({"shop": {"target": "dev", "outputs": {"dev": output}}})
    assert trial["shop"]["outputs"]["dev"] == {
        "type": "duckdb",
        "path": ":memory:",
        "schema": "shop",
        "threads": 2,
        "config_options": {"autoinstall_known_extensions": "false"},
        "attach": [{"path": ":memory:", "alias": "lakehouse"}],
        "database": "lakehouse",
    }


def test_a_file_of_duckdb_is_tried_under_its_name() -> None:
    output = {"type": "duckdb", "path": "/scratch/shop.duckdb"}
    trial = tried_in_memory({"shop": {"target": "dev", "outputs": {"dev": output}}})["shop"]["outputs"]["dev"]
    assert (trial["path"], trial["database"], trial["attach"]) == (
        ":memory:",
        "shop",
        [{"path": ":memory:", "alias": "shop"}],
    )


def test_another_engine_is_not_tried() -> None:
    assert tried_in_memory({"shop": {"target": "dev", "outputs": {"dev": {"type": "snowflake"}}}}) == {}


def test_variables_are_worth_what_they_are_on_the_platform() -> None:
    profile = {"a": "{{ env_var('POLARIS_URI', 'http://polaris') }}", "b": "{{ env_var('SECRET') }}"}
    assert as_on_the_platform(profile) == {
        "POLARIS_URI": "http://polaris",
        "SECRET": "not-known-when-compiled",
    }


def test_dbt_sees_a_product_without_what_was_made_there(tmp_path: Path) -> None:
    product = tmp_path / "shop"
    for path in (
        "models/a.sql",
        "target/manifest.json",
        "logs/dbt.log",
        "floe_macros/m.sql",
        "dbt_project.yml",
    ):
        (product / path).parent.mkdir(parents=True, exist_ok=True)
        (product / path).write_text("1")
    seen = shadow(product, tmp_path / "seen")
    assert sorted(path.name for path in seen.iterdir()) == ["dbt_project.yml", "models"]
    assert (seen / "models" / "a.sql").read_text() == "1"
