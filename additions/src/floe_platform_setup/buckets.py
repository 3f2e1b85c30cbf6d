"""The buckets of the platform: made when missing, left alone when there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from floe_platform_setup.errors import SetupError
from floe_platform_setup.log import logger
from floe_platform_setup.settings import ObjectStoreSettings, read
from floe_platform_setup.wait import NotYetError, until

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_OURS_ALREADY = frozenset({"BucketAlreadyOwnedByYou"})
_REFUSED = frozenset(
    {
        "AccessDenied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "BucketAlreadyExists",
        "InvalidBucketName",
    }
)


def create_buckets(settings: ObjectStoreSettings | None = None) -> None:
    """Make every bucket of BUCKETS that is missing.

    Raises:
        SetupError: the store refused (at once), or did not answer before the deadline.
    """
    settings = settings or read(ObjectStoreSettings)
    log = logger("buckets")
    client = _client(settings)
    for bucket in settings.bucket_names:
        made = until(
            f"bucket {bucket} at {settings.s3_endpoint}",
            lambda name=bucket: _ensure(client, name),  # type: ignore[misc]
            seconds=settings.setup_deadline_seconds,
        )
        log.info("bucket", name=bucket, outcome="created" if made else "exists")


def _client(settings: ObjectStoreSettings) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.aws_region,
        aws_access_key_id=settings.aws_access_key_id.get_secret_value(),
        aws_secret_access_key=settings.aws_secret_access_key.get_secret_value(),
        config=Config(
            s3={"addressing_style": "path"},
            connect_timeout=3,
            read_timeout=10,
            # Waiting is `until`'s business: it tells what it sees.
            retries={"total_max_attempts": 1},
        ),
    )


def _ensure(client: S3Client, bucket: str) -> bool:
    """True when the bucket was made now, false when it was there."""
    try:
        client.create_bucket(Bucket=bucket)
    except ClientError as answer:
        code = answer.response.get("Error", {}).get("Code", "")
        if code in _OURS_ALREADY:
            return False
        if code in _REFUSED:
            raise SetupError(f"bucket {bucket}: the object store refused: {answer}") from answer
        raise NotYetError(str(answer)) from answer
    except BotoCoreError as unreachable:
        raise NotYetError(str(unreachable)) from unreachable
    return True
