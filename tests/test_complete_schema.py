"""The exported schemas say what floe takes, in words, and the same every time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from drivers.json_schema import refused_fields
from floe_complete import schema
from floe_complete.__main__ import commands
from floe_complete.shapes import Shape
from foundation.cache import ROOT

SPEC = (ROOT / "demo" / "customer-360" / "floe.yaml").read_text()
CSV = "sourceType: filesystem, format: csv"
MANIFEST = (ROOT / "demo" / "manifest.yaml").read_text()


def printed(*words: str) -> str:
    done = CliRunner().invoke(commands, ["schema", *words])
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def fields(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for inner in schema._nodes(node):
        yield from inner.get("properties", {}).items()


@pytest.mark.parametrize("file", list(schema.FILES))
def test_it_is_printed_sorted_and_the_same_every_time(file: str) -> None:
    text = printed(file)
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert text == printed(file)
    assert json.loads(text)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_floe_yaml_is_the_file_that_is_meant_when_none_is_named() -> None:
    assert printed() == printed("floe.yaml")


def test_a_file_without_a_schema_is_refused() -> None:
    assert CliRunner().invoke(commands, ["schema", "dbt_project.yml"]).exit_code == 2


@pytest.mark.parametrize("file", list(schema.FILES))
def test_every_field_is_explained_without_jargon(file: str) -> None:
    every = dict(fields(schema.FILES[file]()))
    assert {name for name, one in every.items() if not one.get("description")} == set()
    assert {name: one["title"] for name, one in every.items()} == {name: name for name in every}
    assert [one for one in every.values() if "Epic" in one["description"] or "\n" in one["description"]] == []
    assert [name for name, one in every.items() if one.get("default", ...) is None] == []


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ("", set()),
        ("destinations: [{name: a, sink_type: b, connection_secret_ref: c, config: {url: x}}]", set()),
        (
            "destinations: [{name: a, sink_type: b, connection_secret_ref: c, config: {Token: x}}]",
            {"destinations[0].config"},
        ),
        ("outputPorts: []", set()),
        ("outputPorts: [{name: a}]", {"outputPorts"}),
        (
            f"ingestion: {{sources: [{{name: a, path: s3://a/b, destinationTable: a.b, {CSV}}}]}}",
            set(),
        ),
        (
            f"ingestion: {{sources: [{{name: a b, path: /a, destinationTable: a, {CSV}}}]}}",
            {
                "ingestion.sources[0].name",
                "ingestion.sources[0].path",
                "ingestion.sources[0].destinationTable",
            },
        ),
    ],
)
def test_what_floes_validators_demand_is_in_the_schema(more: str, refused: set[str]) -> None:
    text = f"{SPEC}\n{more}\n"
    found: set[str] = set()
    for part in _each_alone(yaml.safe_load(text)):
        found |= refused_fields(schema.of_product(), yaml.safe_dump(part))
    assert found == refused


def _each_alone(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a nullable group only its worst error is told: its fields are tried one by one."""
    sources = content.get("ingestion", {}).get("sources")
    if not sources:
        yield content
        return
    good = {"name": "a", "sourceType": "filesystem", "format": "csv", "path": "a", "destinationTable": "a.b"}
    for key, value in sources[0].items():
        yield {**content, "ingestion": {"sources": [{**good, key: value}]}}


def test_a_manifest_may_write_resources_in_both_ways() -> None:
    flat = "{cpu_request: a, memory_request: a, cpu_limit: a, memory_limit: a}"
    nested = "{requests: {cpu: a, memory: a}, limits: {cpu: a, memory: a}}"
    for preset in (flat, nested):
        text = f"{MANIFEST}\nresource_presets: {{small: {preset}}}\n"
        assert refused_fields(schema.of_manifest(), text) == frozenset()
    assert (
        refused_fields(schema.of_manifest(), f"{MANIFEST}\nresource_presets: {{small: 1}}\n") != frozenset()
    )


def test_a_place_is_described_in_words() -> None:
    whole = Shape(schema.of_product(), schema.of_product())
    said = {
        path: whole.at(path).expected
        for path in (
            ("metadata", "version"),
            ("transforms", 0, "tier"),
            ("schedule",),
            ("metadata", "labels", "x"),
        )
    }
    assert said == {
        ("metadata", "version"): "three numbers with dots between them, such as 1.0.0",
        ("transforms", 0, "tier"): "one of bronze, silver, gold",
        ("schedule",): "the fields cron, enabled, timezone",
        ("metadata", "labels", "x"): "a text",
    }
    assert whole.at(("transforms", 0, "dependsOn")).kind == "a list of texts"
    assert whole.at(("nowhere", 3)).expected == "a value"
