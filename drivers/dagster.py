"""Dagster, asked and told through its GraphQL API."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from drivers import traffic, wait
from drivers.errors import ServiceError, brief
from drivers.tunnel import Tunnel
from foundation import tracecontext
from foundation.errors import DeadlineError
from reports import evidence

CALL_SECONDS = 30.0
RUN_SECONDS = wait.minutes(5)
"""How long a product's run may take on two shared cores."""

LOOK_CLOSELY = 0.1
"""Seconds between two looks at a run that is to be met in the middle of its work, which is over soon."""

LOAD_SECONDS = 30.0
"""Until a code location must be loaded once its pod is Ready.

The web server learns by itself, about once a second, that a code server it could not reach
has come up; what a code server answers, an error included, is final at once.
"""

SILENT_SECONDS = 100.0
"""From when on a daemon without a heartbeat is not at work: they beat every 30 s (the chart says so too)."""

MAINTENANCE = "maintenance"
"""The first part of the key of an asset that is no table of a product: the upkeep of its tables."""

UPKEEP = "_maintenance"
"""What the name of a product's job is followed by in that of the job that keeps its tables up."""

_UNREACHED = "DagsterUserCodeUnreachableError"
_OF_DAGSTER = "__ASSET_JOB"
"""The job that Dagster itself adds to every code location."""

ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})

_PROGRESS = re.compile(r"\d+ of \d+ (ERROR|FAIL) .*?\.{3,} \[(ERROR|FAIL)[^\]]*\] ?")
"""dbt's line about a node that went wrong, which says neither how nor why."""

_WRAPPER = re.compile(r"dagster\._core\.errors\.DagsterExecutionStepExecutionError: ")

VERSION = "query { version }"
DAEMONS = """
query { instance { daemonHealth { allDaemonStatuses { daemonType healthy required lastHeartbeatTime } } } }
"""
RECENT = """
query { runsOrError(limit: 25) { __typename
  ... on PythonError { message }
  ... on Runs { results { runId jobName status creationTime startTime endTime } } } }
"""
RUNS = "query { runsOrError { __typename ... on Runs { results { runId } } } }"
LOCATIONS = """
query { workspaceOrError { __typename
  ... on PythonError { message }
  ... on Workspace { locationEntries { name loadStatus updatedTimestamp locationOrLoadError { __typename
    ... on PythonError { message causes { message } }
    ... on RepositoryLocation {
      repositories { name jobs { name } assetNodes { assetKey { path } } } } } } } } }
"""
LAUNCH = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on PythonError { message }
  ... on InvalidSubsetError { message }
  ... on PipelineNotFoundError { message }
  ... on UnauthorizedError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }
"""
RETRY = """
mutation($params: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on PythonError { message }
  ... on InvalidSubsetError { message }
  ... on PipelineNotFoundError { message }
  ... on UnauthorizedError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }
"""
SENSOR = """
query($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { __typename
  ... on SensorNotFoundError { message }
  ... on PythonError { message }
  ... on UnauthorizedError { message }
  ... on Sensor { sensorState {
    typeSpecificData { ... on SensorData { lastCursor } }
    ticks(limit: 25) { timestamp status skipReason error { message } } } } } }
"""
SCHEDULE = """
query($selector: ScheduleSelector!) { scheduleOrError(scheduleSelector: $selector) { __typename
  ... on ScheduleNotFoundError { message }
  ... on PythonError { message }
  ... on Schedule { cronSchedule scheduleState { id status } } } }
"""
STOP_SCHEDULE = """
mutation($id: String!) { stopRunningSchedule(id: $id) { __typename
  ... on UnauthorizedError { message }
  ... on PythonError { message }
  ... on ScheduleStateResult { scheduleState { status } } } }
"""
BEGUN = """
query($filter: RunsFilter!) { runsOrError(filter: $filter) { __typename
  ... on PythonError { message }
  ... on InvalidPipelineRunsFilterError { message }
  ... on Runs { results { runId jobName status creationTime startTime endTime } } } }
"""
ASSETS = """
query($selector: RepositorySelector!) { repositoryOrError(repositorySelector: $selector) { __typename
  ... on PythonError { message }
  ... on RepositoryNotFoundError { message }
  ... on Repository { assetNodes { assetKey { path } jobNames } } } }
