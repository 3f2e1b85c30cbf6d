"""The suite's own spans as a collector receives them, from a real session of pytest-bdd."""

from __future__ import annotations

import json

import pytest

from foundation.cache import ROOT
from tests import sample_run
from tests.contract.receivers import receiving

pytest_plugins = ("pytester",)

PLATFORM = """

import pytest
from foundation import tracecontext
from reports import tracing

@pytest.fixture(scope="module", autouse=True)
def standing():
    with tracing.sent_to(tracing.Destination(lambda: "{collector}", "http://jaeger:16686", "open a way")):
        yield

@pytest.fixture(autouse=True)
def heard(request):
    yield
    with open("heard.txt", "a") as file:
        file.write(tracecontext.carrier()["traceparent"] + "\\n")
"""
NOBODY = "127.0.0.1:9"
"""The port of the discard service, where nothing listens."""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("CLUSTER", raising=False)
    sample_run.lay(pytester.path)
    return pytester


def played(project: pytest.Pytester, collector: str) -> pytest.RunResult:
    file = project.path / "conftest.py"
    file.write_text(file.read_text() + PLATFORM.format(collector=collector))
    return project.runpytest_subprocess(timeout=120)


def allure(project: pytest.Pytester) -> dict[str, dict[str, str]]:
    """The trace id and the link of each scenario, by its name."""
    found = {}
    for file in (project.path / "reports" / "out" / "allure-results").glob("*-result.json"):
        read = json.loads(file.read_text())
        (trace,) = [label["value"] for label in read["labels"] if label["name"] == "trace_id"]
        (link,) = read["links"]
        found[read["name"]] = {"trace": trace, "url": link["url"], "name": link["name"]}
    return found


def test_each_scenario_is_a_trace_with_its_steps_and_its_page_leads_there(project: pytest.Pytester) -> None:
    with receiving() as received:
        ended = played(project, received.address.removeprefix("http://"))
    roots = {span.id: span for span in received.spans if not span.parent}
    steps = [span for span in received.spans if span.parent]
    pages = allure(project)
    assert {span.service for span in received.spans} == {"floe-acceptance"}
    assert sorted(span.trace for span in roots.values()) == sorted(one["trace"] for one in pages.values())
    assert [one.name for one in steps if roots[one.parent].trace != one.trace] == []
    assert {one["url"] for one in pages.values()} == {
        f"http://jaeger:16686/trace/{span.trace}" for span in roots.values()
    }
    assert {one["name"] for one in pages.values()} == {"its trace in Jaeger; first: open a way"}
    trace = pages["A pod that cannot start is named"]["trace"]
    told = [(one.name, one.failed) for one in steps if one.trace == trace]
    assert told == [
        ("Given the platform is up", False),
        ("When an image does not exist", False),
        ("Then the check names these pods", True),
    ]
    assert "lost" not in ended.stdout.str()


def test_what_is_asked_meanwhile_says_which_scenario_asks(project: pytest.Pytester) -> None:
    with receiving() as received:
        played(project, received.address.removeprefix("http://"))
    heard = {line.split("-")[1] for line in (project.path / "heard.txt").read_text().splitlines()}
    assert heard == {span.trace for span in received.spans}


def test_nobody_there_loses_spans_says_it_once_and_changes_no_result(project: pytest.Pytester) -> None:
    ended = played(project, NOBODY)
    ended.assert_outcomes(passed=5, failed=3, errors=1)
    said = [line for line in ended.outlines if "spans of the suite's own were lost" in line]
    assert len(said) == 1
    assert int(said[0].split()[0]) > 8


def test_a_run_without_a_platform_says_nothing_of_traces(project: pytest.Pytester) -> None:
    ended = project.runpytest_subprocess(timeout=120)
    assert "were lost" not in ended.stdout.str()
    links = [
        json.loads(file.read_text()).get("links", [])
        for file in (project.path / "reports" / "out" / "allure-results").glob("*-result.json")
    ]
    assert links
    assert not any(links)
