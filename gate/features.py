"""The feature files as they are written: scenarios, steps, tags and rows, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gherkin.errors import CompositeParserException
from gherkin.parser import Parser

from foundation.cache import ROOT
from foundation.errors import UserError
from reports.catalogue import Catalogue

Kind = Literal["given", "when", "then"]
Row = tuple[tuple[str, str], ...]

_PLACEHOLDER = re.compile(r"<[^<>\s][^<>]*>")
_KINDS: dict[str, Kind] = {"Context": "given", "Action": "when", "Outcome": "then"}
_COMMENT = re.compile(r"\s#")
"""Where Gherkin lets the comment of a line of tags begin."""


@dataclass(frozen=True)
class StepSource:
    """A step as it is written.

    Attributes:
        keyword: the word it begins with, such as Given, And or *.
        kind: what it is, a conjunction being what the step before it is; None for a first step that
            is a conjunction, which pytest-bdd refuses.
        text: all after the keyword, placeholders as they are.
    """

    file: str
    line: int
    keyword: str
    kind: Kind | None
    text: str

    @property
    def place(self) -> str:
        """file:line."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class TagLine:
    """A line of tags, of a feature, a rule, a scenario or its examples.

    Attributes:
        tags: in their order, without the @.
        comment: the text after its #, or None.
    """

    file: str
    line: int
    tags: tuple[str, ...]
    comment: str | None

    @property
    def place(self) -> str:
        """file:line."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class ScenarioSource:
    """A scenario as it is written.

    Attributes:
        file: the feature file, relative to the checkout.
        tags: its own and those of its rule and feature.
        steps: its own steps.
        background: the steps that run before them.
        outline: whether it is one, with a row of examples for every time it runs.
        rows: the rows of its examples, with the tags they have beyond the scenario's;
            empty for a plain scenario.
    """

    file: str
    line: int
    feature: str
    name: str
    tags: frozenset[str]
    steps: tuple[StepSource, ...]
    background: tuple[StepSource, ...]
    outline: bool
    rows: tuple[tuple[Row, frozenset[str]], ...] = ()

    @property
    def place(self) -> str:
        """file:line."""
        return f"{self.file}:{self.line}"

    @property
    def all_tags(self) -> frozenset[str]:
        """Its tags and those of its examples."""
        return self.tags.union(*(tags for _, tags in self.rows))

    @property
    def runs(self) -> int:
        """How often it runs: once, or once a row."""
        return len(self.rows) if self.outline else 1

    def ids(self, catalogue: Catalogue) -> frozenset[str]:
        """The ids of the catalogue among its tags."""
        return self.all_tags & catalogue.ids


@dataclass(frozen=True)
class FeatureSource:
    """A feature file as it is written.

    Attributes:
        path: where it is.
        file: where it is, relative to the checkout.
        tags: of the feature itself.
        prose: every line that a reader reads, by its number: no tags, no comments.
        comments: every line that is a comment, by its number.
    """

    path: Path
    file: str
    tags: frozenset[str]
    tag_lines: tuple[TagLine, ...]
    scenarios: tuple[ScenarioSource, ...]
    prose: dict[int, str]
    comments: dict[int, str]


def parse(folder: Path, *, root: Path = ROOT) -> list[ScenarioSource]:
    """Every scenario of the feature files below `folder`, in order.

    Raises:
        UserError: a file is not Gherkin; names file and line.
    """
    return [scenario for feature in read(folder, root=root) for scenario in feature.scenarios]


def read(folder: Path, *, root: Path = ROOT) -> list[FeatureSource]:
    """Every feature file below `folder`, in order.

    Raises:
        UserError: a file is not Gherkin; names file and line.
    """
    return [read_file(file, root=root) for file in sorted(folder.rglob("*.feature"))]


def read_file(file: Path, *, root: Path = ROOT) -> FeatureSource:
    """One feature file."""
    shown = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
    try:
        text = file.read_bytes().decode()
        document: Any = Parser().parse(text)
    except UnicodeDecodeError as broken:
        raise UserError(f"{shown}: not UTF-8: {broken.reason}", remedy="save it as UTF-8") from broken
    except CompositeParserException as broken:
        first: Any = broken.errors[0]
        raise UserError(
            f"{shown}:{first.location['line']}: not Gherkin: {first}", remedy="mend that line"
        ) from broken
    return _Reader(file, shown, text.split("\n"), document).feature()


class _Reader:
    """Turns what the Gherkin parser gives for one file into the records above."""

    def __init__(self, path: Path, shown: str, lines: list[str], document: Any) -> None:
        self._path = path
        self._file = shown
        self._lines = lines
        self._feature = document.get("feature")
        self._comments = {one["location"]["line"]: one["text"] for one in document["comments"]}
        self._tags: dict[int, list[str]] = {}

    def feature(self) -> FeatureSource:
        feature = self._feature
        tags = self._tags_of(feature) if feature else frozenset()
        scenarios = tuple(self._scenarios(feature, tags, ())) if feature else ()
        unread = set(self._comments) | set(self._tags)
        return FeatureSource(
            path=self._path,
            file=self._file,
            tags=tags,
            tag_lines=tuple(self._tag_line(line, names) for line, names in sorted(self._tags.items())),
            scenarios=scenarios,
            prose={number: text for number, text in enumerate(self._lines, 1) if number not in unread},
            comments=self._comments,
        )

    def _scenarios(
        self, parent: Any, tags: frozenset[str], before: tuple[StepSource, ...]
    ) -> Iterator[ScenarioSource]:
        for child in parent["children"]:
            if background := child.get("background"):
                before = (*before, *self._steps(background))
            elif rule := child.get("rule"):
                yield from self._scenarios(rule, tags | self._tags_of(rule), before)
            elif scenario := child.get("scenario"):
                yield self._scenario(scenario, tags | self._tags_of(scenario), before)

    def _scenario(
        self, scenario: Any, tags: frozenset[str], before: tuple[StepSource, ...]
    ) -> ScenarioSource:
        steps = tuple(self._steps(scenario))
        return ScenarioSource(
            file=self._file,
            line=scenario["location"]["line"],
            feature=self._feature["name"],
            name=scenario["name"],
            tags=tags,
            steps=steps,
            background=before,
            outline=bool(scenario["examples"]) or any(_PLACEHOLDER.search(step.text) for step in steps),
            rows=tuple(self._rows(scenario)),
        )

    def _steps(self, parent: Any) -> Iterator[StepSource]:
        kind: Kind | None = None
        for step in parent["steps"]:
            kind = _KINDS.get(step["keywordType"], kind)
            yield StepSource(
                self._file, step["location"]["line"], step["keyword"].strip(), kind, step["text"]
            )

    def _rows(self, scenario: Any) -> Iterator[tuple[Row, frozenset[str]]]:
        for examples in scenario["examples"]:
            tags = self._tags_of(examples)
            names = [cell["value"] for cell in (examples.get("tableHeader") or {"cells": []})["cells"]]
            for row in examples["tableBody"]:
                yield tuple(zip(names, (cell["value"] for cell in row["cells"]), strict=True)), tags

    def _tags_of(self, node: Any) -> frozenset[str]:
        names = [(tag["location"]["line"], tag["name"].lstrip("@")) for tag in node["tags"]]
        for line, name in names:
            self._tags.setdefault(line, []).append(name)
        return frozenset(name for _, name in names)

    def _tag_line(self, line: int, names: list[str]) -> TagLine:
        _, *comment = _COMMENT.split(self._lines[line - 1], maxsplit=1)
        return TagLine(self._file, line, tuple(names), comment[0].strip() if comment else None)