"""
EDGES = """
query($selector: RepositorySelector!) { repositoryOrError(repositorySelector: $selector) { __typename
  ... on PythonError { message }
  ... on RepositoryNotFoundError { message }
  ... on Repository { assetNodes { assetKey { path } dependencyKeys { path } } } } }
"""
CHECKS = """
query($selector: RepositorySelector!) { repositoryOrError(repositorySelector: $selector) { __typename
  ... on PythonError { message }
  ... on RepositoryNotFoundError { message }
  ... on Repository { assetNodes { assetKey { path } assetChecksOrError { __typename
    ... on AssetChecks { checks { name } } } } } } }
"""
STATUS = """
query($run: ID!) { runOrError(runId: $run) { __typename
  ... on RunNotFoundError { message }
  ... on PythonError { message }
  ... on Run { status } } }
"""
EVENTS = """
query($run: ID!, $after: String) { logsForRun(runId: $run, afterCursor: $after, limit: 1000) { __typename
  ... on RunNotFoundError { message }
  ... on PythonError { message }
  ... on EventConnection { cursor hasMore events { __typename
    ... on MessageEvent { message timestamp stepKey level eventType }
    ... on EngineEvent { error { ...cause } }
    ... on ExecutionStepFailureEvent { error { ...cause } }
    ... on RunFailureEvent { error { ...cause } }
    ... on MaterializationEvent { assetKey { path } metadataEntries { ...entry } }
    ... on AssetCheckEvaluationEvent { evaluation {
        checkName success severity timestamp assetKey { path } metadataEntries { ...entry } } } } } } }
fragment cause on PythonError { message causes { message } }
fragment entry on MetadataEntry { __typename label
  ... on IntMetadataEntry { intValue intRepr }
  ... on FloatMetadataEntry { floatValue }
  ... on TextMetadataEntry { text }
  ... on BoolMetadataEntry { boolValue } }
"""


@dataclass(frozen=True)
class Materialization:
    """What a run reported of one table: its figures, and when its own dbt node ran (epoch seconds)."""

    model: str
    metadata: Mapping[str, object]

    @property
    def table(self) -> str:
        """Where the rows are, as catalog.namespace.table."""
        return str(self._told("table"))

    @property
    def table_in_catalog(self) -> str:
        """The table as its catalog calls it: namespace.table."""
        return self.table.partition(".")[2]

    @property
    def rows(self) -> int:
        """The row count the run reported."""
        return int(str(self._told("row_count")))

    @property
    def snapshot(self) -> int:
        """The table's snapshot that this run left current."""
        return int(str(self._told("snapshot_id")))

    @property
    def started(self) -> float:
        """When the model's own execution began."""
        return float(str(self._told("started_at")))

    @property
    def completed(self) -> float:
        """When the model's own execution ended."""
        return float(str(self._told("completed_at")))

    def _told(self, label: str) -> object:
        if label not in self.metadata:
            asked = f"tell {label} of the materialization of {self.model}"
            raise ServiceError(
                asked, of="Dagster", answer=f"only {', '.join(sorted(self.metadata)) or 'nothing'}"
            )
        return self.metadata[label]


@dataclass(frozen=True)
class Expectation:
    """What a run found of one expectation that a product has of its rows.

    Attributes:
        name: as floe.yaml has it.
        table: whose rows.
        outcome: passed or failed.
        score: the share of rows that meet it, in percent.
        against: how many rows do not.
        table_score: what floe makes of all expectations of the table, from 0 to 100.
    """

    name: str
    table: str
    outcome: str
    score: float
    against: int
    table_score: float


