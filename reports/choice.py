"""What of the features is asked for, by the ids of the catalogue; the same for make and for pytest.

A name that is not known, that no scenario has, or that leaves nothing to run is refused: a run
that proves nothing must never look like one that went well.
"""

from __future__ import annotations

import difflib
from argparse import Namespace
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cucumber_tag_expressions import TagExpressionError, parse  # type: ignore[import-untyped]
from cucumber_tag_expressions.model import Literal, Not  # type: ignore[import-untyped]

from foundation.errors import UserError
from reports.catalogue import CATALOGUE, Catalogue
from reports.results import RESULTS_NAME, Run

Tags = frozenset[str]


@dataclass(frozen=True)
class Asked:
    """A name as somebody asked for it.

    Attributes:
        how: the words that were typed, such as `--story US3` or `STORY=US3`.
    """

    how: str
    name: str


@dataclass(frozen=True)
class Expression:
    """A tag expression: `@US3 and not (@GAP-007 or @FR-030)`; the @ may be left out.

    Attributes:
        how: the words that were typed.
        tree: as cucumber's own parser understands it.
    """

    how: str
    tree: Any

    @classmethod
    def read(cls, how: str, text: str) -> Expression:
        """Read an expression.

        Raises:
            UserError: it is not one; with the place.
        """
        try:
            return cls(how, parse(text))
        except TagExpressionError as refused:
            raise UserError(
                f"{how}: {str(refused).splitlines()[0]}",
                remedy='tags joined by and, or, not and brackets, such as "@US3 and not @GAP-007"',
            ) from refused

    def selects(self, tags: Tags) -> bool:
        """Whether a scenario with these tags is meant."""
        return bool(self.tree.evaluate(tags | {f"@{tag}" for tag in tags}))

    @property
    def names(self) -> list[str]:
        """Every tag it names."""
        return [name for name, _ in _named(self.tree)]

    @property
    def wanted(self) -> list[str]:
        """The tags it asks for; one that is only excluded need not be there."""
        return [name for name, asked_for in _named(self.tree) if asked_for]


def _named(tree: Any, *, asked_for: bool = True) -> Iterator[tuple[str, bool]]:
    if isinstance(tree, Literal):
        yield tree.name.removeprefix("@"), asked_for
    elif isinstance(tree, Not):
        yield from _named(tree.term, asked_for=not asked_for)
    else:
        for term in getattr(tree, "terms", ()):
            yield from _named(term, asked_for=asked_for)


@dataclass(frozen=True)
class Choice:
    """What is to run: the scenarios of any of the ids, of any of the stories, and of every expression."""

    stories: Sequence[Asked] = ()
    ids: Sequence[Asked] = ()
    edges: Sequence[Asked] = ()
    expressions: Sequence[Expression] = ()

    @property
    def words(self) -> list[str]:
        """Everything that was typed for it."""
        return [*(one.how for one in self._names), *(one.how for one in self.expressions)]

    @property
    def _names(self) -> list[Asked]:
        return [*self.stories, *self.ids, *self.edges]

    def selects(self, tags: Tags) -> bool:
        """Whether a scenario with these tags is to run."""
        any_of = [[*self.ids, *self.edges], self.stories]
        return all(not names or any(one.name in tags for one in names) for names in any_of) and all(
            expression.selects(tags) for expression in self.expressions
        )

    def must_be_known(self, known: Catalogue, others: Collection[str] = ()) -> None:
        """Refuse names that the catalogue does not have.

        Args:
            known: the catalogue.
            others: what an expression may name besides.

        Raises:
            UserError: with the nearest name there is.
        """
        stories, edges = list(known.stories), [case.id for case in known.edge_cases]
        for one in self.stories:
            _known(one, stories, f"one of {', '.join(stories)}")
        for one in self.ids:
            _known(one, known.ids, f"not in {CATALOGUE.name}")
        for one in self.edges:
            _known(one, edges, f"one of {', '.join(edges)}")
        for expression in self.expressions:
            for name in expression.names:
                asked = Asked(expression.how, name)
                _known(asked, {*stories, *known.ids, *others}, f"no tag is called {name}")

    def must_be_there(self, scenarios: Iterable[Tags]) -> None:
        """Refuse a name that none of these scenarios has, and one that the rest of the choice leaves out.

        Raises:
            UserError: naming it.
        """
        there = list(scenarios)
        all_tags: Tags = frozenset().union(*there)
        expected = [Asked(one.how, name) for one in self.expressions for name in one.wanted]
        for one in [*self._names, *expected]:
            if one.name not in all_tags:
                raise UserError(
                    f"{one.how}: no scenario has {one.name}",
                    remedy="features/planned.yaml lists ids without one",
                )
        left: Tags = frozenset().union(*(tags for tags in there if self.selects(tags)))
        for one in self._names:
            if left and one.name not in left:
                rest = ", ".join(words for words in self.words if words != one.how)
                raise UserError(f"{one.how}: nothing of it is left by {rest}", remedy="leave out one of them")

    def must_select(self, scenarios: Iterable[Tags]) -> None:
        """Refuse as `must_be_there` does, and a choice that leaves none of these scenarios.

        Raises:
            UserError: naming what was typed.
        """
        there = list(scenarios)
        self.must_be_there(there)
        if not any(self.selects(tags) for tags in there):
            raise UserError(f"no scenario fits {' '.join(self.words)}", remedy="leave out one of them")


def _known(asked: Asked, names: Collection[str], problem: str) -> None:
    if asked.name in names:
        return
    near = difflib.get_close_matches(asked.name.upper(), sorted(names), n=3, cutoff=0.5)
    remedy = (
        f"did you mean {' or '.join(near)}?" if near else f"the ids are listed in features/{CATALOGUE.name}"
    )
    raise UserError(f"{asked.how}: {problem}", remedy=remedy)


NARROWING = {
    "--story": "story",
    "--requirement": "requirement",
    "--edge": "edge",
    "--tags": "tags",
    "-m": "markexpr",
    "-k": "keyword",
}
"""The options that leave scenarios out, with the names of their values."""


def given(options: Namespace) -> list[str]:
    """The options that narrow a session of pytest, as they would be typed again."""
    words: list[str] = []
    for option, name in NARROWING.items():
        value = getattr(options, name, None)
        # pytest takes a word that begins with an @ for the name of a file with more words.
        values = [value.replace("@", "")] if isinstance(value, str) else value or []
        words += [word for one in values if one for word in (option, one)]
    return words


def results_file(place: Path) -> Path:
    """The file that `place` names: a results.json, or the one in a folder."""
    return place / RESULTS_NAME if place.is_dir() else place


def failed_in(place: Path, how: str) -> frozenset[str]:
    """The scenarios that failed in an earlier run, by pytest's ids of them.

    Args:
        place: a results.json, or a folder that holds one.
        how: the words that were typed.

    Raises:
        UserError: there is none, or it is of another version of the suite.
    """
    file = results_file(place)
    try:
        earlier = Run.model_validate_json(file.read_text(encoding="utf-8"))
    except OSError as absent:
        raise UserError(
            f"{how}: {file} is not there", remedy=f"name a {RESULTS_NAME}, or a folder that holds one"
        ) from absent
    except ValueError as refused:
        raise UserError(
            f"{how}: {file} is not a result of this version", remedy="run once without it"
        ) from refused
    return frozenset(record.node for record in earlier.scenarios if record.result == "failed")
