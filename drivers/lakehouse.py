"""The Iceberg catalog and the object store behind it, as a reader sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlparse

from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]
from pydantic import SecretStr
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import CommitFailedException, RESTError
from pyiceberg.expressions import EqualTo
from pyiceberg.io import S3_ENDPOINT
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import DataFileContent
from pyiceberg.partitioning import PartitionField
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.typedef import Properties
from pyiceberg.types import LongType, NestedField, PrimitiveType, StringType, TimestampType
from requests import RequestException, Response, Session

from drivers import traffic
from drivers.errors import ServiceError, brief
from drivers.rows import Rows
from drivers.tunnel import Tunnel

Answer = TypeVar("Answer")

_TYPES: Mapping[str, PrimitiveType] = {
    "long": LongType(),
    "string": StringType(),
    "timestamp": TimestampType(),
}

SERVICE = "the catalog"
CATALOG = "lakehouse"
SCOPE = "PRINCIPAL_ROLE:ALL"
REACHED_AT = "floe-acceptance.s3.endpoint"
"""Where the object store answers on this side of the tunnel."""

MADE_AS = "floe-acceptance.made-as"
"""The property of a snapshot that says which of the suite's commits it is."""


class TunnelFileIO(PyArrowFileIO):
    """PyIceberg's own S3 file access with the vended credentials; only the address is ours.

    The catalog tells its clients the address inside the cluster, which nobody can reach from here.
    """

    def __init__(self, properties: Properties) -> None:
        super().__init__({**properties, S3_ENDPOINT: properties[REACHED_AT]})


class NotedCatalog(RestCatalog):
    """PyIceberg's own client; its calls are noted, those by which it is made included."""

    def _create_session(self) -> Session:
        session = super()._create_session()
        session.hooks["response"].append(_note)
        return session


def _note(response: Response, **_options: object) -> None:
    what = f"{response.request.method} {urlparse(response.url).path}"
    seconds, size = response.elapsed.total_seconds(), traffic.length(response.headers)
    traffic.called(SERVICE, what, response.status_code, seconds, size)


@dataclass(frozen=True)
class Files:
    """Every file a table is made of, by its address.

    Attributes:
        metadata: the current metadata file, manifest lists and manifests.
        data: data and delete files of the current snapshot.
    """

    metadata: frozenset[str]
    data: frozenset[str]

    @property
    def every(self) -> frozenset[str]:
        """All of them."""
        return self.metadata | self.data


@dataclass(frozen=True)
class Commit:
    """A snapshot in the history of a table.

    Attributes:
        snapshot: its id.
        parent: the id of the one before it, if there was one.
        made_as: the name that its writer gave it, where that was the suite.
    """

    snapshot: int
    parent: int | None
    made_as: str | None


