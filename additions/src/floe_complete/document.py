"""One YAML file as a person wrote it: what it says, and on which line.

Everything that can be wrong with a file before its meaning matters is found here, before floe is
imported: a wrong folder or a stray tab is told in a tenth of a second.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from floe_complete.problems import Problem, RefusedError

FieldPath = tuple[str | int, ...]
"""Where a value stands: keys and positions from the top, as they are written."""

SIZE = 1 << 20
"""The most bytes a file may have; one of a hundred models has some 20,000."""
DEPTH = 50
"""How deep values may stand within each other."""
VALUES = 20_000
"""How many values a file may hold, each alias counted with all that it stands for."""

_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge")
)
_PLAIN_KEY = re.compile(r"[^\s.\[\]\"]+")
_INDENTED_BY_TAB = re.compile(r"^ *\t[\t ]*\S")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")

_SYNTAX = (
    # what libyaml says, what that means to a person, what belongs there
    (
        "mapping values are not allowed",
        "a colon, or an indentation, that does not fit",
        "one `field: value` on a line, indented as the fields beside it; a text with a colon in quotes",
    ),
    (
        "block sequence entries are not allowed",
        "a list that begins behind a field's name",
        "each `- entry` on a line of its own",
    ),
    ("did not find expected ',' or ']'", "a list that is not closed", "a ] at its end"),
    ("did not find expected ',' or '}'", "a group of fields that is not closed", "a } at its end"),
    ("did not find expected node content", "a bracket that is not closed", "a value, or the closing bracket"),
    ("found unexpected end of stream", "a quote that is not closed", "a quote at the end of the text"),
    (
        "did not find expected key",
        "an indentation, or a word after a quote, that does not fit",
        "the fields of one group indented alike, each as `field: value`",
    ),
    (
        "did not find expected '-' indicator",
        "an indentation that does not fit the list it is in",
        "the fields of one entry indented alike, each entry behind a `-`",
    ),
    (
        "found character that cannot start any token",
        "a text that begins with @, `, % or a tab",
        "quotes around it",
    ),
    ("could not find expected ':'", "a field's name without a colon", "`field: value`"),
    ("found unknown escape character", "a backslash in double quotes", "single quotes around the text"),
    ("found undefined alias", "an alias without its anchor", "`&name` at an earlier value"),
    (
        "did not find expected <document start>",
        "an indentation that does not fit",
        "the fields at the top without indentation, each as `field: value`",
    ),
    (
        "did not find expected alphabetic or numeric character",
        "a text that begins with & or *",
        "quotes around it",
    ),
    ("mapping keys are not allowed", "a text that begins with ?", "quotes around it"),
    ("could not find expected directive name", "a line that begins with %", "quotes around the text"),
    ("but found another document", "a second document", "one document: no line `---` but the first"),
)


@dataclass(frozen=True)
class Kind:
    """A kind of file that floe reads.

    Attributes:
        file: what it is called.
        says: what it is about, in words.
        missing: what to do when there is none.
    """

    file: str
    says: str
    missing: str


@dataclass(frozen=True)
class Document:
    """A YAML file that could be read.

    Attributes:
        name: the file, as a person is told it.
        content: what it says, as `yaml.safe_load` gives it.
        root: its nodes, which know their lines.
    """

    name: str
    content: dict[str, Any]
    root: yaml.MappingNode

    def line(self, path: FieldPath) -> int:
        """The line of a value, from 1, or of what it is missing in; 0 for what is missing at the top."""
        node: yaml.Node = self.root
        line = 0
        for part in path:
            step = _step(node, part)
            if step is None:
                break
            line, node = step
        return line

    def problem(
        self, path: FieldPath, *, found: str, expected: str, remedy: str = "", stage: str = "VALIDATE"
    ) -> Problem:
        """Something that is wrong with one value of this file."""
        return Problem(self.name, spelled(path), found, expected, remedy, stage, self.line(path))


def spelled(path: FieldPath) -> str:
    """A path as a person reads it: `transforms[2].dependsOn[0]`."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            words += f".{part}" if words else part
        else:
            words += f'["{part}"]'
    return words


def shown(file: Path) -> str:
    """A file as a person is told it: as they named it, or relative to where they are, never absolute."""
    if not file.is_absolute():
        return os.path.normpath(file)
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(Path(*file.parts[-2:]))


def meant(word: str, known: Iterable[str]) -> str:
    """A question to somebody who mistyped one of the known words; empty when none is near."""
    spelling = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), spelling, n=1)
    return f"did you mean {spelling[near[0]]}?" if near else ""


