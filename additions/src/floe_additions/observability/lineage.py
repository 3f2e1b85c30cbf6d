"""OpenLineage events of a run, built and sent by openlineage-python.

Four points of a run are told; the job of an event says which (facet `jobType`, and its name):

| point | events | job | `jobType` |
| --- | --- | --- | --- |
| model start | START | `customer_360.stg_orders` | integration DBT, jobType MODEL or SEED |
| model completion | COMPLETE, FAIL | the same | the same |
| asset materialization | COMPLETE | `customer_360.stg_orders.asset` | integration DAGSTER, jobType ASSET |
| pipeline | START, COMPLETE, FAIL, ABORT | `customer_360` | integration DAGSTER, jobType JOB |

Jobs are in the namespace that floe compiled for the product: its name. The run id of the pipeline is
Dagster's; a model's and an asset's are made of it (UUID version 5), and their facet `parent` names it. A
dataset is named as it lies in the catalog: its namespace is the warehouse, its name `schema.table`; where the
catalog is says its facet `catalog`. Every event has the run facet `traceCorrelation`, as floe calls it, with
`trace_id` and `span_id` of the run or the model in OpenTelemetry's trace.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid5

import attr
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    JobFacet,
    OutputDatasetFacet,
    RunFacet,
    catalog_dataset,
    column_lineage_dataset,
    dataset_version_dataset,
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
)
from openlineage.client.transport.http import HttpConfig, HttpTransport

if TYPE_CHECKING:
    from floe_additions.observability.context import Losses, Place

PRODUCER = "urn:floe-additions"
"""Who made an event and its facets, as every one of them says."""

FILE = "lineage.json"
"""Beside a product's artifact: what each column of its tables is computed from, written at compilation."""

QUEUE = 4096
"""Events that may wait; further ones are lost, and counted."""

SEND_SECONDS = 2.0
"""What one event may take."""

_END = {"success": RunState.COMPLETE, "failure": RunState.FAIL, "canceled": RunState.ABORT}


class Sender(Protocol):
    """Takes events and returns at once."""

    def send(self, event: RunEvent) -> None:
        """Have an event sent."""

    def close(self) -> None:
        """Return when all events are sent or lost."""


class Courier:
    """A bounded queue before openlineage-python's client, emptied by a thread, one event after the other.

    The client's own queue lets a producer wait when it is full; here the event is lost, and counted.

    Args:
        url: of the lineage service, without a path.
        losses: is told.
    """

    def __init__(self, url: str, losses: Losses) -> None:
        transport = HttpTransport(HttpConfig(url=url, timeout=SEND_SECONDS, retry={"total": 0}))
        self._client = OpenLineageClient(transport=transport)
        self._losses = losses
        self._waiting: queue.Queue[RunEvent | None] = queue.Queue(QUEUE)
        self._thread = threading.Thread(target=self._empty, name="lineage", daemon=True)
        self._thread.start()

    def send(self, event: RunEvent) -> None:
        """Have an event sent, if there is room for it."""
        self._losses.made("lineage events")
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._losses.failed("lineage events", f"{QUEUE} events wait already")

    def close(self) -> None:
        """Return when the queue is empty."""
        self._waiting.put(None)
        self._thread.join()

    def _empty(self) -> None:
        while (event := self._waiting.get()) is not None:
            try:
                self._client.emit(event)
            except Exception as refused:  # noqa: BLE001 - whatever it is, the run goes on
                self._losses.failed("lineage events", f"{type(refused).__name__}: {refused}")
            else:
                self._losses.arrived("lineage events")
        self._client.close()


@attr.define
class TraceCorrelationRunFacet(RunFacet):
    """The place of an event's run in OpenTelemetry's trace; named as floe's own facet."""

    trace_id: str
    span_id: str


@dataclass(frozen=True)
class Table:
    """A table as lineage knows it.

    Attributes:
        name: schema and table, joined by a dot.
        inputs: the names of the tables that it is computed from.
        columns: the type of each of its columns, in order; empty where not known.
        sources: of each column the columns it is computed from, each as table, column and how.
        kind: MODEL, SEED or SOURCE.
    """

    name: str
    inputs: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    kind: str = "MODEL"