class Lakehouse:
    """The catalog `lakehouse` with the rights of one principal.

    Args:
        catalog: the way to Polaris.
        store: the way to MinIO.
        client_id: of the principal.
        client_secret: of the principal.
    """

    def __init__(
        self, catalog: Tunnel, store: Tunnel, client_id: SecretStr, client_secret: SecretStr
    ) -> None:
        self._catalog_tunnel = catalog
        self._store_tunnel = store
        self._credential = SecretStr(f"{client_id.get_secret_value()}:{client_secret.get_secret_value()}")
        self._made: RestCatalog | None = None

    def namespaces(self) -> frozenset[str]:
        """Every namespace of the catalog."""
        found = self._ask("list the namespaces", lambda catalog: catalog.list_namespaces())
        return frozenset(".".join(name) for name in found)

    def tables(self, namespace: str) -> frozenset[str]:
        """The names of the tables of a namespace; none when the namespace is not there."""
        if namespace not in self.namespaces():
            return frozenset()
        found = self._ask(f"list the tables of {namespace}", lambda catalog: catalog.list_tables(namespace))
        return frozenset(name[-1] for name in found)

    def rows(
        self,
        table: str,
        *,
        columns: Iterable[str] = ("*",),
        snapshot: int | None = None,
        at: float | None = None,
    ) -> Rows:
        """The rows of a table, delete files applied.

        Args:
            table: namespace and name.
            columns: those that are read.
            snapshot: read it as of this snapshot; else it is read as it is now.
            at: read it as it was at this moment, in epoch seconds.
        """
        wanted = tuple(columns)

        def read(catalog: RestCatalog) -> list[dict[str, object]]:
            loaded = catalog.load_table(table)
            as_of = snapshot if at is None else snapshot_at(loaded, at)
            found: list[dict[str, object]] = (
                loaded.scan(selected_fields=wanted, snapshot_id=as_of).to_arrow().to_pylist()
            )
            return found

        when = f" as of snapshot {snapshot}" if snapshot is not None else f" as of {at:.0f}" if at else ""
        return Rows.of(_short(table), self._ask(f"read {table}{when}", read))

    def partitionings(self, table: str) -> dict[str, str]:
        """Every data file that is read now, with what it is partitioned by (`day(sold_at)`, or `nothing`)."""
        asked = f"tell how the files of {table} are partitioned"
        return self._ask(asked, lambda catalog: partitionings(catalog.load_table(table)))

    def count(self, table: str) -> int:
        """How many rows a table has, counted by reading it."""
        return self._ask(f"count {table}", lambda catalog: len(catalog.load_table(table).scan().to_arrow()))

    def column_types(self, table: str) -> dict[str, str]:
        """Each column of a table with its Iceberg type."""
        schema = self._ask(f"load {table}", lambda catalog: catalog.load_table(table)).schema()
        return {field.name: str(field.field_type) for field in schema.fields}

    def snapshot(self, table: str) -> int | None:
        """The id of the current snapshot of a table."""
        loaded = self._ask(f"load {table}", lambda catalog: catalog.load_table(table))
        current: Snapshot | None = loaded.current_snapshot()
        return current.snapshot_id if current else None

    def files(self, table: str) -> Files:
        """Every file a table is made of now."""
        return self._ask(f"list the files of {table}", lambda catalog: _files(catalog.load_table(table)))

    def rows_at(self, table: str, snapshot: int) -> Rows:
        """The rows of a table as a snapshot of it has them, as a reader does that began with it."""
        found = self._ask(
            f"read {table} at snapshot {snapshot}",
            lambda catalog: catalog.load_table(table).scan(snapshot_id=snapshot).to_arrow().to_pylist(),
        )
        return Rows.of(_short(table), found)

    def history(self, table: str) -> list[Commit]:
        """The commits that the current state of a table came by, the first that is still known first."""

        def chain(catalog: RestCatalog) -> list[Commit]:
            loaded = catalog.load_table(table)
            found, current = [], loaded.current_snapshot()
            while current is not None:
                said = current.summary.additional_properties if current.summary else {}
                parent = current.parent_snapshot_id
                found.append(Commit(current.snapshot_id, parent, said.get(MADE_AS)))
                current = loaded.snapshot_by_id(parent) if parent is not None else None
            return found[::-1]

        return self._ask(f"tell the history of {table}", chain)

    def states(self, table: str) -> list[int]:
        """Every snapshot that was the current one of a table: what readers met, one after the other."""
        log = self._ask(f"list the states of {table}", lambda catalog: catalog.load_table(table).history())
        return [entry.snapshot_id for entry in log]

    def snapshots(self, table: str) -> frozenset[int]:
        """Every snapshot that a table keeps."""
        kept = self._ask(
            f"list the snapshots of {table}", lambda catalog: catalog.load_table(table).snapshots()
        )
        return frozenset(one.snapshot_id for one in kept)

    def place(self, table: str) -> str:
        """The address under which all files of a table lie."""
        location: str = self._ask(f"load {table}", lambda catalog: catalog.load_table(table)).location()
        return location.rstrip("/") + "/"

    def every_file(self, table: str) -> frozenset[str]:
        """Every file that a table refers to, those of all its snapshots and earlier metadata included."""
        return self._ask(
            f"list all files of {table}", lambda catalog: _files_of_all(catalog.load_table(table))
        )

    def commit(self, table: str, row: dict[str, object], made_as: str) -> tuple[bool, int | None]:
        """Append one row as one commit of this name; whether it was accepted, and the snapshot it began with.

        A commit that loses against another writer is tried again by PyIceberg first, as the table says.
        """

        def write(catalog: RestCatalog) -> tuple[bool, int | None]:
            import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415

            loaded = catalog.load_table(table)
            base = loaded.metadata.current_snapshot_id
            rows = pa.Table.from_pylist([row], schema=loaded.schema().as_arrow())
            try:
                loaded.append(rows, snapshot_properties={MADE_AS: made_as})
            except CommitFailedException:
                return False, base
            return True, base

        return self._ask(f"commit {made_as} to {table}", write)

    def append(self, table: str, rows: list[dict[str, object]]) -> None:
        """Write rows into a table as one snapshot; columns that a row lacks are null."""

        def write(catalog: RestCatalog) -> None:
            import pyarrow as pa  # noqa: PLC0415

            loaded = catalog.load_table(table)
            schema = loaded.schema().as_arrow()
            full = [{name: row.get(name) for name in schema.names} for row in rows]
            loaded.append(pa.Table.from_pylist(full, schema=schema))

        self._ask(f"append {len(rows)} rows to {table}", write)

    def change(self, table: str, changed: Mapping[str, object]) -> None:
        """Give one row of a table other values, the row whose key, its first column, is the smallest."""

        def overwrite(catalog: RestCatalog) -> None:
            import pyarrow as pa  # noqa: PLC0415

            loaded = catalog.load_table(table)
            schema = loaded.schema().as_arrow()
            key = schema.names[0]
            row = min(loaded.scan().to_arrow().to_pylist(), key=lambda one: str(one[key]))
            other = pa.Table.from_pylist([{**row, **changed}], schema=schema)
            loaded.overwrite(other, overwrite_filter=EqualTo(term=key, value=row[key]))

        self._ask(f"change {', '.join(changed)} in a row of {table}", overwrite)

    def create(self, table: str, columns: Mapping[str, str]) -> None:
        """Make a table, and its namespace, where it is not there yet.

        Args:
            table: as namespace.name.
            columns: each with its Iceberg type.
        """

        def make(catalog: RestCatalog) -> None:
            fields = [
                NestedField(number, name, _TYPES[kind], required=False)
                for number, (name, kind) in enumerate(columns.items(), start=1)
            ]
            catalog.create_namespace_if_not_exists(table.rpartition(".")[0])
            catalog.create_table_if_not_exists(table, Schema(*fields))

        self._ask(f"make {table}", make)

    def restore(self, table: str, snapshot: int | None) -> None:
        """Make an earlier snapshot the current one; there is none to return to in a table without."""
        if snapshot is None:
            raise ServiceError(f"restore {table}", of=SERVICE, answer="it had no snapshot")
        earlier = snapshot

        def roll_back(catalog: RestCatalog) -> None:
            with catalog.load_table(table).manage_snapshots() as change:
                change.rollback_to_snapshot(earlier)

        self._ask(f"restore snapshot {snapshot} of {table}", roll_back)

    def compressions(self, table: str) -> frozenset[str]:
        """How the files that the last write of a table made are compressed, as these files say."""
        asked = f"give the last files of {table}"
        return self._ask(asked, lambda catalog: last_compressions(catalog.load_table(table)))

    def close(self) -> None:
        """End the connections."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def _ask(self, asked: str, call: Callable[[RestCatalog], Answer]) -> Answer:
        with traffic.asking(SERVICE, asked):
            try:
                return call(self._catalog())
            except (RESTError, RequestException, OSError, ValueError) as refused:
                self.close()
                answer = f"{type(refused).__name__} {brief(refused)}"
                raise ServiceError(asked, of=SERVICE, answer=answer) from refused

    def _catalog(self) -> RestCatalog:
        """The client, made anew when the catalog was not to be reached."""
        catalog, store = self._catalog_tunnel.address(), self._store_tunnel.address()
        if self._made is None:
            base = f"http://{catalog}/api/catalog"
            self._made = NotedCatalog(
                CATALOG,
                **{
                    "uri": base,
                    "oauth2-server-uri": f"{base}/v1/oauth/tokens",
                    "credential": self._credential.get_secret_value(),
                    "scope": SCOPE,
                    "warehouse": CATALOG,
                    # A connection that was idle may be closed at the far end while the next question is sent.
                    "header.Connection": "close",
                    "py-io-impl": f"{TunnelFileIO.__module__}.{TunnelFileIO.__name__}",
                    REACHED_AT: f"http://{store}",
                },
            )
        return self._made


def _files(table: Table) -> Files:
    metadata = {table.metadata_location}
    data: set[str] = set()
    current = table.current_snapshot()
    for snapshot in table.snapshots():
        metadata.add(snapshot.manifest_list)
    for manifest in current.manifests(table.io) if current else ():
        metadata.add(manifest.manifest_path)
        data.update(entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io))
    return Files(frozenset(metadata), frozenset(data))


def _files_of_all(table: Table) -> frozenset[str]:
    found = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    manifests = {one.manifest_path: one for kept in table.snapshots() for one in kept.manifests(table.io)}
    found.update(kept.manifest_list for kept in table.snapshots())
    found.update(manifests)
    for manifest in manifests.values():
        found.update(entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io))
    return frozenset(found)


def last_compressions(table: Table) -> frozenset[str]:
    """How the data files that the current snapshot of a table added are compressed (`ZSTD`).

    Read from the files themselves: Parquet tells the codec of every column.
    """
    current = table.current_snapshot()
    if current is None:
        return frozenset()
    entries = (
        entry
        for manifest in current.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io)
        if entry.snapshot_id == current.snapshot_id and entry.data_file.content is DataFileContent.DATA
    )
    return frozenset(kind for entry in entries for kind in _codecs(table, entry.data_file.file_path))


def _codecs(table: Table, path: str) -> Iterator[str]:
    with table.io.new_input(path).open() as opened:
        file = ParquetFile(opened).metadata
        for group in range(file.num_row_groups):
            for column in range(file.num_columns):
                yield file.row_group(group).column(column).compression


def partitionings(table: Table) -> dict[str, str]:
    """Every data file that a scan of a table reads, with what it is partitioned by."""
    return {
        task.file.file_path: _partitioning(table, task.file.spec_id) for task in table.scan().plan_files()
    }


def snapshot_at(table: Table, moment: float) -> int:
    """The snapshot that was current at a moment.

    Raises:
        ValueError: there was none.
    """
    found = table.snapshot_as_of_timestamp(int(moment * 1000))
    if found is None:
        raise ValueError("it had no snapshot then")
    return found.snapshot_id


def _partitioning(table: Table, spec: int) -> str:
    schema = table.schema()

    def words(field: PartitionField) -> str:
        column = schema.find_column_name(field.source_id) or "a column that is gone"
        return column if str(field.transform) == "identity" else f"{field.transform}({column})"

    return ", ".join(map(words, table.specs()[spec].fields)) or "nothing"


def _short(table: str) -> str:
    return table.rsplit(".", 1)[-1]
