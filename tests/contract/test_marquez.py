"""The lineage service keeps the contract of Marquez 0.51.1: the stand-in, or a real one given by address.

MARQUEZ_CONTRACT_URL and MARQUEZ_CONTRACT_ADMIN_URL name a real server; names of this run keep what is
there apart from what was there before. Events go through openlineage-python, questions through
marquez-python; httpx is used where a status or a body that no client shows is what is asked about.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
from marquez_client import MarquezClient  # type: ignore[import-untyped]
from marquez_client.errors import APIError  # type: ignore[import-untyped]
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import (
    JobFacet,
    RunFacet,
    column_lineage_dataset,
    documentation_job,
    error_message_run,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
)
from openlineage.client.transport.http import HttpConfig, HttpTransport

from drivers import wait
from drivers.errors import ServiceError
from drivers.lineage import Lineage
from foundation.errors import UserError
from standins.loopback.lineage import LineageStandIn
from standins.loopback.postgres import Postgres

PRODUCER = "https://example.com/floe/contract"
LAKE = "s3://warehouse"
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
_NAMED = ("MARQUEZ_CONTRACT_URL", "MARQUEZ_CONTRACT_ADMIN_URL")


class Server(NamedTuple):
    """Where the API and the admin port answer."""

    url: str
    admin_url: str

    def client(self) -> MarquezClient:
        return MarquezClient(self.url)

    def get(self, path: str, **parameters: str | int) -> httpx.Response:
        return httpx.get(f"{self.url}/api/v1{path}", params=parameters, timeout=20)

    def post(self, body: object, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        return httpx.post(f"{self.url}/api/v1/lineage", content=content, headers=sent, timeout=20)

    def emit(self, event: RunEvent | DatasetEvent | JobEvent) -> None:
        OpenLineageClient(transport=HttpTransport(HttpConfig(url=self.url))).emit(event)


@pytest.fixture(scope="module")
def stand_in(folder: Path, lineage_postgres: Postgres) -> Iterator[LineageStandIn]:
    server = LineageStandIn(folder, lineage_postgres)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Server:
    given = [os.environ.get(name, "").rstrip("/") for name in _NAMED]
    if any(given):
        if not all(given):
            raise UserError("a real Marquez is named by half", remedy=f"set both {' and '.join(_NAMED)}")
        return Server(*given)
    stand_in: LineageStandIn = request.getfixturevalue("stand_in")
    return Server(stand_in.url, stand_in.admin_url)


@pytest.fixture
def space() -> str:
    """A namespace of its own, with the slash that a client has to encode."""
    return f"floe/contract-{uuid4().hex[:12]}"


def schema(*columns: str) -> dict[str, Any]:
    fields = [schema_dataset.SchemaDatasetFacetFields(name=name, type="string") for name in columns]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}


def columns_of(**sources: tuple[str, str]) -> dict[str, Any]:
    fields = {
        column: column_lineage_dataset.Fields(
            inputFields=[column_lineage_dataset.InputField(namespace=LAKE, name=table, field=field)],
            transformationDescription="taken as it is",
            transformationType="IDENTITY",
        )
        for column, (table, field) in sources.items()
    }
    return {"columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields)}


def event(  # noqa: PLR0917 - an event has that many parts
    state: RunState,
    space: str,
    job: str,
    run: str,
    inputs: list[InputDataset] | None = None,
    outputs: list[OutputDataset] | None = None,
    *,
    second: float = 0,
    run_facets: dict[str, RunFacet] | None = None,
    job_facets: dict[str, JobFacet] | None = None,
) -> RunEvent:
    return RunEvent(
        eventType=state,
        eventTime=(BEGAN + timedelta(seconds=second)).isoformat(),
        run=Run(runId=run, facets=run_facets or {}),
        job=Job(namespace=space, name=job, facets=job_facets or {}),
        producer=PRODUCER,
        inputs=inputs or [],
        outputs=outputs or [],
    )


def plain(space: str, **changes: object) -> dict[str, object]:
    """A run event as JSON, with fields in place of its own, or without those that are None."""
    told = {
        "eventType": "START",
        "eventTime": BEGAN.isoformat(),
        "run": {"runId": str(uuid4())},
        "job": {"namespace": space, "name": "plain"},
        "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


class TestIntake:
    """What an event is answered with."""

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"somethingElse": {"a": 1}},
            {"schemaURL": None},
            {"inputs": [], "outputs": []},
            {"run": {"runId": "no-uuid-at-all"}},
            {"eventType": "NOBODY_KNOWS_IT"},
            {"eventType": "start"},
        ],
        ids=["valid", "unknown field", "no schema", "no datasets", "no uuid", "unknown type", "lower case"],
    )
    def test_what_is_taken_in(self, server: Server, space: str, changes: dict[str, object]) -> None:
        told = plain(space, **changes)
        answers = [server.post(told) for _ in range(2)]  # a duplicate is taken in as well
        assert [(answer.status_code, answer.content) for answer in answers] == [(201, b""), (201, b"")]

    @pytest.mark.parametrize(
        ("changes", "errors"),
        [
            ({"run": None}, ["run must not be null"]),
            ({"job": None}, ["job must not be null"]),
            ({"eventTime": None}, ["eventTime must not be null"]),
            ({"producer": None}, ["producer must not be null"]),
        ],
        ids=["run", "job", "time", "producer"],
    )
    def test_what_an_event_must_have(
        self, server: Server, space: str, changes: dict[str, object], errors: list[str]
    ) -> None:
        answer = server.post(plain(space, **changes))
        assert (answer.status_code, answer.json()) == (422, {"errors": errors})

    def test_an_empty_body_is_refused(self, server: Server) -> None:
        answer = server.post(b"")
        assert (answer.status_code, list(answer.json())) == (422, ["errors"])

    @pytest.mark.parametrize("body", [b"{broken", b"[]"], ids=["broken", "array"])
    def test_what_cannot_be_read_is_a_failure_about_a_bad_request(self, server: Server, body: bytes) -> None:
        answer = server.post(body)
        assert (answer.status_code, answer.json()["code"], set(answer.json())) == (
            500,
            400,
            {"code", "message"},
        )

    def test_a_time_that_is_none_is_the_same(self, server: Server, space: str) -> None:
        answer = server.post(plain(space, eventTime="yesterday"))
        assert (answer.status_code, answer.json()["code"]) == (500, 400)

    def test_a_run_event_without_a_type_fails_with_a_page(self, server: Server, space: str) -> None:
        answer = server.post(plain(space, eventType=None))
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (500, "text/html")

    def test_only_json_is_understood(self, server: Server, space: str) -> None:
        answer = server.post(plain(space), **{"Content-Type": "text/plain"})
        assert answer.status_code == 415

    def test_an_event_about_a_dataset_alone(self, server: Server, space: str) -> None:
        table = StaticDataset(namespace=space, name="seeds.customers", facets=schema("id", "name"))
        server.emit(DatasetEvent(eventTime=BEGAN.isoformat(), producer=PRODUCER, dataset=table))
        found = server.client().get_dataset(space, "seeds.customers")
        assert [field["name"] for field in found["fields"]] == ["id", "name"]

    def test_an_event_about_a_job_alone(self, server: Server, space: str) -> None:
        server.emit(
            JobEvent(
                eventTime=BEGAN.isoformat(),
                producer=PRODUCER,
                job=Job(namespace=space, name="design"),
                inputs=[InputDataset(namespace=space, name="a")],
                outputs=[OutputDataset(namespace=space, name="b")],
            )
        )
        found = server.client().get_job(space, "design")
        names = [[one["name"] for one in found[side]] for side in ("inputs", "outputs")]
        assert (names, found["latestRun"]) == ([["a"], ["b"]], None)


class TestRuns:
    """What is told of jobs and their runs."""

    @pytest.mark.parametrize(
        ("last", "state"),
        [
            (RunState.COMPLETE, "COMPLETED"),
            (RunState.FAIL, "FAILED"),
            (RunState.ABORT, "ABORTED"),
        ],
    )
    def test_a_run_ends_as_its_last_event_says(
        self, server: Server, space: str, last: RunState, state: str
    ) -> None:
        run = str(uuid4())
        server.emit(event(RunState.START, space, "load", run))
        running = server.client().get_job(space, "load")["latestRun"]
        server.emit(event(last, space, "load", run, second=2.5))
        ended = server.client().get_job(space, "load")["latestRun"]
        facts = ("id", "state", "startedAt", "endedAt", "durationMs")
        assert [running[name] for name in facts] == [run, "RUNNING", "2026-03-01T12:00:00Z", None, None]
        assert [ended[name] for name in facts] == [
            run,
            state,
            "2026-03-01T12:00:00Z",
            "2026-03-01T12:00:02.500Z",
            2500,
        ]

    def test_the_runs_of_a_job_are_listed_latest_first(self, server: Server, space: str) -> None:
        runs = [str(uuid4()) for _ in range(3)]
        for place, run in enumerate(runs):
            server.emit(event(RunState.START, space, "load", run, second=place))
        found = server.client().list_job_runs(space, "load")
        page = server.client().list_job_runs(space, "load", limit=1, offset=1)
        assert [one["id"] for one in found["runs"]] == runs[::-1]
        assert ([one["id"] for one in page["runs"]], page["totalCount"]) == ([runs[1]], 3)

    def test_a_run_is_found_by_its_id_with_its_facets(self, server: Server, space: str) -> None:
        run = str(uuid4())
        failure = error_message_run.ErrorMessageRunFacet(message="no such column", programmingLanguage="SQL")
        server.emit(event(RunState.START, space, "load", run))
        server.emit(event(RunState.FAIL, space, "load", run, run_facets={"errorMessage": failure}))
        found = server.client().get_job_run(run)
        facets = server.get(f"/jobs/runs/{run}/facets", type="run").json()
        assert found["facets"]["errorMessage"]["message"] == "no such column"
        assert (facets["runId"], facets["facets"]) == (run, found["facets"])

    def test_a_run_tells_what_it_read_and_wrote(self, server: Server, space: str) -> None:
        run = str(uuid4())
        counted = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=7, size=512)
        server.emit(event(RunState.START, space, "load", run, [InputDataset(namespace=space, name="a")]))
        server.emit(
            event(
                RunState.COMPLETE,
                space,
                "load",
                run,
                [InputDataset(namespace=space, name="a")],
                [OutputDataset(namespace=space, name="b", outputFacets={"outputStatistics": counted})],
                second=1,
            )
        )
        found = server.client().get_job_run(run)
        read = [one["datasetVersionId"]["name"] for one in found["inputDatasetVersions"]]
        (written,) = found["outputDatasetVersions"]
        statistics = written["facets"]["outputStatistics"]
        assert (read, written["datasetVersionId"]["name"]) == (["a"], "b")
        assert (statistics["rowCount"], statistics["size"]) == (7, 512)

    def test_a_parent_is_made_and_names_its_child(self, server: Server, space: str) -> None:
        run, above = str(uuid4()), str(uuid4())
        facet = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=above), job=parent_run.Job(namespace=space, name="customer-360")
        )
        server.emit(event(RunState.START, space, "customer-360.orders", run, run_facets={"parent": facet}))
        server.emit(event(RunState.START, space, "seeds", str(uuid4()), run_facets={"parent": facet}))
        found = {job["name"]: job for job in server.client().list_jobs(space)["jobs"]}
        assert set(found) == {"customer-360", "customer-360.orders", "customer-360.seeds"}
        child = found["customer-360.orders"]
        assert (child["simpleName"], child["parentJobName"]) == ("orders", "customer-360")
        assert found["customer-360"]["latestRun"]["id"] == above

    def test_a_job_has_the_facets_of_its_last_run(self, server: Server, space: str) -> None:
        facet = documentation_job.DocumentationJobFacet(description="loads it")
        for state in (RunState.START, RunState.COMPLETE):
            run = "0192ab34-0000-7000-8000-" + space[-12:]
            server.emit(event(state, space, "load", run, job_facets={"documentation": facet}))
        found = server.client().get_job(space, "load")
        assert (found["description"], found["facets"]["documentation"]["description"]) == ("loads it",) * 2

    def test_a_job_that_was_deleted_is_gone(self, server: Server, space: str) -> None:
        server.emit(event(RunState.START, space, "load", str(uuid4())))
        place = f"{server.url}/api/v1/namespaces/{quote(space, safe='')}/jobs/load"
        statuses = [httpx.delete(place, timeout=20).status_code, httpx.get(place, timeout=20).status_code]
        assert statuses == [200, 404]

    def test_a_run_id_that_is_no_uuid_gets_one(self, server: Server, space: str) -> None:
        server.post(plain(space, run={"runId": "nightly"}))
        (run,) = server.client().list_job_runs(space, "plain")["runs"]
        assert UUID(run["id"]).version == 3


class TestListings:
    """Namespaces, events, search."""

    def test_a_namespace_comes_with_its_first_event(self, server: Server, space: str) -> None:
        server.post(plain(space))
        found = server.client().get_namespace(space)
        listed = server.client().list_namespaces(limit=10_000)["namespaces"]
        assert (found["name"], found["ownerName"], found["isHidden"]) == (space, "anonymous", False)
        assert space in [one["name"] for one in listed]

    def test_a_namespace_can_be_made(self, server: Server, space: str) -> None:
        server.client().create_namespace(space, "platform", "made by hand")
        found = server.client().get_namespace(space)
        assert (found["ownerName"], found["description"]) == ("platform", "made by hand")

    def test_events_are_listed_latest_first_as_they_were_sent(self, server: Server, space: str) -> None:
        run = str(uuid4())
        now = datetime.now(UTC)
        sent = [
            plain(
                space,
                eventType=state,
                eventTime=(now + timedelta(microseconds=place)).isoformat(),
                run={"runId": run},
                inputs=[{"namespace": LAKE, "name": "bronze.orders"}],
            )
            for place, state in enumerate(("START", "COMPLETE"))
        ]
        for told in sent:
            server.post(told)
        # marquez-python's own list asks a path that no Marquez has; "lineage" for the namespace mends it.
        told = server.client().list_events("lineage", limit=1000)
        mine = [one for one in told["events"] if one["run"]["runId"] == run]
        assert [one["eventType"] for one in mine] == ["COMPLETE", "START"]
        assert [one["inputs"][0]["name"] for one in mine] == ["bronze.orders"] * 2
        assert {one["job"]["namespace"] for one in mine} == {space}
        assert told["totalCount"] >= 2

    def test_events_of_a_time(self, server: Server, space: str) -> None:
        moment = datetime(2001, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(uuid4().int % 10**12))
        server.post(plain(space, eventTime=moment.isoformat()))
        after = moment + timedelta(microseconds=1)
        found = server.get("/events/lineage", after=moment.isoformat(), before=after.isoformat()).json()
        assert ([one["job"]["namespace"] for one in found["events"]], found["totalCount"]) == ([space], 1)

    def test_jobs_and_datasets_are_found_by_a_part_of_their_name(self, server: Server, space: str) -> None:
        mark = uuid4().hex
        run = str(uuid4())
        outputs = [OutputDataset(namespace=space, name=f"gold.{mark}")]
        server.emit(event(RunState.COMPLETE, space, f"job-{mark}", run, None, outputs))
        found = server.get("/search", q=mark[4:20].upper()).json()
        jobs = server.get("/search", q=mark, filter="JOB").json()
        assert sorted(one["nodeId"] for one in found["results"]) == [
            f"dataset:{space}:gold.{mark}",
            f"job:{space}:job-{mark}",
        ]
        assert [one["name"] for one in jobs["results"]] == [f"job-{mark}"]


class TestMissing:
    """What is said of something that is not there."""

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("/namespaces/{space}/jobs/ghost", "Job 'ghost' not found."),
            ("/namespaces/{space}/jobs/ghost/runs", "Job 'ghost' not found."),
            ("/namespaces/{space}/datasets/ghost", "Dataset 'ghost' not found."),
            ("/namespaces/ghost", "Namespace 'ghost' not found."),
            ("/namespaces/ghost/jobs/load", "Namespace 'ghost' not found."),
            (f"/jobs/runs/{UUID(int=7)}", f"Run '{UUID(int=7)}' not found."),
            ("/jobs/runs/ghost", "HTTP 404 Not Found"),
            ("/nowhere", "HTTP 404 Not Found"),
        ],
    )
    def test_it_is_told_by_name(self, server: Server, space: str, path: str, message: str) -> None:
        server.post(plain(space))
        answer = server.get(path.format(space=quote(space, safe="")))
        assert (answer.status_code, answer.json()) == (404, {"code": 404, "message": message})

    def test_a_node_that_is_unknown(self, server: Server, space: str) -> None:
        answers = [server.get("/lineage", nodeId=node) for node in (f"job:{space}:ghost", "rubbish")]
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, 404)] * 2

    def test_a_node_that_is_not_named(self, server: Server) -> None:
        answer = server.get("/lineage")
        assert (answer.status_code, list(answer.json())) == (400, ["errors"])

    def test_the_client_raises_its_own_error(self, server: Server, space: str) -> None:
        with pytest.raises(APIError):
            server.client().get_job(space, "ghost")


class Chain(NamedTuple):
    """Three jobs one after the other: raw -> bronze -> silver -> gold."""

    server: Server
    space: str
    mark: str

    def table(self, name: str) -> str:
        return f"{name}.{self.mark}"

    def graph(self, node: str, depth: int = 20) -> dict[str, dict[str, Any]]:
        answer = self.server.get("/lineage", nodeId=node, depth=depth)
        assert answer.status_code == 200, answer.text
        return {one["id"]: one for one in answer.json()["graph"]}


@pytest.fixture(scope="module")
def chain(server: Server) -> Chain:
    made = Chain(server, f"floe/chain-{uuid4().hex[:12]}", uuid4().hex[:12])
    layers = ["raw", "bronze", "silver", "gold"]
    for place, (source, target) in enumerate(pairwise(layers)):
        run = str(uuid4())
        read = InputDataset(namespace=LAKE, name=made.table(source), facets=schema("id", "amount"))
        lineage = columns_of(total=(made.table(source), "amount"), id=(made.table(source), "id"))
        if place:
            lineage = columns_of(total=(made.table(source), "total"), id=(made.table(source), "id"))
            read = InputDataset(namespace=LAKE, name=made.table(source), facets=schema("id", "total"))
        written = OutputDataset(
            namespace=LAKE, name=made.table(target), facets={**schema("id", "total"), **lineage}
        )
        for second, state in enumerate((RunState.START, RunState.COMPLETE)):
            moment = place * 10 + second
            server.emit(event(state, made.space, f"make-{target}", run, [read], [written], second=moment))
    return made


class TestGraph:
    """The lineage of jobs, datasets and columns."""

    def test_from_anywhere_it_is_the_whole_graph(self, chain: Chain) -> None:
        nodes = {f"dataset:{LAKE}:{chain.table(name)}" for name in ("raw", "bronze", "silver", "gold")}
        nodes |= {f"job:{chain.space}:make-{name}" for name in ("bronze", "silver", "gold")}
        assert set(chain.graph(f"dataset:{LAKE}:{chain.table('gold')}")) == nodes
        assert set(chain.graph(f"job:{chain.space}:make-bronze")) == nodes

    def test_edges_lead_from_what_is_read_to_what_is_written(self, chain: Chain) -> None:
        name = f"job:{chain.space}:make-silver"
        job = chain.graph(name)[name]
        bronze, silver = (f"dataset:{LAKE}:{chain.table(table)}" for table in ("bronze", "silver"))
        assert job["type"] == "JOB"
        assert job["inEdges"] == [{"origin": bronze, "destination": name}]
        assert job["outEdges"] == [{"origin": name, "destination": silver}]
        assert job["data"]["inputs"] == [{"namespace": LAKE, "name": chain.table("bronze")}]
        assert job["data"]["latestRun"]["state"] == "COMPLETED"

    def test_a_dataset_is_between_its_maker_and_its_readers(self, chain: Chain) -> None:
        name = f"dataset:{LAKE}:{chain.table('bronze')}"
        found = chain.graph(name)[name]
        assert [edge["origin"] for edge in found["inEdges"]] == [f"job:{chain.space}:make-bronze"]
        assert [edge["destination"] for edge in found["outEdges"]] == [f"job:{chain.space}:make-silver"]

    def test_depth_nought_still_has_the_neighbours(self, chain: Chain) -> None:
        name = f"job:{chain.space}:make-silver"
        assert set(chain.graph(name, depth=0)) == {
            name,
            f"dataset:{LAKE}:{chain.table('bronze')}",
            f"dataset:{LAKE}:{chain.table('silver')}",
        }

    def test_a_dataset_is_told_with_fields_facets_and_columns(self, chain: Chain) -> None:
        found = chain.server.client().get_dataset(LAKE, chain.table("silver"))
        assert [(field["name"], field["type"]) for field in found["fields"]] == [
            ("id", "string"),
            ("total", "string"),
        ]
        assert set(found["facets"]) == {"schema", "columnLineage"}
        sources = {
            column["name"]: [(one["dataset"], one["field"]) for one in column["inputFields"]]
            for column in found["columnLineage"]
        }
        assert sources == {
            "id": [(chain.table("bronze"), "id")],
            "total": [(chain.table("bronze"), "total")],
        }

    def test_versions_tell_the_run_that_made_them(self, chain: Chain) -> None:
        client = chain.server.client()
        (version,) = client.list_dataset_versions(LAKE, chain.table("gold"))["versions"]
        (run,) = client.list_job_runs(chain.space, "make-gold")["runs"]
        assert (version["createdByRun"]["id"], version["name"]) == (run["id"], chain.table("gold"))
        listed = client.list_datasets(LAKE, limit=10_000)["datasets"]
        assert chain.table("gold") in [one["name"] for one in listed]

    def test_columns_are_followed_to_where_they_come_from(self, chain: Chain) -> None:
        found = chain.server.client().get_column_lineage_by_dataset_field(LAKE, chain.table("gold"), "total")
        fields = {one["id"]: one for one in found["graph"]}
        expected = [("raw", "amount"), ("bronze", "total"), ("silver", "total"), ("gold", "total")]
        assert set(fields) == {f"datasetField:{LAKE}:{chain.table(t)}:{column}" for t, column in expected}
        gold = fields[f"datasetField:{LAKE}:{chain.table('gold')}:total"]
        (source,) = gold["data"]["inputFields"]
        assert gold["type"] == "DATASET_FIELD"
        assert (source["dataset"], source["field"]) == (chain.table("silver"), "total")
        assert (source["transformationType"], source["transformationDescription"]) == (
            "IDENTITY",
            "taken as it is",
        )

    def test_columns_down_the_stream_only_when_asked_for(self, chain: Chain) -> None:
        client = chain.server.client()
        node = (LAKE, chain.table("bronze"))
        tables = [
            {one["data"]["dataset"].partition(".")[0] for one in found["graph"]}
            for found in (
                client.get_column_lineage_by_dataset(*node, depth=20),
                client.get_column_lineage_by_dataset(*node, depth=20, with_downstream=True),
            )
        ]
        assert tables == [{"raw", "bronze"}, {"raw", "bronze", "silver", "gold"}]
        first = client.get_column_lineage_by_dataset(LAKE, chain.table("raw"), depth=20, with_downstream=True)
        assert {one["data"]["dataset"].partition(".")[0] for one in first["graph"]} == tables[1]

    def test_columns_need_the_schema_of_what_is_read(self, server: Server, space: str) -> None:
        source, target = f"in.{uuid4().hex}", f"out.{uuid4().hex}"
        facets = {**schema("id"), **columns_of(id=(source, "id"))}
        read = [InputDataset(namespace=LAKE, name=source)]
        written = [OutputDataset(namespace=LAKE, name=target, facets=facets)]
        server.emit(event(RunState.COMPLETE, space, "load", str(uuid4()), read, written))
        assert server.client().get_column_lineage_by_dataset(LAKE, target) == {"graph": []}

    def test_a_later_run_replaces_what_a_job_reads(self, server: Server, space: str) -> None:
        for second, source in enumerate(("old", "new")):
            run = str(uuid4())
            read = [InputDataset(namespace=space, name=source)]
            written = [OutputDataset(namespace=space, name="table")]
            server.emit(event(RunState.START, space, "load", run, read, written, second=second))
            server.emit(event(RunState.COMPLETE, space, "load", run, read, written, second=second))
        graph = Chain(server, space, "").graph(f"dataset:{space}:table")
        assert set(graph) == {f"dataset:{space}:new", f"job:{space}:load", f"dataset:{space}:table"}

    def test_what_a_run_names_at_its_start_counts_at_its_end(self, server: Server, space: str) -> None:
        run = str(uuid4())
        read = [InputDataset(namespace=space, name="a")]
        written = [OutputDataset(namespace=space, name="b")]
        server.emit(event(RunState.START, space, "load", run, read))
        server.emit(event(RunState.COMPLETE, space, "load", run, None, written, second=1))
        graph = Chain(server, space, "").graph(f"job:{space}:load")
        assert set(graph) == {f"dataset:{space}:a", f"job:{space}:load", f"dataset:{space}:b"}


class TestDriver:
    """The suite's own questions."""

    @pytest.fixture
    def lineage(self, server: Server) -> Lineage:
        return Lineage(lambda: server.url.removeprefix("http://"))

    def test_it_tells_jobs_by_name(self, lineage: Lineage, chain: Chain) -> None:
        found = lineage.jobs(chain.space)
        silver = found["make-silver"]
        assert set(found) == {"make-bronze", "make-silver", "make-gold"}
        assert (silver.state, silver.inputs, silver.outputs) == (
            "COMPLETED",
            frozenset({chain.table("bronze")}),
            frozenset({chain.table("silver")}),
        )
        assert chain.space in lineage.namespaces()

    def test_it_tells_the_graph_as_edges(self, lineage: Lineage, chain: Chain) -> None:
        layers = [chain.table(name) for name in ("raw", "bronze", "silver", "gold")]
        assert lineage.edges(LAKE, layers[2]) == set(pairwise(layers))

    def test_it_tells_columns_as_edges(self, lineage: Lineage, chain: Chain) -> None:
        raw, bronze = chain.table("raw"), chain.table("bronze")
        assert lineage.column_edges(LAKE, bronze) == {
            (f"{raw}.id", f"{bronze}.id"),
            (f"{raw}.amount", f"{bronze}.total"),
        }

    def test_it_tells_the_events_of_a_run_and_below_it(
        self, lineage: Lineage, server: Server, space: str
    ) -> None:
        above, below = str(uuid4()), str(uuid4())
        facet = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=above), job=parent_run.Job(namespace=space, name="flow")
        )
        wrote = [OutputDataset(namespace=LAKE, name="silver.orders")]
        moment = time.time() - BEGAN.timestamp()
        server.emit(event(RunState.START, space, "flow", above, second=moment))
        for step, (state, outputs) in enumerate(((RunState.START, []), (RunState.FAIL, wrote))):
            sent = event(
                state,
                space,
                "model",
                below,
                None,
                outputs,
                second=moment + 1 + step,
                run_facets={"parent": facet},
            )
            server.emit(sent)
        found = [(one.kind, one.job, one.run, one.outputs) for one in lineage.events(above)]
        assert found == [
            ("START", "flow", above, frozenset()),
            ("START", "model", below, frozenset()),
            ("FAIL", "model", below, {"silver.orders"}),
        ]
        ended = lineage.run(below)
        assert (ended.job, ended.state, ended.seconds) == ("flow.model", "FAILED", 1.0)

    def test_it_says_what_was_asked_and_what_came_back(self, lineage: Lineage) -> None:
        nobody = UUID(int=9)
        with pytest.raises(ServiceError) as refused:
            lineage.run(str(nobody))
        assert (refused.value.of, refused.value.asked) == ("Marquez", f"tell of run {nobody}")
        assert refused.value.answer.startswith("404 ")
        with pytest.raises(
            ServiceError, match="was asked to tell the lineage of dataset:s3://warehouse:ghost"
        ):
            lineage.edges(LAKE, "ghost")

    def test_it_says_when_nobody_answers(self) -> None:
        with pytest.raises(ServiceError, match="Marquez was asked to list the namespaces"):
            Lineage(lambda: "127.0.0.1:1").namespaces()


