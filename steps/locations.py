"""Words about code locations: how Dagster has each product, and what becomes of it when one changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers.deliveries import Delivery
from drivers.platform import Platform, Served
from drivers.product import Product

COMPANY: Mapping[str, Callable[[Mapping[str, object]], Iterable[str]]] = {
    "alone": lambda _others: (),
    "beside the others": lambda others: others,
}
"""Beside which of the products that are served there already another one is deployed."""


@given(parse("the products {products} are served"))
@then(parse("the products {products} are served"))
def products_are_served(platform: Platform, deliveries: Mapping[str, Delivery], products: str) -> None:
    for product, delivery in deliveries.items():
        platform.deploy(product, delivery["compiled"])
    served = {name: one.location.state for name, one in platform.served().items()}
    assert served == dict.fromkeys(products.split(", "), "loaded")


@given(parse("{product} is delivered {state}"))
@when(parse("{product} is delivered {state}"), target_fixture="before")
def product_is_delivered(
    platform: Platform, deliveries: Mapping[str, Delivery], product: str, state: str
) -> dict[str, Served]:
    before = platform.served()
    platform.deploy(product, deliveries[product][state])
    return before


@then("each has a code location of its own, with the job and the tables that its files name")
def one_for_each(platform: Platform) -> None:
    there = {name: (one.location.jobs, one.location.tables) for name, one in platform.served().items()}
    products = map(Product, there)
    assert there == {one.name: (one.launchable, one.tables) for one in products}


@given(parse("{product} is deployed {company}"))
@when(parse("{product} is deployed {company}"), target_fixture="processes_before")
def product_is_deployed(platform: Platform, product: str, company: str) -> dict[str, frozenset[str]]:
    before = platform.processes()
    platform.serve(*COMPANY[company](before), product)
    return before


@then("none of the others was started anew")
def others_run_on(platform: Platform, processes_before: dict[str, frozenset[str]]) -> None:
    now = platform.processes()
    assert {product: now.get(product) for product in processes_before} == processes_before


@then(parse("{product} {fate}, and every other product is served as before, by the same server"))
def alone_has_changed(platform: Platform, before: dict[str, Served], product: str, fate: str) -> None:
    now = platform.served()
    assert fate_of(now[product], before[product], fate) == fate
    unchanged = {name: served for name, served in before.items() if name != product}
    assert {name: served for name, served in now.items() if name != product} == unchanged


def fate_of(now: Served, before: Served, expected: str) -> str:
    """What became of a product; of a reason why it cannot be loaded, no more than is expected of it."""
    if now.location.state == "loaded":
        new = len(now.servers - before.servers)
        return "is loaded by a new server" if new == 1 else f"is loaded by {new} new servers"
    reason = expected.removeprefix("cannot be loaded because of ")
    return f"cannot be loaded because of {reason if reason in now.location.state else now.location.state}"
