"""A product's graph, as dbt itself compiled it: nodes, edges and tests of manifest.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _DependsOn(_Lenient):
    nodes: list[str] = Field(default_factory=list)


class _TestMetadata(_Lenient):
    name: str


class _Node(_Lenient):
    name: str
    resource_type: str
    depends_on: _DependsOn = Field(default_factory=_DependsOn)
    test_metadata: _TestMetadata | None = None
    column_name: str | None = None
    attached_node: str | None = None


class _Manifest(_Lenient):
    nodes: dict[str, _Node]


@dataclass(frozen=True)
class Graph:
    """What dbt builds, in which order, and what it tests.

    Attributes:
        seeds: the tables filled from files.
        models: the tables computed from other tables.
        edges: (a table, a table that is computed from it).
        tests: each test by name, with the tables it reads.
        generic: the name of a test by its kind, its table and its column.
    """

    seeds: frozenset[str]
    models: frozenset[str]
    edges: frozenset[tuple[str, str]]
    tests: Mapping[str, frozenset[str]]
    generic: Mapping[tuple[str, str, str], str]

    @property
    def tables(self) -> frozenset[str]:
        """Every table of the product."""
        return self.seeds | self.models

    def tested_by(self, test: str) -> str:
        """What a test is about: `table.column`, or the test itself where it is about no single column."""
        places = {name: f"{table}.{column}" for (_, table, column), name in self.generic.items()}
        return places.get(test, test)

    def after(self, table: str) -> frozenset[str]:
        """Every table computed from this one, directly or not."""
        direct = {child for parent, child in self.edges if parent == table}
        return frozenset(direct.union(*(self.after(child) for child in direct)))

    def broken_edges(self, times: Mapping[str, tuple[float, float]]) -> dict[tuple[str, str], str]:
        """The edges that an execution did not respect, with the times that show it.

        Args:
            times: when each table's execution began and ended, in seconds.
        """
        found: dict[tuple[str, str], str] = {}
        for parent, child in sorted(self.edges):
            if unknown := sorted({parent, child} - set(times)):
                found[parent, child] = f"no times of {', '.join(unknown)}"
            elif (early := times[parent][1] - times[child][0]) > 0:
                found[parent, child] = f"{child} began {early:.3f} s before {parent} was complete"
        return found

    def early_tests(
        self, times: Mapping[str, tuple[float, float]], at: Mapping[str, float]
    ) -> dict[str, str]:
        """The tests that have a result from before a table they read was complete, or none.

        Args:
            times: when each table's execution began and ended, in seconds.
            at: when each test had its result, in seconds.
        """
        found: dict[str, str] = {}
        for test, tables in sorted(self.tests.items()):
            complete = max((times[table][1] for table in tables if table in times), default=0.0)
            if test not in at:
                found[test] = "has no result"
            elif at[test] < complete:
                found[test] = f"had its result {complete - at[test]:.3f} s before its tables were complete"
        return found


def read(manifest: str) -> Graph:
    """The graph of a manifest.json given as text."""
    nodes = _Manifest.model_validate_json(manifest).nodes
    built = {key: node for key, node in nodes.items() if node.resource_type in ("seed", "model")}
    return Graph(
        seeds=frozenset(node.name for node in built.values() if node.resource_type == "seed"),
        models=frozenset(node.name for node in built.values() if node.resource_type == "model"),
        edges=frozenset(
            (built[parent].name, node.name)
            for node in built.values()
            for parent in node.depends_on.nodes
            if parent in built
        ),
        tests={
            node.name: frozenset(built[parent].name for parent in node.depends_on.nodes if parent in built)
            for node in nodes.values()
            if node.resource_type == "test"
        },
        generic={
            (node.test_metadata.name, built[node.attached_node].name, node.column_name): node.name
            for node in nodes.values()
            if node.test_metadata and node.column_name and node.attached_node in built
        },
    )
