"""Settings of the set-up Jobs, from the environment the chart gives them."""

from __future__ import annotations

import os
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from floe_platform_setup.errors import SetupError


def _folder(value: str) -> str:
    """A location as Polaris keeps it: with a slash at its end."""
    return value if value.endswith("/") else f"{value}/"


Location = Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]+(/.*)?$"), AfterValidator(_folder)]


class _Settings(BaseModel):
    """Fields are the variables' names in lower case."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ObjectStoreSettings(_Settings):
    """The S3 store and what has to be in it."""

    s3_endpoint: str = Field(pattern=r"^https?://")
    aws_region: str = "us-east-1"
    aws_access_key_id: SecretStr
    aws_secret_access_key: SecretStr
    buckets: Annotated[str, Field(min_length=1)] = "warehouse,staging"
    setup_deadline_seconds: float = Field(default=120, gt=0)

    @property
    def bucket_names(self) -> tuple[str, ...]:
        """The buckets by name, in the order given."""
        return tuple(name.strip() for name in self.buckets.split(",") if name.strip())


class CatalogSettings(_Settings):
    """Polaris, its root principal, and the catalog to be made in it."""

    polaris_uri: str = Field(pattern=r"^https?://")
    polaris_realm: str = "POLARIS"
    polaris_root_client_id: str = Field(min_length=1)
    polaris_root_client_secret: SecretStr
    catalog_name: str = Field(default="lakehouse", pattern=r"^[A-Za-z0-9_-]+$")
    catalog_base_location: Location
    catalog_allowed_locations: str = ""
    s3_endpoint: str = Field(pattern=r"^https?://")
    aws_region: str = "us-east-1"
    pod_namespace: str = Field(min_length=1)
    setup_deadline_seconds: float = Field(default=180, gt=0)

    @property
    def allowed_locations(self) -> tuple[str, ...]:
        """Where tables may lie; the base location unless said otherwise."""
        named = tuple(
            _folder(item.strip()) for item in self.catalog_allowed_locations.split(",") if item.strip()
        )
        return named or (self.catalog_base_location,)


Model = TypeVar("Model", bound=_Settings)


def read(model: type[Model]) -> Model:
    """Read the settings.

    Raises:
        SetupError: variables are missing or wrong, all of them named; values are not shown.
    """
    try:
        return model.model_validate(
            {name: os.environ[name.upper()] for name in model.model_fields if os.environ.get(name.upper())}
        )
    except ValidationError as wrong:
        fields = "; ".join(
            f"{'_'.join(map(str, error['loc'])).upper()}: {error['msg']}" for error in wrong.errors()
        )
        raise SetupError(f"the environment does not fit: {fields}") from None
