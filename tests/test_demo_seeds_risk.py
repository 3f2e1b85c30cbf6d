"""The seeds of financial-risk: exactly scaled, the same bytes anywhere, and as dirty as they promise."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from demo import seeds
from foundation.cache import ROOT

PRODUCT = "financial-risk"
Rows = list[dict[str, str]]


def read(folder: Path) -> dict[str, Rows]:
    files = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.csv")}
    return {name: list(csv.DictReader(text.splitlines())) for name, text in files.items()}


@pytest.fixture(scope="module", params=["0.1", "1", "7.5"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    folder = tmp_path_factory.mktemp("seeds")
    scale = Decimal(request.param)
    counts = seeds.write(PRODUCT, folder, scale)
    rows = read(folder)
    wanted = {"raw_positions": 400, "raw_market_data": 960, "raw_counterparties": 120}
    assert counts == {name: len(one) for name, one in rows.items()}
    assert counts == {name: int(count * scale) for name, count in wanted.items()}
    return rows


def test_same_bytes_from_another_process(tmp_path: Path) -> None:
    seeds.write(PRODUCT, tmp_path / "here", Decimal(1))
    subprocess.run(
        [sys.executable, "-m", "demo.seeds", PRODUCT, "--out", str(tmp_path / "there")],
        cwd=ROOT,
        env={"PATH": os.defpath, "PYTHONHASHSEED": "7", seeds.SCALE_VARIABLE: "1"},
        capture_output=True,
        timeout=120,
        check=True,
    )
    here, there = (
        {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("here", "there")
    )
    assert here == there


def test_positions_bring_every_kind_of_dirt(written: dict[str, Rows]) -> None:
    rows = written["raw_positions"]
    quoted = {row["instrument_id"] for row in written["raw_market_data"]}
    known = {row["counterparty_id"] for row in written["raw_counterparties"]}
    versions = defaultdict(list)
    for row in rows:
        versions[row["position_id"]].append(row)
    several = [same for same in versions.values() if len(same) > 1]
    found = {
        "no instrument": any(not row["instrument_id"] for row in rows),
        "no quantity": any(not row["quantity"] for row in rows),
        "no price": any(not row["trade_price"] for row in rows),
        "not quoted": any(row["instrument_id"] and row["instrument_id"] not in quoted for row in rows),
        "a stranger": any(row["counterparty_id"] not in known for row in rows),
        "repeated": any(same[0] == same[1] for same in several),
        "changed": any(same[0]["quantity"] != same[1]["quantity"] != "0" for same in several),
        "closed": any(same[1]["quantity"] == "0" for same in several),
        "short": any(row["quantity"].startswith("-") for row in rows),
        "pence": any(row["currency"].strip().upper() == "GBX" for row in rows),
    }
    assert found == dict.fromkeys(found, True)


def test_prices_bring_every_kind_of_dirt(written: dict[str, Rows]) -> None:
    rows = written["raw_market_data"]
    days = sorted({row["price_date"] for row in rows})
    delivered: dict[str, Rows] = defaultdict(list)
    for row in rows:
        delivered[row["instrument_id"]].append(row)
    twice = defaultdict(list)
    for row in rows:
        twice[row["instrument_id"], row["price_date"]].append(row["close_price"])
    found = {
        "corrected": any(len(prices) > 1 and len(set(prices)) > 1 for prices in twice.values()),
        "sent again": any(len(prices) > 1 and len(set(prices)) == 1 for prices in twice.values()),
        "blank": any(not row["close_price"] for row in rows),
        "zero": any(row["close_price"] == "0.0000" for row in rows),
        "stale": any(max(row["price_date"] for row in of) < days[-1] for of in delivered.values()),
        "listed lately": any(min(row["price_date"] for row in of) > days[0] for of in delivered.values()),
        "odd currency": any(row["currency"] not in {"EUR", "USD", "GBP", "GBX"} for row in rows),
        "odd class": any(row["asset_class"] != row["asset_class"].lower() for row in rows),
    }
    assert found == dict.fromkeys(found, True)


def test_counterparties_bring_every_kind_of_dirt(written: dict[str, Rows]) -> None:
    rows = written["raw_counterparties"]
    versions = Counter(row["counterparty_id"] for row in rows if row["counterparty_id"])
    found = {
        "without id": any(not row["counterparty_id"] for row in rows),
        "changed": any(count > 1 for count in versions.values()),
        "not rated": any(not row["rating"] for row in rows),
        "odd rating": any(row["rating"] != row["rating"].strip().upper() for row in rows),
        "no collateral": any(not row["collateral"] for row in rows),
        "no limit": any(not row["exposure_limit"] for row in rows),
        "odd country": any(row["country"].islower() for row in rows),
    }
    assert found == dict.fromkeys(found, True)


def test_which_version_is_the_latest_is_never_chance(written: dict[str, Rows]) -> None:
    for table, key, moment in (
        ("raw_positions", ("position_id",), "updated_at"),
        ("raw_market_data", ("instrument_id", "price_date"), "loaded_at"),
        ("raw_counterparties", ("counterparty_id",), "updated_at"),
    ):
        different = {tuple(row.items()) for row in written[table] if all(row[name] for name in key)}
        at = Counter(tuple(dict(row)[name] for name in (*key, moment)) for row in different)
        assert [version for version, count in at.items() if count > 1] == []
