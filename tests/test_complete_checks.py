"""What is wrong between fields, and between floe.yaml and what stands beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_complete import checks, reading
from tests.team import SPEC, refused, said, team

NEEDS = "dependsOn: [stg_crm_customers, stg_transactions]"


@pytest.mark.parametrize(
    ("put", "told"),
    [
        (
            "dependsOn: [stg_crm_customer, stg_transactions]",
            (
                "transforms[3].dependsOn[0]",
                'there is no model "stg_crm_customer"',
                "did you mean stg_crm_customers?",
            ),
        ),
        (
            "depends_on: [somewhere_else]",
            ("transforms[3].depends_on[0]", 'there is no model "somewhere_else"', ""),
        ),
        (
            "dependsOn: [mart_customer_360]",
            (
                "transforms[3].dependsOn[0]",
                "a circle: int_customer_orders needs mart_customer_360 needs int_customer_orders",
                "remove one of these dependencies",
            ),
        ),
        (
            "dependsOn: [int_customer_orders]",
            (
                "transforms[3].dependsOn[0]",
                "a circle: int_customer_orders needs int_customer_orders",
                "remove one of these dependencies",
            ),
        ),
    ],
)
def test_a_dependency_that_cannot_be_is_told(tmp_path: Path, put: str, told: tuple[str, str, str]) -> None:
    project = team(tmp_path)
    project.edit(SPEC, NEEDS, put)
    assert said(refused(project)) == [told]


@pytest.mark.parametrize("name", ["raw_customers", "orders", "crm.orders", "a_delivered_file", "a_snapshot"])
def test_a_model_may_depend_on_seeds_sources_and_snapshots(tmp_path: Path, name: str) -> None:
    project = team(tmp_path)
    project.edit(SPEC, NEEDS, f"dependsOn: [{name}]")
    project.write("customer-360/seeds/a_delivered_file.csv", "id\n1\n")
    project.write("customer-360/snapshots/a_snapshot.sql", "")
    project.write("customer-360/models/s.yml", "sources: [{name: crm, tables: [{name: orders}]}]\n")
    project.write("customer-360/models/broken.yml", "models: [")
    assert reading.sources_of(project.folder / "customer-360").spec.transforms[3].depends_on == [name]


@pytest.mark.parametrize(
    ("cron", "wrong"),
    [
        ("0 6 * * *", ""),
        ("@daily", ""),
        ("0 6 29 2 *", ""),
        ("*/5 8-18 * * mon-fri", ""),
        ("61 * * * *", "is no schedule"),
        ("hourly", "is no schedule"),
        ("", "is no schedule"),
        ("0 */10 * * * *", "is no schedule"),
        ("0 6 30 2 *", "never comes"),
    ],
)
def test_a_schedule_is_one_that_dagster_takes_and_that_comes(cron: str, wrong: str) -> None:
    assert checks._wrong_cron(cron) == wrong


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("customer-360", ""),
        ("dbt-customers", ""),
        ("dbt", "is the name of a package of dbt"),
        ("dbt-duckdb", "is the name of a package of dbt"),
        ("information-schema", "is a schema that every database has"),
        ("customer-", "ends with a hyphen"),
    ],
)
def test_a_name_that_cannot_be_taken_is_told(name: str, why: str) -> None:
    assert checks._taken(name) == why


def test_a_time_zone_is_one_that_there_is(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.edit(SPEC, "timezone: UTC", "timezone: europe/berlin")
    assert said(refused(project)) == [
        ("schedule.timezone", '"europe/berlin" is no time zone', "did you mean Europe/Berlin?")
    ]


def test_a_compute_is_one_that_is_installed(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.edit(SPEC, "tier: gold", "tier: gold\n    compute: duckdb-icebreg")
    (one,) = refused(project)
    assert (one.found, one.remedy, one.stage) == (
        'the compute plugin "duckdb-icebreg" is not installed',
        "did you mean duckdb-iceberg?",
        "RESOLVE",
    )


def test_a_compute_is_one_that_the_manifest_approves(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.edit(SPEC, "tier: gold", "tier: gold\n    compute: duckdb")
    approved = "scope: enterprise\napproved_plugins: {compute: [duckdb-iceberg]}\n"
    project.write("manifest.yaml", approved + project.read("manifest.yaml"))
    (one,) = refused(project)
    assert (one.found, one.expected) == (
        'the compute plugin "duckdb" is not approved by the manifest',
        "one of duckdb-iceberg",
    )
    project.edit("manifest.yaml", "[duckdb-iceberg]", "[duckdb-iceberg, duckdb]")
    assert reading.sources_of(project.folder / "customer-360").spec.transforms[5].compute == "duckdb"


def test_a_name_that_is_there_twice_is_told_once_with_both_lines(tmp_path: Path) -> None:
    project = team(tmp_path)
    project.write(SPEC, project.read(SPEC) + "  # end\n")
    project.edit(SPEC, "\n\nschedule:", "\n  - name: stg_transactions\n\nschedule:")
    assert said(refused(project)) == [("transforms[6].name", '"stg_transactions" is already on line 33', "")]


def test_names_of_destinations_neither_repeat_nor_lead_elsewhere(tmp_path: Path) -> None:
    project = team(tmp_path)
    one = "{name: crm, sink_type: rest_api, connection_secret_ref: crm-key}"
    project.write(
        SPEC, f"{project.read(SPEC)}destinations: [{one}, {one}, {one.replace('crm,', 'a/../../b,')}]\n"
    )
    assert [problem.field for problem in refused(project)] == ["destinations[1].name", "destinations[2].name"]


def test_tables_that_two_sources_share_are_told_by_floe(tmp_path: Path) -> None:
    project = team(tmp_path)
    source = "{name: NAME, sourceType: filesystem, format: csv, path: a.csv, destinationTable: a.b}"
    two = f"{source.replace('NAME', 'a')}, {source.replace('NAME', 'b')}"
    project.write(SPEC, f"{project.read(SPEC)}ingestion: {{sources: [{two}]}}\n")
    assert said(refused(project)) == [
        ("ingestion.sources", "duplicate ingestion destination tables are not allowed: a.b", "")
    ]


def test_a_model_without_a_file_is_told_with_the_file_that_is_meant(tmp_path: Path) -> None:
    project = team(tmp_path)
    models = project.folder / "customer-360" / "models"
    (models / "marts" / "mart_customer_360.sql").unlink()
    (models / "staging" / "stg_transactions.sql").rename(models / "staging" / "stg_transaction.sql")
    assert said(refused(project)) == [
        (
            "transforms[1].name",
            'there is no model "stg_transactions" in the dbt project',
            "did you mean stg_transaction?",
        ),
        (
            "transforms[5].name",
            'there is no model "mart_customer_360" in the dbt project',
            "write mart_customer_360.sql, or remove the transform",
        ),
    ]


def test_models_are_looked_for_where_dbt_does(tmp_path: Path) -> None:
    project = team(tmp_path)
    folder = project.folder / "customer-360"
    (folder / "models").rename(folder / "transformations")
    project.edit("customer-360/dbt_project.yml", "model-paths: [models]", "model-paths: [transformations]")
    assert len(reading.sources_of(folder).spec.transforms) == 6


def test_a_product_needs_its_dbt_project(tmp_path: Path) -> None:
    project = team(tmp_path)
    (project.folder / "customer-360" / "dbt_project.yml").unlink()
    (one,) = refused(project)
    assert (Path(one.file).name, one.found) == ("dbt_project.yml", "there is no such file")


def test_a_product_makes_a_table_a_transform_and_a_seed(tmp_path: Path) -> None:
    assert checks.tables(team(tmp_path).folder / "customer-360", 6) == 9
