"""financial-risk on a real catalog: its first run, its second, and prices that come late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
from dagster import Definitions, ExecuteInProcessResult

from drivers import financial_risk
from drivers.rows import Rows
from drivers.seeds import Seed
from standins.loopback.lake import Lake
from tests.contract.in_process import checks, launch

PRODUCT = "financial-risk"
JOB = "financial_risk"


def differences(lake: Lake, seed_files: Mapping[str, Seed]) -> dict[str, list[str]]:
    told = {}
    for name, rows in financial_risk.expected(seed_files).items():
        there = lake.catalog.load_table((JOB, name)).scan().to_arrow().to_pylist()
        told[name] = rows.differences(Rows.of(name, there))
    return {name: lines for name, lines in told.items() if lines}


def test_every_table_is_what_the_rules_say(
    lake: Lake, dagster: Definitions, seed_files: dict[str, Seed], first_run: ExecuteInProcessResult
) -> None:
    every = {key.name for key in dagster.resolve_asset_graph().asset_check_keys}
    assert (first_run.success, checks(first_run)) == (True, dict.fromkeys(every, True))
    assert differences(lake, seed_files) == {}


def test_a_second_run_gives_the_same_rows_and_merges_no_price(
    lake: Lake, dagster: Definitions, seed_files: dict[str, Seed], first_run: ExecuteInProcessResult
) -> None:
    assert first_run.success
    prices = lake.catalog.load_table((JOB, "stg_market_data"))
    before = {file.file.file_path for file in prices.scan().plan_files()}
    assert launch(dagster, JOB).success
    assert differences(lake, seed_files) == {}
    assert {file.file.file_path for file in prices.refresh().scan().plan_files()} == before


def test_a_late_word_on_a_price_wins_whenever_it_arrives(
    lake: Lake, dagster: Definitions, seed_files: dict[str, Seed], first_run: ExecuteInProcessResult
) -> None:
    assert first_run.success
    raw = lake.catalog.load_table((JOB, "raw_market_data"))
    known: list[dict[str, Any]] = [dict(row) for row in seed_files["raw_market_data"].rows]
    sound = [row for row in known if row["close_price"] and row["instrument_id"].startswith("EQ")]
    corrected, older = dict(sound[-1]), dict(sound[-2])
    arrived = [
        {
            **corrected,
            "quote_id": 1,
            "close_price": corrected["close_price"] * 2,
            "loaded_at": corrected["loaded_at"] + timedelta(days=9),
        },
        # What was said before the word that is known changes nothing, though it comes after it.
        {
            **older,
            "quote_id": 2,
            "close_price": older["close_price"] * 2,
            "loaded_at": older["loaded_at"] - timedelta(days=1),
        },
    ]
    raw.append(pa.Table.from_pylist(arrived, schema=raw.schema().as_arrow()))
    models = [name for name in financial_risk.expected(seed_files) if not name.startswith("raw_")]
    assert launch(dagster, JOB, *models).success
    more = {**seed_files, "raw_market_data": Seed("raw_market_data", {}, (*known, *arrived))}
    assert differences(lake, more) == {}


def test_exact_types_reach_iceberg(lake: Lake, first_run: ExecuteInProcessResult) -> None:
    assert first_run.success
    types = {
        "int_instrument_prices": {"price_eur": "decimal(18, 6)", "daily_factor": "decimal(18, 8)"},
        "int_portfolio_risk": {"var_99": "decimal(18, 2)", "worst_date": "date", "scenario_count": "long"},
        "mart_risk_dashboard": {"limit_use": "decimal(18, 4)", "risk_score": "int"},
        "mart_regulatory_report": {"own_funds_requirement": "decimal(18, 2)", "is_large_exposure": "boolean"},
    }
    schemas = {table: lake.catalog.load_table((JOB, table)).schema() for table in types}
    assert {
        table: {name: str(schemas[table].find_type(name)) for name in columns}
        for table, columns in types.items()
    } == types
