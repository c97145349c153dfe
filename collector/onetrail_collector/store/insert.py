"""Many rows a statement: each step gives the interpreter's lock away and waits for it again."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import aiosqlite

ROWS_A_STEP = (128, 16, 1)  # 128 rows of 10 values stay far below SQLite's 32,766 parameters


async def insert(
    connection: aiosqlite.Connection, into: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Add rows to `into`, a table with its columns."""
    done = 0
    for size in ROWS_A_STEP:
        steps = (len(rows) - done) // size
        if steps:
            end = done + steps * size
            values = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * size)
            await connection.executemany(
                f"INSERT INTO {into} VALUES {values}",
                [
                    tuple(chain.from_iterable(rows[start : start + size]))
                    for start in range(done, end, size)
                ],
            )
            done = end
