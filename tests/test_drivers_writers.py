"""What is asked of a table that many wrote at once, with writers and catalog made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drivers.dagster import Materialization, Run
from drivers.lakehouse import Commit
from drivers.rows import Rows
from drivers.writers import ROOMS, Race, Written

ROW: dict[str, Any] = {"room": "writer 1, commit 1", "celsius": 3, "measured_at": "10:00"}
OLD: dict[str, Any] = {"room": "dairy", "celsius": 4, "measured_at": "09:00"}
READ: list[dict[str, Any]] = [{"room": room, "celsius": 1, "measured_at": "10:30"} for room in ROOMS]


def run(status: str, cause: str = "", *, made: bool = False) -> Run:
    tables = {"t": Materialization("t", {})} if made or status == "SUCCESS" else {}
    return Run("1", "cold-chain", status, tables, {}, [], {}, [cause], [])


RACE = Race(
    written=Written(
        {"writer 1, commit 1": ROW}, {"writer 1, commit 1": 1}, frozenset({"writer 1, commit 2"})
    ),
    runs=[run("SUCCESS"), run("FAILURE", "the catalog answered 409")],
    before=Rows.of("t", [OLD]),
    after=Rows.of("t", [OLD, ROW, *READ]),
    history=[Commit(1, None, None), Commit(2, 1, None), Commit(3, 2, "writer 1, commit 1")],
    kept=frozenset({1, 2, 3}),
)


def wrong(race: Race) -> list[str]:
    return [name for name, value in race.found.items() if value != race.due[name]]


def test_a_race_in_which_nothing_was_lost() -> None:
    assert wrong(RACE) == []


def test_a_row_that_is_lost() -> None:
    assert wrong(replace(RACE, after=Rows.of("t", [ROW, *READ]))) == ["rows that are lost"]


def test_a_commit_that_is_no_part_of_the_history() -> None:
    lost = replace(RACE, history=[*RACE.history[:2], Commit(4, 1, None)])
    assert wrong(lost) == [
        "commits in the history",
        "snapshots outside the history",
        "commits that had to be tried again",
    ]


def test_a_refused_commit_that_is_there_all_the_same() -> None:
    there = replace(
        RACE,
        history=[*RACE.history, Commit(4, 3, "writer 1, commit 2")],
        kept=frozenset({1, 2, 3, 4}),
    )
    assert wrong(there) == ["commits in the history"]


def test_a_run_that_succeeded_and_left_nothing() -> None:
    assert wrong(replace(RACE, after=Rows.of("t", [OLD, ROW]))) == ["rooms that the runs read"]


def test_a_run_that_failed_after_this_table() -> None:
    runs = [run("SUCCESS"), run("FAILURE", "the catalog answered 409", made=True)]
    again = [{**row, "measured_at": "10:31"} for row in READ]
    assert wrong(replace(RACE, runs=runs, after=Rows.of("t", [OLD, ROW, *READ, *again]))) == []
    assert wrong(replace(RACE, runs=runs)) == ["rooms that the runs read"]


def test_a_run_that_failed_for_another_reason() -> None:
    failed = replace(RACE, runs=[run("SUCCESS"), run("FAILURE", "out of memory")])
    assert wrong(failed) == ["runs that failed without having met another writer"]


def test_writers_who_never_met() -> None:
    alone = replace(RACE, written=replace(RACE.written, bases={"writer 1, commit 1": 2}))
    assert wrong(alone) == ["commits that had to be tried again"]
