"""What a run says when the object store takes no more data.

The engine says "Bad Request (HTTP code 400)" of an address, which is all it reads of the answer. The reason
stands in that answer, so the store is asked once more, with the rights that the catalog gives for the very
table, and what it says is told with what to do about it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from floe_additions.orchestrator.lakehouse import Lakehouse

_REFUSED = re.compile(
    r"URL s3://(?P<bucket>[^/\s]+)/(?:[^\s:]+/)?(?P<namespace>[^/\s:]+)/(?P<table>[^/\s:]+)/(?:data|metadata)/"
    r"[^\s:]+: [^()]*\(HTTP code (?P<code>\d+)\)"
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


class _Write(NamedTuple):
    bucket: str
    namespace: str
    table: str
    code: str


def full(failure: str, lakehouse: Lakehouse) -> StorageFullError | None:
    """Why dbt failed, where it was for want of space; None where it was for anything else.

    Args:
        failure: all that dbt said.
        lakehouse: gives the way to the store that the run itself has.
    """
    for write in _refused(failure):
        said = lakehouse.refusal(write.namespace, write.table)
        for code, (state, remedy) in _FULL.items():
            if code in said:
                return StorageFullError(
                    f"the object store takes no more data for {write.namespace}.{write.table}: the bucket "
                    f"{write.bucket} {state} (HTTP {write.code}, {code}). No table is half written: each "
                    f"is as its last commit left it. To remedy: {remedy} or remove what is not needed, "
                    f"then launch the run again"
                )
    return None


def _refused(failure: str) -> list[_Write]:
    """Each table once that dbt could not write."""
    return list(dict.fromkeys(_Write(**match.groupdict()) for match in _REFUSED.finditer(failure)))
