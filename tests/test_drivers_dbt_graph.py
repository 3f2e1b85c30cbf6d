"""The judge of an execution's order is judged itself, on executions known to be wrong."""

from __future__ import annotations

import json

import pytest

from drivers import dbt_graph
from drivers.dbt_graph import Graph

MANIFEST = {
    "metadata": {"ignored": True},
    "nodes": {
        "seed.shop.raw": {"name": "raw", "resource_type": "seed"},
        "model.shop.clean": {
            "name": "clean",
            "resource_type": "model",
            "depends_on": {"nodes": ["seed.shop.raw", "macro.x"]},
        },
        "model.shop.total": {
            "name": "total",
            "resource_type": "model",
            "depends_on": {"nodes": ["model.shop.clean"]},
        },
        "test.shop.not_null_clean_id.1": {
            "name": "not_null_clean_id",
            "resource_type": "test",
            "depends_on": {"nodes": ["model.shop.clean"]},
            "test_metadata": {"name": "not_null"},
            "column_name": "id",
            "attached_node": "model.shop.clean",
        },
        "test.shop.sums_agree": {
            "name": "sums_agree",
            "resource_type": "test",
            "depends_on": {"nodes": ["model.shop.clean", "model.shop.total"]},
        },
    },
}
TIMES = {"raw": (0.0, 1.0), "clean": (1.0, 2.0), "total": (2.5, 3.0)}


@pytest.fixture
def graph() -> Graph:
    return dbt_graph.read(json.dumps(MANIFEST))


def test_seeds_models_edges_and_tests_are_read(graph: Graph) -> None:
    assert graph == Graph(
        seeds=frozenset({"raw"}),
        models=frozenset({"clean", "total"}),
        edges=frozenset({("raw", "clean"), ("clean", "total")}),
        tests={
            "not_null_clean_id": frozenset({"clean"}),
            "sums_agree": frozenset({"clean", "total"}),
        },
        generic={("not_null", "clean", "id"): "not_null_clean_id"},
    )


def test_what_comes_after_a_table_is_found_through_all_edges(graph: Graph) -> None:
    assert graph.after("raw") == {"clean", "total"}


def test_an_execution_in_order_breaks_no_edge(graph: Graph) -> None:
    assert graph.broken_edges(TIMES) == {}


def test_a_model_begun_too_early_is_named_with_the_table_it_did_not_wait_for(graph: Graph) -> None:
    assert graph.broken_edges({**TIMES, "clean": (0.75, 2.0)}) == {
        ("raw", "clean"): "clean began 0.250 s before raw was complete"
    }


def test_a_table_that_never_ran_does_not_pass_as_ordered(graph: Graph) -> None:
    assert graph.broken_edges({"raw": (0.0, 1.0), "clean": (1.0, 2.0)}) == {
        ("clean", "total"): "no times of total"
    }


def test_a_test_before_its_tables_and_one_without_result_are_named(graph: Graph) -> None:
    assert graph.early_tests(TIMES, {"sums_agree": 2.9}) == {
        "not_null_clean_id": "has no result",
        "sums_agree": "had its result 0.100 s before its tables were complete",
    }
    assert graph.early_tests(TIMES, {"sums_agree": 3.0, "not_null_clean_id": 2.0}) == {}


def test_a_test_is_told_by_its_table_and_column_where_it_has_one(graph: Graph) -> None:
    assert graph.tested_by("not_null_clean_id") == "clean.id"
    assert graph.tested_by("sums_agree") == "sums_agree"
