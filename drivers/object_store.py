"""MinIO through the S3 API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlparse

import boto3
import httpx
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr

from drivers import traffic
from drivers.errors import ServiceError, brief

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Answer = TypeVar("Answer")

REGION = "us-east-1"
ADMIN_SECONDS = 20.0


class ObjectStore:
    """One MinIO, with one pair of keys.

    Args:
        address: gives host:port where its API answers at this moment.
        key: access key id.
        secret: secret key.
    """

    def __init__(self, address: Callable[[], str], key: SecretStr, secret: SecretStr) -> None:
        self._address = address
        self._key = key
        self._secret = secret
        self._made: dict[str, S3Client] = {}

    def buckets(self) -> frozenset[str]:
        """The names of all buckets."""
        found = self._ask("list its buckets", lambda s3: s3.list_buckets())
        return frozenset(bucket["Name"] for bucket in found["Buckets"])

    def put(self, bucket: str, name: str, content: bytes) -> None:
        """Store an object."""
        self._ask(
            f"store {name} in bucket {bucket}",
            lambda s3: s3.put_object(Bucket=bucket, Key=name, Body=content),
        )

    def get(self, bucket: str, name: str) -> bytes:
        """The content of an object."""
        return self._ask(
            f"give {name} of bucket {bucket}",
            lambda s3: s3.get_object(Bucket=bucket, Key=name)["Body"].read(),
        )

    def delete(self, bucket: str, name: str) -> None:
        """Delete an object."""
        self._ask(f"delete {name} of bucket {bucket}", lambda s3: s3.delete_object(Bucket=bucket, Key=name))

    def objects(self, bucket: str) -> dict[str, int]:
        """Every object of a bucket by its s3:// address, with its size."""

        def listing(s3: S3Client) -> dict[str, int]:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            return {
                f"s3://{bucket}/{entry['Key']}": entry["Size"]
                for page in pages
                for entry in page.get("Contents", ())
            }

        return self._ask(f"list bucket {bucket}", listing)

    def limit(self, bucket: str, size: int | None) -> None:
        """Have a bucket refuse what would make it larger than so many bytes; None lifts the limit.

        MinIO counts what is there from time to time and looks at each object that comes at once: with a
        limit of one byte it takes none any more.
        """
        asked = f"limit bucket {bucket} to {size} bytes" if size else f"lift the limit of bucket {bucket}"
        quota = json.dumps({"quota": size or 0, "quotatype": "hard"}).encode()
        url = f"http://{self._address()}/minio/admin/v3/set-bucket-quota?bucket={bucket}"
        request = AWSRequest("PUT", url, data=quota)
        keys = Credentials(self._key.get_secret_value(), self._secret.get_secret_value())
        S3SigV4Auth(keys, "s3", REGION).add_auth(request)
        with traffic.asking("MinIO", asked), httpx.Client(event_hooks=traffic.httpx_hooks()) as client:
            try:
                answer = client.put(
                    url, content=quota, headers=dict(request.headers.items()), timeout=ADMIN_SECONDS
                )
            except httpx.HTTPError as broken:
                raise ServiceError(asked, of="MinIO", answer=brief(broken)) from broken
        if not answer.is_success:
            raise ServiceError(asked, of="MinIO", answer=f"{answer.status_code} {brief(answer.text)}")

    def close(self) -> None:
        """End the connections."""
        for client in self._made.values():
            client.close()
        self._made.clear()

    def _ask(self, asked: str, call: Callable[[S3Client], Answer]) -> Answer:
        with traffic.asking("MinIO", asked):
            try:
                return call(self._client())
            except ClientError as refused:
                error = refused.response.get("Error", {})
                answer = f"{error.get('Code')} {error.get('Message', '')}"
                raise ServiceError(asked, of="MinIO", answer=brief(answer)) from refused
            except BotoCoreError as broken:
                raise ServiceError(asked, of="MinIO", answer=brief(broken)) from broken

    def _client(self) -> S3Client:
        address = self._address()
        if address not in self._made:
            self._made[address] = self._connected(address)
        return self._made[address]

    def _connected(self, address: str) -> S3Client:
        client = boto3.client(
            "s3",
            endpoint_url=f"http://{address}",
            aws_access_key_id=self._key.get_secret_value(),
            aws_secret_access_key=self._secret.get_secret_value(),
            region_name=REGION,
            config=Config(
                connect_timeout=5,
                read_timeout=20,
                retries={"total_max_attempts": 3, "mode": "standard"},
                s3={"addressing_style": "path"},
                proxies={},
            ),
        )
        client.meta.events.register("before-call.s3", _begun)
        client.meta.events.register("after-call.s3", _answered)
        return client


def _begun(context: dict[str, Any], **_more: object) -> None:
    context["floe.began"] = time.perf_counter()


def _answered(http_response: Any, model: Any, context: dict[str, Any], **_more: object) -> None:
    seconds = time.perf_counter() - context.get("floe.began", time.perf_counter())
    size = traffic.length(http_response.headers)
    traffic.called("MinIO", model.name, http_response.status_code, seconds, size)


def bucket_of(address: str) -> str:
    """Scheme and bucket of an object's address: `s3://warehouse`; what holds other files, by its scheme."""
    parts = urlparse(address)
    return f"{parts.scheme or 'file'}://{parts.netloc}"
