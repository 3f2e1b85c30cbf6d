"""The shop of customer-360: a year of customers, transactions and support tickets.

Few customers spend most of the money, many buy again, a tenth are unhappy and say so. The dirt
is what such sources really bring, and each kind is there at every scale:

customers     a row without an id (broken import), a later version of a row already delivered
              (moved house, changed address), e-mail missing or in odd spelling, country in lower case,
              last names between blanks
transactions  the same row twice, a status that arrives days late as a second row, guest checkouts
              without a customer, a missing price, a quantity of zero or less (voided at the till),
              customers the CRM does not know, status in odd spelling
tickets       a later version (closed, rated), no customer, a rating outside 1 to 5, categories in
              odd spelling
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate

COLUMNS: dict[str, tuple[str, ...]] = {
    "raw_customers": (
        "customer_id",
        "first_name",
        "last_name",
        "email",
        "country",
        "marketing_opt_in",
        "signed_up_at",
        "updated_at",
    ),
    "raw_transactions": (
        "transaction_id",
        "customer_id",
        "status",
        "channel",
        "quantity",
        "unit_price",
        "ordered_at",
        "loaded_at",
    ),
    "raw_support_tickets": (
        "ticket_id",
        "customer_id",
        "category",
        "priority",
        "satisfaction",
        "opened_at",
        "closed_at",
        "updated_at",
    ),
}

ROWS_AT_SCALE_1 = {"raw_customers": 240, "raw_transactions": 900, "raw_support_tickets": 180}

_SEED = "customer-360: a shop in 2025"
_YEAR = datetime(2025, 1, 1)  # noqa: DTZ001 - the sources deliver plain UTC, as the tables keep it
_DAYS = 365

_FIRST = (  # noqa: SIM905 - a list of forty lines reads worse
    "Ada Amara Anton Beatriz Carla Chen Dana Elif Emil Farah Felix Greta Hana Hugo Ines Ivan "
    "Jonas Kofi Lara Leon Lina Luca Maja Marek Mila Nadia Noor Oskar Paula Priya Rafael Rosa "
    "Samir Sofia Tomas Uma Vera Wanda Yara Zoe"
).split()
_LAST = (  # noqa: SIM905
    "Abel Almeida Baker Berg Costa Diallo Duarte Eriksen Farkas Fischer Garcia Haddad Hoffmann "
    "Ito Jansen Keller Kovac Lang Larsen Lopez Meyer Moreau Nagy Novak Okafor Olsen Patel Quinn "
    "Rossi Ruiz Sato Schmidt Silva Tanaka Urban Varga Weber Wolf Yilmaz Zeman"
).split()
_COUNTRIES, _COUNTRY_WEIGHTS = ("DE", "FR", "NL", "PL", "ES", "SE"), (40, 20, 14, 12, 8, 6)
_CHANNELS, _CHANNEL_WEIGHTS = ("web", "app", "store"), (50, 30, 20)
_CATEGORIES = ("delivery", "returns", "payment", "product", "account")
_PRIORITIES, _PRIORITY_WEIGHTS = ("low", "normal", "high"), (30, 55, 15)
# Price bands in cents: socks, shoes, sofas.
_BANDS, _BAND_WEIGHTS = ((490, 3990), (4000, 14900), (15000, 89900)), (62, 30, 8)

Row = Sequence[object]


def make(rows: Mapping[str, int]) -> dict[str, list[Row]]:
    """All three tables, with exactly as many rows as asked for."""
    draw = random.Random(_SEED)  # noqa: S311 - reproducible on purpose, nothing is secret
    customers, shoppers = _customers(draw, rows["raw_customers"])
    unhappy = frozenset(draw.sample(shoppers, max(2, len(shoppers) // 10)))
    return {
        "raw_customers": customers,
        "raw_transactions": _transactions(draw, rows["raw_transactions"], shoppers, unhappy),
        "raw_support_tickets": _tickets(draw, rows["raw_support_tickets"], shoppers, sorted(unhappy)),
    }


def _share(total: int, percent: int) -> int:
    """So many of a hundred, but never none: every kind of dirt is there at every scale."""
    return max(1, total * percent // 100)


def _moment(draw: random.Random, after: datetime, days: int) -> datetime:
    return after + timedelta(seconds=draw.randrange(days * 86_400))


def _text(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _shouted(draw: random.Random, word: str) -> str:
    """The same word as another system spells it."""
    return draw.choice((word.upper(), word.capitalize(), f" {word}", f"{word} "))


def _customers(draw: random.Random, total: int) -> tuple[list[Row], list[int]]:
    """The customers' rows, and the ids of those who ever buy or write to support."""
    nameless, changed = _share(total, 2), _share(total, 6)
    people = total - nameless - changed
    versions: list[tuple[datetime, Row]] = []
    for number in range(1, people + nameless + 1):
        # The first so many have an id; the rest are the broken import.
        customer_id: int | str = number if number <= people else ""
        first, last = draw.choice(_FIRST), draw.choice(_LAST)
        email = f"{first}.{last}{number}@example.com".lower()
        kind = draw.randrange(100)
        if number == 1 or kind < 5:
            email = ""
        elif number == 2 or kind < 12:
            email = f" {email.title()} "
        # By number, not by lot: a kind of dirt that is added leaves all other rows as they were.
        if number % 20 == 4:
            last = f" {last} "
        country = draw.choices(_COUNTRIES, _COUNTRY_WEIGHTS)[0]
        opt_in = draw.choice(("true", "false", "false", ""))
        signed_up = _moment(draw, _YEAR - timedelta(days=400), 500)
        spelling = country.lower() if number == 3 or draw.randrange(100) < 4 else country
        row: Row = (customer_id, first, last, email, spelling, opt_in, _text(signed_up), _text(signed_up))
        versions.append((signed_up, row))
    for number in draw.sample(range(people), changed):
        first_version = versions[number][1]
        later = _moment(draw, versions[number][0] + timedelta(days=1), 300)
        moved = draw.choices(_COUNTRIES, _COUNTRY_WEIGHTS)[0]
        renamed = draw.choice(_LAST)
        versions.append(
            (
                later,
                (
                    first_version[0],
                    first_version[1],
                    renamed,
                    f"{first_version[1]}.{renamed}{number + 1}@example.org".lower(),
                    moved,
                    "true",
                    first_version[6],
                    _text(later),
                ),
            )
        )
    # A tenth signed up and never came back.
    shoppers = draw.sample(range(1, people + 1), people - _share(people, 10))
    return [row for _, row in sorted(versions, key=lambda version: (version[0], str(version[1])))], shoppers


