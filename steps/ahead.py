"""What the scenarios of a module will ask for, begun while others of it run, since a second core is there."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock
from types import ModuleType
from typing import Any, Generic, TypeVar

import pytest
from pytest_bdd.parser import Step
from pytest_bdd.scenario import find_fixturedefs_for_step, scenario_wrapper_template_registry
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from foundation import secrecy
from foundation.progress import wanted_until
from reports import evidence

Answer = TypeVar("Answer")

AT_ONCE = 2
"""Questions that are worked on at the same time, beside the scenario that runs."""

PATIENT = 10
"""The niceness of what has time: a tenth of a processor where others want it, and all where nobody does."""


class Ahead(Generic[Answer]):
    """Answers to questions, each worked out once; those that will be asked are begun at once.

    What is touched on the way is evidence of the scenario that asks: the asker says it (`evidence.touched`).

    Args:
        answer: works one out, in a thread of its own.
        coming: the questions that will be asked, in their order.
        at_once: how many are worked on at the same time.
        patient: whether those come last who ask for a processor here, and in the programs that are run.
    """

    def __init__(
        self,
        answer: Callable[..., Answer],
        coming: Iterable[tuple[Hashable, ...]] = (),
        *,
        at_once: int = AT_ONCE,
        patient: bool = False,
    ) -> None:
        self._answer = answer
        self._over = Event()
        self._threads = ThreadPoolExecutor(
            at_once, thread_name_prefix="ahead", initializer=_be_patient if patient else None
        )
        self._begun: dict[tuple[Hashable, ...], Future[Answer]] = {}
        self._beginning = Lock()
        for question in coming:
            self._begin(question)

    def __call__(self, *question: Hashable) -> Answer:
        """The answer, or what was raised on the way to it; waits until it is there."""
        return self._begin(question).result()

    def close(self) -> None:
        """Begin nothing more; what is under way is waited for, but waits for nothing itself any more."""
        self._over.set()
        self._threads.shutdown(cancel_futures=True)

    def _begin(self, question: tuple[Hashable, ...]) -> Future[Answer]:
        with self._beginning:
            if question not in self._begun:
                self._begun[question] = self._threads.submit(self._apart, question)
            return self._begun[question]

    def _apart(self, question: tuple[Hashable, ...]) -> Answer:
        with evidence.apart(), secrecy.waiting(), wanted_until(self._over):
            return self._answer(*question)


def _be_patient() -> None:
    """Have this thread, and what it starts, come after others; Linux alone knows that of a thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, 0), PATIENT))


def scenarios_of(request: pytest.FixtureRequest, module: ModuleType | None = None) -> list[pytest.Function]:
    """The selected scenarios of a module, or of all where none is given, in their order."""
    items = (item for item in request.session.items if isinstance(item, pytest.Function))
    return [item for item in items if module in (None, item.module)]


def arguments(
    scenarios: Sequence[pytest.Function], function: Callable[..., Any]
) -> Iterator[tuple[str, ...]]:
    """What these scenarios will say a step of this function with, in their order."""
    for item in scenarios:
        for step in _steps(item):
            for known in _known(item, step):
                if known.step_func is function:
                    yield tuple((known.parser.parse_arguments(step.name) or {}).values())


def is_soon(request: pytest.FixtureRequest, function: Callable[..., Any], lead: int) -> bool:
    """Whether this scenario, or one of the next `lead` of its module, has a step of this function."""
    scenarios = scenarios_of(request, request.module)
    at = scenarios.index(request.node)
    return any(True for _ in arguments(scenarios[at : at + 1 + lead], function))


def is_needed(scenarios: Sequence[pytest.Function], fixture: str) -> bool:
    """Whether a step of these scenarios takes a fixture."""
    return any(
        fixture in inspect.signature(known.step_func).parameters
        for item in scenarios
        for step in _steps(item)
        for known in _known(item, step)
    )


def following(request: pytest.FixtureRequest, lead: int) -> ModuleType | None:
    """The module that comes next, where this scenario is one of the last `lead` of its own."""
    items = request.session.items
    after = items[items.index(request.node) + 1 :][:lead]
    modules = [module for one in after if isinstance(module := getattr(one, "module", None), ModuleType)]
    return next((module for module in modules if module is not request.module), None)


def _steps(item: pytest.Function) -> list[Step]:
    template = scenario_wrapper_template_registry.get(item.function)
    if template is None:
        return []
    callspec = getattr(item, "callspec", None)
    row: dict[str, str] = dict(callspec.params.get("_pytest_bdd_example", {})) if callspec else {}
    return list(template.render(row).steps)


def _known(item: pytest.Function, step: Step) -> Iterator[StepFunctionContext]:
    """What pytest-bdd knows this step as."""
    manager = item.session._fixturemanager
    for found in find_fixturedefs_for_step(step, manager, item):
        yield step_function_context_registry[found.func]
