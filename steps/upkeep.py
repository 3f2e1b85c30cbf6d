"""Words about tables that many write at once, and about what keeps them small."""

from __future__ import annotations

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers.platform import Platform
from drivers.product import Product
from drivers.upkeep import Upkeep
from drivers.writers import Race
from steps.pipelines import AS_PRODUCT

MOMENT = "measured_at"
"""The column that cold-chain's readings are kept by."""


@given(
    parse(
        "{writers:d} writers commit {count:d} readings of two hours to {table}, beside two runs of {product}"
    ),
    converters=AS_PRODUCT,
    target_fixture="race",
)
@when(
    parse(
        "{writers:d} writers commit {count:d} readings of two hours to {table}, beside two runs of {product}"
    ),
    converters=AS_PRODUCT,
    target_fixture="race",
)
def writers_commit(platform: Platform, writers: int, count: int, table: str, product: Product) -> Race:
    return platform.race(product, table, writers=writers, commits=count, hours=2)


@then("every commit was accepted or refused, and of those accepted none is lost")
def no_commit_is_lost(race: Race) -> None:
    assert race.found == race.due


@when(
    parse("the upkeep of {product} is done while {table} is read"),
    converters=AS_PRODUCT,
    target_fixture="upkeep",
)
def upkeep_runs(platform: Platform, product: Product, table: str) -> Upkeep:
    return platform.keep_up(product, table)


@then("of the readings only those of the last hour are left")
def last_hour_is_left(upkeep: Upkeep) -> None:
    assert upkeep.left_by_age(MOMENT) == {
        "the run": "SUCCESS",
        "readings older than an hour": 0,
        "readings of the last hour": upkeep.fresh(upkeep.before, MOMENT),
    }


@then(parse("{count:d} snapshots are left, no object without a use, and no reader noticed"))
def little_is_left(upkeep: Upkeep, count: int) -> None:
    assert upkeep.left == {
        "the run": "SUCCESS",
        "tables kept up": [len(Product(upkeep.run.product).tables)],
        "snapshots": count,
        "objects without a use": frozenset(),
        "what a reader noticed": [],
        "bytes": "fewer",
    }
