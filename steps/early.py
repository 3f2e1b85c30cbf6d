"""What the scenarios of all stories compile, begun with the first of them: most wait for their cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import BoundedSemaphore, Lock

import pytest

import demo
from drivers import changes, compilations
from drivers.compilations import Compilation
from drivers.floe import Floe, Outcome
from steps import ahead, compilation, refusals
from steps.ahead import Ahead


class Early:
    """Compilations that scenarios will ask for, each made once, on what others leave of the processors.

    Attributes:
        demo: every product of the demo.
        twice: customer-360, for one moment under circumstances that have nothing in common.
        changed: a product that a team has changed.
        judged: what dbt says of every product of the demo.
        locations: the code locations that Dagster loads of them.
        written: a team, with mistakes in the files of its product.
        refused: what it is told when it compiles them.
    """

    def __init__(self, scenarios: Sequence[pytest.Function], folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._at_the_demo = Lock()
        self._turns = BoundedSemaphore(ahead.AT_ONCE)

        def wanted(given: Callable[..., object]) -> list[tuple[str, ...]]:
            return list(ahead.arguments(scenarios, given))

        self.demo = Ahead(self._demo, wanted(compilation.demo_is_compiled), at_once=1, patient=True)
        self.twice = Ahead(self._twice, wanted(compilation.compiled_twice), at_once=1, patient=True)
        self.changed = Ahead(self._changed, wanted(compilation.team_has), at_once=1, patient=True)
        self.judged = Ahead(self._judged, wanted(compilation.dbt_accepts), at_once=1, patient=True)
        compiling = [item for item in scenarios if list(ahead.arguments([item], refusals.they_compile))]
        mistaken = list(ahead.arguments(compiling, refusals.team_writes))
        self.written = Ahead(self._written, at_once=1)
        self.refused = Ahead(self._refused, mistaken, at_once=1, patient=True)
        self.locations = Ahead(self._locations, wanted(compilation.dagster_loads), at_once=1, patient=True)

    def close(self) -> None:
        """Begin nothing more."""
        every = (self.demo, self.twice, self.changed, self.judged, self.locations, self.refused, self.written)
        for begun in every:
            begun.close()

    def _demo(self) -> dict[str, Compilation]:
        floe, products = Floe.installed(), demo.products()
        project = compilations.team(self._folders.mktemp("demo"), floe, *products)
        with self._turns:
            return {product: compilations.compiled(floe, project, product) for product in products}

    def _twice(self) -> tuple[Compilation, Compilation]:
        floe, folder = Floe.installed(), self._folders.mktemp("twice")
        with self._turns:
            return compilations.compiled_twice(floe, folder, "customer-360")

    def _changed(self, product: str, change: str) -> Compilation:
        floe = Floe.installed()
        project = compilations.team(self._folders.mktemp("team"), floe, product)
        changes.make(change, project, product)
        with self._turns:
            return compilations.compiled(floe, project, product)

    def _judged(self) -> dict[str, dict[str, str]]:
        floe, folder = Floe.installed(), self._folders.mktemp("judged")
        demo = self.demo()
        with self._at_the_demo, self._turns:
            return {product: compilations.said_by_dbt(floe, one, folder) for product, one in demo.items()}

    def _locations(self) -> frozenset[str]:
        floe, project = Floe.installed(), next(iter(self.demo().values())).project
        with self._at_the_demo, self._turns:
            return compilations.locations_loaded(floe, project)

    def _written(self, product: str, wrong: str) -> refusals.Team:
        return refusals.team_with(wrong, self._folders.mktemp("mistaken"), Floe.installed(), product)

    def _refused(self, product: str, wrong: str) -> Outcome:
        team = self.written(product, wrong)
        with self._turns:
            return refusals.told(Floe.installed(), team)


@pytest.fixture(scope="session", autouse=True)
def early(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Early]:
    """What the scenarios of all stories will ask to be compiled, begun with the first of them."""
    begun = Early(ahead.scenarios_of(request), tmp_path_factory)
    yield begun
    begun.close()
