"""Words about products and their runs: what was made, of what, where it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers import seeds
from drivers.dagster import Expectation, Run
from drivers.platform import Platform
from drivers.product import Product
from drivers.rows import Rows

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


@then("the run succeeds")
def run_succeeds(run: Run) -> None:
    assert run.verdict == "SUCCESS"


@then(parse("the run made every table of {product}"), converters=AS_PRODUCT)
def run_made_everything(platform: Platform, run: Run, product: Product) -> None:
    assert frozenset(run.materializations) == platform.graph(product.name).tables


@then("the run respected every edge of the dbt graph")
def run_respected_edges(platform: Platform, run: Run) -> None:
    assert platform.graph(run.product).broken_edges(run.times) == {}


@then(parse("each {layer} table of {product} holds what the seeds say"), converters=AS_PRODUCT)
def layer_holds(platform: Platform, layer: str, product: Product) -> None:
    tables = product.layer(layer)
    assert rows_of(platform, product, tables) == {name: product.expected[name] for name in tables}


@then(parse("the lakehouse holds the tables of {product} and no other"), converters=AS_PRODUCT)
def lakehouse_holds(platform: Platform, product: Product) -> None:
    lakehouse, expected = platform.lakehouse, {product.namespace: platform.graph(product.name).tables}
    assert {name: lakehouse.tables(name) for name in lakehouse.namespaces()} == expected


@then("each table has as many rows as the run reported")
def row_counts_agree(platform: Platform, run: Run) -> None:
    lakehouse = platform.lakehouse
    counted = {name: lakehouse.count(made.table_in_catalog) for name, made in run.materializations.items()}
    assert counted == run.row_counts


@then(
    parse("every file of the tables of {product} is an object in the {bucket} bucket"), converters=AS_PRODUCT
)
def files_are_objects(platform: Platform, product: Product, bucket: str) -> None:
    assert platform.missing_objects(product, bucket) == {}


@when("the engine loses its local files", target_fixture="rows_before")
def engine_loses_files(platform: Platform, run: Run) -> dict[str, Rows]:
    product = Product(run.product)
    before = rows_of(platform, product, platform.graph(product.name).tables)
    platform.forget_local_files(product.name)
    return before


@then(parse("the tables of {product} hold the rows they held before"), converters=AS_PRODUCT)
def rows_are_unchanged(platform: Platform, product: Product, rows_before: dict[str, Rows]) -> None:
    assert rows_of(platform, product, rows_before) == rows_before


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


@then("no test ran before the table it tests was complete")
def tests_ran_after(platform: Platform, run: Run) -> None:
    assert platform.graph(run.product).early_tests(run.times, run.checked_at) == {}


@then(parse("the expectations of {table} come to"))
def expectations_come_to(platform: Platform, run: Run, table: str, datatable: list[list[str]]) -> None:
    rows = platform.lakehouse.count(f"{Product(run.product).namespace}.{table}")
    expected = [
        Expectation(name, table, outcome, 100 * (rows - int(against)) / rows, int(against), float(score))
        for name, outcome, against, score in datatable[1:]
    ]
    assert [found for found in run.expectations if found.table == table] == expected


@given(parse('a row in {table} whose {column} is "{value}"'))
def row_is_added(platform: Platform, run: Run, table: str, column: str, value: str) -> Iterator[None]:
    product, pipeline = Product(run.product), platform.pipeline
    name = f"{product.namespace}.{table}"
    before = pipeline.snapshot(name)
    pipeline.append(name, [product.another_row(table, **{column: value})])
    yield
    pipeline.restore(name, before)


@then(parse("the run fails because of the {test} test of {table}.{column}"))
def run_fails_because(platform: Platform, run: Run, test: str, table: str, column: str) -> None:
    name = platform.graph(run.product).generic[test, table, column]
    assert (run.status, run.failed_checks) == ("FAILURE", frozenset({name}))


def rows_of(platform: Platform, product: Product, tables: Iterable[str]) -> dict[str, Rows]:
    return {name: platform.lakehouse.rows(f"{product.namespace}.{name}") for name in tables}


def shape_of(platform: Platform, product: Product, table: str) -> tuple[int, dict[str, str]]:
    name = f"{product.namespace}.{table}"
    types = platform.lakehouse.column_types(name)
    return platform.lakehouse.count(name), {column: seeds.kind_of(kind) for column, kind in types.items()}
