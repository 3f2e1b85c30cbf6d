"""The anomalies that a generator planted in a product's seeds, and those that the product found."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo import seeds as generator
from drivers.errors import ServiceError
from drivers.rows import Rows

FILE = "planted_anomalies.tsv"
TABLE = "int_anomaly_detection"
"""The table of what a product found."""

_LASTING = "null"
"""How a table gives the end of what has not ended."""


@dataclass(frozen=True)
class Anomaly:
    """Something wrong with a sensor; moments as text, in which later is greater."""

    sensor: str
    kind: str
    began: str
    ended: str | None

    @property
    def name(self) -> str:
        """What it is called in a message."""
        return f"{self.kind} of sensor {self.sensor}"

    @property
    def time(self) -> str:
        """When it was, in words."""
        return f"{self.began} to {self.ended or 'the end'}"

    def holds(self, other: Anomaly) -> bool:
        """Whether the other is within the time of this one, and lasts if it does."""
        if self.began > other.began or (self.ended is None) != (other.ended is None):
            return False
        return self.ended is None or other.ended is None or other.ended <= self.ended


def of_product(product: str, folder: Path) -> tuple[Anomaly, ...]:
    """What was planted, generated into `folder` at the scale of this run.

    Raises:
        ServiceError: the product's generator plants nothing.
    """
    generator.write(product, folder)
    return read(folder)


def read(folder: Path) -> tuple[Anomaly, ...]:
    """What was planted in the seeds of a folder."""
    file = folder / FILE
    if not file.is_file():
        raise ServiceError("tell what was planted", of="the generator", answer=f"no {FILE}")
    with file.open(newline="", encoding="utf-8") as lines:
        return tuple(
            Anomaly(row["sensor_id"], row["kind"], row["began_at"], row["ended_at"] or None)
            for row in csv.DictReader(lines, delimiter="\t")
        )


def planted(anomalies: Sequence[Anomaly]) -> dict[str, list[str]]:
    """What was planted: by sensor and kind, when."""
    return _told((one, one) for one in anomalies)


def found(rows: Rows, anomalies: Sequence[Anomaly]) -> dict[str, list[str]]:
    """What a product found, in the same form: a time within that of a planted one is told as that one's."""
    told = [_anomaly(dict(row)) for row in rows.rows]
    return _told((one, _of(one, anomalies)) for one in told)


def _told(pairs: Iterable[tuple[Anomaly, Anomaly]]) -> dict[str, list[str]]:
    times: dict[str, list[str]] = defaultdict(list)
    for one, meant in pairs:
        times[one.name].append(meant.time)
    return {name: sorted(times[name]) for name in sorted(times)}


def _of(one: Anomaly, anomalies: Sequence[Anomaly]) -> Anomaly:
    """The planted one that this is, or itself if it is none."""
    return next((other for other in anomalies if other.name == one.name and other.holds(one)), one)


def _anomaly(row: Mapping[str, str]) -> Anomaly:
    ended = row["ended_at"]
    return Anomaly(row["sensor_id"], row["kind"], row["began_at"], None if ended == _LASTING else ended)
