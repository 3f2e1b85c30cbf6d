"""What was planted against what was found, and the detection against what was planted, at every scale."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from demo import seeds as generator
from drivers import anomalies, iot_telemetry, seeds
from drivers.anomalies import Anomaly
from drivers.errors import ServiceError
from drivers.rows import Rows

PLANTED = (
    Anomaly("4", "drift", "2025-01-01 10:00:00", "2025-01-01 20:00:00"),
    Anomaly("7", "dropout", "2025-01-01 10:00:00", None),
)
DRIFT = {
    "sensor_id": 4,
    "kind": "drift",
    "began_at": "2025-01-01 12:00:00",
    "ended_at": "2025-01-01 20:00:00",
}
DROPOUT = {"sensor_id": 7, "kind": "dropout", "began_at": "2025-01-01 10:00:00", "ended_at": None}


def rows(*found: dict[str, object]) -> Rows:
    return Rows.of(anomalies.TABLE, found)


def test_what_is_found_within_its_time_is_what_was_planted() -> None:
    assert anomalies.found(rows(DRIFT, DROPOUT), PLANTED) == anomalies.planted(PLANTED)


@pytest.mark.parametrize(
    "found",
    [
        (DRIFT,),
        (DRIFT, DROPOUT, {**DRIFT, "sensor_id": 5}),
        (DRIFT, DROPOUT, {**DRIFT, "began_at": "2025-01-01 15:00:00"}),
        (DRIFT, {**DROPOUT, "ended_at": "2025-01-01 12:00:00"}),
        ({**DRIFT, "began_at": "2025-01-01 09:00:00"}, DROPOUT),
        ({**DRIFT, "kind": "stuck"}, DROPOUT),
    ],
    ids=["one missing", "one too many", "one twice", "ended too early", "begun too early", "another kind"],
)
def test_whatever_else_is_found_is_told(found: tuple[dict[str, object], ...]) -> None:
    assert anomalies.found(rows(*found), PLANTED) != anomalies.planted(PLANTED)


def test_a_product_whose_generator_plants_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"no planted_anomalies\.tsv"):
        anomalies.of_product("customer-360", tmp_path)


@pytest.mark.parametrize("scale", ["0.1", "0.11", "0.17", "0.5", "1", "2.5", "10", "20"])
def test_the_written_rules_find_what_was_planted_and_nothing_else(tmp_path: Path, scale: str) -> None:
    generator.write("iot-telemetry", tmp_path, Decimal(scale))
    tables = iot_telemetry.expected({file.stem: seeds.read(file) for file in tmp_path.glob("*.csv")})
    planted = anomalies.read(tmp_path)
    assert {one.kind for one in planted} == {"spike", "stuck", "drift", "dropout"}
    assert anomalies.found(tables[anomalies.TABLE], planted) == anomalies.planted(planted)
    assert [name for name, found in tables.items() if not len(found)] == []
