"""What is remembered of earlier runs, and what is said to have changed since."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reports import history
from reports.history import Earlier, KeptRun, Moved, Slower
from reports.results import Revision

DAY = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REVISION = Revision(commit="0123456789abcdef", dirty=False)


def kept(date: datetime = DAY, *, full: bool = True, **parts: dict[str, Any]) -> KeptRun:
    nothing: dict[str, Any] = {"statuses": {}, "scenarios": {}, "phases": {}}
    return KeptRun.model_validate({"date": date, "full": full, "revision": REVISION, **nothing, **parts})


def changes(before: KeptRun, now: KeptRun) -> history.Changes:
    found = history.changes(now, [before])
    assert found is not None
    return found


def test_without_a_full_run_there_is_nothing_to_compare_with() -> None:
    assert history.changes(kept(), [kept(full=False)]) is None
    assert history.changes(kept(), []) is None


def test_it_is_the_last_full_run_that_is_compared_with() -> None:
    earlier = [kept(DAY - timedelta(days=age), full=age > 1) for age in (1, 2, 3)]
    found = history.changes(kept(), earlier)
    assert found is not None
    assert found.since == DAY - timedelta(days=2)


def test_the_same_again_is_no_change() -> None:
    same = kept(statuses={"FR-001": "failed"}, scenarios={"f: a": "failed"}, phases={"up": 10.0})
    assert changes(same, same).nothing


def test_every_kind_of_change_is_told() -> None:
    before = kept(
        statuses={"FR-001": "verified", "FR-002": "failed", "FR-003": "verified"},
        scenarios={"f: a": "passed", "f: b": "failed", "f: gone": "passed", "f: same": "passed"},
        phases={"up": 10.0, "short": 0.2, "steady": 10.0},
    )
    now = kept(
        statuses={"FR-001": "failed", "FR-002": "verified", "FR-003": "verified"},
        scenarios={"f: a": "failed", "f: b": "passed", "f: new": "failed", "f: same": "passed"},
        phases={"up": 12.5, "short": 0.4, "steady": 11.9, "unknown": 60.0},
    )
    found = changes(before, now)
    assert found.statuses == [
        Moved(id="FR-001", before="verified", now="failed"),
        Moved(id="FR-002", before="failed", now="verified"),
    ]
    assert (found.failed, found.mended) == (["f: a"], ["f: b"])
    assert (found.new, found.gone) == (["f: new"], ["f: gone"])
    assert found.slower == [Slower(phase="up", before=10.0, now=12.5)]
    assert not found.nothing


def test_of_what_did_not_run_nothing_is_said() -> None:
    before = kept(
        statuses={"FR-001": "verified", "FR-002": "verified"},
        scenarios={"f: a": "passed", "f: b": "passed"},
    )
    now = kept(
        full=False,
        statuses={"FR-001": "not run", "FR-002": "failed"},
        scenarios={"f: a": "not run", "f: b": "failed"},
    )
    found = changes(before, now)
    assert [one.id for one in found.statuses] == ["FR-002"]
    assert (found.failed, found.mended, found.gone) == (["f: b"], [], [])


def test_the_last_time_a_scenario_ran_is_found() -> None:
    earlier = [
        kept(DAY - timedelta(days=1), scenarios={"f: a": "not run"}),
        kept(DAY - timedelta(days=2), scenarios={"f: a": "failed"}),
        kept(DAY - timedelta(days=3), scenarios={"f: a": "passed"}),
    ]
    assert history.last_time("f: a", earlier) == Earlier(result="failed", date=DAY - timedelta(days=2))
    assert history.last_time("f: unknown", earlier) is None


# ---- files


def test_a_run_is_kept_once_and_the_oldest_are_dropped(tmp_path: Path) -> None:
    for age in range(history.KEPT + 5):
        history.keep(kept(DAY - timedelta(hours=age)), tmp_path)
    history.keep(kept(DAY, full=False), tmp_path)
    found = history.before(DAY + timedelta(seconds=1), tmp_path, tmp_path / "none.json")
    assert len(found) == history.KEPT
    assert (found[0].date, found[0].full) == (DAY, False)
    assert found[-1].date == DAY - timedelta(hours=history.KEPT - 1)


def test_a_run_is_not_compared_with_itself_nor_with_later_ones(tmp_path: Path) -> None:
    for age in (-1, 0, 1):
        history.keep(kept(DAY - timedelta(days=age)), tmp_path)
    found = history.before(DAY, tmp_path, tmp_path / "none.json")
    assert [run.date for run in found] == [DAY - timedelta(days=1)]


def test_what_another_version_kept_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / history.FOLDER
    folder.mkdir()
    (folder / "run-2026-02-01T00-00-00Z.json").write_text('{"date": 1}')
    assert history.before(DAY, tmp_path, tmp_path / "none.json") == []


COMMITTED = {
    "run": {
        "date": "2026-02-01T12:00:00Z",
        "full": True,
        "revision": {"commit": "abc", "dirty": False},
        "phases": [
            {"name": "up", "seconds": 30.0, "building": 20.0, "budget": None},
            {"name": "up", "seconds": 5.0, "budget": None},
        ],
        "from_another_version": 1,
    },
    "requirements": [
        {
            "id": "FR-001",
            "status": "verified",
            "seen_red": None,
            "scenarios": [{"title": "a", "feature": "f", "result": "passed", "seconds": 1.0}],
        }
    ],
    "edge_cases": [],
}


def test_a_checkout_without_a_run_of_its_own_is_compared_with_the_committed_evidence(tmp_path: Path) -> None:
    evidence = tmp_path / "matrix.json"
    evidence.write_text(json.dumps(COMMITTED))
    [found] = history.before(DAY, tmp_path, evidence)
    assert (found.statuses, found.scenarios, found.phases) == (
        {"FR-001": "verified"},
        {"f: a": "passed"},
        {"up": 15.0},
    )
    evidence.unlink()
    assert history.before(DAY, tmp_path, evidence) == [found]


def test_evidence_that_is_none_is_passed_over(tmp_path: Path) -> None:
    evidence = tmp_path / "matrix.json"
    for text in ("{}", "not JSON", json.dumps({**COMMITTED, "requirements": 1})):
        evidence.write_text(text)
        assert history.before(DAY, tmp_path, evidence) == []