@dataclass(frozen=True)
class Run:
    """A finished run as Dagster recorded it.

    Attributes:
        status: SUCCESS, FAILURE or CANCELED.
        materializations: by model, the last of the run.
        checks: each dbt test by name, and whether it passed, warned or failed.
        expectations: each of those that are no dbt test, by name.
        checked_at: when each of them was evaluated (epoch seconds).
        causes: what the failures said.
        events: every event, one line each.
    """

    run_id: str
    product: str
    status: str
    materializations: Mapping[str, Materialization]
    checks: Mapping[str, str]
    expectations: Sequence[Expectation]
    checked_at: Mapping[str, float]
    causes: Sequence[str]
    events: Sequence[str]

    @property
    def times(self) -> dict[str, tuple[float, float]]:
        """When each table's own execution began and ended."""
        return {name: (made.started, made.completed) for name, made in self.materializations.items()}

    @property
    def row_counts(self) -> dict[str, int]:
        """The row count of each table, as the run reported it."""
        return {name: made.rows for name, made in self.materializations.items()}

    @property
    def failed_checks(self) -> frozenset[str]:
        """The dbt tests that failed."""
        return frozenset(name for name, result in self.checks.items() if result == "failed")

    @property
    def outcome(self) -> str:
        """Whether it succeeds or fails, in a word."""
        return {"SUCCESS": "succeeds", "FAILURE": "fails"}.get(self.status, self.status)

    def said(self, words: str) -> bool:
        """Whether an event of the run has these words, line breaks taken as blanks."""
        return any(words in " ".join(line.split()) for line in self.events)

    @property
    def verdict(self) -> str:
        """The status and, where it is not a success, what the run gave as its cause."""
        return (
            self.status
            if self.status == "SUCCESS"
            else f"{self.status}: {brief(' | '.join(self.causes), 1500)}"
        )


@dataclass(frozen=True)
class Recorded:
    """A run as Dagster lists it; moments in epoch seconds, None while it has not come to them."""

    run_id: str
    job: str
    status: str
    created: float
    began: float | None
    ended: float | None


@dataclass(frozen=True)
class Location:
    """A code location as the web server last read it.

    Attributes:
        state: `loaded`, or why it is not.
        loaded_at: when the web server read it (epoch seconds).
        jobs: the jobs that a person can launch.
        tables: the assets that its jobs make.
    """

    state: str
    loaded_at: float
    jobs: frozenset[str]
    tables: frozenset[str]


@dataclass(frozen=True)
class Tick:
    """One look of a sensor.

    Attributes:
        at: when it began (epoch seconds).
        status: STARTED, SKIPPED, SUCCESS or FAILURE.
        said: why it began no run, or why it failed; empty where it began one.
    """

    at: float
    status: str
    said: str


@dataclass(frozen=True)
class Launched:
    """A run that was asked for."""

    run_id: str
    product: str
    orchestrator: Orchestrator

    def finished(self, within: float = RUN_SECONDS) -> Run:
        """Wait for the end of the run.

        Raises:
            DeadlineError: it did not end; with its last event and the state of its worker.
        """
        return self.orchestrator.finished(self, within)


