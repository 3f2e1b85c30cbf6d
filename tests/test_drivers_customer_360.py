"""The recomputation of customer-360, on a shop small enough to be checked by eye."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import customer_360, seeds
from drivers.rows import Rows

CUSTOMERS = """\
customer_id,first_name,last_name,email,country,marketing_opt_in,signed_up_at,updated_at
1, Ada ,Berg, Ada@Example.com ,de,,2024-05-01 10:00:00,2024-05-01 10:00:00
1,Ada,Lang,ada@example.org,FR,true,2024-05-01 10:00:00,2024-09-01 10:00:00
2,Emil,Ito,,NL,false,2024-06-01 10:00:00,2024-06-01 10:00:00
,Lost,Import,x@example.com,DE,true,2024-06-02 10:00:00,2024-06-02 10:00:00
"""
TRANSACTIONS = """\
transaction_id,customer_id,status,channel,quantity,unit_price,ordered_at,loaded_at
10,1,pending,web,2,100.05,2025-01-01 00:00:00,2025-01-01 01:00:00
10,1, Settled,web,2,100.05,2025-01-01 00:00:00,2025-01-05 01:00:00
11,1,settled,store,1,800.00,2025-02-01 00:00:00,2025-02-01 01:00:00
11,1,settled,store,1,800.00,2025-02-01 00:00:00,2025-02-01 01:00:00
12,1,REFUNDED,app,1,9.99,2025-03-01 00:00:00,2025-03-01 01:00:00
13,,settled,app,1,5.00,2025-03-01 00:00:00,2025-03-01 01:00:00
14,1,settled,app,0,5.00,2025-03-01 00:00:00,2025-03-01 01:00:00
15,1,settled,app,1,,2025-03-01 00:00:00,2025-03-01 01:00:00
16,77,settled,app,1,5.00,2025-03-01 00:00:00,2025-03-01 01:00:00
"""
TICKETS = """\
ticket_id,customer_id,category,priority,satisfaction,opened_at,closed_at,updated_at
5,1, Delivery,low,,2025-01-01 00:00:00,,2025-01-01 00:00:00
5,1,delivery,low,4,2025-01-01 00:00:00,2025-01-02 00:00:00,2025-01-02 00:00:00
6,1,payment,high,1,2025-02-01 00:00:00,2025-02-02 00:00:00,2025-02-02 00:00:00
7,1,payment,high,2,2025-02-03 00:00:00,2025-02-04 00:00:00,2025-02-04 00:00:00
8,1,account,high,9,2025-02-05 00:00:00,,2025-02-05 00:00:00
9,,account,high,1,2025-02-05 00:00:00,,2025-02-05 00:00:00
"""


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Rows]:
    files = {"raw_customers": CUSTOMERS, "raw_transactions": TRANSACTIONS, "raw_support_tickets": TICKETS}
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return customer_360.expected({name: seeds.read(tmp_path / f"{name}.csv") for name in files})


def column(rows: Rows, key: str, wanted: str) -> dict[str, str]:
    return {dict(row)[key]: dict(row)[wanted] for row in rows.rows}


def test_bronze_is_every_row_as_delivered(tables: dict[str, Rows]) -> None:
    bronze = ("raw_customers", "raw_transactions", "raw_support_tickets")
    assert {name: len(tables[name]) for name in bronze} == dict(zip(bronze, (4, 9, 6), strict=True))


def test_silver_keeps_the_latest_version_and_cleans_it(tables: dict[str, Rows]) -> None:
    assert column(tables["stg_crm_customers"], "customer_id", "email") == {
        "1": "ada@example.org",
        "2": "null",
    }
    assert column(tables["stg_crm_customers"], "customer_id", "country") == {"1": "FR", "2": "NL"}


def test_silver_drops_guests_voided_and_unpriced_rows_and_lets_the_late_status_win(
    tables: dict[str, Rows],
) -> None:
    assert column(tables["stg_transactions"], "transaction_id", "status") == {
        "10": "settled",
        "11": "settled",
        "12": "refunded",
        "16": "settled",
    }
    assert column(tables["stg_transactions"], "transaction_id", "amount")["10"] == "200.1"


def test_silver_forgets_ratings_off_the_scale(tables: dict[str, Rows]) -> None:
    ratings = column(tables["stg_support_tickets"], "ticket_id", "satisfaction")
    assert ratings == {"5": "4", "6": "1", "7": "2", "8": "null"}


def test_unknown_customers_have_no_orders(tables: dict[str, Rows]) -> None:
    assert column(tables["int_customer_orders"], "customer_id", "order_count") == {"1": "3"}


def test_open_and_rated_tickets_are_counted(tables: dict[str, Rows]) -> None:
    assert dict(tables["int_customer_support"].rows[0]) == {
        "customer_id": "1",
        "ticket_count": "4",
        "open_ticket_count": "1",
        "rated_ticket_count": "3",
        "satisfaction_points": "7",
        "last_ticket_at": "2025-02-05 00:00:00",
    }


def test_gold_is_one_row_a_customer_with_the_figures_of_the_rules(tables: dict[str, Rows]) -> None:
    mart = {dict(row)["customer_id"]: dict(row) for row in tables["mart_customer_360"].rows}
    figures = ("lifetime_value", "order_count", "refund_share", "average_satisfaction", "segment")
    assert {customer: [row[name] for name in figures] for customer, row in mart.items()} == {
        # 2 x 100.05 + 800; 1 of 3 ended orders came back; (4 + 1 + 2) / 3 = 2.333
        "1": ["1000.1", "3", "0.3333", "2.33", "at risk"],
        "2": ["0", "0", "0", "null", "prospect"],
    }
