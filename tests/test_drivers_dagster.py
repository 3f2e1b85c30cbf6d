"""What is asked of Dagster is what its API understands, and its answers are read rightly."""

from __future__ import annotations

import pytest
from dagster_graphql.schema import create_schema
from graphql import parse, validate

from drivers import dagster
from drivers.dagster import Location, Materialization, Orchestrator, Run
from drivers.errors import ServiceError
from foundation.errors import DeadlineError

QUERIES = (
    "VERSION",
    "DAEMONS",
    "RUNS",
    "RECENT",
    "LOCATIONS",
    "LAUNCH",
    "RETRY",
    "ASSETS",
    "CHECKS",
    "STATUS",
    "EVENTS",
)


def test_every_query_is_valid_for_the_pinned_release() -> None:
    schema = create_schema().graphql_schema
    errors = {name: validate(schema, parse(getattr(dagster, name))) for name in QUERIES}
    assert errors == {name: [] for name in QUERIES}


def run(status: str, **more: object) -> Run:
    given: dict[str, object] = {
        "run_id": "3f2a",
        "product": "customer-360",
        "status": status,
        "materializations": {},
        "checks": {},
        "expectations": [],
        "checked_at": {},
        "causes": [],
        "events": [],
    }
    return Run(**{**given, **more})  # type: ignore[arg-type]


def test_the_verdict_of_a_failed_run_carries_its_cause() -> None:
    failed = run("FAILURE", causes=["Database Error in model mart", "no such column"])
    assert failed.verdict == "FAILURE: Database Error in model mart | no such column"
    assert run("SUCCESS").verdict == "SUCCESS"


def test_of_an_error_that_wraps_dbts_only_these_are_told() -> None:
    message = (
        "The dbt CLI process failed with exit code `1`. Errors parsed from dbt logs:\n\n"
        "1 of 67 ERROR loading seed file customer_360.raw ............ [\x1b[31mERROR\x1b[0m in 1.91s]\n"
        "  Runtime Error in seed raw (seeds/raw.csv)\n  HTTP Error: Not Found (HTTP code 404) NoSuchBucket"
    )
    assert dagster._cause(message) == (
        "Runtime Error in seed raw (seeds/raw.csv) HTTP Error: Not Found (HTTP code 404) NoSuchBucket"
    )
    assert dagster._cause("plain") == "plain"


def event(kind: str, message: str, error: str = "") -> dict[str, object]:
    caused = {"message": error, "causes": []} if error else None
    told = {"timestamp": "1000", "stepKey": None, "level": "ERROR", "eventType": None}
    return {"__typename": kind, "message": message, "error": caused, **told}


@pytest.mark.parametrize(
    ("events", "causes"),
    [
        ([event("RunFailureEvent", "Run has not completed")], ["Run has not completed"]),
        (
            [
                event("ExecutionStepFailureEvent", "failed", "no such column"),
                event("RunFailureEvent", "failed"),
            ],
            ["no such column"],
        ),
    ],
)
def test_the_last_word_of_a_run_is_its_cause_where_nothing_else_is(
    monkeypatch: pytest.MonkeyPatch, events: list[dict[str, object]], causes: list[str]
) -> None:
    monkeypatch.setattr(Orchestrator, "events", lambda _self, _run: events)
    orchestrator = Orchestrator(None, lambda _: "unknown")  # type: ignore[arg-type]
    told = orchestrator._recorded(dagster.Launched("3f2a", "customer-360", orchestrator), "FAILURE")
    assert told.causes == causes


def test_a_run_that_is_over_is_not_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    orchestrator = Orchestrator(None, lambda _: "unknown")  # type: ignore[arg-type]
    made = [{"__typename": "MaterializationEvent"}]
    monkeypatch.setattr(Orchestrator, "events", lambda _self, _run: made)
    monkeypatch.setattr(Orchestrator, "status", lambda _self, _run: "STARTED")
    launched = dagster.Launched("3f2a", "customer-360", orchestrator)
    orchestrator.half_way(launched)
    monkeypatch.setattr(Orchestrator, "status", lambda _self, _run: "SUCCESS")
    with pytest.raises(ServiceError, match="half way and answered: it was already SUCCESS"):
        orchestrator.half_way(launched)


def test_the_failed_checks_are_told_by_name() -> None:
    assert run("FAILURE", checks={"not_null_id": "failed", "unique_id": "passed"}).failed_checks == {
        "not_null_id"
    }


def test_a_figure_that_a_run_did_not_report_is_missed_by_name() -> None:
    made = Materialization("mart", {"row_count": 7, "table": "lakehouse.customer_360.mart"})
    assert (made.rows, made.table_in_catalog) == (7, "customer_360.mart")
    with pytest.raises(ServiceError, match="tell snapshot_id of the materialization of mart"):
        _ = made.snapshot


