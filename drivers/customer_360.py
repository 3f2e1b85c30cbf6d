"""What customer-360 owes its readers, computed from its seeds by the written rules alone.

The rules are those of the product's README and of its models' descriptions. Nothing here knows
the SQL that the platform runs: the two are written apart so that they can disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from drivers.rows import Rows
from drivers.seeds import Seed

Row = Mapping[str, Any]
Table = Sequence[Row]

VALID_RATINGS = range(1, 6)
NOTHING = Decimal("0.00")


def expected(seeds: Mapping[str, Seed]) -> dict[str, Rows]:
    """Every table of the product as it must be after a run, by name."""
    customers = _customers(seeds["raw_customers"].rows)
    transactions = _transactions(seeds["raw_transactions"].rows)
    tickets = _tickets(seeds["raw_support_tickets"].rows)
    orders = _orders(customers, transactions)
    support = _support(customers, tickets)
    tables: dict[str, Table] = {
        **{name: seed.rows for name, seed in seeds.items()},
        "stg_crm_customers": customers,
        "stg_transactions": transactions,
        "stg_support_tickets": tickets,
        "int_customer_orders": orders,
        "int_customer_support": support,
        "mart_customer_360": _mart(customers, orders, support),
    }
    return {name: Rows.of(name, rows) for name, rows in tables.items()}


def _customers(raw: Table) -> Table:
    named = [row for row in raw if row["customer_id"] is not None]
    return [
        {
            **row,
            "first_name": row["first_name"].strip(),
            "last_name": row["last_name"].strip(),
            "email": (row["email"] or "").strip().lower() or None,
            "country": row["country"].strip().upper(),
            "marketing_opt_in": bool(row["marketing_opt_in"]),
        }
        for row in _latest(named, "customer_id", "updated_at")
    ]


def _transactions(raw: Table) -> Table:
    needed = ("transaction_id", "customer_id", "unit_price", "quantity")
    sound = [row for row in raw if all(row[column] is not None for column in needed) and row["quantity"] > 0]
    return [
        {
            **row,
            "status": (status := _word(row["status"])),
            "channel": _word(row["channel"]),
            "amount": row["quantity"] * Decimal(row["unit_price"]),
            "is_settled": status == "settled",
            "is_refunded": status == "refunded",
        }
        for row in _latest(sound, "transaction_id", "loaded_at")
    ]


def _tickets(raw: Table) -> Table:
    sound = [row for row in raw if row["ticket_id"] is not None and row["customer_id"] is not None]
    return [
        {
            **row,
            "category": _word(row["category"]),
            "priority": _word(row["priority"]),
            "satisfaction": row["satisfaction"] if row["satisfaction"] in VALID_RATINGS else None,
            "is_open": row["closed_at"] is None,
        }
        for row in _latest(sound, "ticket_id", "updated_at")
    ]


def _orders(customers: Table, transactions: Table) -> Table:
    return [
        {
            "customer_id": customer,
            "order_count": len(theirs),
            **{
                f"{status}_order_count": _count(theirs, status)
                for status in ("settled", "pending", "refunded")
            },
            "settled_amount": _amount(theirs, "settled"),
            "refunded_amount": _amount(theirs, "refunded"),
            "first_order_at": min(row["ordered_at"] for row in theirs),
            "last_order_at": max(row["ordered_at"] for row in theirs),
        }
        for customer, theirs in _of_known(customers, transactions)
    ]


def _support(customers: Table, tickets: Table) -> Table:
    return [
        {
            "customer_id": customer,
            "ticket_count": len(theirs),
            "open_ticket_count": sum(row["closed_at"] is None for row in theirs),
            "rated_ticket_count": sum(row["satisfaction"] is not None for row in theirs),
            "satisfaction_points": sum(row["satisfaction"] or 0 for row in theirs),
            "last_ticket_at": max(row["opened_at"] for row in theirs),
        }
        for customer, theirs in _of_known(customers, tickets)
    ]


def _mart(customers: Table, orders: Table, support: Table) -> Table:
    order_of = {row["customer_id"]: row for row in orders}
    support_of = {row["customer_id"]: row for row in support}
    return [
        _profile(row, order_of.get(row["customer_id"], {}), support_of.get(row["customer_id"], {}))
        for row in customers
    ]


def _profile(customer: Row, orders: Row, support: Row) -> Row:
    settled, refunded = orders.get("settled_order_count", 0), orders.get("refunded_order_count", 0)
    rated, points = support.get("rated_ticket_count", 0), support.get("satisfaction_points", 0)
    lifetime_value = orders.get("settled_amount", NOTHING)
    tickets = support.get("ticket_count", 0)
    mood = _half_up(Decimal(points) / rated, "0.01") if rated else None
    ended = settled + refunded
    return {
        **{column: customer[column] for column in _PERSON},
        "order_count": orders.get("order_count", 0),
        "settled_order_count": settled,
        "pending_order_count": orders.get("pending_order_count", 0),
        "refunded_order_count": refunded,
        "lifetime_value": lifetime_value,
        "first_order_at": orders.get("first_order_at"),
        "last_order_at": orders.get("last_order_at"),
        "refund_share": _half_up(Decimal(refunded) / ended, "0.0001") if ended else Decimal(0),
        "ticket_count": tickets,
        "open_ticket_count": support.get("open_ticket_count", 0),
        "average_satisfaction": mood,
        "segment": _segment(settled, lifetime_value, tickets, mood),
    }


_PERSON = ("customer_id", "first_name", "last_name", "email", "country", "marketing_opt_in", "signed_up_at")


def _segment(settled: int, lifetime_value: Decimal, tickets: int, mood: Decimal | None) -> str:
    if settled >= 1 and tickets >= 2 and mood is not None and mood <= Decimal("2.50"):
        return "at risk"
    if lifetime_value >= 1000:
        return "vip"
    if settled >= 5:
        return "loyal"
    return "active" if settled else "prospect"


def _of_known(customers: Table, rows: Table) -> list[tuple[object, Table]]:
    """The rows of each customer that the CRM knows and that has any."""
    found: dict[object, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["customer_id"]].append(row)
    return [
        (row["customer_id"], found[row["customer_id"]]) for row in customers if row["customer_id"] in found
    ]


def _latest(rows: Iterable[Row], key: str, version: str) -> list[Row]:
    """Of the rows of each key the one with the latest version."""
    best: dict[Hashable, Row] = {}
    for row in rows:
        known = best.get(row[key])
        if known is None or row[version] > known[version]:
            best[row[key]] = row
    return list(best.values())


def _count(rows: Table, status: str) -> int:
    return sum(row["status"] == status for row in rows)


def _amount(rows: Table, status: str) -> Decimal:
    return sum((row["amount"] for row in rows if row["status"] == status), NOTHING)


def _half_up(number: Decimal, unit: str) -> Decimal:
    return number.quantize(Decimal(unit), ROUND_HALF_UP)


def _word(text: str) -> str:
    return text.strip().lower()
