"""Mistakes fit the demo, refusals are read as they are written, and the ear hears what nobody should."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import seeds
from drivers import mistakes, refusals, traces
from drivers.errors import ServiceError
from drivers.floe import Outcome, Project
from drivers.refusals import Reason
from tests.team import team

OF_OTHERS = {
    "a price under the number of another": "financial-risk",
    "a price of a part of a cent": "financial-risk",
    "a version of a counterparty twice": "financial-risk",
    "a counterparty behind an open quote": "financial-risk",
    "a last reading of plenty": "iot-telemetry",
}
"""Mistakes in seeds that customer-360 does not have, by the product that has them."""


@pytest.mark.parametrize("mistake", [name for name in mistakes.MISTAKES if "50 MB" not in name])
def test_every_mistake_changes_one_file_of_the_demo(tmp_path: Path, mistake: str) -> None:
    products = ("customer-360", "financial-risk", "iot-telemetry")
    project = Project.of_the_demo(tmp_path / "team", *products)
    for product in products:
        seeds.write(product, project.folder / product / "seeds", seeds.SMALLEST)
    before = project.files()
    mistakes.make(mistake, project, OF_OTHERS.get(mistake, "customer-360"))
    after = project.files()
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert len(changed) == (2 if mistake == "a misspelt file" else 1)


def test_a_mistake_that_nobody_makes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no such mistake"):
        mistakes.make("a smile", team(tmp_path), "customer-360")


def test_a_refusal_is_taken_apart() -> None:
    said = (
        "floe.yaml: is empty\n  expected: fields\n"
        'floe.yaml:3: transforms[2].tier: "x"\n  expected: one of a, b\n  remedy: did you mean a?\n'
        "../manifest.yaml:9: a colon: or so\n  expected: quotes\nnothing was written\n"
    )
    assert refusals.verdict(Outcome(2, "", said, {})) == {
        "exit code": "2",
        "floe.yaml: -": "fields, because of: is empty",
        "floe.yaml: transforms[2].tier": 'line 3, one of a, b, because of: "x"',
        "../manifest.yaml: -": "line 9, quotes, because of: a colon: or so",
    }


def test_two_problems_of_one_field_are_two() -> None:
    said = "floe.yaml:1: a: x\n  expected: b\nfloe.yaml:2: a: y\n  expected: c\n"
    assert refusals.verdict(Outcome(2, "", said, {})) == {
        "exit code": "2",
        "floe.yaml: a": "line 1, b, because of: x; line 2, c, because of: y",
    }


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ("is there 2 times", "is there 2 times"),
        ("is gone", "is there 2 times, on lines 7 and 8"),
    ],
)
def test_what_is_wrong_is_told_by_the_words_that_are_expected_where_they_are_among_them(
    known: str, told: str
) -> None:
    said = "floe.yaml:8: owner: is there 2 times, on lines 7 and 8\n  expected: every field once\n"
    expected = Reason("floe.yaml", 8, "owner", "every field once", known)
    assert refusals.verdict(Outcome(2, "", said, {}), [expected]) == {
        "exit code": "2",
        "floe.yaml: owner": f"line 8, every field once, because of: {told}",
    }


def test_a_line_is_found_by_its_words(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("manifest.yaml", "a: 1\nlevel: LOUD\n")
    row = ("../manifest.yaml", "level:", "level", "QUIET", "LOUD")
    assert refusals.reason(project, "customer-360", row) == Reason(*row[:1], 2, *row[2:])
    with pytest.raises(ServiceError, match=r"it is on lines \[1, 2\]"):
        refusals.number("a\na", "a")


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Traceback (most recent call last):", "a stack trace: Traceback (most recent call last)"),
        ('  File "x.py", line 3, in run', 'a stack trace: File "x.py", line 3'),
        ("no file /home/ann/floe.yaml", "a place of this machine: /home/ann/floe.yaml"),
        ("'/tmp/x'", "a place of this machine: /tmp/x'"),
        ("see C:\\floe\\x", "a place of this machine: C:\\floe\\x"),
        ("lib/site-packages/x", "installed code: site-packages"),
        ("floe_core.schemas.x failed", "installed code: floe_core.schemas.x"),
        ("ValidationError: 1", "an exception: ValidationError"),
        ("UserWarning: x", "an exception: UserWarning"),
        ("https://errors.pydantic.dev/2", "a link for programmers: https://errors.pydantic.dev/2"),
        ("[type=missing, input_value={}", "a link for programmers: [type=missing, input_value="),
        ("<a.B object at 0x7f00aa11>", "an object of the program: <a.B object at 0x7f00aa11>"),
    ],
)
def test_a_trace_is_heard(text: str, heard: str) -> None:
    assert traces.heard(text) == [heard]


@pytest.mark.parametrize(
    "text",
    [
        'floe.yaml:34: transforms[5].tier: "platinum"\n  expected: one of bronze, silver, gold',
        "../manifest.yaml: is empty",
        "customer-360/home/x.sql",
        "such as Europe/London, or https://example.com/tmp/x",
        "An error, a warning and an exception",
    ],
)
def test_plain_words_are_no_trace(text: str) -> None:
    assert traces.heard(text) == []


def test_a_word_that_nobody_may_hear_is_heard() -> None:
    assert traces.heard("it is hunter2", ["hunter2", "hunter3"]) == ["what nobody may hear: hunter2"]
