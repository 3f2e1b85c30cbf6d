"""What columns are computed from, as read from SQL."""

from __future__ import annotations

from typing import Any

from floe_complete.columns import origins
from floe_complete.dbt_child import Table

SQL = """
with orders as (select * from (select * from "lake"."shop"."raw_orders" where false limit 0) as o),
per_customer as (select customer_id, sum(amount * quantity) as spent from orders group by customer_id)
select p.customer_id, p.spent, upper(c.name) as name, 1 as version
from per_customer as p join "lake"."crm"."customers" as c on c.id = p.customer_id
"""


def node(name: str, kind: str) -> dict[str, Any]:
    return {"alias": name, "schema": "shop", "resource_type": kind}


def test_each_column_has_its_origins_through_subqueries_stars_and_sources() -> None:
    columns = {"customer_id": "INTEGER", "amount": "DOUBLE", "quantity": "INTEGER"}
    made = {"customer_id": "INTEGER", "spent": "DOUBLE", "name": "VARCHAR", "version": "INTEGER"}
    tables = {
        "raw_orders": Table(file="seeds/raw_orders.csv", columns=columns),
        "mart": Table(file="models/mart.sql", columns=made, sql=SQL),
        "strange": Table(file="models/strange.sql", columns={"a": "INTEGER"}, sql="select ("),
    }
    source = {
        "schema": "crm",
        "identifier": "customers",
        "columns": {
            "id": {"name": "id", "data_type": "integer"},
            "name": {"name": "name", "data_type": "varchar"},
        },
    }
    manifest = {
        "nodes": {
            "seed.shop.raw_orders": node("raw_orders", "seed"),
            "model.shop.mart": node("mart", "model"),
            "model.shop.strange": node("strange", "model"),
        },
        "sources": {"source.shop.crm.customers": source},
    }
    assert origins(tables, manifest) == {
        "shop.mart": {
            "customer_id": [("shop.raw_orders", "customer_id", "IDENTITY")],
            "spent": [
                ("shop.raw_orders", "amount", "AGGREGATION"),
                ("shop.raw_orders", "quantity", "AGGREGATION"),
            ],
            "name": [("crm.customers", "name", "TRANSFORMATION")],
        }
    }
