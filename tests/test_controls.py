"""The controls: faults fit the files and the features they are about, and are judged strictly."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from controls import catalogue, grouping, planting, running
from controls.catalogue import Fault
from controls.judging import judge
from foundation.errors import UserError
from reports import catalogue as requirements
from reports import matrix
from reports.results import Cluster, Facts, Host, Revision, Run, ScenarioResult
from reports.seen_red import Ledger, Sighting

ALL = catalogue.load()
KNOWN = requirements.load()


def written(tmp_path: Path, text: str) -> Fault:
    file = tmp_path / "some-fault.yaml"
    file.write_text(text)
    return catalogue.read(file)


FAULT = """
title: The chart makes one bucket
story: US1
plant: {values: {global: {lakehouse: {buckets: [warehouse]}}}}
red:
- {id: FR-005, scenarios: [A bucket keeps (staging)], because: NoSuchBucket}
"""


# ---- the faults of this project


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.id)
def test_every_fault_fits_the_files_as_they_are(fault: Fault, tmp_path: Path) -> None:
    copy = planting.plant(fault.id, [fault], into=tmp_path)
    for edit in fault.plant.edits:
        assert edit.put in (copy / edit.file).read_text()


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.id)
def test_every_scenario_named_proves_the_id_it_is_named_for(fault: Fault) -> None:
    scenarios = matrix.written_scenarios(KNOWN)
    named = {(title, red.id) for title, red in fault.expected().items()}
    proved = {
        (title, red.id)
        for title, red in fault.expected().items()
        if red.id in scenarios.get((fault.story, title), frozenset())
    }
    assert proved == named


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.id)
def test_no_reason_is_any_reason(fault: Fault) -> None:
    anything = ("", "x", "AssertionError: something else went wrong")
    assert [red.because for red in fault.red for said in anything if re.search(red.because, said)] == []


def test_every_requirement_with_a_scenario_has_a_fault_that_turns_it_red() -> None:
    scenarios = matrix.written_scenarios(KNOWN)
    proved = {name for ids in scenarios.values() for name in ids if name in KNOWN.provable}
    assert proved - {name for fault in ALL for name in fault.ids} == set()


# ---- reading one


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("plant: {values: {global: {lakehouse: {buckets: [warehouse]}}}}", "plant: {}", "nothing is planted"),
        ("because: NoSuchBucket", "because: '('", "no regular expression"),
        ("story: US1", "story: bootstrap", "story: String should match"),
        ("title: The chart makes one bucket", "titel: x", "title: Field required"),
        (
            "plant: {values: {global: {lakehouse: {buckets: [warehouse]}}}}",
            "plant: {edits: [{file: steps/platform.py, find: a, put: b}]}",
            "a fault changes files of additions, charts",
        ),
        (
            "plant: {values: {global: {lakehouse: {buckets: [warehouse]}}}}",
            "plant: {edits: [{file: charts/../steps/platform.py, find: a, put: b}]}",
            "a fault changes files of additions, charts",
        ),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in FAULT
    with pytest.raises(UserError, match=r"some-fault\.yaml") as refused:
        written(tmp_path, FAULT.replace(old, new))
    assert said in str(refused.value)


def test_a_choice_that_names_nothing_is_refused(tmp_path: Path) -> None:
    fault = written(tmp_path, FAULT)
    assert catalogue.choose([fault], fault="some-fault", requirement="FR-005") == [fault]
    with pytest.raises(UserError, match="FAULT=other: no such fault"):
        catalogue.choose([fault], fault="some-fault, other", requirement=None)
    with pytest.raises(UserError, match="REQ=FR-001: no fault turns it red"):
        catalogue.choose([fault], fault=None, requirement="FR-001")


# ---- planting it


def test_an_edit_that_no_longer_fits_is_told(tmp_path: Path) -> None:
    edits = "plant: {edits: [{file: charts/floe-platform/values.yaml, find: no such text, put: x}]}"
    fault = written(
        tmp_path, FAULT.replace("plant: {values: {global: {lakehouse: {buckets: [warehouse]}}}}", edits)
    )
    with pytest.raises(UserError, match="holds 'no such text' 0 times, not once"):
        planting.plant("one", [fault], into=tmp_path / "copies")


def test_values_are_merged_as_helm_does() -> None:
    below = {"global": {"lakehouse": {"buckets": ["a", "b"], "region": "x"}}, "other": 1}
    above = {"global": {"lakehouse": {"buckets": ["a"]}}}
    assert planting.merged(below, above) == {
        "global": {"lakehouse": {"buckets": ["a"], "region": "x"}},
        "other": 1,
    }


# ---- planting several together


def an_edit(tmp_path: Path, name: str, *, find: str, scenario: str, **more: Any) -> Fault:
    edit = {"file": "demo/some.sql", "find": find, "put": "gone"}
    red = {"id": "FR-005", "scenarios": [scenario], "because": "x"}
    fault = {"title": name, "story": "US1", "plant": {"edits": [edit]}, "red": [red], **more}
    file = tmp_path / f"{name}.yaml"
    file.write_text(yaml.safe_dump(fault))
    return catalogue.read(file)


def grouped(tmp_path: Path, *faults: Fault) -> dict[str, list[str]]:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "some.sql").write_text("left and right")
    found = grouping.groups(faults, root=tmp_path)
    return {group.name: [fault.id for fault in group.faults] for group in found}


def test_faults_that_can_be_told_apart_are_planted_together(tmp_path: Path) -> None:
    left = an_edit(tmp_path, "left", find="left", scenario="one")
    right = an_edit(tmp_path, "right", find="right", scenario="two")
    assert grouped(tmp_path, left, right) == {"us1-together-1": ["left", "right"]}


@pytest.mark.parametrize(
    "more",
    [
        {"find": "right", "scenario": "one"},
        {"find": "left", "scenario": "two"},
        {"find": "right", "scenario": "two", "story": "US2"},
        {"find": "right", "scenario": "two", "alone": True},
        {"find": "right", "scenario": "two", "plant": {"stop": "minio"}},
    ],
    ids=["same scenario", "same text", "another story", "alone", "more than edits"],
)
def test_faults_that_cannot_be_told_apart_are_not(tmp_path: Path, more: dict[str, Any]) -> None:
    left = an_edit(tmp_path, "left", find="left", scenario="one")
    assert len(grouped(tmp_path, left, an_edit(tmp_path, "right", **more))) == 2


def test_a_red_that_no_fault_of_the_run_names_counts_against_each(tmp_path: Path) -> None:
    left = an_edit(tmp_path, "left", find="left", scenario=RED.title)
    right = an_edit(tmp_path, "right", find="right", scenario="two")
    run = ran(record(RED.title, "failed", failure="x"), record("two", "passed"), record("more", "failed"))
    [of_left, of_right] = judge([left, right], run)
    assert (list(of_left.caught), of_left.wrong, of_left.holds) == ([RED.title], [], False)
    assert of_right.wrong == ["two: is passed: the fault was there and nobody noticed"]
    assert of_left.nobodys == of_right.nobodys == ["more: is failed, and must not be: "]


# ---- judging a run


def ran(*records: ScenarioResult, errors: list[str] | None = None) -> Run:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    host = Host(system="Debian", cores=2, memory_gib=24, disk_gib=80, disk_free_gib=40)
    facts = Facts(
        host=host,
        cluster=Cluster(provider="local"),
        revision=Revision(commit=None, dirty=False),
        versions={},
        suite={},
        stand_ins={},
    )
    return Run(began=now, ended=now, exit_code=1, scenarios=list(records), errors=errors or [], facts=facts)


def record(title: str, result: Literal["passed", "failed", "skipped"], **more: Any) -> ScenarioResult:
    return ScenarioResult(
        node=title,
        feature="features/us1_bootstrap.feature",
        line=1,
        title=title,
        story="US1",
        result=result,
        began=datetime(2026, 11, 25, tzinfo=UTC),
        seconds=1.0,
        **{"ids": ["FR-005"], **more},
    )


RED = record("A bucket keeps (staging)", "failed", failure="When an object is put:\nNoSuchBucket staging")
GREEN = record("A bucket keeps (warehouse)", "passed")


def test_a_fault_noticed_and_nothing_else_holds(tmp_path: Path) -> None:
    [judgement] = judge([written(tmp_path, FAULT)], ran(RED, GREEN))
    assert (judgement.holds, list(judgement.caught)) == (True, ["A bucket keeps (staging)"])


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (ran(record(RED.title, "passed"), GREEN), "is passed: the fault was there and nobody noticed"),
        (ran(record(RED.title, "skipped"), GREEN), "is skipped: the fault was there and nobody noticed"),
        (ran(record(RED.title, "failed", failure="no disk"), GREEN), "is red for another reason"),
        (
            ran(record(RED.title, "failed", failure="Then NoSuchBucket is said:\nno disk"), GREEN),
            "is red for another reason",
        ),
        (ran(GREEN), "A bucket keeps (staging): did not run"),
        (ran(RED, record(GREEN.title, "failed", failure="also")), "is failed, and must not be: also"),
        (ran(RED, record(GREEN.title, "skipped")), "is skipped, and must not be"),
        (ran(record(RED.title, "failed", failure=RED.failure, ids=["FR-001"])), "proves FR-001, not FR-005"),
        (ran(RED, GREEN, errors=["interrupted before its end"]), "the run itself: interrupted"),
    ],
)
def test_whatever_else_happens_does_not_hold(tmp_path: Path, run: Run, said: str) -> None:
    [judgement] = judge([written(tmp_path, FAULT)], run)
    assert not judgement.holds
    assert said in "\n".join([*judgement.wrong, *judgement.nobodys])


# ---- keeping it


def test_a_sighting_names_no_folder_of_the_machine_it_was_seen_on(tmp_path: Path) -> None:
    said = f"no {tmp_path}/team/floe.yaml, and {Path.home()}/.cache/tool asks http://polaris:8181/api/catalog"
    seen = Sighting(fault="f", title="t", seen=date(2026, 1, 1), revision=None, scenarios={"first": said})
    assert seen.scenarios == {"first": "no .../floe.yaml, and .../tool asks http://polaris:8181/api/catalog"}


def test_the_ledger_keeps_one_sighting_a_fault_the_latest_first(tmp_path: Path) -> None:
    fault = written(tmp_path, FAULT)
    old = Sighting(fault=fault.id, title="old", seen=date(2026, 1, 1), revision=None, scenarios={})
    other = Sighting(fault="other", title="other", seen=date(2026, 1, 2), revision=None, scenarios={})
    before = Ledger(sightings={"FR-005": [old, other], "FR-001": [old]})
    [judgement] = judge([fault], ran(RED, GREEN))
    after = running.with_sightings(before, judgement, "abc")
    assert [one.title for one in after.of("FR-005")] == ["The chart makes one bucket", "other"]
    assert after.of("FR-005")[0].scenarios == {RED.title: "When an object is put: NoSuchBucket staging"}
    assert after.of("FR-001") == []