def file_meant(file: Path) -> str:
    """The same question to somebody who mistyped the name of a YAML file, or its ending."""
    beside = sorted(file.parent.iterdir()) if file.parent.is_dir() else []
    names = {one.stem: one.name for one in beside if one.suffix in {".yaml", ".yml"}}
    near = difflib.get_close_matches(file.stem, names, n=1)
    return f"did you mean {names[near[0]]}?" if near else ""


def load(file: Path, kind: Kind) -> Document:
    """Read a file.

    Raises:
        RefusedError: it is not there, cannot be read, or is no YAML of plain values; with all that is
            wrong on the first of these levels where something is.
    """
    name = shown(file)
    root = _parsed(_text(_bytes(file, name, kind), name), name, kind)
    if not isinstance(root, yaml.MappingNode):
        found = "is a list" if isinstance(root, yaml.SequenceNode) else "is one text"
        raise _refused(name, found=found, expected=f"{kind.says}, as `field: value` lines")
    _bounded(root, name)
    wrong = list(_odd(root, (), name, set()))
    if wrong:
        raise RefusedError(wrong)
    return Document(name, _content(root, name), root)


def _refused(name: str, *, found: str, expected: str, remedy: str = "", line: int = 0) -> RefusedError:
    return RefusedError([Problem(name, "", found, expected, remedy, "LOAD", line)])


# ---- the file


