"""What iot-telemetry owes its readers, computed from its seeds by the written rules alone.

The rules are those of the product's README and of its models' descriptions. Nothing here knows
the SQL that the platform runs, and nothing here knows where the generator planted an anomaly: the three are
written apart so that they can disagree.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Any

from drivers.rows import Rows
from drivers.seeds import Seed

Row = Mapping[str, Any]
Table = Sequence[Row]

CENT = Decimal("0.01")
LIMITS = {"degC": Decimal(300), "mm/s": Decimal(50), "bar": Decimal(25)}
"""The largest value that a unit's sensors can give; the smallest is 0."""

LONGEST_DOWNTIME = 10_080
"""Minutes of a week."""

SPIKE_TOLERANCES = 4
STUCK_READINGS = 5
SILENT_PACES = 4
SLACK, CLIP, DECISION = Decimal("0.75"), 2, 4
"""Of the cumulative sums, in tolerances."""

SERVICE_DAYS = 90


def expected(seeds: Mapping[str, Seed]) -> dict[str, Rows]:
    """Every table of the product as it must be after a run, by name."""
    sensors = _sensors(seeds["raw_sensors"].rows)
    readings = _readings(seeds["raw_readings"].rows)
    maintenance = _maintenance(seeds["raw_maintenance_log"].rows)
    series = _series(sensors, readings)
    as_of = max(row["measured_at"] for row in readings)
    metrics = [_metrics(sensor, theirs) for sensor, theirs in series]
    anomalies = [row for sensor, theirs in series for row in _anomalies(sensor, theirs, as_of)]
    tables: dict[str, Table] = {
        **{name: seed.rows for name, seed in seeds.items()},
        "stg_sensors": sensors,
        "stg_readings": readings,
        "stg_maintenance": maintenance,
        "int_sensor_metrics": metrics,
        "int_anomaly_detection": anomalies,
        "mart_equipment_health": _mart(sensors, metrics, anomalies, maintenance, as_of),
    }
    return {name: Rows.of(name, rows) for name, rows in tables.items()}


def _sensors(raw: Table) -> Table:
    named = [row for row in raw if row["sensor_id"] is not None and row["equipment_id"] is not None]
    return [
        {
            **row,
            "line": _word(row["line"]),
            "status": _word(row["status"]),
            "unit": {"temperature": "degC", "vibration": "mm/s", "pressure": "bar"}[row["kind"]],
        }
        for row in _latest(named, "sensor_id", "updated_at")
    ]


def _readings(raw: Table) -> Table:
    needed = ("reading_id", "sensor_id", "value")
    whole = [row for row in raw if all(row[column] is not None for column in needed)]
    converted = [{**row, "value": value, "unit": unit} for row in whole for value, unit in _converted(row)]
    return _latest(converted, "reading_id", "loaded_at")


def _converted(row: Row) -> Iterator[tuple[Decimal, str]]:
    """The value in the unit of its kind; nothing where the unit or the value is none."""
    value = Decimal(row["value"])
    match _word(row["unit"]):
        case "degc" | "c" | "\N{DEGREE SIGN}c":
            unit = "degC"
        case "degf":
            value, unit = _rounded((value - 32) * 5 / 9), "degC"
        case "mm/s":
            unit = "mm/s"
        case "bar":
            unit = "bar"
        case "kpa":
            value, unit = _rounded(value / 100), "bar"
        case _:
            return
    if 0 <= value <= LIMITS[unit]:
        yield value, unit


def _maintenance(raw: Table) -> Table:
    sound = [row for row in raw if row["entry_id"] is not None and row["equipment_id"] is not None]
    return [
        {
            **row,
            "activity": _word(row["activity"]),
            "priority": _word(row["priority"]),
            "downtime_minutes": minutes
            if 0 <= (minutes := row["downtime_minutes"]) <= LONGEST_DOWNTIME
            else None,
            "is_open": row["closed_at"] is None,
        }
        for row in _latest(sound, "entry_id", "updated_at")
    ]


def _series(sensors: Table, readings: Table) -> list[tuple[Row, Table]]:
    """The readings of each registered sensor that has any, in the order they were measured."""
    found: dict[object, list[Row]] = defaultdict(list)
    for row in sorted(readings, key=lambda row: (row["measured_at"], row["reading_id"])):
        found[row["sensor_id"]].append(row)
    return [(row, found[row["sensor_id"]]) for row in sensors if row["sensor_id"] in found]


def _metrics(sensor: Row, theirs: Table) -> Row:
    values = [row["value"] for row in theirs]
    away = [abs(value - sensor["setpoint"]) for value in values]
    return {
        "sensor_id": sensor["sensor_id"],
        "equipment_id": sensor["equipment_id"],
        "kind": sensor["kind"],
        "unit": sensor["unit"],
        "reading_count": len(values),
        "mean_value": _half_up(sum(values, Decimal(0)) / len(values), "0.01"),
        "lowest_value": min(values),
        "highest_value": max(values),
        "largest_deviation": max(away),
        "out_of_tolerance_count": sum(one > sensor["tolerance"] for one in away),
        "first_measured_at": theirs[0]["measured_at"],
        "last_measured_at": theirs[-1]["measured_at"],
    }


def _anomalies(sensor: Row, theirs: Table, as_of: datetime) -> Iterator[Row]:
    for kind, found in (
        ("spike", _spikes(sensor, theirs)),
        ("stuck", _stuck(theirs)),
        ("drift", _drifts(sensor, theirs)),
    ):
        for rows in found:
            yield _anomaly(sensor, kind, rows, rows[-1]["measured_at"])
    longest = timedelta(minutes=SILENT_PACES * sensor["sample_minutes"])
    ends = [row["measured_at"] for row in theirs[1:]]
    for row, end in zip(theirs, [*ends, None], strict=True):
        if (end or as_of) - row["measured_at"] > longest:
            yield {
                **_anomaly(sensor, "dropout", [row], end),
                "reading_count": 0,
                "largest_deviation": None,
            }


