"""The upkeep of one table: what is too old, too small or of no use is removed, and readers read on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pyiceberg.exceptions import CommitFailedException
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from floe_additions.maintenance import storage
from floe_additions.maintenance.rewrite import rewrite

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table.snapshots import Snapshot

    from floe_additions.maintenance.policy import Kept

ATTEMPTS = 6
"""How often a commit that lost against another writer is tried, on the table as that one left it."""

METADATA_FILES = 6
"""How many earlier metadata files a table keeps; each commit writes one."""

PROPERTIES = {
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": str(METADATA_FILES),
}
"""Have the catalog delete old metadata files with each commit."""

_again = retry(
    retry=retry_if_exception_type(CommitFailedException),
    stop=stop_after_attempt(ATTEMPTS),
    wait=wait_random_exponential(multiplier=0.2, max=5),
    reraise=True,
)


@dataclass(frozen=True)
class Done:
    """What the upkeep of a table came to.

    Attributes:
        table: namespace and name.
        rows_removed: that were older than they may be.
        files_replaced: data and delete files that a rewrite made superfluous.
        snapshots_removed: that were beyond those kept.
        objects_removed: that nothing refers to any more.
        bytes_before: of all objects under the table's place.
        bytes_after: the same at the end.
    """

    table: str
    rows_removed: int
    files_replaced: int
    snapshots_removed: int
    objects_removed: int
    bytes_before: int
    bytes_after: int


def keep_up(
    catalog: Catalog, kept: Kept, *, snapshots: int, unused_for: timedelta, now: datetime | None = None
) -> Done:
    """Keep one table up; it may be read and written meanwhile.

    A reader loses its files only when as many commits as snapshots are kept were made since it began.

    Args:
        catalog: with the right to write the table.
        kept: which, and how long its rows are kept.
        snapshots: how many of the latest are kept, at least 1.
        unused_for: how old an object must be that nothing ever referred to, by the clock of the store.
        now: the moment that the ages of rows are counted from; the present unless given.

    Raises:
        NoSuchTableError: it was never made.
        CommitFailedException: other writers were first, every time.
        RetentionError: its retention does not fit the table.
        StorageError: its objects cannot be listed.
    """
    now = now or datetime.now(UTC)
    name = (kept.namespace, kept.name)
    table = catalog.load_table(name)
    size = sum(one.size for one in storage.objects(table))
    _set_properties(catalog, name)
    rewritten = _again(lambda: rewrite(catalog.load_table(name), kept.retention, now))()
    before = catalog.load_table(name)
    referred = storage.used(before)
    expired = _expire(catalog, name, snapshots)
    table = catalog.load_table(name)
    removed = storage.remove(table, referred - storage.used(table)) if expired else 0
    # What is left of writers that were refused or killed, and of an upkeep that was.
    stray = storage.unused(table, datetime.now(UTC), unused_for)
    removed += storage.remove(table, (one.path for one in stray))
    return Done(
        ".".join(name),
        rewritten.rows_removed,
        rewritten.files_replaced,
        expired,
        removed,
        size,
        sum(one.size for one in storage.objects(table)),
    )


@_again
def _set_properties(catalog: Catalog, name: tuple[str, str]) -> None:
    table = catalog.load_table(name)
    missing = {key: value for key, value in PROPERTIES.items() if table.properties.get(key) != value}
    if missing:
        with table.transaction() as change:
            change.set_properties(missing)


@_again
def _expire(catalog: Catalog, name: tuple[str, str], count: int) -> int:
    """Remove all but the latest snapshots; how many. Heads of branches and tags stay."""
    table = catalog.load_table(name)
    held = {ref.snapshot_id for ref in table.metadata.refs.values()}
    latest = sorted(table.snapshots(), key=_age, reverse=True)
    beyond = [one.snapshot_id for one in latest[count:] if one.snapshot_id not in held]
    if beyond:
        table.maintenance.expire_snapshots().by_ids(beyond).commit()
    return len(beyond)


def _age(snapshot: Snapshot) -> tuple[int, int]:
    return snapshot.sequence_number or 0, snapshot.timestamp_ms
