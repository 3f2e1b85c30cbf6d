"""PostgreSQL, asked by SQL with the platform's own credentials."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from pydantic import SecretStr

from drivers import traffic
from drivers.errors import ServiceError, brief
from drivers.tunnel import Tunnel
from reports import evidence

CALL_SECONDS = 15

_TABLES: LiteralString = """
    select schemaname, tablename, tableowner from pg_catalog.pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')
"""
_DATABASES: LiteralString = """
    select datname, pg_catalog.pg_get_userbyid(datdba) from pg_catalog.pg_database
    where not datistemplate and datname <> 'postgres'
"""


class Database:
    """One database, as its owner sees it.

    Args:
        tunnel: the way to the server.
        name: of the database.
        user: of the role that owns it.
        password: of that role.
    """

    def __init__(self, tunnel: Tunnel, name: str, user: str, password: SecretStr) -> None:
        self.name = name
        self._tunnel = tunnel
        self._user = user
        self._password = password

    def owners(self) -> dict[str, str]:
        """Each database of the server, but its own, with its owner."""
        return {str(name): str(owner) for name, owner in self.rows("list the databases", _DATABASES)}

    def tables(self) -> dict[str, str]:
        """Each table of this database with its owner."""
        return {table: owner for _, table, owner in self.rows(f"list the tables of {self.name}", _TABLES)}

    def rows(self, asked: str, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """What a query gives.

        Args:
            asked: the question in words, for messages.
            query: the SQL.
            values: of its placeholders.
        """
        host, port = self._tunnel.address().split(":")
        with traffic.asking("PostgreSQL", asked, traffic.sql(query)) as question:
            try:
                with psycopg.connect(
                    host=host,
                    port=int(port),
                    dbname=self.name,
                    user=self._user,
                    password=self._password.get_secret_value(),
                    connect_timeout=CALL_SECONDS,
                    options=f"-c statement_timeout={CALL_SECONDS}s",
                    sslmode="prefer",
                ) as session:
                    server = session.info.server_version
                    evidence.component("PostgreSQL", f"{server // 10000}.{server % 10000}")
                    found = session.execute(query, values).fetchall()
            except psycopg.Error as refused:
                raise ServiceError(asked, of="PostgreSQL", answer=brief(refused)) from refused
            question.outcome = f"{len(found)} rows"
            return found
