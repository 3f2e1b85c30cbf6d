"""A table written anew into as few files as it needs, in one commit, without rows that are too old."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import AlwaysTrue, GreaterThanOrEqual, IsNull, LessThan, Or, Reference
from pyiceberg.expressions.literals import literal
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.manifest import DataFileContent, ManifestContent, ManifestEntry, ManifestEntryStatus
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _OverwriteFiles
from pyiceberg.types import TimestampType, TimestamptzType

from floe_additions.maintenance.policy import SMALL_BYTES, SMALL_FILES, Retention, RetentionError

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.manifest import DataFile, ManifestFile
    from pyiceberg.table import Table


class Rewritten(NamedTuple):
    """What a rewrite did; nothing where the table needed none.

    Attributes:
        rows_removed: rows that were too old.
        files_replaced: data and delete files that are no part of the table any more.
    """

    rows_removed: int
    files_replaced: int


class _Rewrite(_OverwriteFiles):
    """Every data and delete file of the table is replaced, and a writer in between is never undone.

    PyIceberg's own overwrite carries all position deletes on for ever.
    """

    def replace(self, files: list[DataFile]) -> None:
        self._deleted_data_files = set(files)

    def _existing_manifests(self) -> list[ManifestFile]:
        return []

    def _deleted_entries(self) -> list[ManifestEntry]:
        snapshot = self._transaction.table_metadata.snapshot_by_id(self._parent_snapshot_id or 0)
        return [
            ManifestEntry.from_args(
                status=ManifestEntryStatus.DELETED,
                snapshot_id=self._snapshot_id,
                sequence_number=entry.sequence_number,
                file_sequence_number=entry.file_sequence_number,
                data_file=entry.data_file,
            )
            for manifest in (snapshot.manifests(self._io) if snapshot else ())
            if manifest.content == ManifestContent.DATA
            for entry in manifest.fetch_manifest_entry(self._io, discard_deleted=True)
        ]

    def _build_delete_files_partition_predicate(self) -> None:
        """All partitions: there is nothing to tell apart."""

    def _validate_concurrency(self) -> None:
        """Another writer's commit is not among what was read: read again, do not commit over it."""
        raise CommitFailedException("another writer was first")


def rewrite(table: Table, retention: Retention | None, now: datetime) -> Rewritten:
    """Remove rows that are too old, and write the rest into few files if there are many small ones.

    One commit: a reader sees the table before it or after it.

    Args:
        table: as it is now.
        retention: how long its rows are kept, if not for ever.
        now: the moment that ages are counted from.

    Raises:
        CommitFailedException: another writer was first; nothing was changed.
        RetentionError: the column is not there, or is no timestamp.
    """
    snapshot = table.current_snapshot()
    if snapshot is None:
        return Rewritten(0, 0)
    old = _old(table, retention, now) if retention else None
    too_old = table.scan(row_filter=old, snapshot_id=snapshot.snapshot_id).count() if old else 0
    files = [
        entry.data_file
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    ]
    if not too_old and sum(map(_is_small, files)) <= SMALL_FILES:
        return Rewritten(0, 0)
    kept = _fresh(table, retention, now) if retention and too_old else AlwaysTrue()
    scan = table.scan(row_filter=kept, snapshot_id=snapshot.snapshot_id)
    # A partitioned table cannot be written from a stream.
    rows = scan.to_arrow_batch_reader() if table.spec().is_unpartitioned() else scan.to_arrow()
    with table.transaction() as transaction:
        change = _Rewrite(Operation.OVERWRITE, transaction, table.io)
        with change:
            change.replace(files)
            for file in _dataframe_to_data_files(table.metadata, rows, table.io, change.commit_uuid):
                if file.record_count:
                    change.append_data_file(file)
    return Rewritten(too_old, len(files))


def _is_small(file: DataFile) -> bool:
    return file.content != DataFileContent.DATA or file.file_size_in_bytes < SMALL_BYTES


def _old(table: Table, retention: Retention, now: datetime) -> BooleanExpression:
    return LessThan(term=Reference(retention.column), value=literal(_before(table, retention, now)))


def _fresh(table: Table, retention: Retention, now: datetime) -> BooleanExpression:
    column, cutoff = Reference(retention.column), literal(_before(table, retention, now))
    return Or(IsNull(term=column), GreaterThanOrEqual(term=column, value=cutoff))


def _before(table: Table, retention: Retention, now: datetime) -> str:
    """The oldest moment that is kept, as the column's type writes it; without a zone it is UTC."""
    name, column = ".".join(table.name()), retention.column
    if column not in table.schema().column_names:
        raise RetentionError(f"{name}: retention is by {column}, and the table has no such column")
    moment = now.astimezone(UTC) - retention.age
    match table.schema().find_type(column):
        case TimestampType():
            return moment.replace(tzinfo=None).isoformat()
        case TimestamptzType():
            return moment.isoformat()
        case other:
            raise RetentionError(f"{name}: retention is by {column}, which is {other} and no timestamp")
