"""What is kept of a product's tables is read from what dbt parsed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from floe_additions.maintenance.policy import Kept, Retention, RetentionError, tables_of


def manifest(folder: Path, **nodes: dict[str, Any]) -> Path:
    file = folder / "manifest.json"
    whole = {
        name: {
            "name": name,
            "alias": name,
            "schema": "cold_chain",
            "resource_type": "model",
            **node,
            "config": {"materialized": "table", **node.get("config", {})},
        }
        for name, node in nodes.items()
    }
    file.write_text(json.dumps({"nodes": whole}))
    return file


def said(**retention: object) -> dict[str, Any]:
    return {"config": {"meta": {"floe": {"retention": retention}}}}


def test_each_table_has_the_retention_that_its_model_says(tmp_path: Path) -> None:
    file = manifest(
        tmp_path,
        stg_readings=said(column="measured_at", hours=1),
        mart={"alias": "mart_cold_rooms"},
        raw={"resource_type": "seed", "config": {"materialized": "seed"}},
        a_test={"resource_type": "test"},
        in_between={"config": {"materialized": "ephemeral"}},
    )
    assert tables_of(file) == [
        Kept("cold_chain", "mart_cold_rooms", None),
        Kept("cold_chain", "raw", None),
        Kept("cold_chain", "stg_readings", Retention(column="measured_at", hours=1)),
    ]


@pytest.mark.parametrize(
    ("retention", "words"),
    [
        ({"column": "measured_at"}, "meta.floe.retention.hours: Field required"),
        ({"column": "measured_at", "hours": 0}, "meta.floe.retention.hours: .*greater than or equal to 1"),
        ({"column": "measured_at", "days": 1, "hours": 1}, "meta.floe.retention.days: Extra inputs"),
        ({"column": "", "hours": 1}, "meta.floe.retention.column: .*at least 1 character"),
    ],
)
def test_a_retention_that_does_not_fit_is_refused_by_model_and_field(
    tmp_path: Path, retention: dict[str, object], words: str
) -> None:
    with pytest.raises(RetentionError, match=f"stg_readings: {words}"):
        tables_of(manifest(tmp_path, stg_readings=said(**retention)))
