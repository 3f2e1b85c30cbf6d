"""The benchmarks' arithmetic, tables and plot; what they measure is measured where it runs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from benchmarks import __main__ as command
from benchmarks import breakdown, figures, pages, plot, throughput, ways, where
from benchmarks.breakdown import IncompleteError, Part, Pod
from benchmarks.figures import Case, Results, Sample, Way
from drivers import kubernetes
from drivers.dagster import Recorded
from drivers.kubernetes import PodTimes
from foundation.errors import UserError

DAY = date(2026, 11, 29)
ROWS = {"raw_orders": 100, "mart_orders": 40}
WAYS: dict[Way, list[Sample]] = {
    "floe": [
        Sample(seconds=seconds, nodes_seconds=nodes, rows=ROWS)
        for seconds, nodes in ((9, 3), (10, 4), (30, 5))
    ],
    "duckdb": [Sample(seconds=seconds, rows=ROWS) for seconds in (2, 1, 7)],
    "pyiceberg": [Sample(seconds=seconds, rows=ROWS) for seconds in (8, 8, 2)],
}


def case(samples: dict[Way, list[Sample]] = WAYS, raw_orders: int = 100) -> Case:
    seeds = {"raw_orders": raw_orders}
    return figures.case_of("shop", 2, seeds=seeds, seed_bytes=5000, samples=samples, load=0.44, measured=DAY)


def results(*cases: Case) -> Results:
    return Results(cores=2, memory_gib=24, versions={"duckdb": "1.5.5"}, cases=list(cases))


def test_a_case_is_the_median_of_its_samples() -> None:
    assert case() == Case(
        product="shop",
        scale=2,
        seed_rows=100,
        table_rows=140,
        seed_bytes=5000,
        floe=10,
        floe_nodes=4,
        duckdb=2,
        pyiceberg=8,
        repetitions=3,
        load=0.4,
        measured=DAY,
    )


def test_rates_are_seed_rows_a_second() -> None:
    assert case().rates == {
        "floe, a run": 10,
        "floe, its dbt nodes": 25,
        "DuckDB alone, Parquet": 50,
        "PyIceberg, appending": 12.5,
    }


def test_ways_that_wrote_other_rows_are_not_compared() -> None:
    short = {**WAYS, "pyiceberg": [Sample(seconds=1, rows={**ROWS, "mart_orders": 39})]}
    with pytest.raises(ValueError, match="pyiceberg wrote other rows than floe: mart_orders: 39 inst"):
        case(short)


def test_seed_rows_that_did_not_arrive_are_noticed() -> None:
    with pytest.raises(ValueError, match=r"seed rows did not all arrive; expected \{'raw_orders': 101\}"):
        case(raw_orders=101)


def test_a_case_measured_anew_takes_the_place_of_the_old_one() -> None:
    old, new = case(), case().model_copy(update={"floe": 5.0})
    larger = old.model_copy(update={"scale": 10.0})
    assert results(larger, old).with_case(new).cases == [new, larger]


def test_what_is_kept_is_what_is_read(tmp_path: Path) -> None:
    figures.save(results(case()), tmp_path / "kept.yaml")
    assert figures.load(tmp_path / "kept.yaml") == results(case())


def test_nothing_measured_is_no_mistake(tmp_path: Path) -> None:
    assert figures.load(tmp_path / "kept.yaml") is None


@pytest.mark.parametrize("text", ["cores: two", "{", "[]"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "kept.yaml").write_text(text)
    with pytest.raises(UserError, match=r"kept\.yaml.*\n  remedy: delete it and measure anew"):
        figures.load(tmp_path / "kept.yaml")


def test_the_table_tells_seconds_rates_and_ratios() -> None:
    lines = figures.table(results(case(), case().model_copy(update={"scale": 1000.0, "repetitions": 1})))
    told = lines.splitlines()
    assert told[2] == ("| shop | 2 | 100 | 10.00 | 4.00 | 2.00 | 8.00 | 10 | 50 | 12 | 0.20 | 0.50 | 2.00 |")
    assert told[-1] == (
        "Measured 2026-11-29 on 2 cores and 24 GiB; load average before a case 0.4 to 0.4, "
        "median of 3 at scale 2 or 1 at scale 1000. duckdb 1.5.5."
    )


def test_the_same_results_give_the_same_plot(tmp_path: Path) -> None:
    measured = results(case(), case().model_copy(update={"scale": 10.0, "seed_rows": 1000}))
    for name in ("one.svg", "two.svg"):
        plot.draw(measured, tmp_path / name)
    drawn = (tmp_path / "one.svg").read_bytes()
    assert drawn == (tmp_path / "two.svg").read_bytes()
    assert all(way.encode() in drawn for way in case().rates)


# ---- pages


def test_a_part_of_a_page_is_replaced_and_the_rest_is_left() -> None:
    page = "before\n<!-- a: begin -->\nold\n<!-- a: end -->\nafter\n"
    assert pages.put_into(page, "a", "new") == "before\n<!-- a: begin -->\nnew\n<!-- a: end -->\nafter\n"


@pytest.mark.parametrize(
    "page", ["", "<!-- a: end --><!-- a: begin -->", "<!-- a: begin -->" * 2 + "<!-- a: end -->"]
)
def test_a_page_without_the_part_is_refused(page: str) -> None:
    with pytest.raises(UserError, match="no single part"):
        pages.put_into(page, "a", "new")


# ---- the ways


def nodes() -> dict[str, dict[str, Any]]:
    return {
        "model.shop.mart": {
            "name": "mart",
            "resource_type": "model",
            "relation_name": '"lake"."shop"."mart"',
            "depends_on": {"nodes": ["model.shop.stg"], "macros": []},
            "original_file_path": "models/mart.sql",
            "compiled_code": "select count(*) as n from stg",
            "config": {},
        },
        "model.shop.stg": {
            "name": "stg",
            "resource_type": "model",
            "relation_name": '"lake"."shop"."stg"',
            "depends_on": {"nodes": ["seed.shop.raw"]},
            "original_file_path": "models/stg.sql",
            "compiled_code": "select * from raw",
            "config": {},
        },
        "seed.shop.raw": {
            "name": "raw",
            "resource_type": "seed",
            "relation_name": '"lake"."shop"."raw"',
            "depends_on": {"macros": []},
            "original_file_path": "seeds/raw.csv",
            "config": {"column_types": {"id": "bigint"}},
        },
        "test.shop.unique": {
            "name": "unique",
            "resource_type": "test",
            "depends_on": {"nodes": ["model.shop.mart"]},
        },
    }


def test_nodes_come_after_what_they_read_and_tests_not_at_all() -> None:
    found = [(node.name, sorted(node.reads)) for node in ways.in_order(nodes(), Path("/shop"))]
    assert found == [("raw", []), ("stg", ["raw"]), ("mart", ["stg"])]


CSV = 'id,price,seen_at,name\n1,2.50,2025-01-02 03:04:05,"a, b"\n2,,,\n'
TYPES = {"id": "bigint", "price": "decimal(10, 2)", "seen_at": "timestamp", "name": "varchar"}
TYPED: list[dict[str, Any]] = [
    {"id": 1, "price": Decimal("2.50"), "seen_at": datetime(2025, 1, 2, 3, 4, 5), "name": "a, b"},  # noqa: DTZ001
    {"id": 2, "price": None, "seen_at": None, "name": None},
]


def test_both_references_read_a_seed_as_it_is_typed(tmp_path: Path) -> None:
    file = tmp_path / "raw.csv"
    file.write_text(CSV)
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("price", pa.decimal128(10, 2)),
            ("seen_at", pa.timestamp("us")),
            ("name", pa.string()),
        ]
    )
    by_duckdb = duckdb.sql(ways.csv_query(file, TYPES)).fetchall()
    by_arrow = ways.read_csv(file, schema).to_pylist()
    assert (by_duckdb, by_arrow) == ([tuple(row.values()) for row in TYPED], TYPED)


def test_the_reference_has_the_memory_that_a_run_has() -> None:
    profiles = {
        "shop": {"target": "dev", "outputs": {"dev": {"threads": 4, "settings": {"memory_limit": "512MB"}}}}
    }
    assert ways.engine_settings(profiles) == {"memory_limit": "512MB"}


def test_every_demo_product_is_measured_unless_one_is_named() -> None:
    assert (throughput.names(None)[0], throughput.names("customer-360")) == ("customer-360", ["customer-360"])


# ---- where the time of a run goes


def event(kind: str, at: float, message: str = "", **more: object) -> dict[str, Any]:
    """An event as Dagster tells it; `at` is in seconds after 1,000,000."""
    return {
        "__typename": "MessageEvent",
        "eventType": kind,
        "message": message,
        "timestamp": str(int((1_000_000 + at) * 1000)),
        "stepKey": None,
        "level": "DEBUG",
        **more,
    }


def materialization(node: str, at: float, started: float, completed: float) -> dict[str, Any]:
    told = {"started_at": started, "completed_at": completed}
    return event(
        "ASSET_MATERIALIZATION",
        at,
        __typename="MaterializationEvent",
        assetKey={"path": ["shop", node]},
        metadataEntries=[
            {"__typename": "FloatMetadataEntry", "label": label, "floatValue": 1_000_000 + value}
            for label, value in told.items()
        ]
        + [{"__typename": "TextMetadataEntry", "label": "table", "text": f"lake.shop.{node}"}],
    )


EVENTS = [
    event("RUN_STARTING", 0.9),
    event("ENGINE_EVENT", 1.1, "Creating Kubernetes run worker job"),
    event("ENGINE_EVENT", 4.5, "Started process for run (pid: 1)."),
    event("RUN_START", 6.5),
    event("STEP_START", 6.75),
    materialization("raw", 10.5, 9.75, 10.25),
    materialization("mart", 12.0, 10.5, 11.75),
    event("STEP_SUCCESS", 12.5),
    event("RUN_SUCCESS", 12.75),
]
POD = Pod(created=1_000_001, scheduled=1_000_001, started=1_000_003)


def test_the_parts_of_a_run_are_the_whole() -> None:
    taken = breakdown.of("shop", 1_000_000.25, EVENTS, POD)
    assert [(part.name, round(part.seconds, 3)) for part in taken.parts] == [
        ("queue, and Dagster asks for a pod", 0.75),
        ("pod scheduled", 0),
        ("container started", 2),
        ("Python imports Dagster", 1.5),
        ("product loaded, run begins", 2),
        ("step begins", 0.25),
        ("dbt starts, reads the project, connects", 3),
        ("SQL, commits and tests", 2),
        ("last figures read, dbt ends", 0.75),
        ("run ends", 0.25),
    ]
    assert (taken.seconds, taken.steps) == (12.5, 1)


def test_a_moment_that_was_cut_to_whole_seconds_takes_no_time() -> None:
    early = Pod(created=999_999, scheduled=1_000_000, started=1_000_000)
    taken = breakdown.of("shop", 1_000_000.75, EVENTS, early)
    assert [part.seconds for part in taken.parts[:4]] == [0, 0, 0, 3.75]
    assert taken.seconds == 12


def test_a_pod_that_was_cleared_away_leaves_one_part() -> None:
    taken = breakdown.of("shop", 1_000_000, EVENTS, None)
    assert taken.parts[0] == Part("pod, container, and Python imports Dagster", 4.5)


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ("RUN_SUCCESS", "no event RUN_SUCCESS"),
        ("STEP_SUCCESS", "no event STEP_SUCCESS"),
        ("RUN_START", "no event RUN_START"),
        ("ENGINE_EVENT", "no event Started process for run"),
        ("ASSET_MATERIALIZATION", "no materialization tells"),
    ],
)
def test_a_run_without_all_its_moments_is_named(lost: str, told: str) -> None:
    with pytest.raises(IncompleteError, match=told):
        breakdown.of("shop", 1_000_000, [one for one in EVENTS if one["eventType"] != lost], POD)


def test_the_tables_show_parts_and_nodes() -> None:
    lines = breakdown.table([breakdown.of("shop", 1_000_000.25, EVENTS, POD)]).splitlines()
    assert lines[0] == "| part | shop (s) |"
    assert "| dbt starts, reads the project, connects | 3.0 |" in lines
    assert "| **launch to success** | **12.5** |" in lines
    assert lines[-2:] == ["| shop | raw | 9.50 | 0.50 | 0.25 |", "| shop | mart | 10.25 | 1.25 | 0.25 |"]


def recorded(run_id: str, job: str, status: str) -> Recorded:
    return Recorded(run_id, job, status, 1.0, 2.0, 3.0)


def test_the_latest_run_of_each_product_that_succeeded_is_taken() -> None:
    runs = [
        recorded("4", "shop", "STARTED"),
        recorded("3", "shop", "SUCCESS"),
        recorded("2", "farm", "SUCCESS"),
        recorded("1", "shop", "SUCCESS"),
    ]
    assert [run.run_id for run in where.latest(runs)] == ["2", "3"]


@pytest.mark.parametrize(
    ("times", "pod"),
    [
        (None, None),
        (PodTimes(1, 2, None), None),
        (PodTimes(1, None, 3), None),
        (PodTimes(1, 2, 3), Pod(1, 2, 3)),
    ],
)
def test_a_pod_counts_with_all_its_moments(times: PodTimes | None, pod: Pod | None) -> None:
    assert where.whole(times) == pod


def test_the_moments_of_a_pod_are_read() -> None:
    def at(second: int) -> datetime:
        return datetime(2026, 11, 29, 10, 0, second, tzinfo=UTC)

    state = SimpleNamespace(running=None, terminated=SimpleNamespace(started_at=at(3)))
    waiting = SimpleNamespace(running=None, terminated=None)
    pod = SimpleNamespace(
        metadata=SimpleNamespace(creation_timestamp=at(1)),
        status=SimpleNamespace(
            conditions=[SimpleNamespace(type="PodScheduled", status="True", last_transition_time=at(2))],
            container_statuses=[SimpleNamespace(state=waiting), SimpleNamespace(state=state)],
        ),
    )
    assert kubernetes._pod_times(pod) == PodTimes(*(at(second).timestamp() for second in (1, 2, 3)))


# ---- the command


def test_bad_words_end_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(command, "say", said.append)
    codes = [
        command.main(["throughput", "--scales", "5000"]),
        command.main(["throughput", "--product", "nothing"]),
        command.main(["draw", "--out", str(tmp_path)]),
    ]
    assert (codes, [line.partition("\n  remedy: ")[0] for line in said]) == (
        [2, 2, 2],
        [
            "error: FLOE_DEMO_SEED_SCALE='5000' is out of range",
            "error: --product nothing: there is no such product",
            "error: neither benchmark.yaml nor upkeep.yaml is there",
        ],
    )
