"""What belongs at a place of floe.yaml or manifest.yaml, in the words of its schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from floe_complete.document import FieldPath
from floe_complete.schema import Schema

_PATTERNS = {
    r"^[a-z][a-z0-9-]*$": "small letters, digits and hyphens, a letter first",
    r"^[a-z0-9][a-z0-9-]*[a-z0-9]$|^[a-z0-9]$": "small letters, digits and hyphens, no hyphen at the ends",
    r"^\d+\.\d+\.\d+$": "three numbers with dots between them",
    r"^[a-zA-Z_][a-zA-Z0-9_]*$": "letters, digits and underscores, no digit first",
}
"""floe's patterns in words; a pattern of another release is told by the field's description."""

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a group of fields",
    "null": "nothing",
}


@dataclass(frozen=True)
class Shape:
    """The schema of one place.

    Attributes:
        node: the schema there.
        whole: the schema it is a part of.
    """

    node: Schema
    whole: Schema

    def at(self, path: FieldPath) -> Shape:
        """The shape at a path below; an empty one where the schema says nothing."""
        here = self
        for part in path:
            here = here._inner(part)
        return here

    @property
    def fields(self) -> list[str]:
        """The fields that may stand here, as they are written."""
        return sorted({name for one in self._alternatives() for name in one.get("properties", {})})

    @property
    def choices(self) -> list[str]:
        """The values that may stand here, where they are counted."""
        found: list[str] = []
        for one in self._alternatives():
            found += [str(value) for value in ([one["const"]] if "const" in one else one.get("enum", []))]
        return found

    @property
    def expected(self) -> str:
        """What belongs here, in words, with an example where there is one."""
        if self.choices:
            return f"one of {', '.join(self.choices)}" if len(self.choices) > 1 else self.choices[0]
        if self.fields:
            return f"the fields {', '.join(self.fields)}"
        patterns = [_PATTERNS[one] for one in self._all("pattern") if one in _PATTERNS]
        words = patterns[0] if patterns else str(self.node.get("description", self.kind))
        examples: list[Any] = next(iter(self._all("examples")), [])
        return f"{words}, such as {_written(examples[0])}" if examples else words

    @property
    def kind(self) -> str:
        """What sort of value belongs here: a text, a list of texts, a whole number."""
        words = []
        for one in self._alternatives():
            of = Shape(one["items"], self.whole).kind if isinstance(one.get("items"), dict) else ""
            words += [
                f"{_TYPES[kind]} of {_plural(of)}" if kind == "array" and of else _TYPES[kind]
                for kind in _types(one)
                if kind != "null"
            ]
        return " or ".join(dict.fromkeys(words)) or "a value"

    def _all(self, key: str) -> list[Any]:
        around = [self.node[key]] if key in self.node else []
        return around + [one[key] for one in self._alternatives() if key in one]

    def _inner(self, part: str | int) -> Shape:
        for one in self._alternatives():
            inner = one.get("items") if isinstance(part, int) else one.get("properties", {}).get(part)
            inner = inner if inner is not None else one.get("additionalProperties")
            if isinstance(inner, dict):
                return Shape(inner, self.whole)
        return Shape({}, self.whole)

    def _alternatives(self) -> Iterator[Schema]:
        yield from _alternatives(self.node, self.whole)


def _alternatives(node: Schema, whole: Schema) -> Iterator[Schema]:
    if "$ref" in node:
        yield from _alternatives(whole["$defs"][node["$ref"].rpartition("/")[2]], whole)
    elif "anyOf" in node or "oneOf" in node:
        for one in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from _alternatives(one, whole)
    else:
        yield node


def _types(node: Schema) -> list[str]:
    kind = node.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _plural(kind: str) -> str:
    return {"a text": "texts", "a group of fields": "groups of fields"}.get(kind, f"{kind} each")


def _written(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_written(inner)}' for key, inner in value.items())}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)
