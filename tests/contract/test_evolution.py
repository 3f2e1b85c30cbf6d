"""Tables that evolve, through dbt and a catalog: each version of a small product, and what readers find."""

from __future__ import annotations

import secrets
import shutil
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner
from duckdb_extensions import import_extension  # type: ignore[import-untyped]
from pyiceberg.table import Table

from drivers import versions
from drivers.lakehouse import partitionings, snapshot_at
from drivers.product import SMALL
from drivers.rows import Rows
from floe_additions.compute import DuckDBIcebergComputePlugin
from standins.loopback.lake import Lake

CORRECTED = "scan_id,parcel,depot,litres,scanned_at,weight\n{scan},P1,Namur,12.50,{day} 10:00:00,5.10\n"


class Team:
    """A small product as its team changes it, run by dbt without a compilation.

    Args:
        folder: where the product is.
        lake: where its tables go.
        product: its name.
    """

    def __init__(self, folder: Path, lake: Lake, product: str) -> None:
        self._folder, self._lake, self._product = folder / product, lake, product
        self._namespace = f"{product.replace('-', '_')}_{secrets.token_hex(3)}"
        shutil.copytree(SMALL / product, self._folder)

    def takes(self, version: str) -> Team:
        """Change to a version, from the one before."""
        if version != versions.FIRST:
            shutil.copytree(versions.CHANGES / self._product / version, self._folder, dirs_exist_ok=True)
        return self

    def write(self, path: str, content: str) -> Team:
        """Change one file."""
        (self._folder / path).write_text(content)
        return self

    def read(self, path: str) -> str:
        """One file."""
        return (self._folder / path).read_text()

    def run(self) -> str:
        """Build all; what dbt said when it failed, else nothing."""
        self._as_compiled()
        place = str(self._folder)
        words = ["--quiet", "build", "--project-dir", place, "--profiles-dir", place]
        done = dbtRunner().invoke([*words, "--log-path", place, "--target-path", f"{place}/target"])
        results: Any = done.result or []
        said = [str(done.exception), *(str(one.message) for one in results)]
        return "" if done.success else "\n".join(said)

    def table(self, name: str) -> Table:
        """One of its tables."""
        found: Table = self._lake.catalog.load_table((self._namespace, name))
        return found

    def rows(self, name: str, snapshot: int | None = None) -> Rows:
        """The rows of a table, now or as of a snapshot."""
        found = self.table(name).scan(snapshot_id=snapshot).to_arrow().to_pylist()
        return Rows.of(name, found)

    def _as_compiled(self) -> None:
        """What a compilation makes of a product, as far as dbt needs it: where macros and tables are."""
        file = self._folder / "dbt_project.yml"
        project = yaml.safe_load(file.read_text())
        project["macro-paths"] = [str(path) for path in DuckDBIcebergComputePlugin().get_dbt_macro_paths()]
        file.write_text(yaml.safe_dump(project, sort_keys=False))
        env = self._lake.environment
        secret = {
            "type": "iceberg",
            "name": "polaris",
            "client_id": env["POLARIS_CLIENT_ID"],
            "client_secret": env["POLARIS_CLIENT_SECRET"],
            "oauth2_server_uri": env["POLARIS_OAUTH2_SERVER_URI"],
            "oauth2_scope": "PRINCIPAL_ROLE:ALL",
        }
        catalog = env["POLARIS_WAREHOUSE"]
        options = {"endpoint": env["POLARIS_URI"], "secret": "polaris"}
        target = {
            "type": "duckdb",
            "path": ":memory:",
            "database": catalog,
            "schema": self._namespace,
            "extensions": ["httpfs", "avro", "iceberg"],
            "secrets": [secret],
            "attach": [{"path": catalog, "alias": catalog, "type": "iceberg", "options": options}],
        }
        profiles = {project["profile"]: {"target": "dev", "outputs": {"dev": target}}}
        (self._folder / "profiles.yml").write_text(yaml.safe_dump(profiles))


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own: DuckDB makes an empty folder `data` there."""
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_version_leaves_what_was_delivered_and_what_was_there(in_folder: Path, lake: Lake) -> None:
    team = Team(in_folder, lake, "parcel-tracking")
    seen: dict[int, tuple[Rows, Rows, float]] = {}
    marts: list[int] = []
    before: dict[str, str] = {}
    for version in versions.of("parcel-tracking"):
        before = partitionings(team.table("stg_scans")) if seen else {}
        assert team.takes(version).run() == ""
        current, mart = (team.table(name).current_snapshot() for name in ("stg_scans", "mart_parcels"))
        assert current is not None
        assert mart is not None
        marts.append(mart.snapshot_id)
        seen[current.snapshot_id] = (team.rows("stg_scans"), team.rows("mart_parcels"), time.time())

    assert team.rows("stg_scans") == versions.delivered("parcel-tracking", "stg_scans")
    after = partitionings(team.table("stg_scans"))
    assert {file: after[file] for file in before} == dict.fromkeys(before, "nothing")
    assert {after[file] for file in after.keys() - before.keys()} == {"day(scanned_at)"}
    assert {one: team.rows("stg_scans", one) for one in seen} == {
        one: rows for one, (rows, _, _) in seen.items()
    }
    at = {one: snapshot_at(team.table("stg_scans"), moment) for one, (_, _, moment) in seen.items()}
    assert at == {one: one for one in seen}
    assert [team.rows("mart_parcels", one) for one in marts] == [rows for _, rows, _ in seen.values()]

    # A row of today's partitioning is replaced; one of an earlier one would come twice to other readers.
    seed = "seeds/raw_scans.csv"
    assert team.write(seed, CORRECTED.format(scan=8, day="2026-03-04")).run() == ""
    replaced = team.table("stg_scans").scan(row_filter="scan_id = 8").to_arrow()
    assert replaced["weight"].to_pylist() == [Decimal("5.10")]
    said = team.write(seed, CORRECTED.format(scan=1, day="2026-03-04")).run()
    assert "1 rows that are to be replaced were written under an earlier partitioning" in said
    assert team.table("stg_scans").scan().count() == len(versions.delivered("parcel-tracking", "stg_scans"))


def test_a_table_whose_rows_are_all_replaced_is_partitioned_once(in_folder: Path, lake: Lake) -> None:
    team = Team(in_folder, lake, "parcel-returns")
    model = "models/stg_scans.sql"
    query = team.read(model).partition("}}")[2]

    def partitioned(by: str) -> str:
        config = f"materialized='table', partition_by={by}"
        return team.write(model, f"{{{{ config({config}) }}}}{query}").run()

    for by in ("[]", "['reason']", "['reason']"):
        assert partitioned(by) == ""
        assert team.table("stg_scans").scan().count() == 2
    assert set(partitionings(team.table("stg_scans")).values()) == {"nothing", "reason"}
    assert "is partitioned by identity reason and cannot be by bucket[4] parcel" in partitioned(
        "['bucket(4, parcel)']"
    )
    assert "week(scanned_at) is no column, and none of year" in partitioned("['week(scanned_at)']")
    assert "there is no column size among scan_id" in partitioned("['size']")


def test_a_type_widens_in_place(in_folder: Path, lake: Lake) -> None:
    team = Team(in_folder, lake, "parcel-returns")
    for version in versions.of("parcel-returns"):
        assert team.takes(version).run() == ""
    assert str(team.table("stg_scans").schema().find_type("scan_id")) == "long"
    assert team.rows("stg_scans") == versions.delivered("parcel-returns", "stg_scans")
