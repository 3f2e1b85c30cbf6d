"""What a run does with dbt when the catalog is lost in the middle, dbt's words given."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from dagster_dbt.errors import DagsterDbtCliRuntimeError

from floe_additions.orchestrator.outage import NotRepeatableError, Patience, ridden_out

MANIFEST = {
    "nodes": {
        "seed": {},
        "test": {},
        "table": {"config": {"materialized": "table"}},
        "log": {"config": {"materialized": "incremental"}},
    }
}


class Catalog(Patience):
    """A patience whose catalog is silent as often as a test says."""

    def __init__(self, silent: int) -> None:
        super().__init__(60, lambda _: None, {"POLARIS_URI": "http://polaris:8181"})
        self.asked, self.waited, self._silent_for = 0, 0, silent

    def silent(self) -> str:
        self.asked += 1
        return "nobody answers" if self.asked <= self._silent_for else ""

    def until_the_catalog_answers(self) -> None:
        self.waited += 1


class Dbt:
    """Invocations of dbt, one after the other; each says what it is given, unless it is ended before."""

    def __init__(self, *invocations: list[tuple[str, str]]) -> None:
        self._coming = list(invocations)
        self.left_out: list[list[str]] = []
        self._ended: set[int] = set()

    def begin(self) -> Any:
        return self._started([])

    def resume(self, done: Collection[str]) -> Any:
        return self._started(sorted(done))

    def end(self, invocation: Any) -> None:
        self._ended.add(id(invocation))

    def _started(self, left_out: list[str]) -> Any:
        self.left_out.append(left_out)
        said = self._coming.pop(0)
        invocation = SimpleNamespace(manifest=MANIFEST)
        invocation.stream_raw_events = lambda: self._said(invocation, said)
        return invocation

    def _said(self, invocation: Any, said: list[tuple[str, str]]) -> Iterator[Any]:
        for node, status in said:
            if id(invocation) in self._ended:
                break
            yield message(node, status)
        if id(invocation) in self._ended or any(status in {"error", "fail"} for _, status in said):
            raise DagsterDbtCliRuntimeError("dbt failed")


def message(node: str, status: str) -> Any:
    data = {"node_info": {"unique_id": node, "node_status": status}}
    info = {"level": "error" if status == "error" else "info", "msg": f"{status} {node}"}
    return SimpleNamespace(raw_event={"info": info, "data": data}, is_result_event=status != "started")


def told(dbt: Dbt, catalog: Catalog) -> list[tuple[str, str]]:
    found = []
    for _, one in ridden_out(dbt.begin, dbt.resume, dbt.end, catalog):
        info = one.raw_event["data"]["node_info"]
        if one.is_result_event:
            found.append((info["unique_id"], info["node_status"]))
    return found


def test_dbt_is_stopped_at_the_first_node_that_finds_no_catalog_and_does_the_rest_afterwards() -> None:
    dbt = Dbt(
        [("seed", "success"), ("table", "started"), ("table", "error"), ("test", "pass")],
        [("table", "success"), ("test", "pass")],
    )
    catalog = Catalog(silent=1)
    assert told(dbt, catalog) == [("seed", "success"), ("table", "success"), ("test", "pass")]
    assert (dbt.left_out, catalog.waited) == ([[], ["seed"]], 2)


def test_a_node_that_fails_while_the_catalog_answers_ends_the_run_and_stops_nothing() -> None:
    dbt = Dbt([("table", "error"), ("test", "pass")])
    catalog = Catalog(silent=0)
    messages = ridden_out(dbt.begin, dbt.resume, dbt.end, catalog)
    seen = [next(messages)[1], next(messages)[1]]
    assert [one.raw_event["data"]["node_info"]["unique_id"] for one in seen] == ["test", "table"]
    with pytest.raises(DagsterDbtCliRuntimeError):
        next(messages)
    assert catalog.asked == 1


def test_a_test_that_failed_before_is_told_once_and_tested_again() -> None:
    dbt = Dbt(
        [("seed", "success"), ("test", "fail"), ("table", "error")],
        [("test", "fail"), ("table", "success")],
    )
    with pytest.raises(DagsterDbtCliRuntimeError):
        told(dbt, Catalog(silent=1))
    assert dbt.left_out == [[], ["seed"]]


def test_rows_that_were_being_appended_are_not_appended_again() -> None:
    dbt = Dbt([("log", "started"), ("table", "error")])
    with pytest.raises(NotRepeatableError, match="while log appended rows"):
        told(dbt, Catalog(silent=1))
