"""Many rows a statement: all of them, in their order, up to what fails."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from onetrail_collector.store.insert import ROWS_A_STEP, Writer, flat_inserts, inserts


@pytest.mark.parametrize("count", [0, 1, 15, 16, 127, 144, sum(ROWS_A_STEP), 3 * ROWS_A_STEP[0]])
def test_every_row_is_added_once_and_in_order(count: int) -> None:
    rows = [(number, str(number)) for number in range(count)]
    flat = [value for row in rows for value in row]
    for statements in (inserts("pairs (a, b)", rows), flat_inserts("pairs (a, b)", flat, 2)):
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE TABLE pairs (a, b)")
        for sql, parameters in statements:
            connection.executemany(sql, parameters)
        assert connection.execute("SELECT a, b FROM pairs ORDER BY rowid").fetchall() == rows
        connection.close()


def test_what_comes_after_a_statement_that_fails_is_not_run(tmp_path: Path) -> None:
    async def run() -> None:
        writer = Writer(lambda: sqlite3.connect(tmp_path / "a.db", isolation_level=None), 64)
        await writer
        await writer.execute("CREATE TABLE numbers (a UNIQUE)")
        adding = [("INSERT INTO numbers VALUES (?)", [(number,)]) for number in (1, 2, 1, 3)]
        with pytest.raises(sqlite3.IntegrityError):
            await writer.run(iter(adding))
        rows = await writer.execute_fetchall("SELECT a FROM numbers ORDER BY a")
        assert list(rows) == [(1,), (2,)]
        await writer.close()

    asyncio.run(run())
