"""The pytest plugin that chooses what runs, and in which order.

pytest --story US3                       scenarios of a story
pytest --requirement FR-022              of an id; more of either add up
pytest --edge EDGE-04                    of an edge case
pytest --tags "@US3 and not @GAP-007"    of a tag expression (pytest's own -m works as well)
pytest --failed-first-from reports/out   what failed there runs first; nothing is left out
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from foundation.errors import UserError
from reports import catalogue, choice
from reports.choice import Asked, Choice, Expression, Tags

FAILED_FIRST = "--failed-first-from"

WORKED_OUT_BESIDE = frozenset({2})
"""Stories that come last: while the others wait for a cluster, what these look at is compiled."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that select by the ids of the catalogue."""
    group = parser.getgroup("floe acceptance")
    adding: dict[str, str] = {"--story": "US3", "--requirement": "FR-022", "--edge": "EDGE-04"}
    for option, example in adding.items():
        group.addoption(
            option,
            metavar=example,
            action="append",
            default=[],
            help=f"run the scenarios of this {option.strip('-')} only; may be repeated",
        )
    group.addoption(
        "--tags", metavar="EXPRESSION", help='run what it selects: --tags="@US3 and not @GAP-007"'
    )
    group.addoption(
        FAILED_FIRST,
        metavar="FOLDER",
        help="run first what failed there (a folder of evidence, or its results.json)",
    )


@dataclass
class _Asked:
    """What this session was asked for, and what came of it."""

    choice: Choice
    failed: frozenset[str] = frozenset()
    first: int = 0
    nothing_left_by: list[str] = field(default_factory=list)


_ASKED = pytest.StashKey[_Asked]()


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what cannot be meant before anything is begun."""
    try:
        asked = _Asked(_choice(config))
        asked.choice.must_be_known(catalogue.of(config.rootpath), _declared(config))
        if place := config.getoption(FAILED_FIRST):
            asked.failed = choice.failed_in(config.invocation_params.dir / place, f"{FAILED_FIRST} {place}")
    except UserError as refused:
        raise pytest.UsageError(str(refused)) from refused
    config.stash[_ASKED] = asked


def _choice(config: pytest.Config) -> Choice:
    named = {
        option: [Asked(f"{option} {name}", name) for name in config.getoption(option)]
        for option in ("--story", "--requirement", "--edge")
    }
    expressions = {"--tags": config.getoption("--tags"), "-m": config.option.markexpr}
    return Choice(
        stories=named["--story"],
        ids=named["--requirement"],
        edges=named["--edge"],
        expressions=[
            Expression.read(f'{option} "{text}"', text) for option, text in expressions.items() if text
        ],
    )


def _declared(config: pytest.Config) -> set[str]:
    """The marks that are declared."""
    return {re.split(r"[:(]", line)[0].strip() for line in config.getini("markers")}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Order the scenarios, keep what was asked for, and notice when nothing is left."""
    asked = config.stash[_ASKED]
    # What could not be read may have held the scenario that seems to be absent.
    if asked.choice.words and not session.testsfailed:
        _must_be_there(asked.choice, items, config)
    _order(items, asked)
    kept = [item for item in items if asked.choice.selects(_tags(item))]
    collected = bool(items)
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    yield
    asked.first = sum(item.nodeid in asked.failed for item in items)
    if collected and not items:
        asked.nothing_left_by = choice.given(config.option)


def _must_be_there(wanted: Choice, items: list[pytest.Item], config: pytest.Config) -> None:
    try:
        wanted.must_be_there(_tags(item) for item in items)
    except UserError as refused:
        if hasattr(config, "workerinput"):  # a worker cannot refuse; where nothing ran, the session fails
            items.clear()
            return
        raise pytest.UsageError(str(refused)) from refused


def _tags(item: pytest.Item) -> Tags:
    return frozenset(mark.name for mark in item.iter_markers())


def _order(items: list[pytest.Item], asked: _Asked) -> None:
    """Stories in the order of the catalogue, since a later one builds on what an earlier one proved.

    Those that look at what is worked out beside all the others come last. What failed runs first, within its
    module: a module's scenarios share one platform and stay together.
    """
    modules: dict[Path, int] = {}
    for item in items:
        modules.setdefault(item.path, len(modules))
    failing = {item.path for item in items if item.nodeid in asked.failed}
    items.sort(
        key=lambda item: (
            item.path not in failing,
            _story_number(item) in WORKED_OUT_BESIDE,
            _story_number(item),
            modules[item.path],
            item.nodeid not in asked.failed,
        )
    )


def _story_number(item: pytest.Item) -> int:
    numbers = [int(mark.name[2:]) for mark in item.iter_markers() if re.fullmatch(r"US\d+", mark.name)]
    return min(numbers, default=0)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say what runs first."""
    asked = config.stash[_ASKED]
    if not config.getoption(FAILED_FIRST):
        return []
    return [f"failed first: {asked.first} of the {len(asked.failed)} scenarios that failed there run first"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which options left nothing to run."""
    left = config.stash[_ASKED].nothing_left_by
    if left:
        terminalreporter.write_line(f"nothing is selected: no scenario fits {' '.join(left)}", red=True)
