"""The trading books of financial-risk: positions, half a year of prices, and the counterparties.

Prices move with the market and on their own, with a few bad days; books are long and short; every trade is
with somebody. The dirt is what such feeds really bring, and each kind is there at every scale:

positions       the same row twice, a later version with another quantity, a position that was closed (a later
                version with quantity zero), no instrument, no quantity, no price, an instrument that nobody
                quotes, a counterparty that nobody knows, currencies in odd spelling, prices in pence (GBX)
market data     a price corrected days later, a price sent again, a blank price, a price of zero, a day that
                is missing, an instrument that is no longer quoted (stale), one that was listed lately,
                currencies and asset classes in odd spelling, British shares in pence
counterparties  a row without an id, a later version (new rating, more collateral), a rating with a sign,
                in odd spelling or missing, no limit, no collateral, country in lower case
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

COLUMNS: dict[str, tuple[str, ...]] = {
    "raw_positions": (
        "position_id",
        "portfolio_id",
        "instrument_id",
        "counterparty_id",
        "quantity",
        "trade_price",
        "currency",
        "traded_on",
        "updated_at",
    ),
    "raw_market_data": (
        "quote_id",
        "instrument_id",
        "asset_class",
        "price_date",
        "close_price",
        "currency",
        "vendor",
        "loaded_at",
    ),
    "raw_counterparties": (
        "counterparty_id",
        "name",
        "country",
        "sector",
        "rating",
        "has_netting_agreement",
        "collateral",
        "exposure_limit",
        "updated_at",
    ),
}

ROWS_AT_SCALE_1 = {"raw_positions": 400, "raw_market_data": 960, "raw_counterparties": 120}

_SEED = "financial-risk: the books of 2025"
_LAST_DAY = date(2025, 11, 28)
_DAYS = 106
"""Days of prices: the 100 scenarios of the simulation, and some that are out of it."""
_STALE_DAYS = 7
_UNKNOWN = 800_000
"""Ids from here on are of counterparties that nobody knows."""

# How far a price moves on an ordinary day, in millionths.
_MOVES = {"equity": 12_000, "commodity": 16_000, "bond": 2_500, "fx": 4_500}
_STARTS = {"equity": (8_0000, 400_0000), "commodity": (20_0000, 400_0000), "bond": (80_0000, 110_0000)}
_KINDS = (("equity", "GBP"), ("equity", "USD"), ("equity", "EUR"), ("bond", "EUR"), ("commodity", "USD"))
_PREFIXES = {"equity": "EQ", "bond": "BD", "commodity": "CO"}
_ODD = {"EUR": ("eur", "€", " EUR"), "USD": ("usd", "US$", "USD "), "GBP": ("gbp", " GBP", "Gbp")}
_VENDORS, _VENDOR_WEIGHTS = ("northquote", "tickerline"), (70, 30)
_COUNTRIES, _COUNTRY_WEIGHTS = ("DE", "FR", "GB", "US", "NL", "CH"), (28, 20, 18, 18, 10, 6)
_SECTORS, _SECTOR_WEIGHTS = ("bank", "insurer", "fund", "corporate"), (40, 15, 20, 25)
_RATINGS = ("AAA", "AA-", "A+", "A", "BBB+", "BBB", "BB", "B-")
_RATING_WEIGHTS = (4, 12, 18, 20, 18, 14, 9, 5)
_NAMES = (  # noqa: SIM905 - a list of twenty lines reads worse
    "Alder Anchor Beacon Birch Cedar Cobalt Delta Ember Falcon Granite Harbour Iris Juniper Kestrel "
    "Linden Meridian Northgate Orchard Pinnacle Quarry Rowan Summit Thistle Vantage Westbury"
).split()
_FORMS = {"bank": "Bank", "insurer": "Insurance", "fund": "Capital", "corporate": "Industries"}

Row = Sequence[object]


@dataclass(frozen=True)
class _Instrument:
    """An instrument and its prices, in ten-thousandths of its currency."""

    name: str
    asset_class: str
    currency: str
    in_pence: bool
    prices: Mapping[date, int]


def make(rows: Mapping[str, int]) -> dict[str, list[Row]]:
    """All three tables, with exactly as many rows as asked for."""
    draw = random.Random(_SEED)  # noqa: S311 - reproducible on purpose, nothing is secret
    counterparties, known = _counterparties(draw, rows["raw_counterparties"])
    market, instruments = _market_data(draw, rows["raw_market_data"])
    return {
        "raw_positions": _positions(draw, rows["raw_positions"], instruments, known),
        "raw_market_data": market,
        "raw_counterparties": counterparties,
    }


def _share(total: int, percent: int) -> int:
    """So many of a hundred, but never none: every kind of dirt is there at every scale."""
    return max(1, total * percent // 100)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _cents(amount: int) -> str:
    return str(Decimal(amount).scaleb(-2))


def _price(ten_thousandths: int) -> str:
    return str(Decimal(ten_thousandths).scaleb(-4))


def _weekdays(count: int) -> list[date]:
    """The last so many weekdays, in their order."""
    found: list[date] = []
    day = _LAST_DAY
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day -= timedelta(days=1)
    return found[::-1]


# ---- counterparties


def _counterparties(draw: random.Random, total: int) -> tuple[list[Row], list[int]]:
    """The rows, and the ids of those that are known."""
    nameless, changed = _share(total, 2), _share(total, 8)
    known = total - nameless - changed
    versions: list[tuple[datetime, Row]] = []
    for number in range(1, known + nameless + 1):
        sector = draw.choices(_SECTORS, _SECTOR_WEIGHTS)[0]
        country = draw.choices(_COUNTRIES, _COUNTRY_WEIGHTS)[0]
        name = f"{draw.choice(_NAMES)} {draw.choice(_NAMES)} {_FORMS[sector]}"
        rating = draw.choices(_RATINGS, _RATING_WEIGHTS)[0]
        if number == 1 or number % 15 == 0:
            rating = ""
        elif number == 2 or number % 11 == 0:
            rating = f" {rating.lower()}"
        collateral = _cents(draw.randrange(0, 60_000_00)) if number % 3 else ""
        limit = _cents(draw.randrange(10, 121) * 1_000_00) if number % 9 else ""
        written = datetime.combine(date(2024, 1, 1), time()) + timedelta(seconds=draw.randrange(400 * 86_400))
        row: Row = (
            number if number <= known else "",
            f" {name}" if number % 20 == 4 else name,
            country.lower() if number == 3 or draw.randrange(100) < 4 else country,
            sector,
            rating,
            draw.choice(("true", "true", "false", "")),
            collateral,
            limit,
            _text(written),
        )
        versions.append((written, row))
    for number in draw.sample(range(known), changed):
        written, row = versions[number]
        later = written + timedelta(days=draw.randrange(1, 250), seconds=draw.randrange(86_400))
        rated = draw.choices(_RATINGS, _RATING_WEIGHTS)[0]
        secured = _cents(draw.randrange(0, 90_000_00))
        versions.append((later, (*row[:4], rated, "true", secured, row[7], _text(later))))
    rows = [row for _, row in sorted(versions, key=lambda version: (version[0], str(version[1])))]
    return rows, list(range(1, known + 1))


# ---- market data


def _market_data(draw: random.Random, total: int) -> tuple[list[Row], list[_Instrument]]:
    """The rows, and the instruments with the prices that were really paid."""
    corrected, resent, unpriced, glitched = (
        _share(total, 3),
        _share(total, 2),
        _share(total, 1),
        _share(total, 1),
    )
    quotes = total - corrected - resent
    # Four whole histories at least, two of them the currencies.
    days = _weekdays(min(_DAYS, quotes // 4))
    instruments = _instruments(draw, quotes, days)
    found: list[tuple[datetime, list[object]]] = []
    clean: list[int] = []
    for instrument in instruments:
        for position, (day, price) in enumerate(instrument.prices.items()):
            loaded = datetime.combine(day, time(18)) + timedelta(seconds=draw.randrange(3600))
            currency = "GBX" if instrument.in_pence else instrument.currency
            asset_class = instrument.asset_class
            if position == 1 or draw.randrange(100) < 3:
                currency = draw.choice(_ODD.get(currency, ("gbx", "GBX ", " Gbx")))
            if draw.randrange(100) < 2:
                asset_class = asset_class.capitalize()
            if position:
                clean.append(len(found))
            vendor = draw.choices(_VENDORS, _VENDOR_WEIGHTS)[0]
            quoted = price * 100 if instrument.in_pence else price
            found.append(
                (
                    loaded,
                    [instrument.name, asset_class, day, _price(quoted), currency, vendor, _text(loaded)],
                )
            )
    # Never the first price of an instrument: without it there would be nothing to carry on.
    picked = draw.sample(clean, corrected + resent + unpriced + glitched)
    wrong, again = picked[:corrected], picked[corrected : corrected + resent]
    lost = picked[corrected + resent :]
    for number in wrong:
        # What was loaded first was a slip; the right price comes days later.
        loaded, row = found[number]
        slip = Decimal(str(row[3])) * (100 + draw.choice((-8, -5, 5, 8))) / 100
        later = loaded + timedelta(days=draw.randrange(1, 5), seconds=draw.randrange(3600))
        found.append((later, [*row[:6], _text(later)]))
        found[number] = (loaded, [*row[:3], str(slip.quantize(Decimal("0.0001"))), *row[4:]])
    for number in again:
        loaded, row = found[number]
        later = loaded + timedelta(minutes=draw.randrange(1, 50))
        found.append((later, [*row[:6], _text(later)]))
    for number in lost[:unpriced]:
        found[number][1][3] = ""
    for number in lost[unpriced:]:
        found[number][1][3] = "0.0000"
    ordered = sorted(found, key=lambda entry: (entry[0], str(entry[1])))
    rows = [(700_001 + number, *row) for number, (_, row) in enumerate(ordered)]
    return list(rows), instruments


def _instruments(draw: random.Random, quotes: int, days: Sequence[date]) -> list[_Instrument]:
    """As many instruments as take so many quotes: one gone stale, the last one listed lately."""
    whole = (quotes + _stale(days)) // len(days)
    left = quotes - whole * len(days) + _stale(days)
    market = [_move(draw, 6_000) for _ in days]
    made = []
    for number in range(whole + bool(left)):
        if number < 2:
            name, asset_class, currency = ("FX-USD", "FX-GBP")[number], "fx", "EUR"
            start = (9_000, 11_600)[number]
        else:
            asset_class, currency = _KINDS[(number - 2) % len(_KINDS)]
            name = f"{_PREFIXES[asset_class]}-{number:05d}"
            start = (
                draw.randrange(80_0000, 110_0000)
                if asset_class == "bond"
                else draw.randrange(8_0000, 400_0000)
            )
        chosen = list(days)
        if number == whole:
            chosen = chosen[-left:]
        elif number == 3:
            chosen = chosen[: len(chosen) - _stale(days)]
        prices: dict[date, int] = {}
        price, whole_market = start, asset_class in {"equity", "commodity"}
        for day, moved in zip(days, market, strict=True):
            price += price * (_move(draw, _MOVES[asset_class]) + moved * whole_market) // 1_000_000
            prices[day] = max(price, 100)
        made.append(
            _Instrument(
                name,
                asset_class,
                currency,
                asset_class == "equity" and currency == "GBP",
                {day: prices[day] for day in chosen},
            )
        )
    return made


def _stale(days: Sequence[date]) -> int:
    """For so many days the instrument that went stale has no price."""
    return min(_STALE_DAYS, len(days) // 3)


def _move(draw: random.Random, size: int) -> int:
    """A day's move in millionths: mostly small, on one day in twenty three times as large.

    Whole numbers only: what a floating point library makes of a bell curve differs from machine to machine.
    """
    bell = sum(draw.randrange(-size, size + 1) for _ in range(3))
    return bell * 2 if draw.randrange(20) == 0 else bell * 2 // 3


# ---- positions


def _positions(
    draw: random.Random, total: int, instruments: Sequence[_Instrument], known: Sequence[int]
) -> list[Row]:
    changed, closed, twice = _share(total, 6), _share(total, 2), _share(total, 3)
    kinds = ("no instrument", "no quantity", "no price", "not quoted", "a stranger", "a stranger")
    dirty = [kind for kind in kinds for _ in range(_share(total, 1))]
    trades = total - changed - closed - twice
    portfolios = max(3, min(total // 40, 200))
    euro = {"EUR": 10_000, "USD": _last(instruments[0]), "GBP": _last(instruments[1])}
    found: list[tuple[datetime, Row]] = []
    for number in range(trades):
        instrument = draw.choice(instruments)
        bought = draw.choice(list(instrument.prices)) if instrument.prices else _LAST_DAY
        paid = instrument.prices[bought] * draw.randrange(99_500, 100_501) // 100_000
        worth = draw.randrange(20_000, 400_000)
        # So many pieces as are worth that in euros, one at least.
        quantity = max(1, worth * 10**8 // (_last(instrument) * euro[instrument.currency]))
        if draw.randrange(100) < 30:
            quantity = -quantity
        currency = "GBX" if instrument.in_pence else instrument.currency
        spelled = draw.choice(_ODD.get(currency, ("gbx", "GBX "))) if number % 25 == 7 else currency
        written = datetime.combine(bought, time(9)) + timedelta(seconds=draw.randrange(8 * 3600))
        row: list[object] = [
            300_001 + number,
            f"PF-{number % portfolios + 1:03d}",
            instrument.name,
            draw.choice(known),
            quantity,
            _price(paid * 100 if instrument.in_pence else paid),
            spelled,
            bought,
            _text(written),
        ]
        # By number, the dirt first, so that every kind is there.
        if number < len(dirty):
            _soil(row, dirty[number], number)
        found.append((written, row))
    picked = draw.sample(range(len(dirty), trades), changed + closed + twice)
    for place, number in enumerate(picked[: changed + closed]):
        written, row = found[number][0], list(found[number][1])
        later = written + timedelta(days=draw.randrange(1, 30), seconds=draw.randrange(3600))
        quantity = int(str(row[4]))
        row[4] = quantity * draw.choice((50, 80, 120, 150)) // 100 or quantity if place < changed else 0
        row[8] = _text(later)
        found.append((later, row))
    found.extend(found[number] for number in picked[changed + closed :])
    return [row for _, row in sorted(found, key=lambda entry: (entry[0], str(entry[1])))]


def _soil(row: list[object], kind: str, number: int) -> None:
    if kind == "not quoted":
        row[2] = f"XX-{number:05d}"
    elif kind == "a stranger":
        row[3] = _UNKNOWN + number
    else:
        row[{"no instrument": 2, "no quantity": 4, "no price": 5}[kind]] = ""


def _last(instrument: _Instrument) -> int:
    return list(instrument.prices.values())[-1]
