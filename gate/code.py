"""The suite's own Python files as syntax trees; nothing is imported to look at them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from foundation.errors import UserError

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file.

    Attributes:
        file: where it is, relative to the checkout.
    """

    file: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """What it is imported as."""
        return self.file.removesuffix(".py").replace("/", ".")

    def place(self, node: ast.AST) -> str:
        """file:line of a node."""
        return f"{self.file}:{getattr(node, 'lineno', 1)}"

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node, outer ones first."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """Every function and method."""
        return tuple(node for node in self.nodes if isinstance(node, Function))

    @cached_property
    def imported(self) -> dict[str, str]:
        """What each imported name stands for: `{"nap": "time.sleep"}` for `from time import sleep as nap`."""
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for one in node.names:
                    top = one.name.partition(".")[0]
                    names[one.asname or top] = one.name if one.asname else top
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        return names

    def dotted(self, node: ast.AST) -> str:
        """The full dotted name of a name or attribute; empty when it is neither."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        return ""

    @cached_property
    def texts(self) -> tuple[tuple[str, ast.Constant], ...]:
        """Every string that the program uses, with its node; what only documents is not among them."""
        documents = {id(node.value) for node in self.nodes if isinstance(node, ast.Expr)}
        return tuple(
            (node.value, node)
            for node in self.nodes
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents
        )


def read(root: Path, paths: Iterable[Path]) -> tuple[Module, ...]:
    """These files, and every Python file below these folders, in order; what is not there is left out.

    Raises:
        UserError: a file is not Python; names file and line.
    """
    return tuple(_module(root, file) for path in paths for file in _files(path))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(path.rglob("*.py"))


def _module(root: Path, file: Path) -> Module:
    shown = str(file.relative_to(root))
    try:
        text = file.read_text(encoding="utf-8")
        return Module(shown, text, ast.parse(text))
    except SyntaxError as broken:
        raise UserError(
            f"{shown}:{broken.lineno}: not Python: {broken.msg}", remedy="mend that line"
        ) from broken
    except UnicodeDecodeError as broken:
        raise UserError(f"{shown}: not UTF-8: {broken.reason}", remedy="save it as UTF-8") from broken
