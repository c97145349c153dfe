"""Work that is cancelled in a transaction, as when the collector stops, spoils no later one."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from onetrail_collector.store import database
from onetrail_collector.store.sqlite import SqliteStore


async def write_source(store: SqliteStore) -> None:
    async with store.transaction() as transaction:
        await transaction.run(
            "INSERT INTO sources (public_id, name, created_ms) VALUES ('demo', '', 0)"
        )


async def cancelled_at(path: Path, statements: set[str]) -> list[str]:
    """The sources after work that was cancelled while each of these ran, and one more commit."""
    store = await SqliteStore.open(path)
    loop = asyncio.get_running_loop()
    writing = asyncio.create_task(write_source(store))

    def cancel(sql: str) -> None:  # called in the thread when a statement begins
        if sql.partition(" ")[0] in statements:
            loop.call_soon_threadsafe(writing.cancel)
            time.sleep(0.05)

    await store._writer.set_trace_callback(cancel)
    with pytest.raises(asyncio.CancelledError):
        await writing
    async with store.transaction() as transaction:
        await transaction.touch()
    found = [source.public_id for source in await store.sources()]
    await store.close()
    return found


@pytest.mark.parametrize(
    ("statements", "stored"),
    [
        ({"BEGIN"}, []),
        ({"BEGIN", "ROLLBACK"}, []),
        ({"INSERT"}, []),
        ({"INSERT", "ROLLBACK"}, []),
        ({"COMMIT"}, ["demo"]),
    ],
)
def test_the_next_commit_is_made(tmp_path: Path, statements: set[str], stored: list[str]) -> None:
    assert asyncio.run(cancelled_at(tmp_path / "a.db", statements)) == stored


def test_a_file_that_another_process_writes_is_said_to_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)

    async def run() -> None:
        store = await SqliteStore.open(tmp_path / "a.db")
        with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(sqlite3.OperationalError, match="database is locked"):
                await write_source(store)
        await write_source(store)
        await store.close()

    asyncio.run(run())


def test_a_start_waits_for_no_other_process_where_it_has_nothing_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As beside a vacuum of a large file."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)

    async def run() -> None:
        store = await SqliteStore.open(tmp_path / "a.db")
        await store.settle_key_form("")
        await store.close()
        with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            store = await SqliteStore.open(tmp_path / "a.db")
            await store.settle_key_form("")
            await store.close()

    asyncio.run(run())


def test_who_waits_for_another_process_asks_anew_again_and_again(tmp_path: Path) -> None:
    """Left alone, SQLite looks every 0.1 s, and misses the short pauses of an import."""

    async def run() -> list[str]:
        store = await SqliteStore.open(tmp_path / "a.db")
        asked: list[str] = []
        loop, often = asyncio.get_running_loop(), asyncio.Event()

        def note(sql: str) -> None:  # called in the thread
            asked.append(sql)
            if len(asked) == 5:
                loop.call_soon_threadsafe(often.set)

        await store._writer.set_trace_callback(note)
        with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            writing = asyncio.create_task(write_source(store))
            asking = asyncio.create_task(often.wait())
            await asyncio.wait({asking, writing}, return_when=asyncio.FIRST_COMPLETED)
            asking.cancel()
            other.execute("COMMIT")
            await writing
        await store.close()
        return asked

    assert asyncio.run(run())[:5] == ["BEGIN IMMEDIATE"] * 5
