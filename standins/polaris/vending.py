"""Storage: what the server and its clients are told of it, and credentials limited to one table."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from typing import Any, Final

from standins.polaris.errors import ApiError, bad_request
from standins.polaris.iceberg import IcebergHost
from standins.polaris.store import Entity

_SECONDS: Final = 3600
_MOST_SESSIONS: Final = 1000


def storage_of(catalog: Entity) -> dict[str, Any]:
    """The catalog's storageConfigInfo as it was given."""
    stored: dict[str, Any] = catalog.internal["storageConfigInfo"]
    return stored


def described(catalog: Entity, region: str) -> dict[str, object]:
    """A catalog as the Iceberg host is told of it. No credentials: it has its own."""
    storage = storage_of(catalog)
    properties = {
        "warehouse": catalog.properties["default-base-location"].rstrip("/"),
        "client.region": storage.get("region") or region,
        "s3.retry.num-retries": "2",
        "s3.retry.min-wait-ms": "100",
        "s3.retry.max-wait-ms": "500",
    }
    endpoint = storage.get("endpointInternal") or storage.get("endpoint")
    if endpoint:
        properties["s3.endpoint"] = endpoint
    if storage.get("pathStyleAccess"):
        properties["s3.path-style-access"] = "true"
    if "io-impl" in catalog.properties:
        # As in Polaris, a catalog may name another file IO of Iceberg's.
        properties["io-impl"] = catalog.properties["io-impl"]
    return {"name": str(catalog.id), "properties": properties}


def client_config(catalog: Entity) -> dict[str, str]:
    """What every client is told of the storage, with or without credentials."""
    storage = storage_of(catalog)
    config = {}
    if storage.get("endpoint"):
        config["s3.endpoint"] = str(storage["endpoint"])
    if storage.get("pathStyleAccess"):
        config["s3.path-style-access"] = "true"
    if storage.get("region"):
        config["client.region"] = str(storage["region"])
    return config


class Vendor:
    """Asks the storage's STS for credentials that reach no further than a table's location.

    What was given is given again while half of its life is left: object stores keep every session.
    """

    def __init__(self, host: IcebergHost, *, has_keys: bool) -> None:
        """Ask through `host`, where Amazon's SDK runs, if the server has keys of its own to ask with."""
        self._host = host
        self._has_keys = has_keys
        self._given: OrderedDict[str, dict[str, str]] = OrderedDict()

    async def credentials(
        self, catalog: Entity, table: str, location: str, *, writable: bool, refresh: str
    ) -> dict[str, str]:
        """Credentials as a client is told of them.

        Args:
            catalog: whose storage it is.
            table: the table's name, for the message.
            location: the table's location.
            writable: whether objects may be put and deleted too.
            refresh: where a client gets new ones, relative to the catalog's address.
        """
        storage = storage_of(catalog)
        if storage.get("stsUnavailable"):
            raise bad_request(
                f"Credential vending was requested for table {table}, but no credentials are available"
            )
        if not self._has_keys:
            raise ApiError(
                422,
                "UnprocessableEntityException",
                "Failed to get subscoped credentials: the server has no AWS credentials",
            )
        given = await self._session(
            json.dumps(
                {
                    "endpoint": storage.get("stsEndpoint")
                    or storage.get("endpointInternal")
                    or storage.get("endpoint"),
                    "region": storage.get("region") or "us-east-1",
                    "roleArn": storage.get("roleArn"),
                    "externalId": storage.get("externalId"),
                    "sessionName": "PolarisAwsCredentialsStorageIntegration",
                    "seconds": _SECONDS,
                    "policy": json.dumps(session_policy(storage, location, writable=writable)),
                }
            )
        )
        expires = str(given["expires-at-ms"])
        return {
            "s3.access-key-id": given["access-key-id"],
            "s3.secret-access-key": given["secret-access-key"],
            "s3.session-token": given["session-token"],
            "s3.session-token-expires-at-ms": expires,
            "expiration-time": expires,
            "client.refresh-credentials-endpoint": refresh,
        }

    async def _session(self, wanted: str) -> dict[str, str]:
        given = self._given.get(wanted)
        if given is None or int(given["expires-at-ms"]) < (time.time() + _SECONDS / 2) * 1000:
            given = await self._host.json("POST", "/credentials", body=wanted.encode())
            self._given[wanted] = given
        self._given.move_to_end(wanted)
        while len(self._given) > _MOST_SESSIONS:
            self._given.popitem(last=False)
        return given


def session_policy(storage: dict[str, Any], location: str, *, writable: bool) -> dict[str, object]:
    """What the session may do: read below the location, and write there where that was granted."""
    bucket, _, prefix = location.split("://", 1)[1].partition("/")
    prefix = _literal(prefix.strip("/"))
    objects = f"arn:aws:s3:::{bucket}/{prefix}/*" if prefix else f"arn:aws:s3:::{bucket}/*"
    bucket_arn = f"arn:aws:s3:::{bucket}"
    statements: list[dict[str, object]] = [
        _allow(["s3:GetObject", "s3:GetObjectVersion"], objects),
        {
            **_allow(["s3:ListBucket"], bucket_arn),
            "Condition": {"StringLike": {"s3:prefix": [f"{prefix}/*" if prefix else "*"]}},
        },
        _allow(["s3:GetBucketLocation"], bucket_arn),
    ]
    if writable:
        statements.append(_allow(["s3:PutObject", "s3:DeleteObject"], objects))
    if storage.get("roleArn") and not storage.get("kmsUnavailable"):
        account = str(storage["roleArn"]).split(":")[4]
        region = storage.get("region") or "us-east-1"
        keys = storage.get("allowedKmsKeys") or [f"arn:aws:kms:{region}:{account}:key/*"]
        statements.append(_allow(["kms:DescribeKey", "kms:Decrypt"], *keys))
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(actions: list[str], *resources: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def _literal(prefix: str) -> str:
    """A prefix in which the wildcards of a policy stand for themselves."""
    return prefix.replace("$", "${$}").replace("*", "${*}").replace("?", "${?}")
