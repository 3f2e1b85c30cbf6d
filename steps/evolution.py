"""Words about tables that change while they are read: what each version of a product left of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

import pytest
from pytest_bdd import given, then
from pytest_bdd.parsers import parse

from drivers import versions
from drivers.deliveries import Delivery
from drivers.floe import Floe
from drivers.platform import Platform
from drivers.product import Product
from drivers.rows import Rows
from drivers.versions import LATER, Seen
from reports import evidence
from steps.ahead import Ahead
from steps.pipelines import AS_PRODUCT

History = Mapping[tuple[str, str], Sequence[Seen]]
"""By product and table what was seen of it, version after version."""


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ahead[bytes]]:
    """The later versions of products, compiled while the first ones run."""

    def compiled(product: str, version: str) -> bytes:
        return versions.compiled(Floe.installed(), tmp_path_factory.mktemp("version"), product, version)

    # In the order in which they are asked for: what follows the first version of each product, and so on.
    rounds = zip_longest(*([(product, one) for one in names] for product, names in LATER.items()))
    begun = Ahead(compiled, [question for one in rounds for question in one if question])
    yield begun
    begun.close()


@pytest.fixture(scope="module")
def history(later: Ahead[bytes], deliveries: Mapping[str, Delivery], platform: Platform) -> History:
    """Every version of every product with versions, delivered and run one after the other."""
    seen: dict[tuple[str, str], list[Seen]] = {}
    for names in zip_longest(*map(versions.of, LATER)):
        present = {product: name for product, name in zip(LATER, names, strict=True) if name}
        packed = {
            product: deliveries[product]["compiled"] if name == versions.FIRST else later(product, name)
            for product, name in present.items()
        }
        platform.deploy_all(packed)
        verdicts = {product: run.verdict for product, run in platform.run_all(packed).items()}
        assert verdicts == dict.fromkeys(present, "SUCCESS")
        for product, name in present.items():
            for table in Product(product).tables:
                seen.setdefault((product, table), []).append(look(platform, Product(product), table, name))
    return seen


@given(parse("every version of {product} has run, one after the other"), target_fixture="seen")
def versions_have_run(history: History, product: str) -> dict[str, Sequence[Seen]]:
    evidence.touched("pipeline")
    return {table: seen for (of, table), seen in history.items() if of == product}


@then(
    parse("a query of {table} from before {column} was there still returns every row of {product}"),
    converters=AS_PRODUCT,
)
def old_query_returns(platform: Platform, table: str, column: str, product: Product) -> None:
    known = versions.columns_before(product.name, column)
    expected = versions.delivered(product.name, table).only(known)
    assert {table: platform.lakehouse.rows(f"{product.namespace}.{table}", columns=known)} == {
        table: expected
    }


@then(
    parse("{table} of {product} holds every row once, null where it was delivered without a column"),
    converters=AS_PRODUCT,
)
def every_row_once(platform: Platform, table: str, product: Product) -> None:
    there = platform.lakehouse.rows(f"{product.namespace}.{table}")
    assert {table: there} == {table: versions.delivered(product.name, table)}


@then(parse("the files of {table} are partitioned by {old} where they were there before, and else by {new}"))
def files_are_partitioned(seen: dict[str, Sequence[Seen]], table: str, old: str, new: str) -> None:
    *_, before, after = seen[table]
    expected = {file: old if file in before.files else new for file in {**before.files, **after.files}}
    assert after.files == expected
    assert frozenset(after.files.values()) == frozenset({old, new})


@then(
    parse("{table} of {product}, read by {handle}, is what it was after each version"), converters=AS_PRODUCT
)
def read_as_it_was(
    platform: Platform, seen: dict[str, Sequence[Seen]], table: str, product: Product, handle: str
) -> None:
    name, lakehouse = f"{product.namespace}.{table}", platform.lakehouse
    ways = {
        "snapshot": lambda one: lakehouse.rows(name, snapshot=one.snapshot),
        "time": lambda one: lakehouse.rows(name, at=one.at),
    }
    there: dict[str, Rows] = {one.version: ways[handle](one) for one in seen[table]}
    assert there == {one.version: one.rows for one in seen[table]}
    met = [lakehouse.rows(name, snapshot=one) for one in lakehouse.states(name)]
    assert [rows for rows in met if rows not in there.values()] == []


@then(parse("each product has a {table} of its own"))
def tables_of_their_own(platform: Platform, table: str, datatable: list[list[str]]) -> None:
    expected = dict(datatable[1:])
    there = {name: described(platform, Product(name), table) for name in expected}
    assert there == expected


def look(platform: Platform, product: Product, table: str, version: str) -> Seen:
    lakehouse, name = platform.lakehouse, f"{product.namespace}.{table}"
    rows, files = lakehouse.rows(name), lakehouse.partitionings(name)
    return Seen(version, time.time(), lakehouse.snapshot(name), rows, files)


def described(platform: Platform, product: Product, table: str) -> str:
    types = platform.lakehouse.column_types(f"{product.namespace}.{table}")
    return ", ".join(f"{column} {kind}" for column, kind in types.items())