class Graph:
    """The tables of a product and what each is computed from.

    Args:
        manifest: dbt's.
        types: of each table of the product by its own name, its columns with their types.
        columns: of each table, by its full name, what its columns are computed from.
    """

    def __init__(
        self,
        manifest: Mapping[str, Any],
        types: Mapping[str, Mapping[str, str]],
        columns: Mapping[str, Mapping[str, list[tuple[str, str, str]]]],
    ) -> None:
        names = {key: f"{one['schema']}.{one['identifier']}" for key, one in manifest["sources"].items()}
        nodes = {
            key: one
            for key, one in manifest["nodes"].items()
            if one["resource_type"] in {"model", "seed", "snapshot"}
        }
        names |= {key: f"{one['schema']}.{one['alias']}" for key, one in nodes.items()}
        self._nodes = {
            key: Table(
                name=names[key],
                inputs=tuple(names[i] for i in one.get("depends_on", {}).get("nodes", ()) if i in names),
                columns=types.get(one["alias"], {}),
                sources=columns.get(names[key], {}),
                kind=one["resource_type"].upper(),
            )
            for key, one in nodes.items()
        }
        declared = {
            names[key]: {c["name"]: c.get("data_type") or "" for c in one["columns"].values()}
            for key, one in manifest["sources"].items()
        }
        self._tables = {
            **{name: Table(name, columns=found, kind="SOURCE") for name, found in declared.items()},
            **{one.name: one for one in self._nodes.values()},
        }

    @classmethod
    def of(cls, folder: Path, manifest: Mapping[str, Any]) -> Graph:
        """The graph of a product that was compiled into a folder."""
        return cls(manifest, _read(folder / "tables.json"), _read(folder / FILE))

    def table(self, node: str) -> Table | None:
        """The table of a model or seed by its unique id."""
        return self._nodes.get(node)

    def named(self, name: str) -> Table:
        """A table by its full name."""
        return self._tables.get(name, Table(name))

    @property
    def inputs(self) -> list[str]:
        """What the product reads and does not make."""
        return sorted(name for name, table in self._tables.items() if table.kind == "SOURCE")


