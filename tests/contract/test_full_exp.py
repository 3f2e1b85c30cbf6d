from __future__ import annotations
import runpy, shutil
import pytest
from dagster import DagsterInstance
from duckdb_extensions import import_extension
from pydantic import SecretStr
from drivers.object_store import ObjectStore
from drivers.product import SMALL
from floe_complete.compiling import compile_product
from foundation.cache import ROOT
from tests.contract.test_pipeline import Lake, lake

__all__ = ["lake"]


def test_it(lake, target, run, tmp_path):
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
    shutil.copy(ROOT / "demo" / "manifest.yaml", tmp_path)
    folder = shutil.copytree(SMALL / "web-visits", tmp_path / "web-visits")
    compile_product(folder)
    with pytest.MonkeyPatch.context() as env:
        for n, v in {**lake.environment, "FLOE_SCRATCH": str(tmp_path / "s")}.items():
            env.setenv(n, v)
        defs = runpy.run_path(str(folder / "definitions.py"))["defs"]

        def go():
            return defs.resolve_job_def("web_visits").execute_in_process(
                instance=DagsterInstance.ephemeral(), raise_on_error=False
            )

        store = ObjectStore(
            lambda: target.store_endpoint.removeprefix("http://"),
            SecretStr(target.store_key),
            target.store_secret,
        )
        bucket = f"lake-{run}"

        assert go().success
        assert go().success
        assert go().success
        assert go().success

        def snaps():
            return {
                n[1]: lake.catalog.load_table(n).current_snapshot().snapshot_id
                for n in lake.catalog.list_tables("web_visits")
            }

        t = lake.catalog.load_table("web_visits.stg_page_views")
        for o in target.store().list_objects_v2(Bucket=bucket)["Contents"]:
            print("OBJ", o["Key"], o["Size"])
        store.limit(bucket, 1)
        try:
            with t.io.new_output(t.location() + "/data/probe").create(overwrite=True) as f:
                f.write(b"x")
            print("PROBE wrote")
        except Exception as e:
            print("PROBE", type(e), e)
        from pyiceberg.schema import Schema

        x = lake.catalog.create_table_transaction("web_visits.never", Schema())
        try:
            with x._table.io.new_output(x._table.location() + "/data/probe").create(overwrite=True) as f:
                f.write(b"x")
            print("PROBE2 wrote")
        except Exception as e:
            print("PROBE2", type(e), e)
        print(lake.catalog.list_tables("web_visits"))
        for size in (3000, 5000, 8000, 12000):
            before = snaps()
            store.limit(bucket, size)
            print("####", size, go().success)
            store.limit(bucket, None)
            print("same", before == snaps())
