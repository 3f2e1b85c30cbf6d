"""The demo's seed data: the same bytes anywhere, exactly scaled, and as dirty as it promises."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from demo import seeds
from foundation.cache import ROOT
from foundation.errors import UserError

TABLES = ("raw_customers", "raw_transactions", "raw_support_tickets")
Rows = list[dict[str, str]]


def read(folder: Path) -> dict[str, Rows]:
    return {
        path.stem: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        for path in folder.glob("*.csv")
    }


@pytest.fixture(scope="module", params=["0.1", "1", "10"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    folder = tmp_path_factory.mktemp("seeds")
    seeds.write("customer-360", folder, Decimal(request.param))
    return read(folder)


def run(
    folder: Path, scale: str | None = None, product: str = "customer-360"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo.seeds", product, "--out", str(folder)],
        cwd=ROOT,
        env={"PATH": "", "PYTHONHASHSEED": "7", **({seeds.SCALE_VARIABLE: scale} if scale else {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.csv")}


def test_same_bytes_from_another_process(tmp_path: Path) -> None:
    seeds.write("customer-360", tmp_path / "here", Decimal(1))
    assert run(tmp_path / "there").returncode == 0
    assert digests(tmp_path / "here") == digests(tmp_path / "there")


def test_scale_1_has_100_to_1000_rows_a_table(tmp_path: Path) -> None:
    counts = seeds.write("customer-360", tmp_path, Decimal(1))
    assert {table: 100 <= count <= 1000 for table, count in counts.items()} == dict.fromkeys(TABLES, True)


@pytest.mark.parametrize("scale", ["0.1", "1", "2.5", "10"])
def test_rows_are_the_count_at_scale_1_multiplied(tmp_path: Path, scale: str) -> None:
    seeds.write("customer-360", tmp_path, Decimal(scale))
    wanted = {"raw_customers": 240, "raw_transactions": 900, "raw_support_tickets": 180}
    assert {table: len(rows) for table, rows in read(tmp_path).items()} == {
        table: int(count * Decimal(scale)) for table, count in wanted.items()
    }


def test_the_scale_comes_from_the_environment(tmp_path: Path) -> None:
    done = run(tmp_path, "2")
    assert (done.returncode, len(read(tmp_path)["raw_customers"])) == (0, 480)


@pytest.mark.parametrize("scale", ["ten", "0", "0.05", "1001", "-1", "nan", "inf", "1e9", "1,5"])
def test_a_bad_scale_is_refused(tmp_path: Path, scale: str) -> None:
    done = run(tmp_path / "out", scale)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith(f"{seeds.SCALE_VARIABLE}={scale!r} is ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scale", [None, "", "  "])
def test_no_scale_is_scale_1(scale: str | None) -> None:
    assert seeds.scale_from(scale) == 1


def test_an_unknown_product_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no demo product is named 'shoe-shop'"):
        seeds.write("shoe-shop", tmp_path)


def test_customers_bring_every_kind_of_dirt(written: dict[str, Rows]) -> None:
    rows = written["raw_customers"]
    versions = Counter(row["customer_id"] for row in rows if row["customer_id"])
    assert {
        "without id": any(not row["customer_id"] for row in rows),
        "changed": any(count > 1 for count in versions.values()),
        "no email": any(not row["email"] for row in rows),
        "odd email": any(row["email"] != row["email"].strip().lower() for row in rows),
        "odd country": any(row["country"].islower() for row in rows),
        "odd name": any(row["last_name"] != row["last_name"].strip() for row in rows),
    } == dict.fromkeys(("without id", "changed", "no email", "odd email", "odd country", "odd name"), True)


def test_transactions_bring_every_kind_of_dirt(written: dict[str, Rows]) -> None:
    rows = written["raw_transactions"]
    known = {row["customer_id"] for row in written["raw_customers"]}
    versions = defaultdict(list)
    for row in rows:
        versions[row["transaction_id"]].append(row)
    found = {
        "guest": any(not row["customer_id"] for row in rows),
        "unpriced": any(not row["unit_price"] for row in rows),
        "voided": any(int(row["quantity"]) <= 0 for row in rows),
        "unknown customer": any(row["customer_id"] and row["customer_id"] not in known for row in rows),
        "odd status": any(row["status"] != row["status"].strip().lower() for row in rows),
        "repeated": any(same[0] == same[1] for same in versions.values() if len(same) > 1),
        "late": any(
            same[0]["status"] == "pending" != same[1]["status"] for same in versions.values() if len(same) > 1
        ),
    }
    assert found == dict.fromkeys(found, True)


def test_tickets_bring_every_kind_of_dirt(written: dict[str, Rows]) -> None:
    rows = written["raw_support_tickets"]
    versions = Counter(row["ticket_id"] for row in rows)
    found = {
        "nobody": any(not row["customer_id"] for row in rows),
        "off the scale": any(row["satisfaction"] in {"0", "9"} for row in rows),
        "odd category": any(row["category"] != row["category"].strip().lower() for row in rows),
        "updated": any(count > 1 for count in versions.values()),
        "not rated": any(not row["satisfaction"] for row in rows),
        "open": any(not row["closed_at"] for row in rows),
    }
    assert found == dict.fromkeys(found, True)


def test_versions_of_one_row_have_different_times(written: dict[str, Rows]) -> None:
    """Which version is the latest must never be chance."""
    for table, key, moment in (
        ("raw_customers", "customer_id", "updated_at"),
        ("raw_transactions", "transaction_id", "loaded_at"),
        ("raw_support_tickets", "ticket_id", "updated_at"),
    ):
        different = {tuple(row.values()) for row in written[table] if row[key]}
        columns = list(written[table][0])
        at = Counter((row[columns.index(key)], row[columns.index(moment)]) for row in different)
        assert [version for version, count in at.items() if count > 1] == []


def test_a_person_recognises_a_shop(tmp_path: Path) -> None:
    seeds.write("customer-360", tmp_path, Decimal(1))
    rows = read(tmp_path)
    spent: Counter[str] = Counter()
    orders: Counter[str] = Counter()
    for row in rows["raw_transactions"]:
        if row["customer_id"] and row["unit_price"] and row["status"] == "settled":
            spent[row["customer_id"]] += Decimal(row["unit_price"]) * int(row["quantity"])  # type: ignore[assignment]
            orders[row["customer_id"]] += 1
    best = sum(amount for _, amount in spent.most_common(len(spent) // 5))
    assert best / sum(spent.values()) > Decimal("0.5"), "a fifth of the customers spend more than half"
    assert sum(1 for count in orders.values() if count > 1) > len(orders) / 2, "most buy again"
    ratings = Counter(row["satisfaction"] for row in rows["raw_support_tickets"] if row["satisfaction"])
    assert ratings["1"] + ratings["2"] > 20, "there are unhappy customers"


@pytest.fixture(scope="module", params=["0.1", "1", "10"])
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    folder = tmp_path_factory.mktemp("plant")
    seeds.write("iot-telemetry", folder, Decimal(request.param))
    return read(folder)


@pytest.mark.parametrize("scale", ["0.1", "0.37", "1", "10"])
def test_a_plant_has_the_count_at_scale_1_multiplied(tmp_path: Path, scale: str) -> None:
    seeds.write("iot-telemetry", tmp_path, Decimal(scale))
    wanted = {"raw_sensors": 120, "raw_readings": 960, "raw_maintenance_log": 160}
    assert {table: len(rows) for table, rows in read(tmp_path).items()} == {
        table: int(count * Decimal(scale)) for table, count in wanted.items()
    }


def test_sensors_bring_every_kind_of_dirt(plant: dict[str, Rows]) -> None:
    rows = plant["raw_sensors"]
    versions = Counter(row["sensor_id"] for row in rows if row["sensor_id"])
    found = {
        "without id": any(not row["sensor_id"] for row in rows),
        "changed": any(count > 1 for count in versions.values()),
        "odd line": any(row["line"] != row["line"].strip().lower() for row in rows),
        "odd status": any(row["status"] != row["status"].strip().lower() for row in rows),
        "not sending": any(row["status"].strip().lower() != "active" for row in rows),
    }
    assert found == dict.fromkeys(found, True)


def test_readings_bring_every_kind_of_dirt(plant: dict[str, Rows]) -> None:
    rows = plant["raw_readings"]
    known = {row["sensor_id"] for row in plant["raw_sensors"]}
    units = {row["unit"].strip().lower() for row in rows}
    versions = defaultdict(list)
    for row in rows:
        versions[row["reading_id"]].append(row)
    found = {
        "no sensor": any(not row["sensor_id"] for row in rows),
        "unknown sensor": any(row["sensor_id"] and row["sensor_id"] not in known for row in rows),
        "no value": any(not row["value"] for row in rows),
        "error code": any(row["value"] in {"-999.00", "99999.00"} for row in rows),
        "no unit": bool(units & {"adc", "raw"}),
        "other units": {"degf", "kpa"} <= units,
        "odd unit": any(
            row["unit"] not in {"degC", "degF", "mm/s", "bar", "kPa", "adc", "raw"} for row in rows
        ),
        "repeated": any(same[0] == same[1] for same in versions.values() if len(same) > 1),
        "corrected": any(same[0]["value"] != same[1]["value"] for same in versions.values() if len(same) > 1),
    }
    assert found == dict.fromkeys(found, True)


def test_the_maintenance_log_brings_every_kind_of_dirt(plant: dict[str, Rows]) -> None:
    rows = plant["raw_maintenance_log"]
    versions = Counter(row["entry_id"] for row in rows)
    found = {
        "no machine": any(not row["equipment_id"] for row in rows),
        "absurd downtime": any(int(row["downtime_minutes"]) in {-15, 99_999} for row in rows),
        "odd activity": any(row["activity"] != row["activity"].strip().lower() for row in rows),
        "done later": any(count > 1 for count in versions.values()),
    }
    assert found == dict.fromkeys(found, True)


def test_versions_of_a_sensor_a_reading_and_an_entry_have_different_times(plant: dict[str, Rows]) -> None:
    for table, key, moment in (
        ("raw_sensors", "sensor_id", "updated_at"),
        ("raw_readings", "reading_id", "loaded_at"),
        ("raw_maintenance_log", "entry_id", "updated_at"),
    ):
        different = {tuple(row.items()) for row in plant[table] if row[key]}
        at = Counter((dict(row)[key], dict(row)[moment]) for row in different)
        assert [version for version, count in at.items() if count > 1] == []


def test_what_was_planted_is_in_sensors_that_send_and_at_most_once_in_each(tmp_path: Path) -> None:
    seeds.write("iot-telemetry", tmp_path, Decimal(1))
    lines = (tmp_path / "planted_anomalies.tsv").read_text().splitlines()
    planted = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    sending = {row["sensor_id"] for row in read(tmp_path)["raw_readings"]}
    kinds = Counter(row["kind"] for row in planted)
    assert kinds == {"spike": 3, "stuck": 2, "drift": 2, "dropout": 3}
    assert len({row["sensor_id"] for row in planted} & sending) == len(planted)
