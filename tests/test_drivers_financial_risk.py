"""The recomputation of financial-risk, on books small enough to be checked by eye."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import financial_risk, seeds
from drivers.rows import Rows

POSITIONS = """\
position_id,portfolio_id,instrument_id,counterparty_id,quantity,trade_price,currency,traded_on,updated_at
1,PF-1,EQ-1,1,4,90.0000,USD,2025-01-01,2025-01-01 09:00:00
1,PF-1,EQ-1,1,10,90.0000,US$,2025-01-01,2025-01-02 09:00:00
2,PF-2, eq-1,1,-10,100.0000, usd,2025-01-01,2025-01-01 09:00:00
3,PF-2,EQ-1,77,10,9000.0000,GBX,2025-01-01,2025-01-01 09:00:00
4,PF-2,EQ-1,2,10,90.0000,USD,2025-01-01,2025-01-01 09:00:00
4,PF-2,EQ-1,2,0,90.0000,USD,2025-01-01,2025-01-03 09:00:00
5,PF-2,XX-9,2,10,90.0000,USD,2025-01-01,2025-01-01 09:00:00
6,PF-2,,2,10,90.0000,USD,2025-01-01,2025-01-01 09:00:00
"""
PRICES = """\
quote_id,instrument_id,asset_class,price_date,close_price,currency,vendor,loaded_at
1,FX-USD,fx,2025-01-01,0.5000,EUR,one,2025-01-01 18:00:00
2,EQ-1,equity,2025-01-01,100.0000,USD,one,2025-01-01 18:00:00
3,EQ-1,Equity,2025-01-02,1.0000,USD,one,2025-01-02 18:00:00
4,EQ-1,equity,2025-01-03,99.0000,USD,one,2025-01-03 18:00:00
5,EQ-1,equity,2025-01-02,110.0000,USD,one,2025-01-05 18:00:00
6,BD-1,bond,2025-01-02,7250.0000,GBX,one,2025-01-02 18:00:00
7,BD-2,bond,2025-01-03,0.0000,EUR,one,2025-01-03 18:00:00
"""
COUNTERPARTIES = """\
counterparty_id,name,country,sector,rating,has_netting_agreement,collateral,exposure_limit,updated_at
1, One Bank,de,bank, bbb+,,20.00,25.00,2025-01-01 00:00:00
2,Two Fund,FR,fund,,true,,,2025-01-01 00:00:00
,Lost,FR,fund,A,true,1.00,1.00,2025-01-01 00:00:00
"""


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Rows]:
    files = {"raw_positions": POSITIONS, "raw_market_data": PRICES, "raw_counterparties": COUNTERPARTIES}
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return financial_risk.expected({name: seeds.read(tmp_path / f"{name}.csv") for name in files})


def figures(rows: Rows, key: str, *wanted: str) -> dict[str, list[str]]:
    return {dict(row)[key]: [dict(row)[name] for name in wanted] for row in rows.rows}


def test_positions_are_the_latest_version_of_what_is_held(tables: dict[str, Rows]) -> None:
    assert figures(
        tables["stg_positions"], "position_id", "instrument_id", "quantity", "currency", "trade_price"
    ) == {
        "1": ["EQ-1", "10", "USD", "90"],
        "2": ["EQ-1", "-10", "USD", "100"],
        "3": ["EQ-1", "10", "GBP", "90"],
        "5": ["XX-9", "10", "USD", "90"],
    }


def test_a_price_is_carried_on_and_a_late_correction_wins(tables: dict[str, Rows]) -> None:
    wanted = ("price_date", "price_eur", "daily_factor", "price_age")
    rows = tables["int_instrument_prices"].rows
    assert {(dict(row)["instrument_id"], *(dict(row)[name] for name in wanted)) for row in rows} == {
        ("EQ-1", "2025-01-01", "50", "null", "0"),
        ("EQ-1", "2025-01-02", "55", "1.1", "0"),
        ("EQ-1", "2025-01-03", "49.5", "0.9", "0"),
        # There is no rate for the pound: BD-1 is left out.
        ("FX-USD", "2025-01-01", "0.5", "null", "0"),
        ("FX-USD", "2025-01-02", "0.5", "1", "1"),
        ("FX-USD", "2025-01-03", "0.5", "1", "2"),
    }


def test_what_was_won_since_the_trade_is_told_where_there_is_a_price(tables: dict[str, Rows]) -> None:
    assert figures(
        tables["int_position_values"], "position_id", "is_priced", "market_value", "mark_to_market"
    ) == {
        "1": ["true", "495", "45"],
        "2": ["true", "-495", "5"],
        "3": ["false", "null", "null"],
        "5": ["false", "null", "null"],
    }


def test_the_value_at_risk_is_a_loss_of_the_past(tables: dict[str, Rows]) -> None:
    assert figures(
        tables["int_portfolio_risk"], "portfolio_id", "scenario_count", "var_99", "worst_loss", "worst_date"
    ) == {
        # Long, it loses on the day the price fell; short, on the day it rose.
        "PF-1": ["2", "49.5", "49.5", "2025-01-03"],
        "PF-2": ["2", "49.5", "49.5", "2025-01-02"],
    }


def test_the_place_of_a_loss_is_that_of_the_written_rule() -> None:
    losses = [(financial_risk.NOTHING + 100 - number, number) for number in range(100)]
    at = {percent: financial_risk._at(losses, percent) for percent in (5, 1)}  # type: ignore[arg-type]
    # Of 100 scenarios 5, and 1, lose more.
    assert at == {5: 95, 1: 99}


def test_nothing_is_netted_without_an_agreement_and_a_stranger_has_no_limit(tables: dict[str, Rows]) -> None:
    assert figures(
        tables["int_counterparty_exposure"],
        "counterparty_id",
        *(
            "is_known",
            "gross_exposure",
            "netted_exposure",
            "net_exposure",
            "add_on",
            "limit_use",
            "is_over_limit",
        ),
    ) == {
        # 45 and 5 won; 20 deposited; 8 % of 495 twice.
        "1": ["true", "50", "50", "30", "79.2", "1.2", "true"],
        "2": ["true", "0", "0", "0", "0", "null", "false"],
        "77": ["false", "0", "0", "0", "0", "null", "false"],
    }


def test_gold_is_what_the_desk_and_the_regulator_are_told(tables: dict[str, Rows]) -> None:
    assert figures(
        tables["mart_risk_dashboard"],
        "portfolio_id",
        *("var_limit", "limit_use", "over_limit_share", "doubtful_share", "risk_score", "risk_band"),
    ) == {
        "PF-1": ["2.97", "16.6667", "1", "0", "80", "critical"],
        # Two of three positions have no price.
        "PF-2": ["2.97", "16.6667", "1", "0.6667", "93", "critical"],
    }
    assert figures(
        tables["mart_regulatory_report"],
        "counterparty_id",
        *("name", "rating", "exposure_at_default", "risk_weight", "own_funds_requirement"),
    ) == {
        "1": ["One Bank", "BBB", "109.2", "0.75", "6.55"],
        "2": ["Two Fund", "NR", "0", "1", "0"],
        "77": ["unknown", "NR", "0", "1", "0"],
    }
