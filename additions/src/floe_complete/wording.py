"""What floe's own models find wrong, told in a person's words."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from floe_complete.document import Document, FieldPath, meant
from floe_complete.problems import Problem
from floe_complete.shapes import Shape

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SHOWN = 40
"""Characters of a value that are shown."""
_SECRET = re.compile(r"secret|password|passwd|token|credential|api_?key|access_?key", re.IGNORECASE)
_CREDENTIALS_IN_ADDRESS = re.compile(r"//[^/@\s]+@")
_WRONG_TYPE = re.compile(r"\w+_(?:type|parsing|from_float)$|model_attributes_type|is_instance_of")
_BOUNDS = {
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "string_too_short": "{min_length} or more characters",
    "string_too_long": "{max_length} or fewer characters",
    "too_short": "{min_length} or more entries",
    "too_long": "{max_length} or fewer entries",
}


def problems(errors: Iterable[ErrorDetails], document: Document, shape: Shape) -> list[Problem]:
    """Everything a model found, one problem a field, in the order of the file."""
    told: dict[FieldPath, Problem] = {}
    for error in errors:
        path = written(error, document.content)
        told.setdefault(path, _problem(error, path, document, shape))
    return list(told.values())


def written(error: ErrorDetails, content: Mapping[str, Any]) -> FieldPath:
    """The place of an error, as it is written in the file.

    pydantic names a field by its alias, whatever the person wrote, and puts the branch of a union
    between or behind.
    """
    path: list[str | int] = []
    here: object = content
    last = len(error["loc"]) - 1
    for position, part in enumerate(error["loc"]):
        if isinstance(here, Mapping):
            key = next((key for key in (part, _snake(part)) if key in here), part)
            if key in here or (position == last and error["type"] == "missing"):
                path.append(key)
                here = here.get(key)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            path.append(part)
            here = here[part]
    return tuple(path)


def value_at(path: FieldPath, content: object) -> object:
    """The value at a place of the file; None where there is none."""
    here = content
    for part in path:
        if isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            return None
    return here


def found(value: object, path: FieldPath = ()) -> str:
    """A value in a few words; never one of a field that is named like a credential."""
    if any(isinstance(part, str) and _SECRET.search(part) for part in path):
        return "a value that is not shown here"
    match value:
        case None:
            words = "is empty"
        case bool():
            words = str(value).lower()
        case int() | float():
            words = f"the number {_short(str(value))}"
        case str():
            words = f'"{_short(_hidden(value))}"'
        case datetime.date():
            words = f"the date {value}"
        case _:
            words = "a list" if isinstance(value, list) else "a group of fields"
    return words


def _hidden(text: str) -> str:
    """A text without the user and password of an address in it."""
    return _CREDENTIALS_IN_ADDRESS.sub("//...@", text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."


def _snake(part: str | int) -> str | int:
    return re.sub(r"(?=[A-Z])", "_", part).lower() if isinstance(part, str) else part


def _problem(error: ErrorDetails, path: FieldPath, document: Document, shape: Shape) -> Problem:
    kind = error["type"]
    if kind == "extra_forbidden":
        return unknown_field(path, document, shape)
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "value_error":
        return _refused_by_a_rule(str(context.get("error", error["msg"])), path, document, shape)
    here, value = shape.at(path), value_at(path, document.content)
    there, expected, remedy = found(value, path), here.expected, ""
    if kind == "missing":
        there = "is missing"
    elif kind in {"literal_error", "enum"}:
        remedy = meant(str(value), here.choices)
    elif kind in _BOUNDS:
        expected = _BOUNDS[kind].format(**context)
    elif _WRONG_TYPE.fullmatch(kind):
        expected = here.kind
        unquoted = isinstance(value, bool | int | float | datetime.date) and here.kind == "a text"
        remedy = "put it in quotes" if unquoted else ""
    return document.problem(path, found=there, expected=expected, remedy=remedy, stage="LOAD")


def unknown_field(path: FieldPath, document: Document, shape: Shape) -> Problem:
    """A field that floe does not know at this place."""
    known = shape.at(path[:-1]).fields
    return document.problem(
        path,
        found="there is no such field",
        expected=f"one of {', '.join(known)}",
        remedy=meant(str(path[-1]), known),
        stage="LOAD",
    )


def _refused_by_a_rule(said: str, path: FieldPath, document: Document, shape: Shape) -> Problem:
    """One of floe's validators; it often begins with the name of the field it is about."""
    sentence, _, more = said.partition(". ")
    word = sentence.split()[0] if sentence else ""
    if word in shape.at(path).fields:
        path = (*path, word)
    plain = _hidden(" ".join(sentence.split()))
    there = f"{plain[:1].lower()}{plain[1:]}"
    return document.problem(path, found=there, expected=more or shape.at(path).expected, stage="LOAD")
