"""Words about the compute that a manifest names: which one did the work, told by the files it left."""

from __future__ import annotations

from pathlib import Path

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers import deliveries as packed
from drivers.dagster import Run
from drivers.floe import Floe
from drivers.platform import Platform
from drivers.product import Product
from steps.pipelines import AS_PRODUCT, Standing, standing


@when(
    parse("one line of the manifest names {compute}, and {product} is compiled and run anew"),
    converters=AS_PRODUCT,
    target_fixture="run",
)
def runs_with(platform: Platform, tmp_path: Path, product: Product, compute: str, stood: Standing) -> Run:
    stood.update(standing(platform, product))
    version = packed.with_compute(Floe.installed(), tmp_path / "team", product.name, compute)
    platform.deploy(product.name, version)
    return platform.run(product.name)


@given(parse("the files that {product} wrote are compressed by {codec}"), converters=AS_PRODUCT)
@then(parse("the files that {product} wrote are compressed by {codec}"), converters=AS_PRODUCT)
def files_are_compressed(platform: Platform, product: Product, codec: str) -> None:
    assert compressions(platform, product) == dict.fromkeys(product.tables, frozenset({codec}))


def compressions(platform: Platform, product: Product) -> dict[str, frozenset[str]]:
    lakehouse = platform.lakehouse
    return {name: lakehouse.compressions(f"{product.namespace}.{name}") for name in product.tables}
