"""The simulation of many runs: what it computes, draws, writes and refuses; it measures where it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from benchmarks import __main__ as command
from benchmarks import ageing, plot, upkeep
from benchmarks.ageing import Ageing, Measure, Series, Way
from benchmarks.recording import Recording, Task
from foundation.cache import ROOT
from foundation.errors import PlatformError, UserError

RUNS = 40
READINGS = "stg_readings"
MEASURES: tuple[Measure, ...] = ("objects", "bytes", "query_ms")


def grows(run: int) -> int:
    return 10 * run


def stays(run: int) -> int:
    """A saw: what a table is that is rewritten at every eighth run."""
    return 100 + 20 * (run % 8)


def series(way: Way, figure: Callable[[int], int], table: str = READINGS) -> Series:
    values = [figure(run) for run in range(1, RUNS + 1)]
    queried = [figure(run) for run in ageing.queried_runs(RUNS)]
    return Series(
        way=way,
        table=table,
        objects=values,
        bytes=[value * 1024 for value in values],
        snapshots=values,
        rows=[4 * run for run in ageing.queried_runs(RUNS)],
        query_ms=[float(value) for value in queried],
        upkeep_ms=[500.0, 700.0, 4000.0] if way == "with" else [],
    )


def aged(*of: Series) -> Ageing:
    return Ageing(
        cores=2,
        memory_gib=24,
        versions={"duckdb": "1.5.5"},
        measured=date(2026, 11, 29),
        load=(0.4, 1.2),
        product="cold-chain",
        runs=RUNS,
        every=1,
        minutes=10,
        series=list(of),
    )


BOTH = aged(series("without", grows), series("with", stays))


def test_even_growth_is_two_and_a_third_and_a_saw_is_bounded() -> None:
    found = {
        one.way: [(round(one.growth(measure), 2), one.bounded(measure)) for measure in MEASURES]
        for one in BOTH.series
    }
    assert found == {
        "without": [(2.29, False), (2.29, False), (2.14, False)],
        "with": [(1.0, True), (1.0, True), (0.62, True)],
    }


def test_a_figure_that_grows_by_no_more_than_is_allowed_is_bounded() -> None:
    def by(share: float) -> Series:
        return series("with", lambda run: int(1000 * (share if run > RUNS * 3 // 4 else 1)))

    assert [by(share).bounded("objects") for share in (ageing.BOUNDED, ageing.BOUNDED + 0.01)] == [
        True,
        False,
    ]


def test_a_figure_is_known_by_the_run_it_was_measured_after() -> None:
    one = series("without", grows)
    assert dict(one.points("query_ms")) == {run: 10.0 * run for run in (1, 5, 10, 15, 20, 25, 30, 35, 40)}
    assert dict(one.points("objects")) == {run: 10 * run for run in range(1, RUNS + 1)}


@pytest.mark.parametrize(
    ("with_upkeep", "told"),
    [
        (stays, "**With upkeep, objects, bytes and query time of every table are bounded.**"),
        (grows, "**With upkeep, objects, bytes and query time of every table grow.**"),
    ],
)
def test_the_conclusion_follows_the_figures(with_upkeep: Callable[[int], int], told: str) -> None:
    measured = aged(series("without", grows), series("with", with_upkeep))
    assert ageing.conclusion(measured) == (
        f"{told} **Without upkeep, objects, bytes and query time of every table grow.**"
    )


def test_a_single_figure_that_grows_is_named() -> None:
    slow = series("with", stays).model_copy(update={"query_ms": series("with", grows).query_ms})
    assert ageing.conclusion(aged(series("without", grows), slow)).startswith(
        "**With upkeep, query time of stg_readings grow; what else was measured is bounded.**"
    )


def test_the_page_shows_the_first_run_and_the_end_of_each_quarter() -> None:
    assert ageing.shown_runs(200) == [1, 50, 100, 150, 200]
    lines = ageing.report(BOTH).splitlines()
    assert "| stg_readings | 20 | 200 | 180 | 200 | 180 | 200 | 180 | 80 | 80 | 200 | 180 |" in lines
    assert "| stg_readings | objects | 2.29, grows | 1.00, bounded |" in lines
    assert lines[-1] == (
        "cold-chain, 40 runs each way, 10 simulated minutes apart; upkeep after every run. An upkeep took: "
        "of stg_readings 700 ms (median), 4,000 ms at most. Measured 2026-11-29 on 2 cores and 24 GiB; "
        "load average 0.4 before and 1.2 at the end. duckdb 1.5.5."
    )


def test_what_is_kept_is_what_is_read(tmp_path: Path) -> None:
    ageing.save(BOTH, tmp_path / "kept.yaml")
    assert ageing.load(tmp_path / "kept.yaml") == BOTH
    assert ageing.load(tmp_path / "none.yaml") is None


@pytest.mark.parametrize("text", ["cores: two", "{", "[]"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "kept.yaml").write_text(text)
    with pytest.raises(UserError, match=r"kept\.yaml.*\n  remedy: delete it and measure anew"):
        ageing.load(tmp_path / "kept.yaml")


@pytest.mark.parametrize(
    ("of", "told"),
    [
        ([series("without", grows)] * 2, "not measured once each way"),
        (
            [series("without", grows), series("with", stays).model_copy(update={"rows": [1]})],
            r"stg_readings with upkeep has \(40, 40, 40, 1, 9\) figures instead of \(40, 40, 40, 9, 9\)",
        ),
    ],
)
def test_figures_that_do_not_belong_together_are_refused(of: list[Series], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        aged(*of)


def test_the_same_figures_give_the_same_plot(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        plot.draw_ageing(BOTH, tmp_path / name)
    drawn = (tmp_path / "one.svg").read_bytes()
    assert drawn == (tmp_path / "two.svg").read_bytes()
    words = ("objects", "bucket", "query time", "stg_readings, without upkeep", "stg_readings, with upkeep")
    assert [word for word in words if word.encode() not in drawn] == []


# ---- the statements that are sent again


def test_the_present_of_a_statement_is_moved() -> None:
    noon = datetime(2026, 11, 29, 13, tzinfo=timezone(timedelta(hours=1)))
    assert upkeep.at(noon, ["BEGIN", "select current_timestamp at time zone 'UTC'"]) == [
        "BEGIN",
        "select timestamptz '2026-11-29 12:00:00+00:00' at time zone 'UTC'",
    ]


def test_statements_that_know_no_present_are_refused() -> None:
    with pytest.raises(PlatformError, match="no statement of cold-chain says current_timestamp"):
        upkeep.at(datetime.now(UTC), ["BEGIN", "select 1", "COMMIT"])


def test_rows_that_are_missing_without_upkeep_are_noticed() -> None:
    upkeep.all_there(READINGS, run=3, rows=12, first=4)
    with pytest.raises(PlatformError, match="stg_readings: 11 rows after 3 runs of 4 rows each"):
        upkeep.all_there(READINGS, run=3, rows=11, first=4)


PROJECT: dict[str, str] = {
    "dbt_project.yml": "{name: shop, profile: shop, flags: {send_anonymous_usage_stats: false}}",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:', schema: shop}}}",
    "models/stg.sql": "{{ config(materialized='table') }} select 1 as id",
}


def recorded(folder: Path, **files: str) -> tuple[subprocess.CompletedProcess[str], Task]:
    for name, text in {**PROJECT, **files}.items():
        (folder / "shop" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "shop" / name).write_text(text)
    task = Task(folder=folder / "shop", scratch=folder, answer=folder / "recording.json")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.recording"],
        input=task.model_dump_json(),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    return done, task


def test_what_dbt_sends_for_its_nodes_is_recorded_with_its_transactions(tmp_path: Path) -> None:
    done, task = recorded(tmp_path)
    assert done.returncode == 0, done.stderr
    sent = Recording.model_validate_json(task.answer.read_bytes()).statements
    begun, ended = sent.index("BEGIN"), sent.index("COMMIT")
    assert [text for text in sent[begun:ended] if "select 1 as id" in text] != []
    assert [text for text in sent if "information_schema" in text] == []


def test_a_build_that_fails_records_nothing(tmp_path: Path) -> None:
    done, task = recorded(tmp_path, **{"models/stg.sql": "select * from nowhere"})
    assert (done.returncode, task.answer.exists()) == (1, False)
    assert "dbt cannot build shop" in done.stderr


# ---- the command


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--runs", "many"], "--runs many: is no whole number\n  remedy: 20 to 1000, in steps of 20"),
        (["--runs", "0"], "--runs 0: is out of range\n  remedy: 20 to 1000, in steps of 20"),
        (["--runs", "210"], "--runs 210: is out of range\n  remedy: 20 to 1000, in steps of 20"),
        (["--runs", "1020"], "--runs 1020: is out of range\n  remedy: 20 to 1000, in steps of 20"),
        (["--every", "0"], "--every 0: is out of range\n  remedy: 1 to 50, a quarter of the runs"),
        (["--every", "51"], "--every 51: is out of range\n  remedy: 1 to 50, a quarter of the runs"),
        (["--every", "1.5"], "--every 1.5: is no whole number\n  remedy: 1 to 50, a quarter of the runs"),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    words: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(command, "say", said.append)
    assert (command.main(["upkeep", *words]), said) == (2, [f"error: {told}"])


def test_the_command_measures_tells_and_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def measure(runs: int, every: int, file: Path) -> Ageing:
        asked.append((runs, every))
        ageing.save(BOTH, file)
        return BOTH

    monkeypatch.setattr(upkeep, "measure", measure)
    (tmp_path / "upkeep.md").write_text("Words.\n<!-- upkeep: begin -->\nold\n<!-- upkeep: end -->\n")
    code = command.main(["upkeep", "--runs", "40", "--every", "2", "--out", str(tmp_path)])
    page = (tmp_path / "upkeep.md").read_text()
    assert (code, asked, sorted(one.name for one in tmp_path.iterdir())) == (
        0,
        [(40, 2)],
        ["upkeep.md", "upkeep.svg", "upkeep.yaml"],
    )
    assert page == f"Words.\n<!-- upkeep: begin -->\n{ageing.report(BOTH)}\n<!-- upkeep: end -->\n"
