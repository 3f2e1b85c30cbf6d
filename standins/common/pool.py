"""PostgreSQL: a small pool of connections that survives the server's absence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

Connection = AsyncConnection[DictRow]

_MOST: Final = 8
_TRUSTED_SECONDS: Final = 1.0


class Pool:
    """Connections are made when they are needed and thrown away when they fail.

    Args:
        address: of the database, as libpq takes it.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._idle: list[tuple[float, Connection]] = []
        self._places = asyncio.Semaphore(_MOST)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One database transaction: committed at the end, undone when anything raises."""
        async with self._places:
            connection = await self._connected()
            try:
                async with connection.transaction():
                    yield connection
            except BaseException:
                if connection.broken or connection.closed or _lost(connection):
                    await connection.close()
                    raise
                self._idle.append((time.monotonic(), connection))
                raise
            self._idle.append((time.monotonic(), connection))

    async def _connected(self) -> Connection:
        while self._idle:
            since, connection = self._idle.pop()
            if time.monotonic() - since < _TRUSTED_SECONDS:
                return connection
            try:
                await connection.execute("select 1")
            except psycopg.Error:
                await connection.close()
            else:
                return connection
        return await AsyncConnection.connect(
            self._address, autocommit=True, row_factory=dict_row, prepare_threshold=3
        )

    async def answers(self) -> bool:
        """Whether the database can be reached now; asked beside the pool, which may be all in use."""
        try:
            connection = await self._connected()
            await connection.execute("select 1")
        except (psycopg.Error, OSError):
            return False
        self._idle.append((time.monotonic(), connection))
        return True

    async def close(self) -> None:
        """Close what is idle; the server is ending."""
        while self._idle:
            await self._idle.pop()[1].close()


def _lost(connection: Connection) -> bool:
    """Whether the session is in no state to be used again (the server ended it)."""
    return connection.info.transaction_status == psycopg.pq.TransactionStatus.UNKNOWN
