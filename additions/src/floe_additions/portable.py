"""The compute plugin `duckdb-iceberg-portable`: tables whose files every Parquet reader can read.

DuckDB compresses an Iceberg table's files by zstd, which came to Parquet years after snappy and which not
every reader that people still run knows. This plugin does all that `duckdb-iceberg` does, and has what it
writes compressed by snappy, through the property that Iceberg has for it. The property stays with a table:
a product that goes back to `duckdb-iceberg` keeps it until somebody removes it.
"""

from __future__ import annotations

from pathlib import Path

from floe_additions.compute import DuckDBIcebergComputePlugin


class PortableComputePlugin(DuckDBIcebergComputePlugin):
    """DuckDB with the Iceberg catalog as its only persistent database, and snappy in every file."""

    @property
    def name(self) -> str:
        """The name manifest.yaml selects it by."""
        return "duckdb-iceberg-portable"

    @property
    def description(self) -> str:
        """One line for `floe`'s lists."""
        return "As duckdb-iceberg; files are compressed by snappy, for readers that know no zstd"

    def get_dbt_macro_paths(self) -> list[Path]:
        """The materializations of `duckdb-iceberg`, and the property of every table they make."""
        shared, _ = super().get_dbt_macro_paths()
        return [shared, shared.parent / "portable"]
