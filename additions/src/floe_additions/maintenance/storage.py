"""The objects that a table is made of, and those under its place that it is not made of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlparse

from pyarrow.fs import FileSelector  # type: ignore[import-untyped]
from pyiceberg.io.pyarrow import PyArrowFileIO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiceberg.table import Table


class Object(NamedTuple):
    """An object in the store.

    Attributes:
        path: bucket and key, without a scheme.
        size: in bytes.
        written: when.
    """

    path: str
    size: int
    written: datetime


class StorageError(Exception):
    """The table's objects cannot be listed."""


def used(table: Table) -> frozenset[str]:
    """The path of every object that some snapshot or metadata file of the table refers to."""
    meta = table.metadata
    found = {
        table.metadata_location,
        *(entry.metadata_file for entry in meta.metadata_log),
        *(file.statistics_path for file in (*meta.statistics, *meta.partition_statistics)),
    }
    manifests = {}
    for snapshot in table.snapshots():
        found.add(snapshot.manifest_list)
        manifests.update({one.manifest_path: one for one in snapshot.manifests(table.io)})
    for path, manifest in manifests.items():
        found.add(path)
        found.update(
            entry.data_file.file_path
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        )
    return frozenset(map(_path, found))


def objects(table: Table) -> list[Object]:
    """Every object under the table's place.

    Raises:
        StorageError: its FileIO is none that lists.
    """
    if not isinstance(table.io, PyArrowFileIO):
        raise StorageError(f"{'.'.join(table.name())}: {type(table.io).__name__} lists no objects")
    place = urlparse(table.location())
    store = table.io.fs_by_scheme(place.scheme, place.netloc)
    listed = store.get_file_info(FileSelector(_path(table.location()), recursive=True, allow_not_found=True))
    return [Object(one.path, one.size, one.mtime) for one in listed if one.is_file]


def unused(table: Table, now: datetime, age: timedelta) -> list[Object]:
    """Objects under the table's place that are at least so old and that it does not refer to.

    Listed first and compared with the table as it is afterwards: what is committed meanwhile is used.
    """
    listed = objects(table)
    in_use = used(table.refresh())
    return [one for one in listed if one.path not in in_use and now - one.written >= age]


def remove(table: Table, paths: Iterable[str]) -> int:
    """Delete objects; how many there were. One that is gone already is none."""
    scheme, removed = urlparse(table.location()).scheme, 0
    for path in sorted(paths):
        try:
            table.io.delete(f"{scheme}://{path}")
        except FileNotFoundError:
            continue
        removed += 1
    return removed


def _path(address: str) -> str:
    return address.partition("://")[2] or address
