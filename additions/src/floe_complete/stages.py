"""The six stages of a compilation: which one runs, how long it took, and what floe itself says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from floe_complete.problems import Problem

STAGES = ("LOAD", "VALIDATE", "RESOLVE", "ENFORCE", "COMPILE", "GENERATE")
"""In the order in which a compilation goes through them."""

_BEGIN = "compilation_stage_start"
_ORDER: Mapping[str, int] = {stage: position for position, stage in enumerate(STAGES)}


class Stages:
    """What a person is told while a compilation runs: one line a stage, with its time.

    floe's own pipeline begins LOAD, VALIDATE and RESOLVE again, on what was read and found right before:
    a stage is told once, from when it began until the next one did.

    Args:
        tell: takes a line.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._began = 0.0
        self.current = ""
        self.of_floe = ""
        """The last stage that floe's own pipeline said it began."""

    def begin(self, stage: str) -> None:
        """A stage begins, so the one before it is done."""
        if self.current and _ORDER[stage] <= _ORDER[self.current]:
            return
        self.end()
        self.current, self._began = stage, time.perf_counter()

    def end(self) -> None:
        """The current stage is done."""
        if self.current:
            self._tell(f"{self.current:<9}{time.perf_counter() - self._began:6.2f} s")
        self.current = ""

    def refuse(self, problems: Iterable[Problem]) -> None:
        """A stage refuses: the first of those that found something, else the one that runs."""
        found = [problem.stage for problem in problems if problem.stage in _ORDER]
        stage = min(found, key=_ORDER.__getitem__, default=self.current or STAGES[0])
        self.begin(stage)
        if stage != self.current:
            # floe holds models against its policies, which is ENFORCE, when COMPILE is done.
            self.end()
        self._tell(f"{stage:<9}refused")
        self.current = ""

    def hear(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """A processor of structlog: floe's pipeline says which stage begins."""
        if event.get("event") == _BEGIN and event.get("stage") in _ORDER:
            self.of_floe = str(event["stage"])
            self.begin(self.of_floe)
        return event


def listen(stages: Stages, log: TextIO) -> None:
    """Let floe's structured log go to a file, one JSON object a line, and the stages hear of it."""
    import structlog  # noqa: PLC0415 - with floe

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            stages.hear,
            structlog.processors.JSONRenderer(default=str),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=log),
        cache_logger_on_first_use=False,
    )
