"""The vocabulary: what features say and what steps/ defines are the same set, and it stays small.

A step is matched by pytest-bdd's own parsers, built from the literals of the definitions, with every row of
an outline filled in by pytest-bdd: what is said here is what pytest-bdd would do, without importing a step.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from pytest_bdd import parsers
from pytest_bdd.parser import render_string
from pytest_bdd.parsers import StepParser

from gate.code import Module
from gate.features import Kind, ScenarioSource, StepSource
from gate.finding import Finding

PHRASES = 120
"""How many step phrases the features may be written in."""
STEPS = 6
"""How many steps a scenario may have beside its background."""

_DECORATORS: dict[str, Kind | None] = {
    "pytest_bdd.given": "given",
    "pytest_bdd.when": "when",
    "pytest_bdd.then": "then",
    "pytest_bdd.step": None,
}
_PARSERS: dict[str, type[StepParser]] = {
    "pytest_bdd.parsers.parse": parsers.parse,
    "pytest_bdd.parsers.cfparse": parsers.cfparse,
    "pytest_bdd.parsers.re": parsers.re,
    "pytest_bdd.parsers.string": parsers.string,
}
_PARAMETER = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True)
class Definition:
    """One phrase of the vocabulary.

    Attributes:
        kind: which steps it is for; None for every kind.
        phrase: as it is written.
        parser: pytest-bdd's, built from the phrase.
        function: the line of the function it belongs to.
    """

    place: str
    kind: Kind | None
    phrase: str
    parser: StepParser
    function: str

    @property
    def shape(self) -> str:
        """The phrase without the names of its parameters: two of one shape match the same steps."""
        known = isinstance(self.parser, parsers.parse)
        return _PARAMETER.sub("{}", self.phrase) if known else self.phrase

    def matches(self, kind: Kind | None, text: str) -> bool:
        """Whether pytest-bdd would take it for this step."""
        return self.kind in {None, kind} and self.parser.is_matching(text)


# ---- the definitions


def definitions(modules: Iterable[Module]) -> tuple[list[Definition], list[Finding]]:
    """Every phrase that these modules define, and a finding for each that cannot be read."""
    found: list[Definition] = []
    unread: list[Finding] = []
    for module in modules:
        for decorator, kind, function in decorators(module):
            one = _definition(module, decorator, kind, function)
            (found if isinstance(one, Definition) else unread).append(one)  # type: ignore[arg-type]
    return found, unread


def decorators(module: Module) -> Iterator[tuple[ast.Call, Kind | None, ast.AST]]:
    """Every use of given, when, then or step as a decorator, with the function below it."""
    for function in module.functions:
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and (name := module.dotted(decorator.func)) in _DECORATORS:
                yield decorator, _DECORATORS[name], function


def _definition(
    module: Module, decorator: ast.Call, kind: Kind | None, function: ast.AST
) -> Definition | Finding:
    named = [keyword.value for keyword in decorator.keywords if keyword.arg == "name"]
    argument = (decorator.args or named or [decorator])[0]
    place = module.place(decorator)
    text, make = argument, parsers.string
    if isinstance(argument, ast.Call) and (parser := module.dotted(argument.func)) in _PARSERS:
        if len(argument.args) != 1 or argument.keywords:
            return Finding(
                place,
                "the parser of a step has more than its phrase",
                "convert what it reads with converters= of the decorator",
            )
        text, make = argument.args[0], _PARSERS[parser]  # type: ignore[assignment]
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
        return Finding(place, "the phrase of a step is no literal", "write it out where it is defined")
    try:
        return Definition(place, kind, text.value, make(text.value), module.place(function))
    except (ValueError, LookupError, re.error) as broken:
        return Finding(place, f'"{text.value}" is no pattern: {broken}', "correct it")


# ---- the rules


def check(modules: Sequence[Module], scenarios: Sequence[ScenarioSource]) -> list[Finding]:
    """The rules that hold whatever scenarios there are or are missing."""
    known, unread = definitions(modules)
    return [
        *unread,
        *no_phrase_twice(known),
        *every_step_has_one_meaning(known, scenarios),
        *vocabulary_is_small(known),
        *scenarios_are_short(scenarios),
    ]


def every_phrase_is_used(modules: Sequence[Module], scenarios: Iterable[ScenarioSource]) -> list[Finding]:
    """Each phrase of the vocabulary is said in some feature."""
    said = {(step.kind, text) for step, texts in _said(scenarios) for text in texts}
    return [
        Finding(one.place, f'step "{one.phrase}" is used by no feature', "remove it")
        for one in definitions(modules)[0]
        if not any(one.matches(kind, text) for kind, text in said)
    ]


def no_phrase_twice(known: Iterable[Definition]) -> list[Finding]:
    """One phrase, one meaning: names of parameters make no difference, nor does Given or When."""
    first: dict[str, Definition] = {}
    return [
        Finding(one.place, f'step "{one.phrase}" is already defined at {earlier.place}', "keep one of them")
        for one in known
        if (earlier := first.setdefault(one.shape, one)) is not one
        and (earlier.function != one.function or earlier.kind == one.kind)
    ]


def every_step_has_one_meaning(
    known: Sequence[Definition], scenarios: Iterable[ScenarioSource]
) -> list[Finding]:
    """Each step of a feature, with every row filled in, matches exactly one phrase."""

    @cache
    def meanings(kind: Kind | None, text: str) -> tuple[Definition, ...]:
        return tuple(one for one in known if one.matches(kind, text))

    found: dict[StepSource, Finding] = {}
    for step, texts in _said(scenarios):
        if step.kind is None:
            remedy = "let the first step be Given, When or Then"
            found.setdefault(step, Finding(step.place, f'"{step.keyword}" follows no other step', remedy))
            continue
        for text in texts:
            if finding := _not_one(step, text, meanings(step.kind, text)):
                found.setdefault(step, finding)
    return list(found.values())


def _not_one(step: StepSource, text: str, meanings: Sequence[Definition]) -> Finding | None:
    shapes = {one.shape: one for one in meanings}
    if not meanings:
        return Finding(
            step.place,
            f'no step is defined for {step.kind} "{text}"',
            "say it in a phrase of steps/, or define it there",
        )
    if len(shapes) > 1:
        which = " and ".join(f'"{one.phrase}" ({one.place})' for one in shapes.values())
        return Finding(step.place, f'{step.kind} "{text}" is matched by {which}', "make one phrase narrower")
    return None


def vocabulary_is_small(known: Iterable[Definition]) -> list[Finding]:
    """The features need no more than so many phrases."""
    count = phrases(known)
    if count <= PHRASES:
        return []
    return [Finding("steps/", f"{count} step phrases, {PHRASES} are allowed", "say two things in one phrase")]


def phrases(known: Iterable[Definition]) -> int:
    """How many different phrases these are."""
    return len({one.shape for one in known})


def scenarios_are_short(scenarios: Iterable[ScenarioSource]) -> list[Finding]:
    """A scenario shows one behaviour, in few steps."""
    return [
        Finding(
            scenario.place,
            f'scenario "{scenario.name}" has {len(scenario.steps)} steps, {STEPS} are allowed',
            "say more in one phrase, or make two scenarios of it",
        )
        for scenario in scenarios
        if len(scenario.steps) > STEPS
    ]


def _said(scenarios: Iterable[ScenarioSource]) -> Iterator[tuple[StepSource, list[str]]]:
    """Each step with what it says in every row of its scenario."""
    for scenario in scenarios:
        rows = [dict(row) for row, _ in scenario.rows] or [{}]
        for step in (*scenario.background, *scenario.steps):
            yield step, [render_string(step.text, row) for row in rows]


# ---- what makes them run


def every_feature_is_bound(files: Iterable[str], bindings: Iterable[Module]) -> list[Finding]:
    """Each feature file is handed to pytest; without it, it never runs."""
    bound = {
        f"features/{argument.value}"
        for module in bindings
        for node in module.nodes
        if isinstance(node, ast.Call) and module.dotted(node.func) == "pytest_bdd.scenarios"
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    return [
        Finding(f"{file}:1", "no module hands this feature to pytest", f'write scenarios("{name}") beside it')
        for file in files
        if file not in bound and (name := file.removeprefix("features/"))
    ]


def every_step_is_loaded(modules: Iterable[Module], bindings: Iterable[Module]) -> list[Finding]:
    """Each module with step definitions is among the plugins of conftest.py."""
    plugins = {text for module in bindings if module.file == "conftest.py" for text, _ in module.texts}
    return [
        Finding(f"{module.file}:1", f"conftest.py does not load {name}", "name it in pytest_plugins")
        for module in modules
        if any(decorators(module)) and (name := module.name) not in plugins
    ]
