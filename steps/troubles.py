"""Words about runs while a service they need is away or full: what becomes of them, and of the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_bdd import then, when
from pytest_bdd.parsers import parse

from drivers.dagster import Run
from drivers.platform import Platform
from drivers.product import Product
from steps.pipelines import AS_PRODUCT, Standing, standing

PATIENCE_SECONDS = 5
"""How long a run waits for a catalog that is not to come back, so that the scenario need not wait longer."""

TROUBLES: Mapping[str, Callable[[Platform, str], Run]] = {
    "the catalog is away for a moment": Platform.run_with_catalog_away,
    "the object store is full": Platform.run_with_full_store,
    "nobody takes its telemetry": Platform.run_unheard,
    "its worker is lost half way": Platform.cut_off,
    "the catalog is away for good": lambda platform, product: platform.run_without_catalog(
        product, PATIENCE_SECONDS
    ),
}


@when(parse("{product} runs while {trouble}"), converters=AS_PRODUCT, target_fixture="run")
def runs_in_trouble(platform: Platform, product: Product, trouble: str, stood: Standing) -> Run:
    stood.update(standing(platform, product))
    return TROUBLES[trouble](platform, product.name)


@then(parse('the run {outcome}, having said "{words}"'))
def run_said(run: Run, outcome: str, words: str) -> None:
    told = words if run.said(words) else run.verdict
    assert (run.outcome, told) == (outcome, words)
