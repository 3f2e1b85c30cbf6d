"""The generator as a command: its rows, its bytes and its refusals, told in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from drivers import seed_files
from drivers.errors import ServiceError
from foundation.cache import ROOT


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the demo's generator that a test may break."""
    shutil.copytree(ROOT / "demo", tmp_path / "demo")
    monkeypatch.setattr(seed_files, "SYSTEM", tmp_path)
    return tmp_path / "demo" / "seeds"


def break_it(file: Path, find: str, put: str) -> None:
    text = file.read_text()
    assert text.count(find) == 1
    file.write_text(text.replace(find, put))


def test_the_rows_of_each_file_are_told() -> None:
    assert seed_files.made("customer-360", "0.1") == (
        "24 raw_customers, 18 raw_support_tickets, 90 raw_transactions"
    )


def test_a_refusal_is_told_as_it_was_said() -> None:
    assert seed_files.made("customer-360", "0") == "refused: FLOE_DEMO_SEED_SCALE='0' is out of range"


def test_other_bytes_the_second_time_are_told(planted: Path) -> None:
    break_it(planted / "iot_telemetry.py", "random.Random(_SEED)", "random.Random(hash(_SEED))")
    assert "but other bytes in planted_anomalies.tsv, raw_" in seed_files.made("iot-telemetry", "0.1")


def test_other_bytes_than_on_another_day_are_told(planted: Path) -> None:
    break_it(planted / "iot_telemetry.py", "random.Random(_SEED)", 'random.Random(f"{_SEED} tomorrow")')
    assert "but other bytes than on record in planted_anomalies.tsv, raw_" in seed_files.made(
        "iot-telemetry", "0.1"
    )


def test_files_that_a_refusal_leaves_are_told(planted: Path) -> None:
    break_it(
        planted / "__main__.py",
        "    asked = parser.parse_args(arguments)\n",
        "    asked = parser.parse_args(arguments)\n    asked.out.mkdir()\n",
    )
    with pytest.raises(ServiceError, match=r"at scale 0 and answered: exit code 2, files \[\]"):
        seed_files.made("customer-360", "0")


def test_a_generator_that_breaks_is_told(planted: Path) -> None:
    break_it(planted / "iot_telemetry.py", "_PER_MILLE = 1000", "_PER_MILLE = 0")
    with pytest.raises(ServiceError, match=r"exit code 1.*ZeroDivisionError"):
        seed_files.made("iot-telemetry", "1")
