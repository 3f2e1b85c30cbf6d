"""Words about tables that many write at once, and about what keeps them small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers.platform import Platform
from drivers.product import Product
from drivers.upkeep import Upkeep
from drivers.writers import Race
from reports import evidence
from steps import ahead
from steps.ahead import Ahead
from steps.pipelines import AS_PRODUCT

MOMENT = "measured_at"
"""The column that cold-chain's readings are kept by."""

LEAD = 2
"""So many scenarios before the first that asks for it a table is written: those wait for sensors."""


class Beside:
    """What many write to a table, and its upkeep, done beside other scenarios by connections of its own."""

    def __init__(self, platform: Platform, scenarios: list[pytest.Function]) -> None:
        self._platform = platform.beside()
        # One thread for both: a tunnel ends with the thread that began it, and upkeep comes after the race.
        self._done: Ahead[Race | Upkeep] = Ahead(
            self._answer,
            [*ahead.arguments(scenarios, writers_commit), *ahead.arguments(scenarios, upkeep_runs)],
            at_once=1,
        )

    def race(self, writers: int, count: int, table: str, product: str) -> Race:
        """Writers of a table beside two runs of its product, once it has run."""
        return cast("Race", self._done(writers, count, table, product))

    def upkeep(self, product: str, table: str) -> Upkeep:
        """The upkeep of a product's tables with a reader at one of them."""
        return cast("Upkeep", self._done(product, table))

    def close(self) -> None:
        """Wait for what is under way, and end the connections."""
        self._done.close()
        self._platform.close()

    def _answer(self, *question: object) -> Race | Upkeep:
        match question:
            case (int(writers), int(count), str(table), str(product)):
                self._platform.last_run(product)
                return self._platform.race(Product(product), table, writers=writers, commits=count, hours=2)
            case (str(product), str(table)):
                return self._platform.keep_up(Product(product), table)
        raise AssertionError(question)


@pytest.fixture(scope="module")
def beside(request: pytest.FixtureRequest, platform: Platform) -> Iterator[Beside]:
    """What this module's scenarios ask of a table that many write."""
    with closing(Beside(platform, ahead.scenarios_of(request, request.module))) as every:
        yield every


@pytest.fixture(autouse=True)
def begun_beside(request: pytest.FixtureRequest) -> None:
    """Begin it beside the scenarios that come shortly before the first that asks for it."""
    if ahead.is_soon(request, writers_commit, LEAD):
        request.getfixturevalue("beside")


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
def writers_commit(beside: Beside, writers: int, count: int, table: str, product: Product) -> Race:
    evidence.touched("pipeline")
    return beside.race(writers, count, table, product.name)


@then("every commit was accepted or refused, and of those accepted none is lost")
def no_commit_is_lost(race: Race) -> None:
    assert race.found == race.due


@when(
    parse("the upkeep of {product} is done while {table} is read"),
    converters=AS_PRODUCT,
    target_fixture="upkeep",
)
def upkeep_runs(beside: Beside, product: Product, table: str) -> Upkeep:
    evidence.touched("pipeline")
    return beside.upkeep(product.name, table)


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
