"""The lineage service, Marquez, through its own client; and its graph, which that client lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import httpx
import requests
from marquez_client import MarquezClient  # type: ignore[import-untyped]
from marquez_client.errors import MarquezError  # type: ignore[import-untyped]

from drivers import traffic
from drivers.errors import ServiceError, brief
from reports import evidence

CALL_SECONDS: Final = 20.0
"""For one call."""

_PAGE: Final = 500
_DEPTH: Final = 100
"""Steps of a graph that are followed: more than any product has models in a row."""
_LIMIT: Final = 100_000
"""Of a list that is wanted whole."""

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Job:
    """A job as it was last run.

    Attributes:
        name: with that of its parent before it (`customer-360.stg_orders`).
        run: id of its latest run.
        state: of that run: RUNNING, COMPLETED, FAILED, ABORTED; empty when it never ran.
        inputs: the names of the datasets it reads.
        outputs: the names of those it writes.
    """

    name: str
    run: str
    state: str
    inputs: frozenset[str]
    outputs: frozenset[str]


@dataclass(frozen=True)
class Run:
    """A run of a job.

    Attributes:
        job: its name; empty as long as the run goes on.
        state: RUNNING, COMPLETED, FAILED, ABORTED.
        seconds: from its first event to its last; None as long as it goes on.
        facets: what was told of it, by name, as JSON.
    """

    run: str
    job: str
    state: str
    seconds: float | None
    facets: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """An OpenLineage event as it was sent.

    Attributes:
        kind: START, COMPLETE, FAIL, ...
        moment: when it happened, as its sender says.
        run: the run it tells of.
        parent: the run that started that run; empty when it names none.
        job: as the sender calls it.
        inputs: the names of the datasets that it names as read.
        outputs: those that it names as written.
        body: all of it, as JSON.
    """

    kind: str
    moment: datetime
    run: str
    parent: str
    job: str
    inputs: frozenset[str]
    outputs: frozenset[str]
    body: dict[str, Any]


class Lineage:
    """Jobs, runs, events and graphs of one Marquez.

    Args:
        address: gives host:port where its API answers at this moment.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address

    def namespaces(self) -> frozenset[str]:
        """The names of all namespaces."""
        found = self._ask("list the namespaces", lambda marquez: marquez.list_namespaces(limit=_LIMIT))
        return frozenset(one["name"] for one in found["namespaces"])

    def jobs(self, namespace: str) -> dict[str, Job]:
        """The jobs of a namespace by name; none when nothing of it was heard yet."""
        found = self._ask(
            f"list the jobs of {namespace}", lambda marquez: marquez.list_jobs(namespace, limit=_LIMIT)
        )
        return {one["name"]: _job(one) for one in found["jobs"]}

    def run(self, run_id: str) -> Run:
        """The run of an id.

        Raises:
            ServiceError: there is none.
        """
        found = self._ask(f"tell of run {run_id}", lambda marquez: marquez.get_job_run(run_id))
        milliseconds = found["durationMs"]
        return Run(
            run=found["id"],
            job=(found["jobVersion"] or {}).get("name", ""),
            state=found["state"],
            seconds=None if milliseconds is None else milliseconds / 1000,
            facets=found["facets"],
        )

    def events(self, run_id: str) -> list[Event]:
        """The events of a run and of the runs it is the parent of, the oldest first."""
        found = [as_sent(one) for one in self._every_event()]
        mine = [one for one in found if run_id in (one.run, one.parent)]
        return sorted(mine, key=lambda one: one.moment)

    def edges(self, namespace: str, dataset: str) -> frozenset[tuple[str, str]]:
        """Which dataset is made from which, as pairs of names, in the whole graph that a dataset is part of.

        Args:
            namespace: of the dataset.
            dataset: its name.
        """
        graph = self._graph(f"dataset:{namespace}:{dataset}")
        return frozenset(
            (source["name"], target["name"])
            for node in graph
            if node["type"] == "JOB"
            for source in node["data"]["inputs"]
            for target in node["data"]["outputs"]
        )

    def column_edges(self, namespace: str, dataset: str) -> frozenset[tuple[str, str]]:
        """Which column the columns of a dataset are made from, step by step, as pairs `DATASET.COLUMN`.

        Args:
            namespace: of the dataset.
            dataset: its name.
        """
        found = self._ask(
            f"tell the columns of {dataset}",
            lambda marquez: marquez.get_column_lineage_by_dataset(namespace, dataset, depth=_DEPTH),
        )
        return frozenset(
            (f"{source['dataset']}.{source['field']}", f"{node['data']['dataset']}.{node['data']['field']}")
            for node in found["graph"]
            for source in node["data"]["inputFields"]
        )

    # --- own ------------------------------------------------------------------------------

    def _every_event(self) -> Iterator[dict[str, Any]]:
        """All run events, page by page, the latest first."""
        offset, total = 0, 1
        while offset < total:
            page = self._ask("list the events", partial(_event_page, offset=offset))
            yield from page["events"]
            offset, total = offset + _PAGE, page["totalCount"]

    def _graph(self, node: str) -> list[dict[str, Any]]:
        asked = f"tell the lineage of {node}"
        with traffic.asking("Marquez", asked):
            evidence.touched("lineage")
            try:
                with httpx.Client(timeout=CALL_SECONDS, event_hooks=traffic.httpx_hooks()) as client:
                    answer = client.get(
                        f"http://{self._address()}/api/v1/lineage", params={"nodeId": node, "depth": _DEPTH}
                    )
                    answer.raise_for_status()
                    graph: list[dict[str, Any]] = answer.json()["graph"]
                    return graph
            except httpx.HTTPStatusError as refused:
                told = f"{refused.response.status_code} {brief(refused.response.text)}"
                raise ServiceError(asked, of="Marquez", answer=told) from refused
            except (httpx.HTTPError, ValueError, KeyError) as broken:
                raise ServiceError(asked, of="Marquez", answer=brief(repr(broken))) from broken

    def _ask(self, asked: str, call: Callable[[MarquezClient], _Found]) -> _Found:
        with traffic.asking("Marquez", asked):
            evidence.touched("lineage")
            try:
                return call(MarquezClient(f"http://{self._address()}", timeout_ms=CALL_SECONDS * 1000))
            except MarquezError as refused:
                # The client tells nothing itself; what it raises is caused by the answer.
                raise ServiceError(asked, of="Marquez", answer=_answer(refused.__cause__)) from refused
            except (requests.RequestException, ValueError) as broken:
                raise ServiceError(asked, of="Marquez", answer=brief(broken)) from broken