def _transactions(
    draw: random.Random, total: int, shoppers: Sequence[int], unhappy: frozenset[int]
) -> list[Row]:
    late, twice = _share(total, 8), _share(total, 3)
    guests, unpriced, voided, unknown = (
        _share(total, 2),
        _share(total, 1),
        _share(total, 1),
        _share(total, 1),
    )
    orders = total - late - twice
    # The n-th best customer buys a third as often again as the n+3rd: a few carry the shop.
    weights = list(accumulate(max(1, 6000 // (rank + 6)) for rank in range(len(shoppers))))
    buyers = draw.choices(shoppers, cum_weights=weights, k=orders)
    found: list[tuple[datetime, Row]] = []
    for number, buyer in enumerate(buyers):
        customer_id: int | str = buyer
        low, high = draw.choices(_BANDS, _BAND_WEIGHTS)[0]
        price = str(Decimal(draw.randrange(low, high, 5)).scaleb(-2))
        quantity = draw.choices((1, 2, 3, 5), (70, 18, 8, 4))[0]
        refunds = 35 if buyer in unhappy else 6
        status = draw.choices(("settled", "refunded", "pending", "failed"), (88 - refunds, refunds, 8, 4))[0]
        # The first orders carry one kind of dirt each, so that every kind is there.
        if number < guests:
            customer_id = ""
        elif number < guests + unpriced:
            price = ""
        elif number < guests + unpriced + voided:
            quantity = draw.choice((0, -1))
        elif number < guests + unpriced + voided + unknown:
            customer_id = 900_000_000 + number
        elif number == guests + unpriced + voided + unknown or draw.randrange(100) < 3:
            status = _shouted(draw, status)
        ordered = _moment(draw, _YEAR, _DAYS)
        loaded = ordered + timedelta(minutes=draw.randrange(1, 90))
        row: Row = (
            100_001 + number,
            customer_id,
            status,
            draw.choices(_CHANNELS, _CHANNEL_WEIGHTS)[0],
            quantity,
            price,
            _text(ordered),
            _text(loaded),
        )
        found.append((loaded, row))
    clean = list(range(guests + unpriced + voided + unknown + 1, orders))
    picked = draw.sample(clean, late + twice)
    for number in picked[:late]:
        # What was pending when it was loaded first is settled, or sent back, days later.
        loaded, row = found[number]
        final = draw.choices(("settled", "refunded"), (85, 15))[0]
        found[number] = (loaded, (*row[:2], "pending", *row[3:]))
        later = _moment(draw, loaded + timedelta(days=2), 20)
        found.append((later, (*row[:2], final, *row[3:7], _text(later))))
    found.extend(found[number] for number in picked[late:])
    return [row for _, row in sorted(found, key=lambda entry: (entry[0], str(entry[1])))]


def _tickets(draw: random.Random, total: int, shoppers: Sequence[int], unhappy: Sequence[int]) -> list[Row]:
    updated, nobody, off_scale = _share(total, 8), _share(total, 3), _share(total, 3)
    opened_tickets = total - updated
    found: list[tuple[datetime, Row]] = []
    for number in range(opened_tickets):
        angry = draw.randrange(100) < 45
        customer_id: int | str = draw.choice(unhappy) if angry else draw.choice(shoppers)
        category = draw.choice(_CATEGORIES)
        opened = _moment(draw, _YEAR, _DAYS)
        closed = _moment(draw, opened + timedelta(hours=1), 9) if draw.randrange(100) < 86 else None
        rating: int | str = ""
        if closed and draw.randrange(100) < 70:
            rating = draw.choices((1, 2, 3, 4, 5), (40, 34, 16, 7, 3) if angry else (3, 6, 16, 40, 35))[0]
        # As with the orders: the first tickets carry the dirt.
        if number < nobody:
            customer_id = ""
        elif number < nobody + off_scale:
            rating = draw.choice((0, 9))
        elif number == nobody + off_scale or draw.randrange(100) < 5:
            category = _shouted(draw, category)
        row: Row = (
            5_001 + number,
            customer_id,
            category,
            draw.choices(_PRIORITIES, _PRIORITY_WEIGHTS)[0],
            rating,
            _text(opened),
            _text(closed),
            _text(closed or opened),
        )
        found.append((closed or opened, row))
    for number in draw.sample(range(nobody + off_scale + 1, opened_tickets), updated):
        # Delivered while still open, delivered again when it was closed and rated.
        moment, row = found[number]
        opened = datetime.strptime(str(row[5]), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - as written above
        found[number] = (opened, (*row[:4], "", row[5], "", row[5]))
        later = moment + timedelta(hours=draw.randrange(1, 72))
        rating = draw.randrange(1, 6)
        found.append((later, (*row[:4], rating, row[5], _text(later), _text(later))))
    return [row for _, row in sorted(found, key=lambda entry: (entry[0], str(entry[1])))]
