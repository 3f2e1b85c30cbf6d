"""The JSON Schema of floe.yaml and of manifest.yaml, for editors and for what a person is told.

floe's models give the shape. What they leave to their validators, or say in the words of their own
code, is completed here, so that an editor marks what floe refuses and explains every field.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import click

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_IDS = "https://floe.dev/schemas/"
"""floe's own place for the schema of a manifest; the name of the other follows it."""

_JARGON = re.compile(r"\s*\((?:NEW in )?Epic [^)]*\)|\s*\((?:FR|C|FLOE-E)-?\d[^)]*\)")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_SOURCE: dict[str, Schema] = {
    # IngestionSourceSpec has neither descriptions nor what its validators demand.
    "name": {
        "description": "What the source is called: letters, digits, hyphens and underscores",
        "pattern": "^[A-Za-z0-9_-]+$",
    },
    "format": {"description": "How the files are written"},
    "path": {
        "description": "Where the files are: below the product's folder, or in a bucket",
        "examples": ["landing/orders/*.csv", "s3://landing/orders"],
        "pattern": r"^(?!/)(?!\s)(?:(?:s3|gs|az)://.+|(?!.*://).*\S)$",
    },
    "destinationTable": {
        "description": "The table they are loaded into",
        "examples": ["bronze.orders"],
        "pattern": r"^[^.\s]+\.[^.\s]+$",
    },
    "writeMode": {"description": "What becomes of the rows that are there already"},
    "schemaContract": {"description": "What becomes of a column that is new"},
    "cursorField": {"description": "The column that tells new rows from those already loaded"},
    "primaryKey": {"description": "The column or columns that tell a row from every other; needed to merge"},
}


@cache
def of_product() -> Schema:
    """The schema of floe.yaml."""
    from floe_core.schemas.floe_spec import FORBIDDEN_ENVIRONMENT_FIELDS, FloeSpec  # noqa: PLC0415 - slow

    schema = FloeSpec.model_json_schema(by_alias=True)
    for field, words in _SOURCE.items():
        schema["$defs"]["IngestionSourceSpec"]["properties"][field].update(words)
    # `schema`, which a port must have, is itself on the list of names that floe 0.1.0a1 forbids.
    ports = {
        "description": "Not usable in floe 0.1.0a1, which forbids the field `schema` that a port must have"
    }
    schema["properties"]["outputPorts"] = {**ports, "maxItems": 0, "type": ["array", "null"]}
    del schema["$defs"]["OutputPort"], schema["$defs"]["OutputPortColumn"]
    forbidden = {"not": {"pattern": _any_of(FORBIDDEN_ENVIRONMENT_FIELDS)}}
    for node in _nodes(schema):
        if node.get("type") == "object" and "properties" not in node:
            node["propertyNames"] = forbidden
    return _completed(schema, "floe.yaml: a data product", f"{_IDS}floe.schema.json")


@cache
def of_manifest() -> Schema:
    """The schema of manifest.yaml."""
    from floe_core.schemas.json_schema import MANIFEST_SCHEMA_ID  # noqa: PLC0415 - slow
    from floe_core.schemas.manifest import PlatformManifest  # noqa: PLC0415

    schema = PlatformManifest.model_json_schema(by_alias=True)
    # floe would ignore an unknown field at the top; nobody shall believe that it is read.
    schema["additionalProperties"] = False
    nested = schema["$defs"]["ManifestResourcePreset"]
    flat = ("cpu_request", "memory_request", "cpu_limit", "memory_limit")
    schema["$defs"]["ManifestResourcePreset"] = {
        "description": nested["description"],
        "title": nested["title"],
        "anyOf": [
            {key: nested[key] for key in ("type", "additionalProperties", "properties", "required")},
            # The model reads this form as well, and turns it into the other.
            {
                "type": "object",
                "properties": {name: {"type": "string"} for name in flat},
                "required": list(flat),
            },
        ],
    }
    return _completed(schema, "manifest.yaml: a platform", MANIFEST_SCHEMA_ID)


FILES: Mapping[str, Callable[[], Schema]] = {"floe.yaml": of_product, "manifest.yaml": of_manifest}
"""The files that have a schema, by what they are called."""


@click.command("schema")
@click.argument("file", type=click.Choice(list(FILES)), default="floe.yaml")
def command(file: str) -> None:
    """Print the JSON Schema of floe.yaml, or of manifest.yaml, for an editor to complete and to check by."""
    click.echo(json.dumps(FILES[file](), indent=2, sort_keys=True, ensure_ascii=False))


def _completed(schema: Schema, title: str, name: str) -> Schema:
    done = copy.deepcopy(schema)
    for node in _nodes(done):
        if "description" in node:
            node["description"] = _JARGON.sub(
                "", str(node["description"]).split("\n\n")[0].replace("\n", " ")
            )
        if node.get("default", ...) is None:
            del node["default"]
        if "properties" in node:
            node.pop("examples", None)
        for field, inner in node.get("properties", {}).items():
            inner["title"] = field
            inner.setdefault("description", _HUMPS.sub(" ", field).replace("_", " ").capitalize())
    return {**done, "$schema": DRAFT, "$id": name, "title": title}


def _nodes(schema: Schema) -> Iterator[Schema]:
    """Every schema within a schema: no example and no default is taken for one."""
    yield schema
    for key in ("properties", "$defs"):
        for inner in schema.get(key, {}).values():
            yield from _nodes(inner)
    for key in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(key, ()):
            yield from _nodes(inner)
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(key), dict):
            yield from _nodes(schema[key])


def _any_of(names: frozenset[str]) -> str:
    """A pattern for these names in capital or small letters, in the dialect of JSON Schema."""
    spelled = (
        "".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in name) for name in sorted(names)
    )
    return f"^(?:{'|'.join(spelled)})$"
