"""Work on tables as one turn of the writing thread.

Between two turns the thread waits for the event loop, which has other requests to read: a commit
with identify events took longer by that than by all its statements.
"""

import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar, cast

from onetrail_collector.store.identity import IdentityTables
from onetrail_collector.store.insert import Statement, Writer, run
from onetrail_collector.store.rows import LinkState

T = TypeVar("T")
Resolve = Callable[[IdentityTables, list[LinkState]], Coroutine[Any, Any, T]]
"""What is to be done with links that are new or have earlier evidence."""


class _Here:
    """What Writer offers, to who is in its thread already: nothing is waited for."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._connection.execute(sql, parameters)

    async def execute_fetchall(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return self._connection.execute(sql, parameters).fetchall()

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        return self._connection.executemany(sql, rows)

    async def run(self, statements: Iterable[Statement]) -> None:
        run(self._connection, statements)

    async def turn(self, work: Callable[..., T], *args: object, **kwargs: object) -> T:
        return work(self._connection, *args, **kwargs)


def at_once(
    connection: sqlite3.Connection, work: Callable[[IdentityTables], Coroutine[Any, Any, T]]
) -> T:
    """What `work` returns. It may wait for nothing but the tables: TypeError if it does."""
    doing = work(IdentityTables(cast("Writer", _Here(connection))))
    try:
        doing.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    doing.close()
    raise TypeError("work that is done at once waits for nothing but the tables")
