"""What the catalog says about a table that was just written."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pandas as pd  # type: ignore[import-untyped]
    from pyiceberg.catalog import Catalog


class NotInTheCatalogError(Exception):
    """dbt reports success, and the catalog knows nothing of it."""


class CatalogSilentError(Exception):
    """The catalog, or the object store behind it, gives no answer about a table."""


class Figures(NamedTuple):
    """A table as a reader of the catalog finds it.

    Attributes:
        table: catalog, namespace and name, joined by dots.
        row_count: live rows, deletes applied.
        snapshot_id: of the current snapshot, as text: it does not fit a JavaScript number.
        data_files: data files the current snapshot refers to.
    """

    table: str
    row_count: int
    snapshot_id: str
    data_files: int


class Lakehouse:
    """The Iceberg catalog, read with the credentials the run has in its environment."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    @property
    def catalog(self) -> Catalog:
        """PyIceberg's client."""
        return self._catalog

    @cached_property
    def _catalog(self) -> Catalog:
        # Imported late: a code location lists its assets without ever reading a table.
        from pyiceberg.catalog.rest import RestCatalog  # noqa: PLC0415

        env = self._environment
        properties = {
            "uri": env["POLARIS_URI"],
            "warehouse": env["POLARIS_WAREHOUSE"],
            "credential": f"{env['POLARIS_CLIENT_ID']}:{env['POLARIS_CLIENT_SECRET']}",
            "oauth2-server-uri": env["POLARIS_OAUTH2_SERVER_URI"],
            "scope": env.get("POLARIS_SCOPE", "PRINCIPAL_ROLE:ALL"),
        }
        return RestCatalog("lakehouse", **properties)

    def figures(self, database: str, namespace: str, name: str) -> Figures:
        """Read the current state of a table that dbt says it built.

        Raises:
            NotInTheCatalogError: dbt wrote to another database than the catalog, or the catalog has
                no such table, or nothing was ever written to it.
        """
        from pyiceberg.exceptions import NoSuchTableError  # noqa: PLC0415

        warehouse = self._environment["POLARIS_WAREHOUSE"]
        full_name = f"{warehouse}.{namespace}.{name}"
        if database != warehouse:
            raise NotInTheCatalogError(
                f"dbt built {name} in the database {database} of the engine, not in the catalog {warehouse}"
            )
        try:
            table = self._catalog.load_table((namespace, name))
        except NoSuchTableError as absent:
            raise NotInTheCatalogError(
                f"dbt built {name}, but the catalog has no table {full_name}"
            ) from absent
        snapshot = table.current_snapshot()
        if snapshot is None:
            raise NotInTheCatalogError(
                f"dbt built {name}, but {full_name} has no snapshot: nothing was written"
            )
        totals = snapshot.summary.additional_properties if snapshot.summary else {}
        if "total-records" in totals and totals.get("total-equality-deletes", "0") == "0":
            # Without reading a single file: every position delete takes one row away.
            rows = int(totals["total-records"]) - int(totals.get("total-position-deletes", "0"))
        else:
            rows = table.scan(snapshot_id=snapshot.snapshot_id).count()
        return Figures(
            table=full_name,
            row_count=rows,
            snapshot_id=str(snapshot.snapshot_id),
            data_files=int(totals.get("total-data-files", "0")),
        )

    def snapshot(self, namespace: str, name: str) -> str | None:
        """The current snapshot of a table as text; None when there is no such table or nothing in it.

        Raises:
            CatalogSilentError: it cannot be told.
        """
        from pyiceberg.exceptions import NoSuchTableError, RESTError  # noqa: PLC0415
        from requests import RequestException  # noqa: PLC0415

        try:
            current = self._catalog.load_table((namespace, name)).current_snapshot()
        except NoSuchTableError:
            return None
        except (RESTError, RequestException, OSError, ValueError) as refused:
            words = f"the catalog does not tell of {namespace}.{name} ({type(refused).__name__})"
            raise CatalogSilentError(words) from refused
        return str(current.snapshot_id) if current else None

    def rows(self, namespace: str, name: str, columns: Collection[str]) -> pd.DataFrame:
        """The rows of a table as they are now, with those of the columns that it has."""
        table = self._catalog.load_table((namespace, name))
        there = [field.name for field in table.schema().fields]
        wanted = [column for column in there if column in columns] or there[:1]
        return table.scan(selected_fields=tuple(wanted)).to_pandas()
