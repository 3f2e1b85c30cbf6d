"""Words about products and their runs: what was made, of what, where it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers import anomalies, seed_files, seeds
from drivers.dagster import Expectation, Run
from drivers.platform import Platform
from drivers.product import Product
from drivers.rows import Rows
from drivers.sources import SOURCES
from foundation.progress import phase

ALL_AT_ONCE_SECONDS = 120.0
"""What all products of the demo may take together, from the first launch to the last end."""

Mend = Callable[[], None]

Standing = dict[str, tuple[int | None, Rows]]
"""How tables stand: by name, the id of the current snapshot and the rows."""


@dataclass(frozen=True)
class Planted:
    """What a scenario put into a table, beside what belongs there.

    Attributes:
        where: `table.column`.
        table: by its name in the product.
        row: the row that is new in a seed's table; none where it stands in place of another.
    """

    where: str
    table: str
    row: Mapping[str, object] | None


@dataclass(frozen=True)
class Retry:
    """A failed run, its retry, and the snapshot that each table had in between."""

    failed: Run
    run: Run
    before: Mapping[str, int | None]


@dataclass(frozen=True)
class Planting:
    """Rows that should not be there.

    Attributes:
        platform: on which.
        planted: what was put where.
    """

    platform: Platform
    planted: list[Planted] = field(default_factory=list)

    @property
    def places(self) -> list[str]:
        """Where something was put: `table.column`."""
        return sorted(one.where for one in self.planted)

    @property
    def rows(self) -> list[tuple[str, Mapping[str, object]]]:
        """The rows that are new in the tables of seeds."""
        return [(one.table, one.row) for one in self.planted if one.row]

    def plant(self, table: str, column: str, values: Mapping[str, object]) -> None:
        """Put a row with these values into a table: a new one into a seed's, in place of one elsewhere."""
        product, pipeline = Product.with_table(table), self.platform.pipeline
        name, row = f"{product.namespace}.{table}", None
        if table in product.seeds:
            row = product.another_row(table, values)
            pipeline.append(name, [row])
        else:
            pipeline.change(name, values)
        self.planted.append(Planted(f"{table}.{column}", table, row))


AS_PRODUCT: dict[str, Callable[[str], object]] = {"product": Product}


@given(parse("the platform is up with the {product} product"), converters=AS_PRODUCT)
def platform_is_up(platform: Platform, product: Product) -> None:
    assert platform.readiness.late == {}
    assert platform.answer_of(f"dagster-code-{product}") == "loaded"


@given(parse("{product} has run"), converters=AS_PRODUCT, target_fixture="run")
def product_has_run(platform: Platform, product: Product) -> Run:
    return platform.last_run(product.name)


@when(parse("{product} runs"), converters=AS_PRODUCT, target_fixture="run")
def product_runs(platform: Platform, product: Product) -> Run:
    return platform.run(product.name)


@when(parse("the models after the seeds of {product} run"), converters=AS_PRODUCT, target_fixture="run")
def models_run(platform: Platform, product: Product) -> Run:
    models = platform.graph(product.name).models
    return platform.orchestrator.launch(product.name, models).finished()


@when(parse("the products {products} run at once"), target_fixture="runs")
def products_run(platform: Platform, products: str) -> dict[str, Run]:
    with phase(f"{products} run at once", budget=ALL_AT_ONCE_SECONDS):
        return platform.run_all(products.split(", "), within=2 * ALL_AT_ONCE_SECONDS)


@pytest.fixture
def runs(run: Run) -> dict[str, Run]:
    """The runs of a scenario by product, where it is about one alone."""
    return {run.product: run}


@then(parse("{which} run succeeds"))
def runs_succeed(runs: dict[str, Run], which: str) -> None:  # noqa: ARG001 - the run, or each run
    assert {product: run.verdict for product, run in runs.items()} == dict.fromkeys(runs, "SUCCESS")


@then(parse("the run made every table of {product}"), converters=AS_PRODUCT)
def run_made_everything(platform: Platform, run: Run, product: Product) -> None:
    assert frozenset(run.materializations) == platform.graph(product.name).tables