def _anomaly(sensor: Row, kind: str, rows: Table, ended: datetime | None) -> Row:
    return {
        "anomaly_id": f"{sensor['sensor_id']}-{kind}-{rows[0]['reading_id']}",
        "sensor_id": sensor["sensor_id"],
        "equipment_id": sensor["equipment_id"],
        "kind": kind,
        "began_at": rows[0]["measured_at"],
        "ended_at": ended,
        "reading_count": len(rows),
        "largest_deviation": max(abs(row["value"] - sensor["setpoint"]) for row in rows),
    }


def _spikes(sensor: Row, theirs: Table) -> Iterator[Table]:
    least = SPIKE_TOLERANCES * sensor["tolerance"]
    for before, row, after in zip(theirs, theirs[1:], theirs[2:], strict=False):
        up, down = row["value"] - before["value"], row["value"] - after["value"]
        if min(up, down) > least or max(up, down) < -least:
            yield [row]


def _stuck(theirs: Table) -> Iterator[Table]:
    for _, equal in groupby(theirs, key=lambda row: row["value"]):
        rows = list(equal)
        if len(rows) >= STUCK_READINGS:
            yield rows


def _drifts(sensor: Row, theirs: Table) -> Iterator[Table]:
    """The stretches of readings at which one of the two cumulative sums is beyond the decision limit."""
    tolerance = Decimal(sensor["tolerance"])
    slack, clip, decision = SLACK * tolerance, CLIP * tolerance, DECISION * tolerance
    above = below = Decimal(0)
    alarmed = []
    for row in theirs:
        deviation = min(max(row["value"] - sensor["setpoint"], -clip), clip)
        above = max(Decimal(0), above + deviation - slack)
        below = max(Decimal(0), below - deviation - slack)
        alarmed.append((max(above, below) > decision, row))
    for alarm, stretch in groupby(alarmed, key=lambda one: one[0]):
        if alarm:
            yield [row for _, row in stretch]


def _mart(sensors: Table, metrics: Table, anomalies: Table, maintenance: Table, as_of: datetime) -> Table:
    measured, found, work = _by_machine(metrics), _by_machine(anomalies), _by_machine(maintenance)
    return [
        _health(theirs, measured.get(machine, []), found.get(machine, []), work.get(machine, []), as_of)
        for machine, theirs in _by_machine(sensors).items()
    ]


def _by_machine(rows: Table) -> dict[object, list[Row]]:
    found: dict[object, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["equipment_id"]].append(row)
    return found


def _health(sensors: Table, metrics: Table, anomalies: Table, work: Table, as_of: datetime) -> Row:
    kinds = Counter(row["kind"] for row in anomalies)
    readings = sum(row["reading_count"] for row in metrics)
    outside = sum(row["out_of_tolerance_count"] for row in metrics)
    maintained = max((row["closed_at"] for row in work if not row["is_open"]), default=None)
    still_open = sum(row["is_open"] for row in work)
    worn = 40 * kinds["drift"] + 30 * kinds["stuck"] + 20 * kinds["dropout"] + 10 * kinds["spike"]
    active = sum(row["status"] == "active" for row in sensors)
    overdue = maintained is None or as_of - maintained > timedelta(days=SERVICE_DAYS)
    return {
        "equipment_id": sensors[0]["equipment_id"],
        "equipment_type": max(row["equipment_type"] for row in sensors),
        "line": max(row["line"] for row in sensors),
        "sensor_count": len(sensors),
        "active_sensor_count": active,
        "reading_count": readings,
        "out_of_tolerance_count": outside,
        "out_of_tolerance_share": _half_up(Decimal(outside) / readings, "0.0001") if readings else Decimal(0),
        **{f"{kind}_count": kinds[kind] for kind in ("spike", "stuck", "drift", "dropout")},
        "latest_anomaly_at": max((row["began_at"] for row in anomalies), default=None),
        "last_maintained_at": maintained,
        "open_order_count": still_open,
        "downtime_minutes": sum(row["downtime_minutes"] or 0 for row in work),
        "health_score": max(0, 100 - worn - (20 * outside // readings if readings else 0)),
        "maintenance_alert": _alert(kinds, due=active > 0 and overdue),
        "is_order_open": still_open > 0,
    }


def _alert(kinds: Mapping[str, int], *, due: bool) -> str:
    for kind, alert in (
        ("stuck", "replace sensor"),
        ("drift", "recalibrate"),
        ("dropout", "check connection"),
        ("spike", "inspect machine"),
    ):
        if kinds[kind]:
            return alert
    return "service due" if due else "none"


def _latest(rows: Iterable[Row], key: str, version: str) -> list[Row]:
    """Of the rows of each key the one with the latest version."""
    best: dict[Hashable, Row] = {}
    for row in rows:
        known = best.get(row[key])
        if known is None or row[version] > known[version]:
            best[row[key]] = row
    return list(best.values())


def _rounded(value: Decimal) -> Decimal:
    """Half up to a hundredth, below zero too."""
    return ((value * 100 + Decimal("0.5")).to_integral_value(ROUND_FLOOR)) * CENT


def _half_up(number: Decimal, unit: str) -> Decimal:
    return number.quantize(Decimal(unit), ROUND_HALF_UP)


def _word(text: str) -> str:
    return text.strip().lower()
