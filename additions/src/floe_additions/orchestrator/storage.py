"""What a run says when the object store takes no more data.

The engine says "Bad Request" of an object's address and repeats the store's code. Here the code is told in
words, with the table and the bucket, and with what to do about it.
"""

from __future__ import annotations

import re

_REFUSED = re.compile(
    r"URL s3://(?P<bucket>[^/\s]+)/(?:[^\s:]+/)?(?P<namespace>[^/\s:]+)/(?P<table>[^/\s:]+)/(?:data|metadata)/"
    r"[^\s:]+: [^()]*\(HTTP code (?P<status>\d+)\)\s+(?P<code>\w+):"
)
"""How DuckDB tells of a write that the store refused."""

_FULL = {
    "XMinioAdminBucketQuotaExceeded": ("has used up its quota", "raise the quota"),
    "XMinioStorageFull": ("lies on disks that are full", "add space"),
    "InsufficientStorage": ("lies on disks that are full", "add space"),
}
"""What the codes of an object store that takes no more data say of the bucket, and what helps."""


class StorageFullError(Exception):
    """The object store takes no more data."""


def full(failure: str) -> StorageFullError | None:
    """Why dbt failed, where it was for want of space; None where it was for anything else.

    Args:
        failure: all that dbt said.
    """
    for refused in _REFUSED.finditer(failure):
        if refused["code"] in _FULL:
            state, remedy = _FULL[refused["code"]]
            table = f"{refused['namespace']}.{refused['table']}"
            return StorageFullError(
                f"the object store takes no more data for {table}: the bucket {refused['bucket']} {state} "
                f"(HTTP {refused['status']}, {refused['code']}). No table is half written: each is as its "
                f"last commit left it. To remedy: {remedy} or remove what is not needed, then launch the "
                f"run again"
            )
    return None
