"""A demo product: its names, its layers and what it owes its readers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from drivers import anomalies, seeds
from drivers.anomalies import Anomaly
from drivers.errors import ServiceError
from drivers.expectations import EXPECTED
from drivers.rows import Rows
from drivers.seeds import Seed
from foundation.cache import ROOT

NEW_ID = 999_999_999
"""A key that no seed has."""


SMALL = ROOT / "features" / "products"
"""Products of two models, for what is the same for a product of any size."""

_DEMO = ROOT / "demo"


@dataclass(frozen=True)
class Product:
    """A product by the name of its folder, in demo/ or among the small ones."""

    name: str

    def __post_init__(self) -> None:
        if not self._folder.is_dir():
            raise ServiceError(f"show product {self.name}", of="demo/", answer="no such folder")

    def __str__(self) -> str:
        return self.name

    @property
    def _folder(self) -> Path:
        return SMALL / self.name if (SMALL / self.name).is_dir() else _DEMO / self.name

    @classmethod
    def with_table(cls, table: str) -> Product:
        """The product of the demo that has this table.

        Raises:
            ServiceError: none has.
        """
        found = [product for name in EXPECTED if table in (product := cls(name)).tables]
        if len(found) != 1:
            raise ServiceError(f"show the product with the table {table}", of="demo/", answer=f"{found}")
        return found[0]

    @property
    def namespace(self) -> str:
        """Its namespace in the catalog."""
        return self.name.replace("-", "_")

    @property
    def job(self) -> str:
        """The job that runs it."""
        return self.name.replace("-", "_")

    @property
    def launchable(self) -> frozenset[str]:
        """The jobs that a person can launch: the one that runs it, the one that keeps its tables up."""
        return frozenset({self.job, f"{self.job}_maintenance"})

    @property
    def tables(self) -> frozenset[str]:
        """Its tables, as its files name them: the models of floe.yaml, and the seeds of a demo."""
        models = frozenset(model["name"] for model in self._transforms)
        return models if self._folder.parent == SMALL else models | frozenset(self.seeds)

    @property
    def _transforms(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = yaml.safe_load((self._folder / "floe.yaml").read_text())["transforms"]
        return found

    def layer(self, name: str) -> frozenset[str]:
        """The tables of a layer: bronze are the seeds, the others are named in floe.yaml.

        Raises:
            ServiceError: the product has no such layer.
        """
        tables = {model["name"] for model in self._transforms if model["tier"] == name}
        if name == "bronze":
            tables |= set(self.seeds)
        if not tables:
            raise ServiceError(f"tell the {name} tables of {self.name}", of="floe.yaml", answer="none")
        return frozenset(tables)

    @property
    def seeds(self) -> Mapping[str, Seed]:
        """Its seeds as files."""
        return _seeds(self.name)

    @property
    def expected(self) -> Mapping[str, Rows]:
        """Every table as it must be after a run, computed from the seeds."""
        return _expected(self.name)

    def expected_with(self, arrived: Iterable[tuple[str, Mapping[str, Any]]]) -> Mapping[str, Rows]:
        """The same, where further rows have arrived in the tables of seeds: each with the seed's name."""
        further = list(arrived)
        if not further:
            return self.expected
        rows = {
            name: replace(seed, rows=(*seed.rows, *(row for table, row in further if table == name)))
            for name, seed in self.seeds.items()
        }
        return EXPECTED[self.name](rows)

    @property
    def anomalies(self) -> Sequence[Anomaly]:
        """What its generator planted in its seeds."""
        return _anomalies(self.name)

    def another_row(self, table: str, changed: Mapping[str, object]) -> dict[str, Any]:
        """A sound new row of a seed's table: as the last complete one, with a key of its own."""
        complete = [row for row in self.seeds[table].rows if all(value is not None for value in row.values())]
        key = next(iter(complete[-1]))
        return {**complete[-1], key: NEW_ID, **changed}


@cache
def _seeds(product: str) -> dict[str, Seed]:
    with tempfile.TemporaryDirectory(prefix="floe-seeds-") as folder:
        return seeds.of_product(product, Path(folder))


@cache
def _anomalies(product: str) -> tuple[Anomaly, ...]:
    with tempfile.TemporaryDirectory(prefix="floe-seeds-") as folder:
        return anomalies.of_product(product, Path(folder))


@cache
def _expected(product: str) -> dict[str, Rows]:
    return EXPECTED[product](_seeds(product))
