"""Words about tables that change while they are read: what each version of a product left of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import zip_longest

import pytest
from pytest_bdd import given, then
from pytest_bdd.parsers import parse

from drivers import versions
from drivers.floe import Floe
from drivers.platform import Platform
from drivers.product import Product
from drivers.rows import Rows
from drivers.versions import LATER, Seen
from reports import evidence
from steps import ahead
from steps.ahead import Ahead
from steps.automation import automation_begins
from steps.pipelines import AS_PRODUCT
from steps.stage import Stage, Stages, story_of

History = Mapping[tuple[str, str], Sequence[Seen]]
"""By product and table what was seen of it, version after version."""


class Histories:
    """The history of every product with versions, made once and begun at once when it is begun early.

    Args:
        story: whose stage the versions run on.
        stages: of all stories.
        folders: where the later versions are compiled.
    """

    def __init__(self, story: str, stages: Stages, folders: pytest.TempPathFactory) -> None:
        self._story = story
        self._stages = stages
        self._folders = folders
        self._begun: Ahead[History] | None = None

    def begin(self) -> Ahead[History]:
        """Deliver and run the versions from now on, if it was not begun before."""
        if self._begun is None:
            self._begun = Ahead(self._made, [()], at_once=1)
        return self._begun

    def close(self) -> None:
        """Begin nothing more."""
        if self._begun is not None:
            self._begun.close()

    def _made(self) -> History:
        # In the order in which they are asked for: what follows the first version of each product, and so on.
        rounds = zip_longest(*([(product, one) for one in names] for product, names in LATER.items()))
        with closing(Ahead(self._compiled, [one for each in rounds for one in each if one])) as later:
            return _played(self._stages.begin(self._story)(), later)

    def _compiled(self, product: str, version: str) -> bytes:
        return versions.compiled(Floe.installed(), self._folders.mktemp("version"), product, version)


def _played(stage: Stage, later: Ahead[bytes]) -> History:
    """Every version of every product with versions, delivered and run one after the other."""
    seen: dict[tuple[str, str], list[Seen]] = {}
    for names in zip_longest(*map(versions.of, LATER)):
        present = {product: name for product, name in zip(LATER, names, strict=True) if name}
        packed = {
            product: stage.deliveries[product]["compiled"] if name == versions.FIRST else later(product, name)
            for product, name in present.items()
        }
        stage.platform.deploy_all(packed)
        verdicts = {product: run.verdict for product, run in stage.platform.run_all(packed).items()}
        assert verdicts == dict.fromkeys(present, "SUCCESS")
        for product, name in present.items():
            for table in Product(product).tables:
                seen.setdefault((product, table), []).append(
                    look(stage.platform, Product(product), table, name)
                )
    return seen


@pytest.fixture(scope="session")
def histories(
    request: pytest.FixtureRequest, stages: Stages, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Histories | None]:
    """What the scenarios of all stories will ask of versions; none where none of them asks."""
    asking = [one for one in ahead.scenarios_of(request) if ahead.says(one, versions_have_run)]
    if not asking:
        yield None
        return
    with closing(Histories(story_of(asking[0].module.__name__), stages, tmp_path_factory)) as every:
        yield every


@pytest.fixture(autouse=True)
def history_is_begun(request: pytest.FixtureRequest, histories: Histories | None) -> None:
    """Versions run for a minute and a half: beside the first scenario that waits for a sensor."""
    if histories is not None and ahead.says(request.node, automation_begins):
        histories.begin()


@pytest.fixture(scope="module")
def history(histories: Histories, platform: Platform) -> History:  # noqa: ARG001 - it is looked at when this fails
    """What was seen of every version of every product with versions."""
    return histories.begin()()


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
