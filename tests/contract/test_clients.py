"""Official clients do their work: the apache-polaris SDK, PyIceberg, DuckDB, and S3 with vended keys."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import boto3
import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from apache_polaris.sdk.catalog import ApiClient as CatalogClient  # type: ignore[import-untyped]
from apache_polaris.sdk.catalog import Configuration as CatalogConfiguration
from apache_polaris.sdk.catalog.api.iceberg_catalog_api import IcebergCatalogAPI  # type: ignore[import-untyped]
from apache_polaris.sdk.catalog.api.iceberg_configuration_api import (  # type: ignore[import-untyped]
    IcebergConfigurationAPI,
)
from apache_polaris.sdk.management import ApiClient, ApiException, Configuration  # type: ignore[import-untyped]
from apache_polaris.sdk.management import models as sdk
from apache_polaris.sdk.management.api.polaris_default_api import PolarisDefaultApi  # type: ignore[import-untyped]
from botocore.exceptions import ClientError
from duckdb_extensions import import_extension  # type: ignore[import-untyped]
from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import CommitFailedException, ForbiddenError, NoSuchTableError
from pyiceberg.types import IntegerType

from standins.loopback.stack import Target
from tests.contract.calls import DELEGATE, Stage

_ROWS = pa.table({"id": [1, 2, 3], "name": ["ada", "bob", None]})


@pytest.fixture(scope="module")
def shop(target: Target, run: str) -> Iterator[Stage]:
    """A catalog with a writer and a reader."""
    stage = Stage(target, run, "clients")
    catalog = stage.add_catalog("main", {})
    stage.add_principal("writer", ["CATALOG_MANAGE_CONTENT"], [catalog])
    stage.add_principal(
        "reader",
        ["NAMESPACE_LIST", "NAMESPACE_READ_PROPERTIES", "TABLE_LIST", "TABLE_READ_DATA"],
        [catalog],
    )
    yield stage
    stage.close()


def _iceberg(stage: Stage, who: str, **more: str) -> RestCatalog:
    catalog = load_catalog(
        f"{who}-{stage.variables['main']}",
        type="rest",
        uri=stage.target.catalog,
        warehouse=stage.variables["main"],
        credential=f"{stage.variables[f'{who}_id']}:{stage.variables[f'{who}_secret']}",
        scope="PRINCIPAL_ROLE:ALL",
        **{"oauth2-server-uri": f"{stage.target.catalog}/v1/oauth/tokens", **more},
    )
    assert isinstance(catalog, RestCatalog)
    return catalog


def test_the_sdk_sets_up_a_catalog_and_its_users(target: Target, run: str) -> None:
    stage = Stage(target, run, "sdk")
    name = f"sdk-{run}"
    api = PolarisDefaultApi(
        ApiClient(Configuration(host=target.management, access_token=stage.token("root")))
    )
    storage = sdk.AwsStorageConfigInfo(
        storage_type="S3",
        allowed_locations=[f"s3://{target.bucket}/{name}/"],
        endpoint=target.store_endpoint,
        path_style_access=True,
        region="us-east-1",
    )
    properties = sdk.CatalogProperties(default_base_location=f"s3://{target.bucket}/{name}/")
    catalog = sdk.PolarisCatalog(
        type="INTERNAL", name=name, properties=properties, storage_config_info=storage
    )
    api.create_catalog(sdk.CreateCatalogRequest(catalog=catalog))
    made = api.create_principal(sdk.CreatePrincipalRequest(principal=sdk.Principal(name=name)))
    api.create_principal_role(sdk.CreatePrincipalRoleRequest(principal_role=sdk.PrincipalRole(name=name)))
    api.assign_principal_role(
        name, sdk.GrantPrincipalRoleRequest(principal_role=sdk.PrincipalRole(name=name))
    )
    api.create_catalog_role(name, sdk.CreateCatalogRoleRequest(catalog_role=sdk.CatalogRole(name="content")))
    grant = sdk.CatalogGrant(type="catalog", privilege=sdk.CatalogPrivilege.CATALOG_MANAGE_CONTENT)
    api.add_grant_to_catalog_role(name, "content", sdk.AddGrantRequest(grant=grant))
    api.assign_catalog_role_to_principal_role(
        name, name, sdk.GrantCatalogRoleRequest(catalog_role=sdk.CatalogRole(name="content"))
    )

    seen = api.get_catalog(name)
    grants = api.list_grants_for_catalog_role(name, "content").grants
    roles = api.list_principal_roles_assigned(name).roles
    assert isinstance(seen.storage_config_info, sdk.AwsStorageConfigInfo)
    assert (
        seen.name,
        seen.storage_config_info.endpoint,
        [each.to_dict() for each in grants],
        [role.name for role in roles],
        made.credentials.client_id == api.get_principal(name).client_id,
    ) == (name, target.store_endpoint, [grant.to_dict()], [name], True)

    with pytest.raises(ApiException) as refused:
        api.create_catalog(sdk.CreateCatalogRequest(catalog=catalog))
    assert refused.value.status == 409

    stage.variables |= {
        "own_id": made.credentials.client_id,
        "own_secret": made.credentials.client_secret.get_secret_value(),
    }
    mine = PolarisDefaultApi(
        ApiClient(Configuration(host=target.management, access_token=stage.token("own")))
    )
    with pytest.raises(ApiException) as forbidden:
        mine.list_principals()
    assert forbidden.value.status == 403
    assert mine.rotate_credentials(name).credentials.client_secret is not None

    client = CatalogClient(CatalogConfiguration(host=target.catalog, access_token=stage.token("own")))
    config = IcebergConfigurationAPI(client).get_config(warehouse=name)
    assert (
        config.overrides["prefix"],
        IcebergCatalogAPI(client).list_namespaces(prefix=name).namespaces,
    ) == (
        name,
        [],
    )
    stage.close()


def test_pyiceberg_writes_and_reads_with_vended_credentials(shop: Stage) -> None:
    catalog = _iceberg(shop, "writer")
    catalog.create_namespace("py")
    table = catalog.create_table("py.people", schema=_ROWS.schema)
    table.append(_ROWS)
    with table.update_schema() as change:
        change.add_column("age", IntegerType())
    read = _iceberg(shop, "reader").load_table("py.people")
    assert read.scan().to_arrow().select(["id", "name"]).to_pylist() == _ROWS.to_pylist()
    catalog.rename_table("py.people", "py.persons")
    catalog.drop_table("py.persons")
    with pytest.raises(NoSuchTableError):
        catalog.load_table("py.persons")


def test_pyiceberg_as_root_is_refused_until_it_holds_a_content_role(target: Target, run: str) -> None:
    stage = Stage(target, run, "root")
    stage.add_catalog("main", {})
    stage.variables |= {"root_id": target.root_id, "root_secret": target.root_secret.get_secret_value()}
    catalog = _iceberg(stage, "root")
    catalog.create_namespace("n")
    with pytest.raises(ForbiddenError):
        catalog.create_table("n.t", schema=_ROWS.schema)
    name = stage.variables["main"]
    roles = f"/catalogs/{name}/catalog-roles"
    stage.make("POST", roles, {"catalogRole": {"name": "content"}})
    grant = {"type": "catalog", "privilege": "CATALOG_MANAGE_CONTENT"}
    stage.make("PUT", f"{roles}/content/grants", {"grant": grant})
    stage.make(
        "PUT", f"/principal-roles/service_admin/catalog-roles/{name}", {"catalogRole": {"name": "content"}}
    )
    catalog.create_table("n.t", schema=_ROWS.schema).append(_ROWS)
    assert catalog.load_table("n.t").scan().to_arrow().num_rows == 3
    stage.close()


def test_pyiceberg_with_keys_of_its_own_where_none_are_vended(target: Target, run: str) -> None:
    stage = Stage(target, run, "keys")
    name = stage.add_catalog("main", {"stsUnavailable": True})
    stage.add_principal("writer", ["CATALOG_MANAGE_CONTENT"], [name])
    catalog = _iceberg(
        stage,
        "writer",
        **{
            "header.X-Iceberg-Access-Delegation": "",
            "s3.endpoint": target.store_endpoint,
            "s3.access-key-id": target.store_key,
            "s3.secret-access-key": target.store_secret.get_secret_value(),
        },
    )
    catalog.create_namespace("n")
    catalog.create_table("n.t", schema=_ROWS.schema).append(_ROWS)
    assert catalog.load_table("n.t").scan().to_arrow().num_rows == 3
    stage.close()


def test_a_reader_cannot_write(shop: Stage) -> None:
    writer, reader = _iceberg(shop, "writer"), _iceberg(shop, "reader")
    writer.create_namespace("ro")
    writer.create_table("ro.t", schema=_ROWS.schema).append(_ROWS)
    with pytest.raises(ForbiddenError):
        reader.create_table("ro.u", schema=_ROWS.schema)
    with pytest.raises(ForbiddenError):
        reader.drop_table("ro.t")
    with pytest.raises((OSError, ForbiddenError)):
        reader.load_table("ro.t").append(_ROWS)
    assert writer.load_table("ro.t").scan().to_arrow().num_rows == 3


def test_vended_credentials_reach_one_table_only(shop: Stage, target: Target) -> None:
    writer = _iceberg(shop, "writer")
    writer.create_namespace("vend")
    table = writer.create_table("vend.t", schema=_ROWS.schema)
    prefix = table.location().removeprefix(f"s3://{target.bucket}/")
    other = prefix.rsplit("/", 1)[0] + "/other"
    target.store().put_object(Bucket=target.bucket, Key=f"{other}/x", Body=b"x")
    seen = {}
    for who in ("writer", "reader"):
        store = _vended_store(shop, who, "vend", "t")
        bucket = {"Bucket": target.bucket}
        seen[who] = {
            "put inside": _allowed(store.put_object, **bucket, Key=f"{prefix}/data/{who}", Body=b"x"),
            "list inside": _allowed(store.list_objects_v2, **bucket, Prefix=f"{prefix}/"),
            "delete inside": _allowed(store.delete_object, **bucket, Key=f"{prefix}/data/none"),
            "put outside": _allowed(store.put_object, **bucket, Key=f"{other}/y", Body=b"x"),
            "get outside": _allowed(store.get_object, **bucket, Key=f"{other}/x"),
            "list outside": _allowed(store.list_objects_v2, **bucket, Prefix=f"{other}/"),
            "list the bucket": _allowed(store.list_objects_v2, **bucket),
        }
    outside = dict.fromkeys(("put outside", "get outside", "list outside", "list the bucket"), False)
    assert seen == {
        "writer": {"put inside": True, "list inside": True, "delete inside": True, **outside},
        "reader": {"put inside": False, "list inside": True, "delete inside": False, **outside},
    }


def _vended_store(stage: Stage, who: str, namespace: str, table: str) -> Any:
    answer = stage.http.get(
        f"/api/catalog/v1/{stage.variables['main']}/namespaces/{namespace}/tables/{table}",
        headers={"Authorization": f"Bearer {stage.token(who)}", **DELEGATE},
    )
    config = answer.json()["config"]
    return boto3.client(
        "s3",
        endpoint_url=config["s3.endpoint"],
        region_name=config["client.region"],
        aws_access_key_id=config["s3.access-key-id"],
        aws_secret_access_key=config["s3.secret-access-key"],
        aws_session_token=config["s3.session-token"],
    )


def _allowed(act: Any, **arguments: Any) -> bool:
    try:
        act(**arguments)
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def test_of_parallel_appends_none_is_lost(shop: Stage) -> None:
    writers = 8
    catalog = _iceberg(shop, "writer")
    catalog.create_namespace("par")
    catalog.create_table("par.t", schema=pa.schema([("writer", pa.int64())]))
    tables = [_iceberg(shop, "writer").load_table("par.t") for _ in range(writers)]
    together = Barrier(writers)

    def append(number: int) -> int:
        rows = pa.table({"writer": [number]})
        together.wait(30)
        for refusals in range(writers + 1):
            try:
                tables[number].append(rows)
            except CommitFailedException:
                tables[number].refresh()
            else:
                return refusals
        raise AssertionError(f"writer {number} was refused {writers + 1} times")

    with ThreadPoolExecutor(writers) as pool:
        refusals = list(pool.map(append, range(writers)))
    table = catalog.load_table("par.t")
    assert sorted(table.scan().to_arrow()["writer"].to_pylist()) == list(range(writers))
    assert (len(table.snapshots()), 0 in refusals) == (writers, True)


def test_parallel_transactions_change_all_their_tables_or_none(shop: Stage) -> None:
    writers = 8
    catalog = _iceberg(shop, "writer")
    catalog.create_namespace("tx")
    names = ("one", "two")
    for name in names:
        catalog.create_table(f"tx.{name}", schema=_ROWS.schema)
    bearer = {"Authorization": f"Bearer {shop.token('writer')}"}
    together = Barrier(writers)

    def commit(number: int) -> int:
        change = {"action": "set-properties", "updates": {f"writer-{number}": "was here"}}
        order = names if number % 2 else names[::-1]
        changes = [
            {"identifier": {"namespace": ["tx"], "name": name}, "requirements": [], "updates": [change]}
            for name in order
        ]
        together.wait(30)
        return shop.http.post(
            f"/api/catalog/v1/{shop.variables['main']}/transactions/commit",
            json={"table-changes": changes},
            headers=bearer,
        ).status_code

    with ThreadPoolExecutor(writers) as pool:
        answers = list(pool.map(commit, range(writers)))
    committed = {f"writer-{number}" for number, status in enumerate(answers) if status == 204}
    seen = [
        {key for key in catalog.load_table(f"tx.{name}").properties if key.startswith("writer-")}
        for name in names
    ]
    assert set(answers) <= {204, 409}
    assert seen == [committed, committed]
    assert committed != set()


def test_duckdb_makes_tables_without_keys_of_its_own(shop: Stage, target: Target) -> None:
    database = duckdb.connect()
    for extension in ("httpfs", "avro", "iceberg"):
        import_extension(extension)
        database.execute(f"load {extension}")
    database.execute(
        f"""create secret catalog (type iceberg, client_id '{shop.variables["writer_id"]}',
            client_secret '{shop.variables["writer_secret"]}', oauth2_scope 'PRINCIPAL_ROLE:ALL',
            oauth2_server_uri '{target.catalog}/v1/oauth/tokens')"""
    )
    database.execute(
        f"attach '{shop.variables['main']}' as lake"
        f" (type iceberg, endpoint '{target.catalog}', secret catalog)"
    )
    for statement in (
        "create schema lake.duck",
        "create table lake.duck.orders as select i as id, i * 2 as cents from range(1000) r(i)",
        "begin",
        "delete from lake.duck.orders",
        "insert into lake.duck.orders by name select i * 3 as cents, i as id from range(500) r(i)",
        "commit",
        "update lake.duck.orders set cents = 0 where id = 0",
        "alter table lake.duck.orders add column note varchar",
        """merge into lake.duck.orders o
           using (select 1 as id, 7 as cents union all select 9999, 1) n on o.id = n.id
           when matched then update set cents = n.cents
           when not matched then insert values (n.id, n.cents, 'new')""",
        "create table lake.duck.other as select 1 as one",
        "begin",
        "insert into lake.duck.other values (2)",
        "insert into lake.duck.orders values (10000, 5, 'both')",
        "commit",
    ):
        database.execute(statement)
    count, total = database.execute("select count(*), sum(cents) from lake.duck.orders").fetchall()[0]
    read = _iceberg(shop, "reader").load_table("duck.orders").scan().to_arrow()
    expected = 3 * sum(range(500)) - 3 + 7 + 1 + 5
    assert (count, total, read.num_rows, sum(read["cents"].to_pylist())) == (502, expected, 502, expected)
    database.close()