@then(parse("the run began no {node} before the tables it reads were complete"))
def run_kept_the_order(platform: Platform, run: Run, node: str) -> None:
    graph = platform.graph(run.product)
    edges, tests = graph.broken_edges(run.times), graph.early_tests(run.times, run.checked_at)
    assert {"model": list(edges.values()), "test": list(tests.values())}[node] == []


@then(parse("each {layer} table of {product} holds what the seeds say"), converters=AS_PRODUCT)
def layer_holds(platform: Platform, layer: str, product: Product, planting: Planting) -> None:
    tables = product.layer(layer)
    expected = product.expected_with(planting.rows)
    assert rows_of(platform, product, tables) == {name: expected[name] for name in tables}


@then(
    parse("the lakehouse holds the tables of {product} and no other, with the rows that the run reported"),
    converters=AS_PRODUCT,
)
def lakehouse_holds(platform: Platform, run: Run, product: Product) -> None:
    lakehouse, expected = platform.lakehouse, {product.namespace: platform.graph(product.name).tables}
    others = {Product(name).namespace for name in platform.delivered}
    assert {name: lakehouse.tables(name) for name in lakehouse.namespaces() - others} == expected

    counted = {name: lakehouse.count(made.table_in_catalog) for name, made in run.materializations.items()}
    assert counted == run.row_counts


@then(
    parse("every file of the tables of {product} is an object in the {bucket} bucket"), converters=AS_PRODUCT
)
def files_are_objects(platform: Platform, product: Product, bucket: str) -> None:
    assert platform.missing_objects(product, bucket) == {}


@pytest.fixture
def stood() -> Standing:
    """How the tables stood before what the scenario does."""
    return {}


@when("the engine loses its local files")
def engine_loses_files(platform: Platform, run: Run, stood: Standing) -> None:
    product = Product(run.product)
    stood.update(standing(platform, product))
    platform.forget_local_files(product.name)


@then(parse("the tables of {product} have the {what} they had before"), converters=AS_PRODUCT)
def tables_are_unchanged(platform: Platform, product: Product, what: str, stood: Standing) -> None:
    now, before = standing(platform, product), dict(stood)
    if what == "rows":  # written anew, or read from another place, they are the same rows all the same
        assert rows_in(now) == rows_in(before)
    else:
        assert (what, now) == ("rows and snapshots", before)


@then(
    parse("each seed table of {product} has the row count and column types of its file"),
    converters=AS_PRODUCT,
)
def seeds_have_types(platform: Platform, product: Product) -> None:
    expected = {name: (len(seed.rows), dict(seed.kinds)) for name, seed in product.seeds.items()}
    assert {name: shape_of(platform, product, name) for name in expected} == expected


@then(parse("Dagster shows each dbt test of {product} as passed"), converters=AS_PRODUCT)
def tests_passed(platform: Platform, run: Run, product: Product) -> None:
    assert run.checks == dict.fromkeys(platform.graph(product.name).tests, "passed")


@then(parse("the expectations of {table} come to"))
def expectations_come_to(platform: Platform, run: Run, table: str, datatable: list[list[str]]) -> None:
    rows = platform.lakehouse.count(f"{Product(run.product).namespace}.{table}")
    expected = [
        Expectation(name, table, outcome, 100 * (rows - int(against)) / rows, int(against), float(score))
        for name, outcome, against, score in datatable[1:]
    ]
    assert [found for found in run.expectations if found.table == table] == expected


@given(parse('a row in {table} whose {column} is "{value}"'), target_fixture="mend")
def row_is_planted(planting: Planting, table: str, column: str, value: str) -> Iterator[Mend]:
    if table in SOURCES:  # what was delivered stays: a product reads it, and nobody takes it back
        planting.platform.take_in(SOURCES[table], [SOURCES[table].another_row(values_of(column, value))])
        yield lambda: None
        return
    pipeline, name = planting.platform.pipeline, f"{Product.with_table(table).namespace}.{table}"
    before = pipeline.snapshot(name)
    planting.plant(table, column, values_of(column, value))
    once = ExitStack()
    once.callback(pipeline.restore, name, before)
    yield once.close
    once.close()