def _event_page(marquez: MarquezClient, offset: int) -> dict[str, Any]:
    # The client puts its namespace where Marquez wants the word lineage, and knows no other list.
    page: dict[str, Any] = marquez.list_events("lineage", limit=_PAGE, offset=offset)
    return page


def _answer(cause: BaseException | None) -> str:
    response = getattr(cause, "response", None)
    return brief(cause) if response is None else f"{response.status_code} {brief(response.text)}"


def _job(told: dict[str, Any]) -> Job:
    latest = told["latestRun"] or {}
    return Job(
        name=told["name"],
        run=latest.get("id", ""),
        state=latest.get("state", ""),
        inputs=_names(told["inputs"]),
        outputs=_names(told["outputs"]),
    )


def as_sent(told: dict[str, Any]) -> Event:
    """An event from its JSON."""
    parent = (told["run"].get("facets") or {}).get("parent") or {}
    return Event(
        kind=told["eventType"],
        moment=datetime.fromisoformat(told["eventTime"]),
        run=told["run"]["runId"],
        parent=(parent.get("run") or {}).get("runId", ""),
        job=told["job"]["name"],
        inputs=_names(told.get("inputs") or ()),
        outputs=_names(told.get("outputs") or ()),
        body=told,
    )


def _names(datasets: Iterable[dict[str, Any]]) -> frozenset[str]:
    return frozenset(one["name"] for one in datasets)