def _bytes(file: Path, name: str, kind: Kind) -> bytes:
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise _refused(name, found="is a folder", expected=f"a file, {kind.says}")
        if not stat.S_ISREG(status.st_mode):
            raise _refused(name, found="is no ordinary file", expected=f"a file, {kind.says}")
        if status.st_size > SIZE:
            raise _too_large(name, f"{status.st_size / (1 << 20):.1f} MiB")
        with file.open("rb") as handle:
            content = handle.read(SIZE + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise _absent(file, name, kind) from None
    except OSError as refused:
        said = (refused.strerror or "the system refused").lower()
        raise _refused(
            name, found=f"cannot be read: {said}", expected=f"a file that can be read, {kind.says}"
        ) from None
    if len(content) > SIZE:
        raise _too_large(name, "more than 1 MiB")
    return content


def _too_large(name: str, size: str) -> RefusedError:
    return _refused(name, found=f"has {size}", expected="at most 1 MiB")


def _absent(file: Path, name: str, kind: Kind) -> RefusedError:
    folder = file.parent
    if folder.is_file():
        folder_name = shown(folder.parent)
        return _refused(
            shown(folder),
            found="is a file",
            expected=f"the folder that holds {kind.file}",
            remedy=f"name the folder: {folder_name}",
        )
    if not folder.is_dir():
        beside = (one.name for one in _folders(folder.parent))
        return _refused(
            shown(folder),
            found="there is no such folder",
            expected=f"the folder that holds {kind.file}",
            remedy=meant(folder.name, beside),
        )
    remedy = file_meant(file) or kind.missing
    return _refused(name, found="there is no such file", expected=kind.says, remedy=remedy)


def _folders(folder: Path) -> Iterator[Path]:
    return (one for one in sorted(folder.iterdir()) if one.is_dir()) if folder.is_dir() else iter(())


# ---- its text


def _text(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = content.count(b"\n", 0, broken.start) + 1
        utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        found = "is UTF-16" if utf16 else f"byte {broken.start + 1} is not UTF-8"
        raise _refused(
            name, found=found, expected="text in UTF-8", remedy="save it as UTF-8", line=line
        ) from None
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise _refused(name, found="is not text: a control character", expected="a text file", line=line)
    return text


def _parsed(text: str, name: str, kind: Kind) -> yaml.Node:
    """The nodes of the text, made only once it is known that they are neither too many nor too deep."""
    try:
        if _values(text, name) == 0:
            raise _refused(name, found="is empty", expected=kind.says)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as broken:
        raise _no_yaml(broken, text, name) from None
    if root is None or root.tag == "tag:yaml.org,2002:null":
        raise _refused(name, found="is empty", expected=kind.says)
    return root


def _values(text: str, name: str) -> int:
    depth = values = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        values += isinstance(event, yaml.NodeEvent)
        if depth > DEPTH:
            raise _too_deep(name, event.start_mark.line + 1 if event.start_mark else 0)
        if values > VALUES:
            raise _too_many(name)
    return values


def _too_deep(name: str, line: int) -> RefusedError:
    return _refused(
        name, found="values too deep within each other", expected=f"at most {DEPTH} levels", line=line
    )


def _too_many(name: str) -> RefusedError:
    return _refused(
        name,
        found="holds too many values, those that its aliases (*name) stand for included",
        expected=f"at most {VALUES:,} values, since a few lines of aliases can stand for gigabytes",
    )


def _no_yaml(broken: yaml.MarkedYAMLError, text: str, name: str) -> RefusedError:
    found, expected = _meaning(broken)
    begun = "not closed" in found
    mark = (broken.context_mark if begun else None) or broken.problem_mark
    line = mark.line + 1 if mark else 0
    before = enumerate(text.splitlines()[:line], 1)
    tab = next((number for number, one in before if _INDENTED_BY_TAB.match(one)), 0)
    if tab:
        found, expected = "a tab in the indentation", "spaces; YAML takes no tabs there"
    return _refused(name, found=found, expected=expected, line=tab or line)


def _meaning(broken: yaml.MarkedYAMLError) -> tuple[str, str]:
    said = broken.problem or ""
    for phrase, found, expected in _SYNTAX:
        if phrase in said:
            return found, expected
    return "is no YAML from here on", "`field: value` lines"


# ---- its values


def _bounded(root: yaml.Node, name: str) -> None:
    """Refuse what its aliases make too many, too deep or endless."""
    measured: dict[int, tuple[int, int]] = {}
    begun: set[int] = set()

    def measure(node: yaml.Node) -> tuple[int, int]:
        if id(node) in measured:
            return measured[id(node)]
        line = node.start_mark.line + 1
        if id(node) in begun:
            found = "a value that holds itself, by an alias (*name)"
            raise _refused(name, found=found, expected="a value that ends", line=line)
        begun.add(id(node))
        inner = [measure(child) for child in _children(node)]
        values = 1 + sum(count for count, _ in inner)
        depth = 1 + max((below for _, below in inner), default=0)
        if values > VALUES:
            raise _too_many(name)
        if depth > DEPTH:
            raise _too_deep(name, line)
        measured[id(node)] = values, depth
        return values, depth

    measure(root)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from (key, value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _odd(node: yaml.Node, path: FieldPath, name: str, seen: set[int]) -> Iterator[Problem]:
    """Fields that are there twice or are no text, and values that are not plain."""
    if id(node) in seen:
        return
    seen.add(id(node))
    line = node.start_mark.line + 1
    if node.tag not in _PLAIN_TAGS:
        found = f"the tag {node.tag.removeprefix('tag:yaml.org,2002:')}"
        expected = "a plain text, number, list or group of fields"
        yield Problem(name, spelled(path), found, expected, "remove the tag", "LOAD", line)
    elif isinstance(node, yaml.SequenceNode):
        for position, child in enumerate(node.value):
            yield from _odd(child, (*path, position), name, seen)
    elif isinstance(node, yaml.MappingNode):
        yield from _odd_fields(node, path, name, seen)


def _odd_fields(node: yaml.MappingNode, path: FieldPath, name: str, seen: set[int]) -> Iterator[Problem]:
    lines: dict[str, list[int]] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.tag in {_STR, _MERGE}:
            lines.setdefault(key.value, []).append(line)
            yield from _odd(value, (*path, key.value), name, seen)
        elif isinstance(key, yaml.ScalarNode):
            found, remedy = f"a field named {key.value}, which is no text", f'write "{key.value}": in quotes'
            yield Problem(name, spelled(path), found, "names that are texts", remedy, "LOAD", line)
        else:
            found = "a field whose name is a list or a group of fields"
            yield Problem(name, spelled(path), found, "names that are texts", "", "LOAD", line)
    for field, places in lines.items():
        if len(places) > 1:
            told = " and ".join(map(str, places))
            yield Problem(
                name,
                spelled((*path, field)),
                f"is there {len(places)} times, on lines {told}",
                "every field once",
                "keep one of them",
                "LOAD",
                places[-1],
            )


_STR = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


def _content(root: yaml.MappingNode, name: str) -> dict[str, Any]:
    maker = yaml.constructor.SafeConstructor()
    try:
        content: dict[str, Any] = maker.construct_document(root)
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark
        raise _refused(
            name,
            found="fields that cannot be merged",
            expected="`<<: *name`, where &name is a group of fields",
            line=mark.line + 1 if mark else 0,
        ) from None
    except ValueError:
        line = _unreadable(root)
        raise _refused(
            name,
            found="a date or number that there is not",
            expected="a date or number, or quotes around the text",
            line=line,
        ) from None
    return content


def _unreadable(node: yaml.Node) -> int:
    """The line of the first value that looks like a date or number and is none."""
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.constructor.SafeConstructor().construct_document(node)
        except ValueError:
            return node.start_mark.line + 1
    return next((line for child in _children(node) if (line := _unreadable(child))), 0)


def _step(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if key.value == part:
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child: yaml.Node = node.value[part]
        return child.start_mark.line + 1, child
    return None
