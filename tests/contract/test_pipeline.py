"""The whole way of the rows, with processes only: seeds, dbt under Dagster, Iceberg, and back."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from dagster import AssetKey, Definitions, ExecuteInProcessResult

from drivers import customer_360, seeds
from drivers.rows import Rows
from drivers.seeds import Seed
from floe_additions.orchestrator.lakehouse import Lakehouse, NotInTheCatalogError
from floe_additions.orchestrator.loader import load_product_definitions
from floe_additions.orchestrator.product import Product
from standins.loopback.lake import Lake
from tests import demo_product
from tests.contract import local_dagster
from tests.contract.in_process import checks, figures, launch

PRODUCT = "customer-360"
JOB = "customer_360"


def test_the_run_succeeds_with_every_check(dagster: Definitions, first_run: ExecuteInProcessResult) -> None:
    every = {key.name for key in dagster.resolve_asset_graph().asset_check_keys}
    assert (first_run.success, checks(first_run)) == (True, dict.fromkeys(every, True))


def test_every_table_is_what_the_rules_say(
    lake: Lake, seed_files: dict[str, Seed], first_run: ExecuteInProcessResult
) -> None:
    """Recomputed from the CSV files by plain Python, which knows the rules and not the SQL."""
    assert first_run.success
    expected = customer_360.expected(seed_files)
    differences = {}
    for name, rows in expected.items():
        columns = [column for column, _ in rows.rows[0]]
        found = lake.catalog.load_table((JOB, name)).scan().to_arrow().select(columns).to_pylist()
        differences[name] = rows.differences(Rows.of(name, found))
    assert differences == {name: [] for name in expected}


def test_every_figure_is_the_catalogs(lake: Lake, first_run: ExecuteInProcessResult) -> None:
    told = {
        node: {name: data[name] for name in ("table", "row_count", "snapshot_id", "data_files", "dbt_status")}
        for node, data in figures(first_run).items()
    }
    found = {}
    for _, node in lake.catalog.list_tables(JOB):
        table = lake.catalog.load_table((JOB, node))
        snapshot = table.current_snapshot()
        assert snapshot is not None
        scan = table.scan()
        found[node] = {
            "table": f"{lake.environment['POLARIS_WAREHOUSE']}.{JOB}.{node}",
            "row_count": scan.count(),
            "snapshot_id": str(snapshot.snapshot_id),
            "data_files": len(list(scan.plan_files())),
            "dbt_status": "success",
        }
    assert told == found


def test_no_model_begins_before_what_it_reads_is_done(
    dagster: Definitions, first_run: ExecuteInProcessResult
) -> None:
    told, graph = figures(first_run), dagster.resolve_asset_graph()
    too_early = [
        (node, parent.path[-1])
        for node in told
        for parent in graph.get(AssetKey(node)).parent_keys
        if told[node]["started_at"] < told[parent.path[-1]]["completed_at"]  # type: ignore[operator]
    ]
    assert too_early == []


def test_exact_types_reach_iceberg(lake: Lake, first_run: ExecuteInProcessResult) -> None:
    assert first_run.success
    schema = lake.catalog.load_table((JOB, "mart_customer_360")).schema()
    exact = ("customer_id", "lifetime_value", "refund_share", "average_satisfaction", "first_order_at")
    assert {name: str(schema.find_type(name)) for name in exact} == {
        "customer_id": "long",
        "lifetime_value": "decimal(18, 2)",
        "refund_share": "decimal(9, 4)",
        "average_satisfaction": "decimal(9, 2)",
        "first_order_at": "timestamp",
    }


def test_a_selection_runs_alone_and_replaces_its_rows(
    lake: Lake, dagster: Definitions, first_run: ExecuteInProcessResult
) -> None:
    before = figures(first_run)
    again = launch(dagster, JOB, "stg_transactions")
    assert again.success
    (node,) = figures(again)
    count = figures(again)[node]["row_count"]
    assert (node, count) == ("stg_transactions", before[node]["row_count"])
    assert lake.catalog.load_table((JOB, node)).scan().count() == count


def test_a_row_that_breaks_a_test_fails_the_run(
    lake: Lake, dagster: Definitions, first_run: ExecuteInProcessResult
) -> None:
    assert first_run.success
    raw = lake.catalog.load_table((JOB, "raw_transactions"))
    before = raw.metadata.current_snapshot_id
    assert before is not None
    row = raw.scan(limit=1).to_arrow().to_pylist()[0]
    broken = {**row, "transaction_id": 1, "customer_id": 1, "status": "teleported", "quantity": 1}
    raw.append(pa.Table.from_pylist([broken], schema=raw.schema().as_arrow()))
    result = launch(dagster, JOB, "stg_transactions", "int_customer_orders")
    with lake.catalog.load_table((JOB, "raw_transactions")).manage_snapshots() as change:
        change.rollback_to_snapshot(before)
    failed = [name for name, passed in checks(result).items() if not passed]
    assert (result.success, failed, list(figures(result))) == (
        False,
        ["accepted_values_stg_transactions_status__settled__pending__refunded__failed"],
        ["stg_transactions"],
    )


def test_a_retry_makes_only_what_is_missing(
    product: Product, lake: Lake, first_run: ExecuteInProcessResult, tmp_path: Path
) -> None:
    """Its cause mended, a failed run is taken up where it failed; the rest keeps its snapshots."""
    assert first_run.success

    def snapshots() -> dict[str, object]:
        tables = (lake.catalog.load_table(name) for name in lake.catalog.list_tables(JOB))
        return {table.name()[-1]: table.metadata.current_snapshot_id for table in tables}

    seed = demo_product.built().folder / "seeds" / "raw_transactions.csv"
    row = next(one for one in reversed(seeds.read(seed).rows) if all(v is not None for v in one.values()))
    models = [node for node in snapshots() if not node.startswith("raw_")]
    raw = lake.catalog.load_table((JOB, "raw_transactions"))
    before = raw.metadata.current_snapshot_id
    broken = {
        **row,
        "transaction_id": 999_999_999,
        "quantity": 2147483647,
        "unit_price": Decimal("99999999.99"),
    }
    raw.append(pa.Table.from_pylist([broken], schema=raw.schema().as_arrow()))
    with local_dagster.serving("customer-360", product.folder, tmp_path) as dagster:
        failed = dagster.launch("customer-360", models).finished()
        assert before is not None
        with lake.catalog.load_table((JOB, "raw_transactions")).manage_snapshots() as change:
            change.rollback_to_snapshot(before)
        kept = snapshots()
        retried = dagster.retry(failed).finished()
    after = snapshots()
    missing = {"stg_transactions", "int_customer_orders", "mart_customer_360"}
    assert "stg_transactions" in failed.verdict
    assert "in multiplication of DECIMAL" in failed.verdict
    assert set(failed.materializations) == set(models) - missing
    assert (retried.verdict, set(retried.materializations)) == ("SUCCESS", missing)
    # stg_transactions is incremental, and there was nothing new for it.
    changed = {name for name, snapshot in after.items() if snapshot != kept[name]}
    assert (changed - missing, missing - changed) in ((set(), set()), (set(), {"stg_transactions"}))


def test_what_the_catalog_does_not_have_is_told(lake: Lake, first_run: ExecuteInProcessResult) -> None:
    assert first_run.success
    warehouse = lake.environment["POLARIS_WAREHOUSE"]
    with pytest.raises(
        NotInTheCatalogError, match=f"dbt built it, but the catalog has no table {warehouse}.{JOB}.it"
    ):
        Lakehouse().figures(warehouse, JOB, "it")


def test_a_model_in_a_database_of_the_engines_own_fails_the_run(
    product: Product, lake: Lake, first_run: ExecuteInProcessResult, tmp_path: Path
) -> None:
    """dbt is content with it; the table of an earlier run is still there, and must not be taken for its."""
    assert first_run.success
    strayed = shutil.copytree(product.folder, tmp_path / "customer-360")
    model = strayed / "models" / "staging" / "stg_support_tickets.sql"
    model.write_text("{{ config(database='memory') }}\n" + model.read_text())
    result = launch(load_product_definitions("customer-360", strayed), JOB, "stg_support_tickets")
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert (
        "dbt built stg_support_tickets in the database memory of the engine,"
        f" not in the catalog {lake.environment['POLARIS_WAREHOUSE']}"
    ) in str(failure.step_failure_data.error)


def test_a_run_leaves_nothing_behind(
    product: Product, scratch: Path, first_run: ExecuteInProcessResult
) -> None:
    assert first_run.success
    assert list(scratch.iterdir()) == []
    made = {path.name for path in (product.folder / "target").iterdir()}
    assert made == {"manifest.json", "partial_parse.msgpack"}
