"""What financial-risk owes its readers, computed from its seeds by the written rules alone.

The rules are those of the product's README. Nothing here knows the SQL that the platform runs: the two are
written apart so that they can disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

from drivers.rows import Rows
from drivers.seeds import Seed

Row = Mapping[str, Any]
Table = Sequence[Row]

NOTHING = Decimal("0.00")
SCENARIOS = 100
"""Days of the simulation."""
STALE_DAYS = 5
"""A price that is older is stale."""
VAR_LIMIT = Decimal("0.0060")
LARGE = Decimal("150000.00")
ADD_ONS = {"bond": Decimal("0.005"), "fx": Decimal("0.050"), "equity": Decimal("0.080")}
OTHER_ADD_ON = Decimal("0.120")
RISK_WEIGHTS = {
    "AAA": Decimal("0.20"),
    "AA": Decimal("0.20"),
    "A": Decimal("0.50"),
    "BBB": Decimal("0.75"),
    "BB": Decimal("1.00"),
    "NR": Decimal("1.00"),
}
WORST_WEIGHT = Decimal("1.50")
_ALIASES = {"US$": "USD", "€": "EUR"}
_DIGITS = 60
"""Enough for every product and sum of the rules: none of them is rounded but where they say so."""


@dataclass(frozen=True)
class Price:
    """What an instrument is worth on a day.

    Attributes:
        euro: a piece in euros.
        factor: over the day before; None on its first day.
        age: days of the calendar since it was quoted.
    """

    day: date
    kind: str
    currency: str
    close: Decimal
    rate: Decimal
    euro: Decimal
    factor: Decimal | None
    age: int


Prices = Mapping[str, Sequence[Price]]
"""The prices of each instrument, day by day."""


def expected(seeds: Mapping[str, Seed]) -> dict[str, Rows]:
    """Every table of the product as it must be after a run, by name."""
    with localcontext(Context(prec=_DIGITS)):
        positions = _positions(seeds["raw_positions"].rows)
        quotes = _quotes(seeds["raw_market_data"].rows)
        counterparties = _counterparties(seeds["raw_counterparties"].rows)
        prices = _prices(quotes)
        values = _values(positions, prices)
        risk = _risk(values, prices)
        exposure = _exposure(values, counterparties)
        tables: dict[str, Table] = {
            **{name: seed.rows for name, seed in seeds.items()},
            "stg_positions": positions,
            "stg_market_data": quotes,
            "stg_counterparties": counterparties,
            "int_instrument_prices": [_price_row(name, one) for name, of in prices.items() for one in of],
            "int_position_values": values,
            "int_portfolio_risk": risk,
            "int_counterparty_exposure": exposure,
            "mart_risk_dashboard": _dashboard(risk, values, exposure),
            "mart_regulatory_report": [_reported(row) for row in exposure],
        }
        return {name: Rows.of(name, rows) for name, rows in tables.items()}


# ---- silver: what was delivered


def _positions(raw: Table) -> Table:
    needed = ("position_id", "portfolio_id", "instrument_id", "counterparty_id", "quantity", "trade_price")
    whole = [row for row in raw if all(row[column] is not None for column in needed)]
    return [
        {
            **row,
            "portfolio_id": row["portfolio_id"].strip().upper(),
            "instrument_id": row["instrument_id"].strip().upper(),
            "currency": _currency(row["currency"]),
            "trade_price": _in_currency(row["trade_price"], row["currency"]),
        }
        for row in _latest(whole, ("position_id",), ("updated_at",))
        if row["quantity"] != 0
    ]


def _quotes(raw: Table) -> Table:
    needed = ("quote_id", "instrument_id", "price_date", "close_price")
    sound = [
        {
            **row,
            "instrument_id": row["instrument_id"].strip().upper(),
            "asset_class": row["asset_class"].strip().lower(),
            "vendor": row["vendor"].strip().lower(),
            "currency": _currency(row["currency"]),
            "close_price": _in_currency(row["close_price"], row["currency"]),
        }
        for row in raw
        if all(row[column] is not None for column in needed) and row["close_price"] > 0
    ]
    return _latest(sound, ("instrument_id", "price_date"), ("loaded_at", "quote_id"))


def _counterparties(raw: Table) -> Table:
    named = [row for row in raw if row["counterparty_id"] is not None]
    return [
        {
            **row,
            "name": row["name"].strip(),
            "country": row["country"].strip().upper(),
            "sector": row["sector"].strip().lower(),
            "rating": (row["rating"] or "").strip().upper().rstrip("+-") or "NR",
            "has_netting_agreement": bool(row["has_netting_agreement"]),
            "collateral": row["collateral"] or NOTHING,
        }
        for row in _latest(named, ("counterparty_id",), ("updated_at",))
    ]


def _code(text: str) -> str:
    word = text.strip().upper()
    return _ALIASES.get(word, word)


def _currency(text: str) -> str:
    code = _code(text)
    return "GBP" if code == "GBX" else code


def _in_currency(price: Decimal, currency: str) -> Decimal:
    return _half_up(price / 100, 6) if _code(currency) == "GBX" else Decimal(price)


# ---- silver: prices


def _prices(quotes: Table) -> Prices:
    calendar = sorted({row["price_date"] for row in quotes})
    delivered: dict[str, dict[date, Row]] = defaultdict(dict)
    for row in quotes:
        delivered[row["instrument_id"]][row["price_date"]] = row
    carried = {name: _carried(days, calendar) for name, days in delivered.items()}
    rates: dict[tuple[str, date], Decimal] = {("EUR", day): Decimal(1) for day in calendar}
    for name, days in carried.items():
        if name.startswith("FX-"):
            rates |= {(name[3:], day): row["close_price"] for day, row, _ in days}
    return {name: _in_euro(days, rates) for name, days in carried.items()}


def _carried(delivered: Mapping[date, Row], calendar: Sequence[date]) -> list[tuple[date, Row, int]]:
    """Day, the quote that holds on it, and for how many days it has."""
    found: list[tuple[date, Row, int]] = []
    for day in calendar:
        if day in delivered:
            found.append((day, delivered[day], 0))
        elif found:
            _, row, age = found[-1]
            found.append((day, row, age + 1))
    return found


def _in_euro(
    days: Iterable[tuple[date, Row, int]], rates: Mapping[tuple[str, date], Decimal]
) -> Sequence[Price]:
    found: list[Price] = []
    for day, row, age in days:
        rate = rates.get((row["currency"], day))
        if rate is None:
            continue
        euro = _half_up(row["close_price"] * rate, 6)
        factor = _half_up(euro / found[-1].euro, 8) if found and found[-1].euro else None
        found.append(
            Price(day, row["asset_class"], row["currency"], row["close_price"], rate, euro, factor, age)
        )
    return found


def _price_row(name: str, price: Price) -> Row:
    return {
        "instrument_id": name,
        "price_date": price.day,
        "asset_class": price.kind,
        "currency": price.currency,
        "close_price": price.close,
        "rate": price.rate,
        "price_eur": price.euro,
        "daily_factor": price.factor,
        "price_age": price.age,
    }


# ---- silver: positions today


def _values(positions: Table, prices: Prices) -> Table:
    today = max(price.day for of in prices.values() for price in of)
    last = {name: of[-1] for name, of in prices.items() if of and of[-1].day == today}
    rates = {"EUR": Decimal(1)} | {
        name[3:]: price.close for name, price in last.items() if name.startswith("FX-")
    }
    return [
        _valued(row, last.get(row["instrument_id"]), rates.get(row["currency"]), today) for row in positions
    ]


def _valued(row: Row, price: Price | None, rate: Decimal | None, today: date) -> Row:
    quantity = row["quantity"]
    figures: dict[str, Decimal | None] = dict.fromkeys(
        ("price_eur", "market_value", "notional", "mark_to_market")
    )
    priced = price is not None and rate is not None
    if price is not None and rate is not None:
        figures = {
            "price_eur": price.euro,
            "market_value": _half_up(quantity * price.euro, 2),
            "notional": _half_up(abs(quantity) * price.euro, 2),
            "mark_to_market": _half_up(quantity * (price.euro - row["trade_price"] * rate), 2),
        }
    return {
        **{name: row[name] for name in ("position_id", "portfolio_id", "instrument_id", "counterparty_id")},
        "asset_class": price.kind if price else None,
        "quantity": quantity,
        **figures,
        "price_age": price.age if price else None,
        "is_priced": priced,
        "is_stale": priced and price is not None and price.age > STALE_DAYS,
        "valuation_date": today,
    }


# ---- silver: what a portfolio could lose


def _risk(values: Table, prices: Prices) -> Table:
    calendar = sorted({price.day for of in prices.values() for price in of})
    scenarios = calendar[1:][-SCENARIOS:]
    factors = {(name, price.day): price.factor for name, of in prices.items() for price in of if price.factor}
    return [
        _measured(portfolio, rows, scenarios, factors)
        for portfolio, rows in _grouped(values, "portfolio_id").items()
    ]


def _measured(
    portfolio: object,
    rows: Table,
    scenarios: Sequence[date],
    factors: Mapping[tuple[str, date], Decimal],
) -> Row:
    priced = [row for row in rows if row["is_priced"]]
    holdings = {
        name: sum(row["quantity"] for row in of) * of[0]["price_eur"]
        for name, of in _grouped(priced, "instrument_id").items()
    }
    losses = sorted(
        ((_half_up(-_gain(holdings, day, factors), 2), day) for day in scenarios),
        key=lambda one: (-one[0], one[1]),
    )
    return {
        "portfolio_id": portfolio,
        "valuation_date": rows[0]["valuation_date"],
        "position_count": len(rows),
        "instrument_count": len({row["instrument_id"] for row in rows}),
        "unpriced_position_count": len(rows) - len(priced),
        "stale_position_count": sum(row["is_stale"] for row in rows),
        "scenario_count": len(losses),
        "market_value": _total(priced, "market_value"),
        "gross_notional": _total(priced, "notional"),
        "var_95": _at(losses, 5),
        "var_99": _at(losses, 1),
        "expected_shortfall": _tail(losses),
        "worst_loss": max(losses[0][0], NOTHING) if losses else NOTHING,
        "worst_date": losses[0][1] if losses else None,
    }


def _gain(
    holdings: Mapping[Hashable, Decimal], day: date, factors: Mapping[tuple[str, date], Decimal]
) -> Decimal:
    """What today's holdings would have gained on that day; what was not yet listed gains nothing."""
    return sum(
        (
            worth * (factors[str(name), day] - 1)
            for name, worth in holdings.items()
            if (str(name), day) in factors
        ),
        Decimal(0),
    )