class Lineage:
    """The events of one run.

    Args:
        sender: takes them.
        graph: of the product.
        namespace: of the product's jobs.
        job: the pipeline's name.
        run_id: Dagster's.
        warehouse: the namespace of all tables.
        catalog: the catalog's address, without credentials.
    """

    def __init__(
        self,
        sender: Sender,
        graph: Graph,
        *,
        namespace: str,
        job: str,
        run_id: str,
        warehouse: str,
        catalog: str,
    ) -> None:
        self._sender = sender
        self._graph = graph
        self._namespace = namespace
        self._job = job
        self._run_id = run_id
        self._warehouse = warehouse
        self._catalog = catalog
        self._made: list[str] = []

    def pipeline_began(self, at: float, place: Place) -> None:
        """The run began; `at` in seconds since 1970, as everywhere here."""
        self._pipeline(RunState.START, at, place, None, [])

    def pipeline_ended(self, at: float, place: Place, status: str, error: str | None) -> None:
        """The run ended.

        Args:
            at: when.
            place: of the run in its trace.
            status: `success`, `failure` or `canceled`.
            error: why it failed.
        """
        made = [self._graph.named(name) for name in self._made]
        self._pipeline(_END[status], at, place, error, made)

    def model_began(self, node: str, at: float, place: Place) -> None:
        """A model or seed began."""
        if table := self._graph.table(node):
            self._model(RunState.START, table, at, place)

    def model_ended(
        self, node: str, at: float, place: Place, error: str | None, rows: int | None = None
    ) -> None:
        """A model or seed ended; with an error where it failed, with its table's rows where it did not."""
        if table := self._graph.table(node):
            if error is None:
                self._made.append(table.name)
            state = RunState.COMPLETE if error is None else RunState.FAIL
            self._model(state, table, at, place, error=error, statistics=_statistics(rows))

    def materialized(
        self, node: str, at: float, place: Place, *, asset: str, rows: int | None, snapshot: str | None
    ) -> None:
        """Dagster recorded the materialization of the asset that a model or seed is."""
        table = self._graph.table(node)
        if table is None:
            return
        facets: dict[str, DatasetFacet] = (
            {"version": dataset_version_dataset.DatasetVersionDatasetFacet(snapshot, producer=PRODUCER)}
            if snapshot
            else {}
        )
        self._event(
            RunState.COMPLETE,
            at,
            self._child(f"asset {asset}", place),
            self._job_of(f"{self._job}.{asset}.asset", "DAGSTER", "ASSET"),
            inputs=table.inputs,
            outputs=[self._output(table, _statistics(rows), facets)],
        )

    def _pipeline(
        self, state: RunState, at: float, place: Place, error: str | None, made: Iterable[Table]
    ) -> None:
        outputs = list(made)
        own = {table.name for table in outputs}
        read = dict.fromkeys(name for table in outputs for name in table.inputs if name not in own)
        self._event(
            state,
            at,
            Run(self._run_id, {**self._trace(place), **_error(error)}),
            self._job_of(self._job, "DAGSTER", "JOB"),
            inputs=read or self._graph.inputs,
            outputs=[self._output(table) for table in outputs],
        )

    def _model(
        self,
        state: RunState,
        table: Table,
        at: float,
        place: Place,
        *,
        error: str | None = None,
        statistics: dict[str, OutputDatasetFacet] | None = None,
    ) -> None:
        model = table.name.rpartition(".")[2]
        self._event(
            state,
            at,
            self._child(f"model {model}", place, error),
            self._job_of(f"{self._job}.{model}", "DBT", table.kind),
            inputs=table.inputs,
            outputs=[self._output(table, statistics)],
        )

    def _event(
        self,
        state: RunState,
        at: float,
        run: Run,
        job: Job,
        *,
        inputs: Iterable[str],
        outputs: list[OutputDataset],
    ) -> None:
        self._sender.send(
            RunEvent(
                eventType=state,
                eventTime=datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
                run=run,
                job=job,
                inputs=[self._input(self._graph.named(name)) for name in inputs],
                outputs=outputs,
                producer=PRODUCER,
            )
        )

    def _child(self, what: str, place: Place, error: str | None = None) -> Run:
        """A run below the pipeline's, whose id is always the same for the same part of the same run."""
        parent = parent_run.ParentRunFacet(
            run=parent_run.Run(self._run_id),
            job=parent_run.Job(self._namespace, self._job),
            producer=PRODUCER,
        )
        facets: dict[str, RunFacet] = {"parent": parent, **self._trace(place), **_error(error)}
        return Run(str(uuid5(UUID(self._run_id), what)), facets)

    @staticmethod
    def _trace(place: Place) -> dict[str, RunFacet]:
        return {"traceCorrelation": TraceCorrelationRunFacet(*place, producer=PRODUCER)}

    def _job_of(self, name: str, integration: str, kind: str) -> Job:
        facets: dict[str, JobFacet] = {
            "jobType": job_type_job.JobTypeJobFacet("BATCH", integration, kind, producer=PRODUCER)
        }
        return Job(self._namespace, name, facets)

    def _input(self, table: Table) -> InputDataset:
        return InputDataset(self._warehouse, table.name, facets=self._facets(table))

    def _output(
        self,
        table: Table,
        statistics: dict[str, OutputDatasetFacet] | None = None,
        more: Mapping[str, DatasetFacet] | None = None,
    ) -> OutputDataset:
        facets = {**self._facets(table), **(more or {})}
        if table.sources:
            fields = {
                column: column_lineage_dataset.Fields(
                    inputFields=[
                        column_lineage_dataset.InputField(
                            self._warehouse,
                            name,
                            source,
                            [column_lineage_dataset.Transformation("DIRECT", how)],
                        )
                        for name, source, how in sources
                    ]
                )
                for column, sources in table.sources.items()
            }
            facets["columnLineage"] = column_lineage_dataset.ColumnLineageDatasetFacet(
                fields, producer=PRODUCER
            )
        return OutputDataset(self._warehouse, table.name, outputFacets=statistics or {}, facets=facets)

    def _facets(self, table: Table) -> dict[str, DatasetFacet]:
        facets: dict[str, DatasetFacet] = {
            "catalog": catalog_dataset.CatalogDatasetFacet(
                framework="iceberg",
                type="rest",
                name=self._warehouse,
                metadataUri=self._catalog,
                producer=PRODUCER,
            )
        }
        if table.columns:
            fields = [
                schema_dataset.SchemaDatasetFacetFields(name=name, type=kind or None)
                for name, kind in table.columns.items()
            ]
            facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER)
        return facets


def _statistics(rows: int | None) -> dict[str, OutputDatasetFacet]:
    if rows is None:
        return {}
    facet = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=rows, producer=PRODUCER
    )
    return {"outputStatistics": facet}


def _error(error: str | None) -> dict[str, RunFacet]:
    if error is None:
        return {}
    facet = error_message_run.ErrorMessageRunFacet(error, programmingLanguage="SQL", producer=PRODUCER)
    return {"errorMessage": facet}


def _read(file: Path) -> dict[str, Any]:
    """What was compiled; nothing of a product that was compiled without."""
    try:
        content: dict[str, Any] = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    return content