@pytest.mark.parametrize(
    ("daemon", "beats"),
    [
        ({"healthy": True, "lastHeartbeatTime": 1_000.0}, True),
        ({"healthy": True, "lastHeartbeatTime": 910.0}, True),
        ({"healthy": True, "lastHeartbeatTime": 880.0}, False),
        ({"healthy": True, "lastHeartbeatTime": None}, False),
        ({"healthy": False, "lastHeartbeatTime": 1_000.0}, False),
    ],
)
def test_a_daemon_that_was_not_heard_of_lately_is_not_at_work(
    monkeypatch: pytest.MonkeyPatch, daemon: dict[str, object], *, beats: bool
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_005.0)
    assert dagster._beats(daemon) == beats


def entry(updated: float) -> dict[str, object]:
    location = {"__typename": "RepositoryLocation", "repositories": []}
    return {
        "name": "customer-360",
        "loadStatus": "LOADED",
        "updatedTimestamp": updated,
        "locationOrLoadError": location,
    }


def answering(monkeypatch: pytest.MonkeyPatch, *updated: float) -> Orchestrator:
    """A Dagster whose code location was read at these moments, one answer after the other."""
    entries = [entry(moment) for moment in updated]
    told = lambda _: [entries.pop(0) if len(entries) > 1 else entries[0]]  # noqa: E731
    monkeypatch.setattr(Orchestrator, "_location_entries", told)
    monkeypatch.setattr(dagster, "LOAD_SECONDS", 1.0)
    return Orchestrator(None, lambda _: "unknown")  # type: ignore[arg-type]


def test_a_location_counts_as_reloaded_once_it_was_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    orchestrator = answering(monkeypatch, 10.0, 10.0, 12.5)
    orchestrator.reloaded("customer-360", since=orchestrator.loaded_at("customer-360"))
    assert orchestrator.loaded_at("customer-360") == 12.5


def test_a_location_that_stays_as_it_was_is_not_reloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    orchestrator = answering(monkeypatch, 10.0)
    with pytest.raises(DeadlineError, match="code location customer-360 is loaded, but as it was before"):
        orchestrator.reloaded("customer-360", since=10.0)


def test_a_code_location_is_told_with_its_jobs_and_tables_or_with_the_innermost_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repository = {
        "name": "__repository__",
        "jobs": [{"name": "__ASSET_JOB"}, {"name": "stock_levels"}],
        "assetNodes": [{"assetKey": {"path": ["stock_levels", "mart_stock_levels"]}}],
    }
    loaded, broken = entry(10.0), entry(12.5)
    loaded["locationOrLoadError"] = {"__typename": "RepositoryLocation", "repositories": [repository]}
    broken["name"] = "web-visits"
    broken["locationOrLoadError"] = {
        "__typename": "PythonError",
        "message": "DagsterUserCodeLoadError: while loading definitions",
        "causes": [{"message": "FileNotFoundError: compiled_artifacts.json is missing\n"}],
    }
    monkeypatch.setattr(Orchestrator, "_location_entries", lambda _: [loaded, broken])
    assert Orchestrator(None, lambda _: "unknown").locations() == {  # type: ignore[arg-type]
        "customer-360": Location(
            "loaded", 10.0, frozenset({"stock_levels"}), frozenset({"mart_stock_levels"})
        ),
        "web-visits": Location(
            "FileNotFoundError: compiled_artifacts.json is missing", 12.5, frozenset(), frozenset()
        ),
    }


def unreached() -> dict[str, object]:
    error = {
        "__typename": "PythonError",
        "message": "dagster._core.errors.DagsterUserCodeUnreachableError: no server",
        "causes": [{"message": "failed to connect"}],
    }
    return entry(9.0) | {"locationOrLoadError": error}


def states(monkeypatch: pytest.MonkeyPatch, *answers: dict[str, object]) -> dict[str, str]:
    left = list(answers)
    told = lambda _: [left.pop(0) if len(left) > 1 else left[0]]  # noqa: E731
    monkeypatch.setattr(Orchestrator, "_location_entries", told)
    monkeypatch.setattr(dagster, "LOAD_SECONDS", 1.0)
    locations = Orchestrator(None, lambda _: "unknown").locations()  # type: ignore[arg-type]
    return {name: location.state for name, location in locations.items()}


def test_a_code_location_that_was_not_reached_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(monkeypatch, unreached(), entry(10.0)) == {"customer-360": "loaded"}


def test_a_code_location_that_is_not_reached_in_time_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(monkeypatch, unreached()) == {"customer-360": "failed to connect"}
