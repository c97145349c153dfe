"""Migrations: all or nothing, in order, recorded with what they did."""

import asyncio
import re
import sqlite3
from pathlib import Path

import pytest

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.resolve import Link
from onetrail_collector.store import database
from onetrail_collector.store.database import Migration, migrations, open_writer
from onetrail_collector.store.rows import NewProfileId, SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore

ANN = Key("email", "ann@shop.test")

ROOT = Path(__file__).parents[3]


def opened(path: Path) -> None:
    async def run() -> None:
        await (await open_writer(path)).close()

    asyncio.run(run())


def test_numbers_have_no_gap() -> None:
    numbers = [migration.number for migration in migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_second_opening_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    opened(path)
    with sqlite3.connect(path) as connection:
        before = connection.execute("SELECT * FROM sqlite_schema").fetchall()
    opened(path)
    assert connection.execute("SELECT * FROM sqlite_schema").fetchall() == before
    assert connection.execute("PRAGMA user_version").fetchone() == (len(migrations()),)
    connection.close()


def test_a_migration_that_fails_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    opened(path)
    broken = Migration(99, "broken", "CREATE TABLE half_way (id);\nCREATE TABLE sources (id);\n")
    monkeypatch.setattr(database, "migrations", lambda: [*migrations(), broken])
    with pytest.raises(database.UnusableDatabase, match="sources already exists"):
        opened(path)
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema").fetchall()
        assert ("half_way",) not in tables
        assert connection.execute("PRAGMA user_version").fetchone() == (len(migrations()),)
    connection.close()


def test_two_openings_at_once_migrate_once(tmp_path: Path) -> None:
    async def run() -> None:
        writers = await asyncio.gather(*(open_writer(tmp_path / "a.db") for _ in range(4)))
        for writer in writers:
            await writer.close()

    asyncio.run(run())


def test_the_docs_say_what_each_index_is_for() -> None:
    told = (ROOT / "docs" / "schema.md").read_text()
    made = re.findall(r"CREATE INDEX (\w+)", "".join(step.sql for step in migrations()))
    assert made
    assert [name for name in made if f"`{name}`" not in told] == []


def open_files() -> set[Path]:
    return {entry.resolve() for entry in Path("/proc/self/fd").iterdir()}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux which files are open")
def test_no_copy_of_what_a_commit_changes_is_in_another_file(tmp_path: Path) -> None:
    """To undo a statement that fails SQLite keeps pages as they were: from 64 KiB on in a file."""

    async def change() -> set[Path]:
        store = await SqliteStore.open(tmp_path / "a.db")
        await store.add_source("demo", name="demo", origins=[], now_ms=0)
        ids = [NewProfileId(number, f"id-{number}", 1, 0, number) for number in range(1, 5001)]
        links = [SourcedLink(Link(one.id, ANN, 9, f"later-{one.id}"), 1) for one in ids]
        earlier = [SourcedLink(Link(one.id, ANN, 1, f"first-{one.id}"), 1) for one in ids]
        async with store.transaction() as transaction:
            await transaction.write(Writes(profile_ids=ids, links=links))
            await transaction.write(Writes(links=earlier))
            files = open_files()
        await store.close()
        return {file for file in files if "etilqs" in file.name}  # SQLite's temporary files

    assert asyncio.run(change()) == set()