class TestHealth:
    """The admin port."""

    def test_it_is_healthy_and_answers_a_ping(self, server: Server) -> None:
        health = httpx.get(f"{server.admin_url}/healthcheck", timeout=20)
        ping = httpx.get(f"{server.admin_url}/ping", timeout=20)
        assert (health.status_code, ping.status_code, ping.text.strip()) == (200, 200, "pong")
        assert {"deadlocks", "postgresql"} <= set(health.json())
        assert health.json()["postgresql"]["healthy"] is True

    def test_prometheus_reads_its_metrics_at_the_port_of_the_api(self, server: Server) -> None:
        found = httpx.get(f"{server.url}/metrics", timeout=20)
        assert (found.status_code, "process_start_time_seconds" in found.text) == (200, True)
        assert found.headers["content-type"].startswith("text/plain")

    def test_a_person_reads_them_at_the_admin_port(self, server: Server) -> None:
        found = httpx.get(f"{server.admin_url}/metrics", timeout=20)
        assert (found.status_code, set(found.json()) >= {"version", "gauges"}) == (200, True)


def computed(pid: int) -> float:
    """Seconds of computing that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class TestStandIn:
    """What only the stand-in can be asked."""

    def test_what_was_taken_in_outlives_a_crash(self, stand_in: LineageStandIn, space: str) -> None:
        server = Server(stand_in.url, stand_in.admin_url)
        server.post(plain(space))
        stand_in.kill()
        began = time.monotonic()
        stand_in.start()
        assert time.monotonic() - began < 5  # less than a second where nothing else runs
        assert server.client().get_job(space, "plain")["latestRun"]["state"] == "RUNNING"

    def test_it_takes_events_from_many_at_once(self, stand_in: LineageStandIn, space: str) -> None:
        server = Server(stand_in.url, stand_in.admin_url)
        runs = [str(uuid4()) for _ in range(24)]
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda run: server.post(plain(space, run={"runId": run})), runs))
        assert {answer.status_code for answer in answers} == {201}
        found = server.client().list_job_runs(space, "plain")
        assert {run["id"] for run in found["runs"]} == set(runs)

    def test_it_uses_nearly_nothing_while_nobody_asks(self, stand_in: LineageStandIn) -> None:
        before, began = computed(stand_in.pid), time.monotonic()
        wait.until(
            lambda: time.monotonic() - began, lambda seconds: seconds > 3, what="three seconds", within=30
        )
        assert computed(stand_in.pid) - before < 0.15  # of three seconds
        assert resident(stand_in.pid) < 120 * 2**20

    def test_without_its_database_it_says_so_and_recovers(
        self, stand_in: LineageStandIn, postgres: Postgres, space: str
    ) -> None:
        server = Server(stand_in.url, stand_in.admin_url)
        postgres.stop()
        try:
            health = httpx.get(f"{server.admin_url}/healthcheck", timeout=20)
            ping = httpx.get(f"{server.admin_url}/ping", timeout=20)
            refused = server.post(plain(space))
        finally:
            postgres.start()
        assert (health.status_code, health.json()["postgresql"]["healthy"]) == (500, False)
        assert (ping.status_code, refused.status_code) == (200, 500)
        assert server.post(plain(space)).status_code == 201
