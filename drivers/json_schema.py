"""A JSON Schema, applied by a validator that has nothing to do with floe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

from drivers.errors import ServiceError, brief


def refused_fields(schema: dict[str, Any], text: str) -> frozenset[str]:
    """The fields of a YAML file that a schema refuses, as paths: `transforms[2].tier`.

    Raises:
        ServiceError: the schema itself is none of draft 2020-12.
    """
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as broken:
        asked = "be a schema of draft 2020-12"
        raise ServiceError(asked, of="the schema", answer=brief(broken.message)) from broken
    errors = Draft202012Validator(schema).iter_errors(yaml.safe_load(text))
    return frozenset(field for error in errors for field in _fields(best_match([error])))


def _fields(error: Any) -> Iterable[str]:
    """The fields an error is about: of a missing or unknown one it names what it is missing in."""
    path, there = list(error.absolute_path), error.instance
    match error.validator:
        case "required":
            return [_spelled([*path, name]) for name in error.validator_value if name not in there]
        case "additionalProperties":
            return [_spelled([*path, name]) for name in there if name not in error.schema["properties"]]
        case _:
            return [_spelled(path)]


def _spelled(path: Iterable[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
