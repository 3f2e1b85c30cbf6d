"""What each column of a product's tables is computed from, found when it is compiled: no run has to.

sqlglot reads the SQL that dbt compiled, with the columns that DuckDB found. A column whose origin it cannot
tell is left out: lineage that is not known is not invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.lineage import Node

    from floe_complete.dbt_child import Table

FILE = "lineage.json"
"""Where it is written, beside the artifact."""

DIALECT = "duckdb"

Origin = tuple[str, str, str]
"""A table as `schema.table`, one of its columns, and how: IDENTITY, TRANSFORMATION or AGGREGATION."""


def write(folder: Path, tables: Mapping[str, Table], manifest: Mapping[str, Any]) -> None:
    """Write down what the columns of tables are computed from.

    Args:
        folder: takes the file.
        tables: of the product, with the SQL that makes them.
        manifest: dbt's; it knows their full names, and the columns of sources.
    """
    found = origins(tables, manifest)
    (folder / FILE).write_text(f"{json.dumps(found, indent=2)}\n", encoding="utf-8")


def origins(tables: Mapping[str, Table], manifest: Mapping[str, Any]) -> dict[str, dict[str, list[Origin]]]:
    """Of each table that is computed, by its full name, the origins of each column."""
    names = {
        node["alias"]: node["schema"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in {"model", "seed", "snapshot"}
    }
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for name, table in tables.items():
        if name in names:
            schema.setdefault(names[name], {})[name] = dict(table["columns"])
    for source in manifest["sources"].values():
        declared = {c["name"]: c["data_type"] for c in source["columns"].values() if c.get("data_type")}
        schema.setdefault(source["schema"], {})[source["identifier"]] = declared
    return {
        f"{names[name]}.{name}": columns
        for name, table in sorted(tables.items())
        if name in names and (columns := dict(_of(table.get("sql", ""), table["columns"], schema)))
    }


def _of(
    sql: str, columns: Mapping[str, str], schema: Mapping[str, Any]
) -> Iterator[tuple[str, list[Origin]]]:
    if not sql.strip():
        return
    # Imported late: only a compilation that got this far needs it.
    from sqlglot import exp, parse_one  # noqa: PLC0415
    from sqlglot.errors import SqlglotError  # noqa: PLC0415
    from sqlglot.lineage import lineage  # noqa: PLC0415

    try:
        statement = parse_one(sql, dialect=DIALECT)
        for table in statement.find_all(exp.Table):
            # The database is the trial's; the schema and the name are the platform's.
            table.set("catalog", None)
        read = lineage(None, statement, dict(schema), dialect=DIALECT)
    except (SqlglotError, ValueError):
        return
    for column in columns:
        if column in read and (found := sorted(set(_leaves(read[column], "IDENTITY")))):
            yield column, found


def _leaves(node: Node, how: str) -> Iterator[Origin]:
    """The columns of tables at the end of every way from a column."""
    from sqlglot import exp  # noqa: PLC0415

    how = _combined(how, node.expression)
    for below in node.downstream:
        yield from _leaves(below, how)
    if not node.downstream and isinstance(node.expression, exp.Table):
        yield f"{node.expression.db}.{node.expression.name}", node.name.rpartition(".")[2].strip('"'), how


def _combined(how: str, expression: exp.Expr) -> str:
    """How a column comes about, given how it does so far and one more step."""
    from sqlglot import exp  # noqa: PLC0415

    computed = expression.unalias() if isinstance(expression, exp.Alias) else expression
    if how == "AGGREGATION" or computed.find(exp.AggFunc):
        return "AGGREGATION"
    plain = isinstance(computed, exp.Column | exp.Table | exp.Query)
    return how if plain else "TRANSFORMATION"
