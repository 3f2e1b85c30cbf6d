"""The recomputation of iot-telemetry, on a plant small enough to be checked by eye."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import iot_telemetry, seeds
from drivers.rows import Rows

SENSORS = """\
sensor_id,equipment_id,equipment_type,line,kind,setpoint,tolerance,sample_minutes,status,installed_at,updated_at
1,1,press,Body ,temperature,50.00,1.00,10,spare,2020-01-01 00:00:00,2020-01-01 00:00:00
1,1,press,body,temperature,60.00,2.00,10, Active,2020-01-01 00:00:00,2021-01-01 00:00:00
2,1,press,body,pressure,6.00,0.50,10,active,2020-01-01 00:00:00,2020-01-01 00:00:00
3,2,pump,paint,vibration,3.00,0.40,10,spare,2020-01-01 00:00:00,2020-01-01 00:00:00
,2,pump,paint,vibration,3.00,0.40,10,spare,2020-01-01 00:00:00,2020-01-01 00:00:00
"""
VALUES = {
    # Four tolerances are 8 degrees, and 69.10 is more than that above both its neighbours.
    1: ["60.00", "60.10", "60.00", "69.10", "60.20", "60.00", "60.30"],
    2: ["6.10", "6.00", "6.00", "6.00", "6.00", "6.00", "6.10"],
}
DIRT = """\
90,1,140.00,degF,2025-01-01 00:00:00,2025-01-01 00:01:00
91,1,32.00,DEGF,2025-01-01 00:00:00,2025-01-01 00:01:00
92,1,301.00,degC,2025-01-01 00:00:00,2025-01-01 00:01:00
93,1,-0.01,degC,2025-01-01 00:00:00,2025-01-01 00:01:00
94,1,,degC,2025-01-01 00:00:00,2025-01-01 00:01:00
95,,5.00,bar,2025-01-01 00:00:00,2025-01-01 00:01:00
96,1,5.00,adc,2025-01-01 00:00:00,2025-01-01 00:01:00
97,77,100.05,kPa,2025-01-01 00:00:00,2025-01-01 00:01:00
98,77,1.00,bar,2025-01-01 00:00:00,2025-01-01 00:01:00
98,77,2.00,bar,2025-01-01 00:00:00,2025-01-02 00:01:00
98,77,2.00,bar,2025-01-01 00:00:00,2025-01-02 00:01:00
"""
LOG = """\
entry_id,equipment_id,activity,priority,downtime_minutes,opened_at,closed_at,updated_at
5,1, Repair,low,30,2024-12-01 00:00:00,,2024-12-01 00:00:00
5,1,repair,low,30,2024-12-01 00:00:00,2024-12-02 00:00:00,2024-12-02 00:00:00
6,1,inspection,low,10081,2024-12-05 00:00:00,,2024-12-05 00:00:00
7,,inspection,low,5,2024-12-05 00:00:00,,2024-12-05 00:00:00
"""


def readings(values: dict[int, list[str]]) -> str:
    lines = ["reading_id,sensor_id,value,unit,measured_at,loaded_at"]
    for sensor, theirs in values.items():
        for at, value in enumerate(theirs):
            unit = "degC" if sensor == 1 else "bar"
            moment = f"2025-01-01 {10 + at // 6}:{at % 6}0:00"
            lines.append(f"{sensor}{at:02},{sensor},{value},{unit},{moment},{moment}")
    return "\n".join(lines) + "\n"


def computed(place: Path, sent: str) -> dict[str, Rows]:
    files = {"raw_sensors": SENSORS, "raw_readings": sent, "raw_maintenance_log": LOG}
    for name, text in files.items():
        (place / f"{name}.csv").write_text(text)
    return iot_telemetry.expected({name: seeds.read(place / f"{name}.csv") for name in files})


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Rows]:
    return computed(tmp_path, readings(VALUES))


def column(rows: Rows, key: str, wanted: str) -> dict[str, str]:
    return {dict(row)[key]: dict(row)[wanted] for row in rows.rows}


def found(rows: Rows) -> dict[str, tuple[str, str, str]]:
    """By anomaly, its moments and how many readings it has."""
    told = [dict(row) for row in rows.rows]
    return {
        row["anomaly_id"]: (row["began_at"][11:16], row["ended_at"][11:16], row["reading_count"])
        for row in told
    }


def test_silver_keeps_the_latest_sensor_and_knows_its_unit(tables: dict[str, Rows]) -> None:
    assert column(tables["stg_sensors"], "sensor_id", "setpoint") == {"1": "60", "2": "6", "3": "3"}
    assert column(tables["stg_sensors"], "sensor_id", "status")["1"] == "active"
    assert column(tables["stg_sensors"], "sensor_id", "unit") == {"1": "degC", "2": "bar", "3": "mm/s"}


def test_silver_converts_units_and_drops_what_is_none(tmp_path: Path) -> None:
    sent = readings({}) + DIRT
    values = column(computed(tmp_path, sent)["stg_readings"], "reading_id", "value")
    # 100.05 kPa are 1.0005 bar.
    assert values == {"90": "60", "91": "0", "97": "1", "98": "2"}


def test_a_half_is_rounded_up(tmp_path: Path) -> None:
    sent = readings({}) + "97,77,100.50,kPa,2025-01-01 00:00:00,2025-01-01 00:01:00\n"
    assert column(computed(tmp_path, sent)["stg_readings"], "reading_id", "value") == {"97": "1.01"}


def test_readings_of_nobody_are_in_no_metrics(tables: dict[str, Rows]) -> None:
    assert column(tables["int_sensor_metrics"], "sensor_id", "reading_count") == {"1": "7", "2": "7"}
    assert column(tables["int_sensor_metrics"], "sensor_id", "mean_value") == {"1": "61.39", "2": "6.03"}
    assert column(tables["int_sensor_metrics"], "sensor_id", "out_of_tolerance_count")["1"] == "1"


def test_a_spike_and_a_stuck_sensor_are_found(tables: dict[str, Rows]) -> None:
    assert found(tables["int_anomaly_detection"]) == {
        "1-spike-103": ("10:30", "10:30", "1"),
        "2-stuck-201": ("10:10", "10:50", "5"),
    }


@pytest.mark.parametrize("value", ["68.10", "68.20"])
def test_a_reading_four_tolerances_away_is_no_spike_yet(tmp_path: Path, value: str) -> None:
    """From 60.00 before and 60.20 after it, 68.20 is just eight degrees away from the nearer one."""
    values = {1: [*VALUES[1][:3], value, *VALUES[1][4:]]}
    assert found(computed(tmp_path, readings(values))["int_anomaly_detection"]) == {}


def test_a_drift_is_found_from_the_reading_at_which_its_sum_is_too_large(tmp_path: Path) -> None:
    """With a tolerance of 2, 3 degrees add 1.5 to it, 4 and more 2.5; the third 2.5 makes it more than 8."""
    values = {1: ["60.00", "63.00", "64.00", "66.00", "67.00", "68.00"]}
    assert found(computed(tmp_path, readings(values))["int_anomaly_detection"]) == {
        "1-drift-104": ("10:40", "10:50", "2")
    }


def test_a_silence_is_found_in_between_and_at_the_end(tmp_path: Path) -> None:
    lines = [
        f"{number},{sensor},{value},{unit},2025-01-01 {time}:00,2025-01-01 {time}:30"
        for number, sensor, value, unit, time in (
            (1, 1, "60.00", "degC", "10:00"),
            # Four times ten minutes are no silence yet.
            (2, 1, "60.10", "degC", "10:40"),
            (3, 1, "60.00", "degC", "11:21"),
            (4, 2, "6.00", "bar", "10:40"),
        )
    ]
    sent = readings({}) + "\n".join(lines) + "\n"
    assert found(computed(tmp_path, sent)["int_anomaly_detection"]) == {
        "1-dropout-2": ("10:40", "11:21", "0"),
        "2-dropout-4": ("10:40", "", "0"),
    }


def test_gold_is_one_row_a_machine_with_the_figures_of_the_rules(tables: dict[str, Rows]) -> None:
    mart = {dict(row)["equipment_id"]: dict(row) for row in tables["mart_equipment_health"].rows}
    figures = ("line", "active_sensor_count", "health_score", "downtime_minutes", "open_order_count")
    assert {machine: [row[name] for name in figures] for machine, row in mart.items()} == {
        # 100 - 30 - 10 - 20 x 1 / 14, rounded down
        "1": ["body", "2", "59", "30", "1"],
        "2": ["paint", "0", "100", "0", "0"],
    }
    assert column(tables["mart_equipment_health"], "equipment_id", "maintenance_alert") == {
        "1": "replace sensor",
        "2": "none",
    }
    assert mart["1"]["out_of_tolerance_share"] == "0.0714"