@pytest.fixture
def planting(platform: Platform) -> Planting:
    """What the scenario puts into tables."""
    return Planting(platform)


@pytest.fixture
def mend() -> Mend:
    """Take away what made a run fail, where there is something to take away."""
    return lambda: None


@when("its cause is gone and the run is retried", target_fixture="retry")
def run_is_retried(platform: Platform, run: Run, mend: Mend) -> Retry:
    mend()
    product = Product(run.product)
    before = platform.snapshots(product, platform.graph(product.name).tables)
    return Retry(run, platform.orchestrator.retry(run).finished(), before)


@then(parse("the retry succeeds, makes {missing} and leaves every other table as it was"))
def retry_makes(platform: Platform, retry: Retry, missing: str) -> None:
    product, every = Product(retry.run.product), platform.graph(retry.run.product).tables
    left = every - frozenset(retry.failed.materializations)
    expected = left if missing == "what was missing" else frozenset(missing.split(", "))
    changed = frozenset(platform.changed(product, retry.before))
    # An incremental model that finds nothing new leaves its table as it was.
    others = changed - expected
    there = {"it": retry.run.verdict, "made": frozenset(retry.run.materializations), "others changed": others}
    assert there == {"it": "SUCCESS", "made": expected, "others changed": frozenset()}


@then(parse("the run fails because of the {test} test of {table}.{column}"))
def run_fails_because(platform: Platform, run: Run, test: str, table: str, column: str) -> None:
    name = platform.graph(run.product).generic[test, table, column]
    assert (run.status, run.failed_checks) == ("FAILURE", frozenset({name}))


@then(parse("the tests of {product} find these rows and no other"), converters=AS_PRODUCT)
def tests_find(platform: Platform, product: Product, planting: Planting) -> None:
    run = platform.orchestrator.launch_tests(product.name).finished()
    found = frozenset(map(platform.graph(product.name).tested_by, run.failed_checks))
    there = {"it": run.status, "found": found, "made": frozenset(run.materializations)}
    assert there == {"it": "FAILURE", "found": frozenset(planting.places), "made": frozenset()}


@then(parse("the planted anomalies of {product} are found, and no other"), converters=AS_PRODUCT)
def anomalies_are_found(platform: Platform, product: Product) -> None:
    told = platform.lakehouse.rows(f"{product.namespace}.{anomalies.TABLE}")
    assert anomalies.found(told, product.anomalies) == anomalies.planted(product.anomalies)


@then(parse('the seeds of {product} at scale {scale} are "{outcome}"'))
def seeds_are(product: str, scale: str, outcome: str) -> None:
    assert seed_files.made(product, scale) == outcome


def rows_of(platform: Platform, product: Product, tables: Iterable[str]) -> dict[str, Rows]:
    return {name: platform.lakehouse.rows(f"{product.namespace}.{name}") for name in tables}


def standing(platform: Platform, product: Product) -> Standing:
    tables = product.tables
    rows = rows_of(platform, product, tables)
    return {name: (platform.lakehouse.snapshot(f"{product.namespace}.{name}"), rows[name]) for name in tables}


def rows_in(tables: Standing) -> dict[str, Rows]:
    return {name: rows for name, (_, rows) in tables.items()}


def shape_of(platform: Platform, product: Product, table: str) -> tuple[int, dict[str, str]]:
    name = f"{product.namespace}.{table}"
    types = platform.lakehouse.column_types(name)
    return platform.lakehouse.count(name), {column: seeds.kind_of(kind) for column, kind in types.items()}


def values_of(columns: str, values: str) -> dict[str, object]:
    """What a row is said to hold: a value of a column, or several, as in `quantity × unit_price`."""
    return dict(zip(columns.split(" × "), map(seeds.value_of, values.split(" × ")), strict=True))
