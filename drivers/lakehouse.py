"""The Iceberg catalog and the object store behind it, as a reader sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlparse

from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]
from pydantic import SecretStr
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import RESTError
from pyiceberg.io import S3_ENDPOINT
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import DataFileContent
from pyiceberg.partitioning import PartitionField
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.typedef import Properties
from requests import RequestException, Response, Session

from drivers import traffic
from drivers.errors import ServiceError, brief
from drivers.rows import Rows
from drivers.tunnel import Tunnel

Answer = TypeVar("Answer")

SERVICE = "the catalog"
CATALOG = "lakehouse"
SCOPE = "PRINCIPAL_ROLE:ALL"
REACHED_AT = "floe-acceptance.s3.endpoint"
"""Where the object store answers on this side of the tunnel."""


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

    def append(self, table: str, rows: list[dict[str, object]]) -> None:
        """Write rows into a table as one snapshot; columns that a row lacks are null."""

        def write(catalog: RestCatalog) -> None:
            import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415

            loaded = catalog.load_table(table)
            schema = loaded.schema().as_arrow()
            full = [{name: row.get(name) for name in schema.names} for row in rows]
            loaded.append(pa.Table.from_pylist(full, schema=schema))

        self._ask(f"append {len(rows)} rows to {table}", write)

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
