"""Running statements on a connection: what the classes of tables have in common."""

from collections.abc import Iterable, Sequence
from typing import Any

import aiosqlite
import msgspec


class Statements:
    """Statements on one connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def _all(self, sql: str, *parameters: object) -> list[Any]:
        return list(await self._connection.execute_fetchall(sql, parameters))

    async def _each(self, sql: str, rows: Iterable[Iterable[Any]]) -> None:
        rows = list(rows)
        if rows:
            await self._connection.executemany(sql, rows)


def as_json(values: Sequence[object]) -> str:
    """A list as one parameter, which json_each() takes apart again."""
    return msgspec.json.encode(values).decode()
