"""Which stage a person is told, whatever order floe says things in."""

from __future__ import annotations

import io
import json
import re

import structlog

from floe_complete.problems import Problem
from floe_complete.stages import STAGES, Stages, listen


def told(stages: Stages) -> list[str]:
    """The lines without their times."""
    return [re.sub(r" +\d+\.\d\d s$", "", line) for line in stages.lines]  # type: ignore[attr-defined]


def stages() -> Stages:
    lines: list[str] = []
    made = Stages(lines.append)
    made.lines = lines  # type: ignore[attr-defined]
    return made


def problem(stage: str) -> Problem:
    return Problem("floe.yaml", "", "wrong", "right", stage=stage)


def test_every_stage_is_told_once_in_order() -> None:
    made = stages()
    for stage in ("LOAD", "VALIDATE", "RESOLVE", *STAGES):
        made.begin(stage)
    made.end()
    assert told(made) == list(STAGES)


def test_a_refusal_is_told_at_its_stage_and_nothing_after() -> None:
    made = stages()
    made.begin("LOAD")
    made.begin("VALIDATE")
    made.refuse([problem("RESOLVE")])
    assert told(made) == ["LOAD", "VALIDATE", "RESOLVE  refused"]


def test_of_several_stages_that_found_something_the_first_refuses() -> None:
    made = stages()
    made.begin("LOAD")
    made.refuse([problem("VALIDATE"), problem("LOAD")])
    assert told(made) == ["LOAD     refused"]


def test_a_problem_without_a_stage_is_of_the_one_that_runs() -> None:
    made = stages()
    made.begin("COMPILE")
    made.refuse([problem("")])
    assert told(made) == ["COMPILE  refused"]


def test_a_stage_that_refuses_late_is_told_after_those_that_are_done() -> None:
    made = stages()
    made.begin("ENFORCE")
    made.begin("COMPILE")
    made.refuse([problem("ENFORCE")])
    assert told(made) == ["ENFORCE", "COMPILE", "ENFORCE  refused"]


def test_floes_own_log_moves_the_stages_and_is_kept() -> None:
    made, log = stages(), io.StringIO()
    try:
        listen(made, log)
        structlog.get_logger("floe_core").info("compilation_stage_start", stage="LOAD")
        structlog.get_logger("floe_core").info("compilation_stage_start", stage="VALIDATE")
        structlog.get_logger("floe_core").info("something_else", stage="RESOLVE")
    finally:
        structlog.reset_defaults()
    assert (made.of_floe, made.current, told(made)) == ("VALIDATE", "VALIDATE", ["LOAD"])
    assert [json.loads(line)["stage"] for line in log.getvalue().splitlines()] == [
        "LOAD",
        "VALIDATE",
        "RESOLVE",
    ]
