"""What dbt says of a store that refuses a write becomes a sentence for who runs the platform."""

from __future__ import annotations

import pytest

from floe_additions.orchestrator import storage

REFUSED = """Errors parsed from dbt logs:

1 of 2 ERROR creating sql table model web_visits.stg_page_views ................ [ERROR in 1.44s]

  Runtime Error in model stg_page_views (models/stg_page_views.sql)
  HTTP Error: Unable to connect to URL s3://warehouse/web_visits/stg_page_views/data/2d.parquet: {answer}
"""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            "Bad Request (HTTP code 400)\n  \n  XMinioAdminBucketQuotaExceeded: Bucket quota exceeded",
            "the bucket warehouse has used up its quota (HTTP 400, XMinioAdminBucketQuotaExceeded)",
        ),
        (
            "Insufficient Storage (HTTP code 507)\n  \n  XMinioStorageFull: Storage backend is full",
            "the bucket warehouse lies on disks that are full (HTTP 507, XMinioStorageFull)",
        ),
    ],
)
def test_a_full_store_is_named_with_table_and_bucket(answer: str, words: str) -> None:
    told = str(storage.full(REFUSED.format(answer=answer)))
    expected = f"the object store takes no more data for web_visits.stg_page_views: {words}. No table is half"
    assert told.startswith(expected)


@pytest.mark.parametrize(
    "answer", ["Forbidden (HTTP code 403)\n  \n  AccessDenied: Access Denied.", "Not Found (HTTP code 404)"]
)
def test_another_refusal_is_left_to_dbt(answer: str) -> None:
    assert storage.full(REFUSED.format(answer=answer)) is None
