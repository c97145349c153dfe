"""Migrations: all or nothing, in order, recorded with what they did."""

import asyncio
import re
import sqlite3
from pathlib import Path

import pytest

from onetrail_collector.store import database
from onetrail_collector.store.database import Migration, migrations, open_writer

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
