"""Many rows a statement: each step gives the interpreter's lock away and waits for it again.

So does each turn of the connection's thread, which the event loop waits for besides.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiosqlite

# The longer a step, the longer the event loop has the lock meanwhile. 1,024 rows of 12 values stay
# below SQLite's 32,766 parameters (https://www.sqlite.org/limits.html#max_variable_number).
ROWS_A_STEP = (1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1)

P = ParamSpec("P")
T = TypeVar("T")
Statement = tuple[str, Iterable[Sequence[Any]]]
"""Its text, and the parameters of each time that it is run."""


class Writer(aiosqlite.Connection):
    """A connection that runs several statements in one turn of its thread."""

    async def run(self, statements: Iterable[Statement]) -> None:
        """Run them in this order, up to the first that fails. They are also made in the thread."""
        await self.turn(run, statements)

    async def turn(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Let the thread do `work`, as one whole; answers what it returns."""
        done: T = await self._execute(work, self._conn, *args, **kwargs)  # type: ignore[no-untyped-call]
        return done


def run(connection: sqlite3.Connection, statements: Iterable[Statement]) -> None:
    """Run statements in their order, up to the first that fails."""
    for sql, parameters in statements:
        connection.executemany(sql, parameters)


def inserts(
    into: str, rows: Sequence[tuple[Any, ...]], *, or_else: str = "FAIL"
) -> Iterator[Statement]:
    """The statements that add rows to `into`, a table with its columns.

    or_else: what SQLite does where a row meets one that is there, FAIL or IGNORE.
    """
    if rows:
        yield from flat_inserts(
            into, list(chain.from_iterable(rows)), len(rows[0]), or_else=or_else
        )


def flat_inserts(
    into: str, values: list[Any], columns: int, *, or_else: str = "FAIL"
) -> Iterator[Statement]:
    """The same of rows whose values stand one after the other.

    Where one fails, those before it stay until the transaction is rolled back, as it must be then:
    so SQLite copies no page that a step changes, to undo the step alone.
    """
    done = 0
    for size in ROWS_A_STEP:
        step = size * columns
        end = len(values) - (len(values) - done) % step
        if end > done:
            row = f"({', '.join('?' * columns)})"
            sql = f"INSERT OR {or_else} INTO {into} VALUES {', '.join([row] * size)}"
            yield sql, [values[start : start + step] for start in range(done, end, step)]
            done = end
