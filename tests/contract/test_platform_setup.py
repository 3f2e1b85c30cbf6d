"""Buckets and catalog are set up once and for all: run again, or after a crash, nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from pydantic import SecretStr
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import ForbiddenError

from floe_platform_setup.buckets import create_buckets
from floe_platform_setup.catalog import ACCESSES, CLIENT_ID, CLIENT_SECRET, Access, set_up_catalog
from floe_platform_setup.errors import SetupError
from floe_platform_setup.settings import CatalogSettings, ObjectStoreSettings
from standins.loopback.lake import Secrets
from standins.loopback.stack import Target


@pytest.fixture(scope="module")
def bucket(target: Target, run: str) -> str:
    create_buckets(store(target, f"setup-{run}"))
    return f"setup-{run}"


@pytest.fixture(scope="module")
def accesses(run: str) -> tuple[Access, ...]:
    """The platform's own, under names that no real server has."""
    return tuple(
        replace(
            access, principal=f"{access.principal}-{run}", principal_role=f"{access.principal_role}-{run}"
        )
        for access in ACCESSES
    )


@pytest.fixture(scope="module")
def settings(target: Target, bucket: str, run: str) -> CatalogSettings:
    return CatalogSettings(
        polaris_uri=target.url,
        polaris_root_client_id=target.root_id,
        polaris_root_client_secret=target.root_secret,
        catalog_name=f"setup-{run}",
        catalog_base_location=f"s3://{bucket}/tables",
        s3_endpoint=target.store_endpoint,
        pod_namespace="none",
        setup_deadline_seconds=3,
    )


@pytest.fixture(scope="module")
def secrets(settings: CatalogSettings, accesses: tuple[Access, ...]) -> Secrets:
    made = Secrets()
    set_up_catalog(settings, made, accesses)
    return made


def store(target: Target, *buckets: str) -> ObjectStoreSettings:
    return ObjectStoreSettings(
        s3_endpoint=target.store_endpoint,
        aws_access_key_id=SecretStr(target.store_key),
        aws_secret_access_key=target.store_secret,
        buckets=",".join(buckets),
        setup_deadline_seconds=3,
    )


def catalog(settings: CatalogSettings, credentials: dict[str, str]) -> RestCatalog:
    return RestCatalog(
        "setup",
        uri=f"{settings.polaris_uri}/api/catalog",
        warehouse=settings.catalog_name,
        credential=f"{credentials[CLIENT_ID]}:{credentials[CLIENT_SECRET]}",
        scope="PRINCIPAL_ROLE:ALL",
    )


def test_buckets_are_made_once(target: Target, run: str) -> None:
    names = (f"one-{run}", f"two-{run}")
    create_buckets(store(target, *names))
    target.store().put_object(Bucket=names[0], Key="kept", Body=b"x")
    create_buckets(store(target, *names))
    assert target.store().get_object(Bucket=names[0], Key="kept")["Body"].read() == b"x"


def test_a_store_that_refuses_ends_it_at_once(target: Target) -> None:
    wrong = store(target, "any").model_copy(update={"aws_secret_access_key": SecretStr("wrong")})
    with pytest.raises(SetupError, match="bucket any: the object store refused"):
        create_buckets(wrong)


def test_a_store_that_is_not_there_is_named(target: Target) -> None:
    absent = store(target, "any").model_copy(
        update={"s3_endpoint": "http://127.0.0.1:9", "setup_deadline_seconds": 1}
    )
    with pytest.raises(SetupError, match=r"bucket any at http://127\.0\.0\.1:9: not after 1 s; last seen: "):
        create_buckets(absent)


def test_the_pipeline_writes_and_the_reader_reads(
    settings: CatalogSettings, secrets: Secrets, accesses: tuple[Access, ...]
) -> None:
    pipeline, reader = (catalog(settings, secrets.read(access.secret)) for access in accesses)
    pipeline.create_namespace_if_not_exists("shop")
    assert reader.list_namespaces() == [("shop",)]
    with pytest.raises(ForbiddenError):
        reader.create_namespace("mine")


def test_again_it_changes_nothing(
    settings: CatalogSettings, secrets: Secrets, accesses: tuple[Access, ...]
) -> None:
    before = {name: dict(values) for name, values in secrets.values.items()}
    set_up_catalog(settings, secrets, accesses)
    assert secrets.values == before


@pytest.mark.parametrize(
    "lost", [{}, {CLIENT_ID: "nobody", CLIENT_SECRET: "knows"}], ids=["never stored", "stale"]
)
def test_credentials_nobody_has_are_made_anew(
    settings: CatalogSettings, secrets: Secrets, accesses: tuple[Access, ...], lost: dict[str, str]
) -> None:
    """As after a crash between Polaris' answer and the Secret."""
    name = accesses[1].secret
    secrets.values[name] = dict(lost)
    set_up_catalog(settings, secrets, accesses)
    assert catalog(settings, secrets.read(name)).list_namespaces() is not None


def test_a_catalog_is_never_moved(
    settings: CatalogSettings, secrets: Secrets, accesses: tuple[Access, ...], bucket: str
) -> None:
    elsewhere = settings.model_copy(update={"catalog_base_location": f"s3://{bucket}/elsewhere/"})
    with pytest.raises(SetupError, match=f"lies at s3://{bucket}/tables/?, not at s3://{bucket}/elsewhere/"):
        set_up_catalog(elsewhere, secrets, accesses)


def test_a_wrong_root_secret_is_told_after_the_deadline(
    settings: CatalogSettings, accesses: tuple[Access, ...]
) -> None:
    wrong = settings.model_copy(
        update={"polaris_root_client_secret": SecretStr("wrong"), "setup_deadline_seconds": 1}
    )
    with pytest.raises(SetupError, match="answered 401: root's credentials are not the realm's") as told:
        set_up_catalog(wrong, Secrets(), accesses)
    assert "wrong" not in str(told.value)


def test_the_table_location_is_the_bucket(
    target: Target, settings: CatalogSettings, secrets: Secrets, accesses: tuple[Access, ...], bucket: str
) -> None:
    pipeline = catalog(settings, secrets.read(accesses[0].secret))
    pipeline.create_namespace_if_not_exists("shop")
    location = pipeline.load_namespace_properties("shop")["location"]
    assert location.startswith(f"s3://{bucket}/tables")
    with pytest.raises(ClientError):
        target.store().head_bucket(Bucket="no-such-bucket")
