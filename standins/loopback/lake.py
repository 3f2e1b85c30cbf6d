"""A warehouse of its own on the servers of loopback, set up as the platform sets up its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import SecretStr
from pyiceberg.catalog.rest import RestCatalog

from floe_platform_setup.buckets import create_buckets
from floe_platform_setup.catalog import ACCESSES, CLIENT_ID, CLIENT_SECRET, set_up_catalog
from floe_platform_setup.settings import CatalogSettings, ObjectStoreSettings
from standins.loopback.stack import Target


class Secrets:
    """Secrets as the chart makes them: there, and empty until somebody writes to them."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, str]] = {}

    def read(self, name: str) -> dict[str, str]:
        """The values of a Secret; empty when it has none."""
        return dict(self.values.get(name, {}))

    def write(self, name: str, values: dict[str, str]) -> None:
        """Add values to a Secret, or put them in the place of those of the same name."""
        self.values[name] = {**self.values.get(name, {}), **values}


@dataclass(frozen=True)
class Lake:
    """The catalog as the pipeline's principal reaches it.

    Attributes:
        catalog: PyIceberg's client of it.
        environment: the variables that the chart gives a run.
        bucket: where the tables are.
    """

    catalog: RestCatalog
    environment: dict[str, str]
    bucket: str


def make_lake(target: Target, run: str) -> Lake:
    """A bucket, a catalog over it, and a principal of its own that may work in it.

    Args:
        target: the servers.
        run: letters and digits that make the names differ from those of any other.
    """
    bucket = f"lake-{run}"
    create_buckets(
        ObjectStoreSettings(
            s3_endpoint=target.store_endpoint,
            aws_access_key_id=SecretStr(target.store_key),
            aws_secret_access_key=target.store_secret,
            buckets=bucket,
        )
    )
    access = replace(ACCESSES[0], principal=f"lake-{run}", principal_role=f"lakes-{run}")
    secrets = Secrets()
    settings = CatalogSettings(
        polaris_uri=target.url,
        polaris_root_client_id=target.root_id,
        polaris_root_client_secret=target.root_secret,
        catalog_name=f"lake{run}",
        catalog_base_location=f"s3://{bucket}/",
        s3_endpoint=target.store_endpoint,
        pod_namespace="none",
    )
    set_up_catalog(settings, secrets, (access,))
    credentials = secrets.read(access.secret)
    environment = {
        "POLARIS_URI": target.catalog,
        "POLARIS_OAUTH2_SERVER_URI": f"{target.catalog}/v1/oauth/tokens",
        "POLARIS_WAREHOUSE": settings.catalog_name,
        "POLARIS_CLIENT_ID": credentials[CLIENT_ID],
        "POLARIS_CLIENT_SECRET": credentials[CLIENT_SECRET],
    }
    catalog = RestCatalog(
        "lake",
        uri=target.catalog,
        warehouse=settings.catalog_name,
        credential=f"{credentials[CLIENT_ID]}:{credentials[CLIENT_SECRET]}",
        scope="PRINCIPAL_ROLE:ALL",
    )
    return Lake(catalog, environment, bucket)
