"""The plant of iot-telemetry: a day of readings of its sensors, and a year of work on its machines.

Each machine has a temperature, a vibration and a pressure sensor. A sound sensor stays near its setpoint,
with the load of the shift and some noise. Every sensor takes as many readings as any other, at a pace of
its own, up to the same evening.

What is wrong with a sensor is planted, each kind at every scale and at most one in a sensor:

spike     one reading far away from those beside it
stuck     the same reading seven times in a row
drift     the last ten readings leave the setpoint, further with each
dropout   six readings missing, or silence until the evening

`planted_anomalies` says where; it is written beside the seeds for whoever judges a detection, and dbt does
not load it. Sound sensors have what only looks wrong: a small bump, three equal readings, two missing ones.

The dirt, each kind at every scale:

sensors       a row without an id, a later version of a row already delivered, lines in odd spelling
readings      the same row twice, a value that is corrected hours later in a second row, no sensor, no value,
              an error code in place of a value, a unit that is none, sensors that nobody registered,
              gateways that send degrees Fahrenheit and kilopascal, units in odd spelling
maintenance   a later version (done at last), no machine, a downtime that cannot be, odd spelling
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

COLUMNS: dict[str, tuple[str, ...]] = {
    "raw_sensors": (
        "sensor_id",
        "equipment_id",
        "equipment_type",
        "line",
        "kind",
        "setpoint",
        "tolerance",
        "sample_minutes",
        "status",
        "installed_at",
        "updated_at",
    ),
    "raw_readings": ("reading_id", "sensor_id", "value", "unit", "measured_at", "loaded_at"),
    "raw_maintenance_log": (
        "entry_id",
        "equipment_id",
        "activity",
        "priority",
        "downtime_minutes",
        "opened_at",
        "closed_at",
        "updated_at",
    ),
}

ROWS_AT_SCALE_1 = {"raw_sensors": 120, "raw_readings": 960, "raw_maintenance_log": 160}

GROUND_TRUTH: dict[str, tuple[str, ...]] = {
    "planted_anomalies": ("sensor_id", "kind", "began_at", "ended_at"),
}
"""What was planted, one row an anomaly; `ended_at` is empty for a silence that lasts."""

Row = Sequence[object]

_SEED = "iot-telemetry: a plant in 2025"
_EVENING = datetime(2025, 9, 30, 22, 0, 0)  # noqa: DTZ001 - the sources deliver plain UTC, as the tables keep it
_YEAR = timedelta(days=365)
_JITTER_SECONDS = 50
_PER_MILLE = 1000

_TYPES = ("press", "pump", "compressor", "mill")
_LINES = ("body", "paint", "assembly")
_PACES, _PACE_WEIGHTS = (10, 20, 30, 60), (30, 30, 25, 15)
_ACTIVITIES, _ACTIVITY_WEIGHTS = (
    ("inspection", "calibration", "repair", "replacement"),
    (45, 25, 22, 8),
)
_PRIORITIES, _PRIORITY_WEIGHTS = ("low", "normal", "urgent"), (30, 55, 15)
_ANOMALIES, _ANOMALY_PERCENT = ("spike", "stuck", "drift", "dropout"), (8, 6, 6, 8)


@dataclass(frozen=True)
class _Kind:
    """What a kind of sensor measures; in hundredths of its unit."""

    name: str
    unit: str
    spellings: tuple[str, ...]
    setpoints: tuple[int, int]
    tolerances: tuple[int, int]


_KINDS = (
    _Kind("temperature", "degC", ("C", " degc", "\N{DEGREE SIGN}C"), (5500, 9000), (200, 300)),
    _Kind("vibration", "mm/s", ("MM/S", "mm/s "), (250, 500), (30, 50)),
    _Kind("pressure", "bar", ("BAR", " Bar"), (500, 800), (20, 40)),
)


@dataclass(frozen=True)
class _Sensor:
    """A sensor as the plant knows it; its figures in hundredths of the unit."""

    number: int
    kind: _Kind
    setpoint: int
    tolerance: int
    pace: timedelta
    old_gateway: bool

    def at(self, per_mille: int) -> int:
        """The value so many thousandths of the tolerance away from the setpoint."""
        return self.setpoint + (self.tolerance * per_mille + _PER_MILLE // 2) // _PER_MILLE

    def sent(self, draw: random.Random, value: int) -> tuple[str, str]:
        """A value and its unit as the sensor's gateway sends them."""
        if self.old_gateway and self.kind.name == "temperature":
            return _decimal((value * 9 + 2) // 5 + 3200), "degF"
        if self.old_gateway and self.kind.name == "pressure":
            return _decimal(value * 100), "kPa"
        odd = draw.randrange(100) < 8
        return _decimal(value), draw.choice(self.kind.spellings) if odd else self.kind.unit


@dataclass
class _Series:
    """What a sensor measured, in order, and what was planted in it."""

    sensor: _Sensor
    values: list[int]
    moments: list[datetime]
    planted: Row | None = None


def make(rows: Mapping[str, int]) -> dict[str, list[Row]]:
    """All three tables, with exactly as many rows as asked for, and what was planted in them."""
    draw = random.Random(_SEED)  # noqa: S311 - reproducible on purpose, nothing is secret
    sensors, sending = _sensors(draw, rows["raw_sensors"])
    readings, planted = _readings(draw, rows["raw_readings"], sending)
    machines = max(1, -(-sending[-1].number // len(_KINDS)))
    return {
        "raw_sensors": sensors,
        "raw_readings": readings,
        "raw_maintenance_log": _maintenance(draw, rows["raw_maintenance_log"], machines),
        "planted_anomalies": planted,
    }


def _share(total: int, percent: int) -> int:
    """So many of a hundred, but never none: every kind of dirt is there at every scale."""
    return max(1, total * percent // 100)


def _decimal(hundredths: int) -> str:
    return str(Decimal(hundredths).scaleb(-2).quantize(Decimal("0.01")))


def _text(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _moment(draw: random.Random, after: datetime, span: timedelta) -> datetime:
    return after + timedelta(seconds=draw.randrange(int(span.total_seconds())))


def _shouted(draw: random.Random, word: str) -> str:
    """The same word as another system spells it."""
    return draw.choice((word.upper(), word.capitalize(), f" {word}", f"{word} "))


def _sensors(draw: random.Random, total: int) -> tuple[list[Row], list[_Sensor]]:
    """The sensors' rows, and the sensors that send; the others lie in the store or were taken down."""
    nameless, changed = _share(total, 2), _share(total, 8)
    count = total - nameless - changed
    sending_count = max(5, count * 45 // 100)
    versions: list[tuple[datetime, Row]] = []
    sending: list[_Sensor] = []
    for number in range(1, count + nameless + 1):
        # The first so many have an id; the rest are the broken import.
        sensor_id: int | str = number if number <= count else ""
        machine = (number - 1) // len(_KINDS) + 1
        kind = _KINDS[(number - 1) % len(_KINDS)]
        sensor = _Sensor(
            number,
            kind,
            draw.randrange(*kind.setpoints, 5),
            draw.randrange(*kind.tolerances, 5),
            timedelta(minutes=draw.choices(_PACES, _PACE_WEIGHTS)[0]),
            old_gateway=number % 7 == 1 or number == 3,
        )
        status = "active" if number <= sending_count else ("spare", "retired")[number % 2]
        if number <= sending_count:
            sending.append(sensor)
        line = _LINES[machine % len(_LINES)]
        installed = _moment(draw, _EVENING - 5 * _YEAR, 4 * _YEAR)
        row: Row = (
            sensor_id,
            machine,
            _TYPES[machine % len(_TYPES)],
            _shouted(draw, line) if number % 20 == 4 else line,
            kind.name,
            _decimal(sensor.setpoint),
            _decimal(sensor.tolerance),
            int(sensor.pace.total_seconds()) // 60,
            _shouted(draw, status) if number % 20 == 2 else status,
            _text(installed),
            _text(installed),
        )
        versions.append((installed, row))
    for number in draw.sample(range(count), changed):
        # Put up months later: until then it lay in the store, with figures that were never its own.
        installed, row = versions[number]
        earlier = (*row[:5], "1.00", "0.05", *row[7:8], "spare", *row[9:])
        later = _moment(draw, installed + timedelta(days=1), timedelta(days=300))
        versions[number] = (installed, earlier)
        versions.append((later, (*row[:10], _text(later))))
    return [row for _, row in sorted(versions, key=lambda version: (version[0], str(version[1])))], sending


def _readings(draw: random.Random, total: int, sending: Sequence[_Sensor]) -> tuple[list[Row], list[Row]]:
    late, twice, lost = _share(total, 4), _share(total, 3), _share(total, 1)
    empty, impossible, unitless, unknown = (_share(total, 1) for _ in range(4))
    sound = total - late - twice - lost - empty - impossible - unitless - unknown
    found: list[tuple[datetime, Row]] = []
    planted: list[Row] = []
    deviating: list[int] = []
    for series in _plant(draw, sound, sending):
        for value, measured in zip(series.values, series.moments, strict=True):
            number = 1_000_001 + len(found)
            loaded = measured + timedelta(seconds=draw.randrange(60, 900))
            sent = series.sensor.sent(draw, value)
            row: Row = (number, series.sensor.number, *sent, _text(measured), _text(loaded))
            # What an uncalibrated gateway would have made of it, should it be corrected later.
            deviating.append(value + 8 * series.sensor.tolerance)
            found.append((loaded, row))
        if series.planted:
            planted.append(series.planted)
    broken = [*[0] * lost, *[1] * empty, *[2] * impossible, *[3] * unitless, *[4] * unknown]
    sensors = {sensor.number: sensor for sensor in sending}
    picked = draw.sample(range(sound), late + twice)
    for offset, dirt in enumerate(broken):
        found.append(_broken(draw, dirt, sound + offset, sending))
    for number in picked[:late]:
        # Delivered wrong, and corrected hours later.
        loaded, row = found[number]
        wrong = sensors[int(str(row[1]))].sent(draw, deviating[number])
        found[number] = (loaded, (*row[:2], *wrong, *row[4:]))
        later = _moment(draw, loaded + timedelta(hours=1), timedelta(hours=20))
        found.append((later, (*row[:5], _text(later))))
    found.extend(found[number] for number in picked[late:])
    ordered = [row for _, row in sorted(found, key=lambda entry: (entry[0], str(entry[1])))]
    return ordered, sorted(planted, key=lambda row: int(str(row[0])))


def _broken(draw: random.Random, dirt: int, offset: int, sending: Sequence[_Sensor]) -> tuple[datetime, Row]:
    """A reading of no use to anyone, which a sensor's gateway sent beside the others."""
    sensor = draw.choice(sending)
    value, unit = sensor.sent(draw, sensor.at(draw.randrange(-600, 601)))
    sensor_id: int | str = sensor.number
    if dirt == 0:
        sensor_id = ""
    elif dirt == 1:
        value = ""
    elif dirt == 2:
        value = draw.choice(("-999.00", "99999.00"))
    elif dirt == 3:
        unit = draw.choice(("adc", "raw"))
    else:
        sensor_id = 900_000_000 + offset
    measured = _moment(draw, _EVENING - timedelta(hours=4), timedelta(hours=4))
    loaded = measured + timedelta(seconds=draw.randrange(60, 900))
    return loaded, (1_000_001 + offset, sensor_id, value, unit, _text(measured), _text(loaded))


def _plant(draw: random.Random, total: int, sending: Sequence[_Sensor]) -> list[_Series]:
    """The series of all sensors, together so many readings, with what is wrong in some of them."""
    counts = [_share(len(sending), percent) for percent in _ANOMALY_PERCENT]
    wrong = draw.sample(range(len(sending)), sum(counts))
    kinds = [kind for kind, count in zip(_ANOMALIES, counts, strict=True) for _ in range(count)]
    anomaly_of = dict(zip(wrong, kinds, strict=True))
    length, rest = divmod(total, len(sending))
    found = []
    for place, sensor in enumerate(sending):
        series = _sound(draw, sensor, length + (place < rest))
        match anomaly_of.get(place):
            case "spike":
                _spike(draw, series)
            case "stuck":
                _stuck(draw, series)
            case "drift":
                _drift(draw, series)
            case "dropout":
                _dropout(draw, series, lasting=place % 2 == 0)
            case _:
                _near_miss(draw, series, place % 4)
        found.append(series)
    return found


def _sound(draw: random.Random, sensor: _Sensor, count: int) -> _Series:
    """Readings within six tenths of the tolerance: half of it the load of the shift, half noise."""
    values: list[int] = []
    for at in range(count):
        values.append(_another(draw, sensor, (abs(at % 12 - 6) - 3) * 100, values[-1:]))
    return _Series(sensor, values, _times(draw, sensor, range(count - 1, -1, -1)))


def _another(draw: random.Random, sensor: _Sensor, load: int, beside: Sequence[int]) -> int:
    """A reading that is not by chance the same as one beside it."""
    while True:
        value = sensor.at(load + draw.randrange(-300, 301))
        if all(abs(value - other) >= 3 for other in beside):  # two conversions leave it another one
            return value


def _times(draw: random.Random, sensor: _Sensor, paces_before_the_evening: Sequence[int]) -> list[datetime]:
    return [
        _EVENING - paces * sensor.pace + timedelta(seconds=draw.randrange(_JITTER_SECONDS))
        for paces in paces_before_the_evening
    ]


def _spike(draw: random.Random, series: _Series) -> None:
    at = draw.randrange(3, len(series.values) - 3)
    # A vibration cannot spike downwards: it would be negative.
    sign = 1 if series.sensor.kind.name == "vibration" else draw.choice((-1, 1))
    series.values[at] = series.sensor.at(sign * draw.randrange(6000, 9001))
    _record(series, "spike", series.moments[at], series.moments[at])


def _stuck(draw: random.Random, series: _Series) -> None:
    first = draw.randrange(3, 6)
    _repeat(draw, series, first, 7)
    _record(series, "stuck", series.moments[first], series.moments[first + 6])


def _repeat(draw: random.Random, series: _Series, first: int, count: int) -> None:
    """The same reading several times, which those before and after it differ from."""
    after = first + count
    beside = [series.values[first - 1], series.values[after]]
    series.values[first:after] = [_another(draw, series.sensor, 0, beside)] * count


def _drift(draw: random.Random, series: _Series) -> None:
    sign, first = draw.choice((-1, 1)), len(series.values) - 10
    for step, at in enumerate(range(first, len(series.values)), start=1):
        series.values[at] = series.sensor.at(sign * 400 * step + draw.randrange(-300, 301))
    for at, (before, after) in enumerate(pairwise(series.values[first:]), start=first + 1):
        if before == after:
            series.values[at] += sign * 3
    _record(series, "drift", series.moments[first], series.moments[-1])


def _dropout(draw: random.Random, series: _Series, *, lasting: bool) -> None:
    count = len(series.values)
    if lasting:
        series.moments = _times(draw, series.sensor, range(count + 7, 7, -1))
        _record(series, "dropout", series.moments[-1], None)
        return
    last = draw.randrange(4, 9)
    _silence(draw, series, last, missing=6)
    _record(series, "dropout", series.moments[last], series.moments[last + 1])


def _silence(draw: random.Random, series: _Series, last: int, *, missing: int) -> None:
    """So many readings that were never taken, after the `last` one before."""
    count = len(series.values)
    paces = [count - 1 - at + (missing if at <= last else 0) for at in range(count)]
    series.moments = _times(draw, series.sensor, paces)


def _near_miss(draw: random.Random, series: _Series, which: int) -> None:
    """Something that only looks wrong."""
    at = draw.randrange(4, len(series.values) - 4)
    if which == 0:
        series.values[at] = series.sensor.at(draw.choice((-1, 1)) * 2500)
    elif which == 1:
        _repeat(draw, series, at, 3)
    elif which == 2:  # and the fourth is as sound as it looks
        _silence(draw, series, at, missing=2)


def _record(series: _Series, kind: str, began: datetime, ended: datetime | None) -> None:
    series.planted = (series.sensor.number, kind, _text(began), _text(ended))


def _maintenance(draw: random.Random, total: int, machines: int) -> list[Row]:
    updated, nowhere, absurd = _share(total, 10), _share(total, 3), _share(total, 2)
    entries = total - updated
    found: list[tuple[datetime, Row]] = []
    for number in range(entries):
        machine: int | str = draw.randrange(1, machines + 1)
        activity = draw.choices(_ACTIVITIES, _ACTIVITY_WEIGHTS)[0]
        downtime: int = draw.randrange(0, 480, 5)
        opened = _moment(draw, _EVENING - _YEAR, _YEAR)
        closed = _moment(draw, opened + timedelta(hours=1), timedelta(days=4))
        done = draw.randrange(100) < 88 and closed <= _EVENING
        # The first entries carry the dirt, so that every kind is there.
        if number < nowhere:
            machine = ""
        elif number < nowhere + absurd:
            downtime = draw.choice((-15, 99_999))
        elif number == nowhere + absurd or draw.randrange(100) < 5:
            activity = _shouted(draw, activity)
        row: Row = (
            7_001 + number,
            machine,
            activity,
            draw.choices(_PRIORITIES, _PRIORITY_WEIGHTS)[0],
            downtime,
            _text(opened),
            _text(closed) if done else "",
            _text(closed if done else opened),
        )
        found.append((closed if done else opened, row))
    for number in draw.sample(range(nowhere + absurd + 1, entries), updated):
        # Ordered first, done later.
        moment, row = found[number]
        opened = datetime.strptime(str(row[5]), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - as written above
        found[number] = (opened, (*row[:6], "", row[5]))
        later = max(moment, opened) + timedelta(hours=draw.randrange(1, 72))
        found.append((later, (*row[:6], _text(later), _text(later))))
    return [row for _, row in sorted(found, key=lambda entry: (entry[0], str(entry[1])))]