class Orchestrator:
    """One release's Dagster.

    Args:
        tunnel: the way to its web server.
        worker_of: says in words what the worker of a run is doing, for messages.
    """

    def __init__(self, tunnel: Tunnel, worker_of: Callable[[str], str]) -> None:
        self._tunnel = tunnel
        self._worker_of = worker_of
        self._client = httpx.Client(timeout=CALL_SECONDS, event_hooks=traffic.httpx_hooks())

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def version(self) -> str:
        """The version of the web server."""
        version = str(self._ask("tell its version", VERSION)["version"])
        evidence.component("Dagster", version)
        return version

    def daemons(self) -> dict[str, bool]:
        """Each daemon that this installation requires, and whether it is healthy.

        Dagster itself calls a daemon healthy until it has been silent for half an hour.
        """
        statuses = self._ask("tell its daemons' health", DAEMONS)["instance"]["daemonHealth"][
            "allDaemonStatuses"
        ]
        return {one["daemonType"]: _beats(one) for one in statuses if one["required"]}

    def run_ids(self) -> frozenset[str]:
        """Every run that is recorded."""
        found = self._typed("list its runs", RUNS, "runsOrError", "Runs")
        return frozenset(run["runId"] for run in found["results"])

    def recent_runs(self) -> list[Recorded]:
        """The 25 latest runs, the latest first."""
        found = self._typed("list its latest runs", RECENT, "runsOrError", "Runs")
        return [_as_recorded(one) for one in found["results"]]

    @contextmanager
    def hurried(self, seconds: float) -> Iterator[None]:
        """Wait no longer than this for each answer meanwhile."""
        usual, self._client.timeout = self._client.timeout, httpx.Timeout(seconds)
        try:
            yield
        finally:
            self._client.timeout = usual

    def location(self, product: str) -> str:
        """`loaded` for a product's code location, or why it is not."""
        try:
            return _loaded(self._location(product))
        except DeadlineError as late:
            return str(late)

    def locations(self) -> dict[str, Location]:
        """Every code location by name, once the web server has reached each or had LOAD_SECONDS to do so."""
        entries = wait.settled(
            self._location_entries,
            lambda seen: all(map(_answered, seen)),
            what="the code locations",
            within=LOAD_SECONDS,
        )
        return {entry["name"]: _as_location(entry) for entry in entries}

    def loaded_at(self, product: str) -> float:
        """When the web server last read a product's code location (epoch seconds)."""
        return float(self._location(product)["updatedTimestamp"])

    def reloaded(self, product: str, *, since: float, within: float | None = None) -> None:
        """Wait until the web server has read a product's code location anew.

        Until it has noticed that the code server is another one it tells the old one's answer,
        and what it then asks of it fails.

        Args:
            product: whose.
            since: when the old one had been read (see loaded_at).
            within: seconds it may take, where the pod of the code server has yet to start; else LOAD_SECONDS.

        Raises:
            DeadlineError: it did not.
        """
        wait.until(
            lambda: self._location(product),
            lambda seen: float(seen["updatedTimestamp"]) > since,
            what=f"code location {product}",
            within=within or LOAD_SECONDS,
            last=lambda seen: f"is {_loaded(seen)}, but as it was before",
        )

    def launch(
        self, product: str, models: Iterable[str] = (), *, tags: Mapping[str, str] | None = None
    ) -> Launched:
        """Launch a product's job, or only some of its models, as a person does in the UI.

        Args:
            product: whose job.
            models: only these; all when there is none.
            tags: of the run, beside those that Dagster gives it.
        """
        evidence.touched("pipeline")
        selector = self._job_of(product)
        wanted = sorted(models)
        if wanted:
            selector["assetSelection"] = [{"path": path} for path in self._paths(selector, wanted)]
        labels = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        variables = {
            "params": {"selector": selector, "mode": "default", "executionMetadata": {"tags": labels}}
        }
        told = self._typed(f"launch {product}", LAUNCH, "launchRun", "LaunchRunSuccess", variables)
        return Launched(told["run"]["runId"], product, self)

    def edges(self, product: str) -> frozenset[tuple[str, str]]:
        """The edges of a product's asset graph, as its page draws them: a table, and one made of it."""
        return frozenset(
            (above["path"][-1], node["assetKey"]["path"][-1])
            for node in self._nodes(self._job_of(product), EDGES)
            if node["assetKey"]["path"][0] != MAINTENANCE
            for above in node["dependencyKeys"]
        )

    def ticks(self, product: str, sensor: str) -> list[Tick]:
        """The latest looks of a sensor of a product that are over, the latest first."""
        return [
            Tick(
                float(one["timestamp"]),
                one["status"],
                str(one["skipReason"] or (one["error"] or {}).get("message") or ""),
            )
            for one in self._sensor(product, sensor)["ticks"]
            if one["status"] != "STARTED"
        ]

    def knows(self, product: str, sensor: str) -> bool:
        """Whether a sensor has noted what is there, so that it will notice a change."""
        return bool((self._sensor(product, sensor)["typeSpecificData"] or {}).get("lastCursor"))

    def cron(self, product: str) -> str:
        """When the deployed schedule of a product comes, as a cron expression."""
        return str(self._schedule(product)["cronSchedule"])

    def stop_schedule(self, product: str) -> None:
        """Let the schedule of a product begin no further run."""
        variables = {"id": self._schedule(product)["scheduleState"]["id"]}
        asked = f"stop the schedule of {product}"
        self._typed(asked, STOP_SCHEDULE, "stopRunningSchedule", "ScheduleStateResult", variables)

    def begun_by(self, product: str, automation: str) -> list[Recorded]:
        """The runs that a sensor or the schedule of a product began, the first one first.

        Args:
            product: whose.
            automation: `schedule`, or the name of a sensor.
        """
        evidence.touched("pipeline")
        tag = "dagster/schedule_name" if automation == "schedule" else "dagster/sensor_name"
        tags = [{"key": tag, "value": f"{_slug(product)}_{automation}"}]
        asked = f"list the runs that the {automation} of {product} began"
        found = self._typed(asked, BEGUN, "runsOrError", "Runs", {"filter": {"tags": tags}})
        return sorted(map(_as_recorded, found["results"]), key=lambda run: run.created)

    def of_recorded(self, recorded: Recorded, product: str) -> Launched:
        """A run that somebody else began, to be waited for."""
        return Launched(recorded.run_id, product, self)

    def launch_upkeep(self, product: str, settings: Mapping[str, object]) -> Launched:
        """Launch the upkeep of a product's tables, as a person does who fills in its launchpad."""
        evidence.touched("pipeline")
        selector = self._job_of(product, UPKEEP)
        step = f"{MAINTENANCE}__{product.replace('-', '_')}"
        config = {"ops": {step: {"config": dict(settings)}}}
        variables = {"params": {"selector": selector, "mode": "default", "runConfigData": config}}
        asked = f"launch the upkeep of {product}"
        told = self._typed(asked, LAUNCH, "launchRun", "LaunchRunSuccess", variables)
        return Launched(told["run"]["runId"], product, self)

    def at_work(self, launched: Launched) -> None:
        """Wait until the worker of a run has begun its first step.

        Raises:
            DeadlineError: it did not.
        """
        what = f"run {launched.run_id[:8]} of {launched.product}"
        wait.until(
            lambda: (self.status(launched.run_id), self.events(launched.run_id)),
            lambda seen: seen[0] in ENDED or any(one.get("eventType") == "STEP_START" for one in seen[1]),
            what=what,
            within=RUN_SECONDS,
            last=lambda seen: f"still {seen[0]}, without a step",
            every=LOOK_CLOSELY,
        )

    def retry(self, failed: Run) -> Launched:
        """Run again what a run left undone, as the UI's "from asset failure" does: what it finished stays."""
        evidence.touched("pipeline")
        variables = {"params": {"parentRunId": failed.run_id, "strategy": "FROM_ASSET_FAILURE"}}
        asked = f"retry run {failed.run_id[:8]} of {failed.product}"
        told = self._typed(asked, RETRY, "launchRunReexecution", "LaunchRunSuccess", variables)
        return Launched(told["run"]["runId"], failed.product, self)

    def half_way(self, launched: Launched) -> None:
        """Wait until a run has finished its first table and is still at work.

        Raises:
            ServiceError: it ended before anybody could see that.
            DeadlineError: it finished none.
        """
        what = f"run {launched.run_id[:8]} of {launched.product}"
        wait.until(
            lambda: (self.status(launched.run_id), self._made(launched.run_id)),
            lambda seen: seen[0] in ENDED or bool(seen[1]),
            what=what,
            within=RUN_SECONDS,
            last=lambda seen: f"still {seen[0]}, without a table",
            every=LOOK_CLOSELY,
        )
        if (status := self.status(launched.run_id)) in ENDED:
            raise ServiceError(f"show {what} half way", of="Dagster", answer=f"it was already {status}")

    def _made(self, run_id: str) -> list[dict[str, Any]]:
        return [event for event in self.events(run_id) if event["__typename"] == "MaterializationEvent"]

    def launch_tests(self, product: str) -> Launched:
        """Launch every dbt test of a product and no table, as a person does in the UI."""
        evidence.touched("pipeline")
        selector = self._job_of(product)
        tests = [
            {"assetKey": {"path": node["assetKey"]["path"]}, "name": check["name"]}
            for node in self._nodes(selector, CHECKS)
            for check in node["assetChecksOrError"].get("checks", ())
        ]
        if not tests:
            raise ServiceError(f"select the tests of {product}", of="Dagster", answer="it knows none")
        variables = {
            "params": {
                "selector": {**selector, "assetSelection": [], "assetCheckSelection": tests},
                "mode": "default",
            }
        }
        asked = f"launch the tests of {product}"
        told = self._typed(asked, LAUNCH, "launchRun", "LaunchRunSuccess", variables)
        return Launched(told["run"]["runId"], product, self)

    def finished(self, launched: Launched, within: float) -> Run:
        """The run once it has ended; see Launched.finished."""
        evidence.touched("pipeline")
        what = f"run {launched.run_id[:8]} of {launched.product}"
        try:
            status = wait.until(
                lambda: self.status(launched.run_id),
                lambda seen: seen in ENDED,
                what=what,
                within=within,
                last=lambda seen: f"still {seen}",
            )
        except DeadlineError as late:
            raise DeadlineError(f"{late}; {self._last_event(launched.run_id)}") from late
        return self._recorded(launched, status)

    def until_said(self, launched: Launched, words: str, within: float) -> None:
        """Wait until a run says something in its events.

        Raises:
            ServiceError: it ended and had not said it; with its last event.
            DeadlineError: it did not in time; with its last event.
        """
        asked = f"hear '{words}' from run {launched.run_id[:8]} of {launched.product}"

        def heard() -> tuple[bool, str]:
            ended = self.status(launched.run_id) in ENDED
            lines = [line_of(event) for event in self.events(launched.run_id)] or ["nothing"]
            return ended or any(words in line for line in lines), lines[-1]

        wait.until(heard, lambda seen: seen[0], what=asked, within=within, last=lambda seen: seen[1])
        if not any(words in line_of(event) for event in self.events(launched.run_id)):
            raise ServiceError(asked, of="Dagster", answer=self._last_event(launched.run_id))

    def status(self, run_id: str) -> str:
        """The status of a run."""
        return str(
            self._typed(f"tell the status of run {run_id[:8]}", STATUS, "runOrError", "Run", {"run": run_id})[
                "status"
            ]
        )

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """Everything that happened in a run, oldest first, as Dagster tells it."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            variables = {"run": run_id, "after": cursor}
            page = self._typed(
                f"tell the events of run {run_id[:8]}", EVENTS, "logsForRun", "EventConnection", variables
            )
            found += page["events"]
            cursor = page["cursor"]
            if not page["hasMore"]:
                return found

    def _recorded(self, launched: Launched, status: str) -> Run:
        events = self.events(launched.run_id)
        made = [event for event in events if event["__typename"] == "MaterializationEvent"]
        evaluated = [
            event["evaluation"] for event in events if event["__typename"] == "AssetCheckEvaluationEvent"
        ]
        expectations = [found for check in evaluated if (found := _expectation(check))]
        checks = [check for check in evaluated if not _expectation(check)]
        causes = [event["error"] for event in events if event.get("error")]
        # Of a run that was cut off nothing but the daemon's last word tells what became of it.
        causes = causes or [event for event in events if event["__typename"] == "RunFailureEvent"]
        return Run(
            launched.run_id,
            launched.product,
            status,
            {
                model: Materialization(model, _metadata(event))
                for event in made
                if (model := event["assetKey"]["path"][-1])
            },
            {check["checkName"]: _result(check) for check in checks},
            sorted(expectations, key=lambda found: found.name),
            {check["checkName"]: float(check["timestamp"]) for check in checks},
            _said(causes),
            [line_of(event) for event in events],
        )

    def _last_event(self, run_id: str) -> str:
        worker = f"its worker {self._worker_of(run_id)}"
        try:
            events = self.events(run_id)
        except ServiceError as silent:
            return f"its events could not be read ({brief(silent)}); {worker}"
        if not events:
            return f"it has no event; {worker}"
        age = time.time() - float(events[-1]["timestamp"]) / 1000
        return f"last event {age:.0f} s ago: {brief(events[-1]['message'], 200)}; {worker}"

    def _job_of(self, product: str, which: str = "") -> dict[str, Any]:
        """Where a product's job is, or another of its jobs: its code location, repository and name."""
        location = self._location(product)["locationOrLoadError"]
        if location["__typename"] != "RepositoryLocation":
            raise ServiceError(f"load {product}", of="Dagster", answer=brief(_messages(location)[-1], 1500))
        jobs = [
            (repository["name"], job["name"])
            for repository in location["repositories"]
            for job in repository["jobs"]
            if job["name"] == _slug(product) + which
        ]
        if len(jobs) != 1:
            known = [job["name"] for repository in location["repositories"] for job in repository["jobs"]]
            raise ServiceError(f"name the job of {product}", of="Dagster", answer=f"jobs {known}")
        return {"repositoryLocationName": product, "repositoryName": jobs[0][0], "jobName": jobs[0][1]}

    def _repository_of(self, product: str) -> dict[str, str]:
        """Where what a product declares is found: its code location and repository."""
        selector = self._job_of(product)
        return {key: selector[key] for key in ("repositoryLocationName", "repositoryName")}

    def _sensor(self, product: str, sensor: str) -> dict[str, Any]:
        selector = {**self._repository_of(product), "sensorName": f"{_slug(product)}_{sensor}"}
        asked = f"tell of the sensor {sensor} of {product}"
        found = self._typed(asked, SENSOR, "sensorOrError", "Sensor", {"selector": selector})
        return dict(found["sensorState"])

    def _schedule(self, product: str) -> dict[str, Any]:
        selector = {**self._repository_of(product), "scheduleName": f"{_slug(product)}_schedule"}
        asked = f"tell the schedule of {product}"
        return self._typed(asked, SCHEDULE, "scheduleOrError", "Schedule", {"selector": selector})

    def _location(self, product: str) -> dict[str, Any]:
        """A product's code location, once the web server has its answer.

        Raises:
            DeadlineError: no answer of its code server reached the web server.
        """
        found = wait.until(
            lambda: next((one for one in self._location_entries() if one["name"] == product), None),
            lambda seen: seen is not None and _answered(seen),
            what=f"code location {product}",
            within=LOAD_SECONDS,
            last=lambda seen: "is unknown to Dagster" if seen is None else f"is not loaded: {_loaded(seen)}",
        )
        return found or {}

    def _nodes(self, selector: Mapping[str, Any], query: str) -> list[dict[str, Any]]:
        """The assets of a product's repository, with what the query asks of each."""
        where = {key: selector[key] for key in ("repositoryLocationName", "repositoryName")}
        found = self._typed("list its assets", query, "repositoryOrError", "Repository", {"selector": where})
        return list(found["assetNodes"])

    def _paths(self, selector: Mapping[str, Any], models: Sequence[str]) -> list[list[str]]:
        nodes = self._nodes(selector, ASSETS)
        paths = {node["assetKey"]["path"][-1]: list(node["assetKey"]["path"]) for node in nodes}
        if unknown := sorted(set(models) - set(paths)):
            asked = f"select {', '.join(unknown)}"
            raise ServiceError(asked, of="Dagster", answer=f"it only knows {', '.join(sorted(paths))}")
        return [paths[model] for model in models]

    def _location_entries(self) -> list[dict[str, Any]]:
        found = self._typed("list its code locations", LOCATIONS, "workspaceOrError", "Workspace")
        return list(found["locationEntries"])

    def _typed(
        self, asked: str, query: str, field: str, expected: str, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """One field of an answer, which must be of the expected type of the union."""
        found: dict[str, Any] = self._ask(asked, query, variables)[field]
        if found["__typename"] != expected:
            said = found.get("message") or "; ".join(one["message"] for one in found.get("errors", ()))
            raise ServiceError(asked, of="Dagster", answer=f"{found['__typename']} {brief(said, 1500)}")
        return found

    def _ask(self, asked: str, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        with traffic.asking("Dagster", asked):
            return self._answer(asked, query, variables)

    def _answer(self, asked: str, query: str, variables: Mapping[str, Any] | None) -> dict[str, Any]:
        try:
            url = f"http://{self._tunnel.address()}/graphql"
            asking = {"query": query, "variables": dict(variables or {})}
            # A run that is launched has a trace of its own, with a link to the place this says.
            answer = self._client.post(url, json=asking, headers=tracecontext.carrier())
        except httpx.HTTPError as broken:
            self._tunnel.renew()
            raise ServiceError(
                asked, of="Dagster", answer=f"nothing ({brief(broken) or type(broken).__name__})"
            ) from broken
        if answer.status_code != httpx.codes.OK or "application/json" not in answer.headers.get(
            "content-type", ""
        ):
            raise ServiceError(asked, of="Dagster", answer=f"HTTP {answer.status_code} {brief(answer.text)}")
        body = answer.json()
        if body.get("errors"):
            raise ServiceError(asked, of="Dagster", answer=brief(body["errors"], 1500))
        data: dict[str, Any] = body["data"]
        return data


def line_of(event: Mapping[str, Any]) -> str:
    """An event as one line, its cause included."""
    moment = time.strftime("%H:%M:%S", time.gmtime(float(event["timestamp"]) / 1000))
    causes = "".join(f" | {line}" for line in _messages(event.get("error")))
    return (
        f"{moment} {event['eventType'] or event['level']} {event['stepKey'] or ''} {event['message']}{causes}"
    )


def causes_of(event: Mapping[str, Any]) -> list[str]:
    """What an event gives as its error, and as the causes of that, the nearest first."""
    return _messages(event.get("error"))


def _answered(entry: Mapping[str, Any]) -> bool:
    location = entry["locationOrLoadError"]
    return location is not None and _UNREACHED not in str(location.get("message"))


def _beats(daemon: Mapping[str, Any]) -> bool:
    """Whether a daemon is well and was heard of lately."""
    return bool(daemon["healthy"]) and time.time() - float(daemon["lastHeartbeatTime"] or 0) < SILENT_SECONDS


def _as_recorded(run: Mapping[str, Any]) -> Recorded:
    return Recorded(
        run["runId"],
        run["jobName"],
        run["status"],
        float(run["creationTime"]),
        run["startTime"],
        run["endTime"],
    )


def _slug(product: str) -> str:
    """A product where only letters, digits and underscores may stand."""
    return product.replace("-", "_")


def _as_location(entry: Mapping[str, Any]) -> Location:
    repositories = (entry["locationOrLoadError"] or {}).get("repositories", ())
    jobs = {job["name"] for repository in repositories for job in repository["jobs"]}
    nodes = [node for repository in repositories for node in repository["assetNodes"]]
    return Location(
        _loaded(entry),
        float(entry["updatedTimestamp"]),
        frozenset(jobs - {_OF_DAGSTER}),
        frozenset(
            node["assetKey"]["path"][-1] for node in nodes if node["assetKey"]["path"][0] != MAINTENANCE
        ),
    )


def _loaded(entry: Mapping[str, Any]) -> str:
    """`loaded`, or the innermost cause of the error, which the others only wrap."""
    location = entry["locationOrLoadError"]
    if location is None:
        return str(entry["loadStatus"]).lower()
    return (
        "loaded" if location["__typename"] == "RepositoryLocation" else brief(_messages(location)[-1], 1500)
    )


def _messages(error: Mapping[str, Any] | None) -> list[str]:
    if not error:
        return []
    return [error["message"], *(cause["message"] for cause in error.get("causes", ()))]


def _said(errors: Iterable[Mapping[str, Any]]) -> list[str]:
    """What a run's errors say, each once, without those that only wrap another."""
    said = dict.fromkeys(cause for error in errors for line in _messages(error) if (cause := _cause(line)))
    return [cause for cause in said if not _WRAPPER.match(cause)] or list(said)


def _cause(message: str) -> str:
    """What an error says; of one that only wraps dbt's errors, these alone."""
    dbts = message.rpartition("Errors parsed from dbt logs:")[2]
    return brief(_PROGRESS.sub("", brief(dbts, 20_000)), 1500)


def _result(check: Mapping[str, Any]) -> str:
    """What became of a test: one that only warns lets through what it finds, and is no failed one."""
    if check["success"]:
        return "passed"
    return "warned" if check["severity"] == "WARN" else "failed"


def _expectation(check: Mapping[str, Any]) -> Expectation | None:
    """An evaluation as one of an expectation; None where it is that of a dbt test."""
    told = _metadata(check)
    if "expectation" not in told:
        return None
    return Expectation(
        check["checkName"],
        check["assetKey"]["path"][-1],
        "passed" if check["success"] else "failed",
        float(str(told["score"])),
        int(str(told["rows_against"])),
        float(str(told["table_score"])),
    )


def _metadata(event: Mapping[str, Any]) -> dict[str, object]:
    return {
        entry["label"]: value for entry in event["metadataEntries"] if (value := _value(entry)) is not None
    }


def _value(entry: Mapping[str, Any]) -> object:
    match entry["__typename"]:
        case "IntMetadataEntry":
            return entry["intValue"] if entry["intValue"] is not None else int(entry["intRepr"])
        case "FloatMetadataEntry":
            return entry["floatValue"]
        case "TextMetadataEntry":
            return entry["text"]
        case "BoolMetadataEntry":
            return entry["boolValue"]
        case _:
            return None