def _at(losses: Sequence[tuple[Decimal, date]], percent: int) -> Decimal:
    """The loss that is exceeded in no more than so many of a hundred scenarios."""
    place = len(losses) * percent // 100
    return max(losses[place][0], NOTHING) if losses else NOTHING


def _tail(losses: Sequence[tuple[Decimal, date]]) -> Decimal:
    """The mean of the worst scenarios: 2.5 of a hundred, rounded down, and one."""
    worst = [loss for loss, _ in losses[: len(losses) * 25 // 1000 + 1]]
    return max(_half_up(sum(worst, NOTHING) / len(worst), 2), NOTHING) if worst else NOTHING


# ---- silver: what a counterparty owes


def _exposure(values: Table, counterparties: Table) -> Table:
    known = {row["counterparty_id"]: row for row in counterparties}
    return [
        _exposed(number, rows, known.get(number))
        for number, rows in _grouped(values, "counterparty_id").items()
    ]


def _exposed(number: object, rows: Table, who: Row | None) -> Row:
    priced = [row for row in rows if row["is_priced"]]
    worth = [row["mark_to_market"] for row in priced]
    gross = sum((value for value in worth if value > 0), NOTHING)
    netting = bool(who and who["has_netting_agreement"])
    netted = max(sum(worth, NOTHING), NOTHING) if netting else gross
    collateral = who["collateral"] if who else NOTHING
    net = max(netted - collateral, NOTHING)
    limit = who["exposure_limit"] if who else NOTHING
    add_on = sum(
        (_half_up(row["notional"] * ADD_ONS.get(row["asset_class"], OTHER_ADD_ON), 2) for row in priced),
        NOTHING,
    )
    return {
        "counterparty_id": number,
        "is_known": who is not None,
        "name": who["name"] if who else None,
        "country": who["country"] if who else None,
        "sector": who["sector"] if who else None,
        "rating": who["rating"] if who else "NR",
        "has_netting_agreement": netting,
        "position_count": len(rows),
        "unpriced_position_count": len(rows) - len(priced),
        "gross_exposure": gross,
        "gross_liability": sum((-value for value in worth if value < 0), NOTHING),
        "netted_exposure": netted,
        "collateral": collateral,
        "net_exposure": net,
        "add_on": add_on,
        "exposure_limit": limit,
        "limit_use": _half_up(net / limit, 4) if limit else None,
        "is_over_limit": limit is not None and net > limit,
    }


# ---- gold


def _dashboard(risk: Table, values: Table, exposure: Table) -> Table:
    over = {row["counterparty_id"] for row in exposure if row["is_over_limit"]}
    held = _grouped(values, "portfolio_id")
    return [_shown(row, held[row["portfolio_id"]], over) for row in risk]


def _shown(risk: Row, positions: Table, over: set[object]) -> Row:
    notional, count = risk["gross_notional"], risk["position_count"]
    limit = _half_up(notional * VAR_LIMIT, 2)
    use = _half_up(risk["var_99"] / limit, 4) if limit else Decimal("0.0000")
    exposed = [row for row in positions if row["counterparty_id"] in over]
    exposed_notional = _total([row for row in exposed if row["is_priced"]], "notional")
    share = _half_up(exposed_notional / notional, 4) if notional else Decimal("0.0000")
    doubtful = _half_up(
        Decimal(risk["unpriced_position_count"] + risk["stale_position_count"]) / Decimal(count), 4
    )
    score = int(_half_up(50 * min(use, Decimal(1)) + 30 * share + 20 * doubtful, 0))
    breached = risk["var_99"] > limit
    return {
        **risk,
        "var_limit": limit,
        "limit_use": use,
        "counterparty_count": len({row["counterparty_id"] for row in positions}),
        "over_limit_counterparty_count": len({row["counterparty_id"] for row in exposed}),
        "over_limit_share": share,
        "doubtful_share": doubtful,
        "is_var_breached": breached,
        "is_counterparty_breached": bool(exposed),
        "risk_score": score,
        "risk_band": _band(score, var=breached, counterparty=bool(exposed)),
    }


def _band(score: int, *, var: bool, counterparty: bool) -> str:
    if var and counterparty:
        return "critical"
    if var or score >= 60:
        return "high"
    return "elevated" if counterparty or score >= 30 else "low"


def _reported(exposure: Row) -> Row:
    at_default = exposure["net_exposure"] + exposure["add_on"]
    weight = RISK_WEIGHTS.get(exposure["rating"], WORST_WEIGHT)
    weighted = _half_up(at_default * weight, 2)
    taken = (
        "counterparty_id",
        "country",
        "sector",
        "rating",
        "is_known",
        "gross_exposure",
        "netted_exposure",
    )
    more = ("collateral", "add_on", "exposure_limit", "limit_use", "is_over_limit")
    return {
        **{name: exposure[name] for name in (*taken, *more)},
        "name": exposure["name"] or "unknown",
        "replacement_cost": exposure["net_exposure"],
        "exposure_at_default": at_default,
        "risk_weight": weight,
        "risk_weighted_amount": weighted,
        "own_funds_requirement": _half_up(weighted * Decimal("0.08"), 2),
        "is_large_exposure": at_default >= LARGE,
    }


# ---- what they have in common


def _grouped(rows: Table, key: str) -> dict[Hashable, list[Row]]:
    found: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found


def _latest(rows: Iterable[Row], key: Sequence[str], version: Sequence[str]) -> list[Row]:
    """Of the rows of each key the one with the latest version."""
    best: dict[Hashable, Row] = {}
    for row in rows:
        place = tuple(row[name] for name in key)
        known = best.get(place)
        if known is None or [row[name] for name in version] > [known[name] for name in version]:
            best[place] = row
    return list(best.values())


def _total(rows: Table, column: str) -> Decimal:
    return sum((row[column] for row in rows), NOTHING)


def _half_up(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
