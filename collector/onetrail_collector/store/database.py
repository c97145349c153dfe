"""Opening the file: one SQLite database, brought to the present schema, power-safe.

WAL with synchronous=FULL: a commit is on the disk when COMMIT returns, and readers never wait for
the writer (https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

import sqlite3
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import aiosqlite

APPLICATION_ID = 0x6F743031  # "ot01": tells our files from other SQLite files
BUSY_TIMEOUT_S = 5.0


class UnusableDatabase(Exception):  # noqa: N818 - read by a person
    """The file cannot serve as a collector's database; the message says why, and what to do."""


class Migration(NamedTuple):
    """One numbered .sql file."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """All migrations in their order; their numbers are 1, 2, 3 and so on."""
    folder = files("onetrail_collector.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(int(name[:4]), name, (folder / name).read_text()) for name in names]


async def open_writer(path: Path) -> aiosqlite.Connection:
    """The one connection that writes; makes and migrates the file. Raises UnusableDatabase."""
    try:
        connection = await _connect(path, "rwc")
    except sqlite3.OperationalError as error:
        raise UnusableDatabase(
            f"cannot open {path}: {error}; the folder must exist and be writable"
        ) from None
    try:
        await _migrate(connection, path, migrations())
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.DatabaseError as error:
        await connection.close()
        raise UnusableDatabase(f"cannot use {path}: {error}") from None
    except BaseException:
        await connection.close()
        raise
    return connection


async def open_reader(path: Path) -> aiosqlite.Connection:
    """A connection that cannot write."""
    return await _connect(path, "ro")


async def _connect(path: Path, mode: str) -> aiosqlite.Connection:
    return await aiosqlite.connect(
        _uri(path, mode), uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S
    )


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


async def _migrate(
    connection: aiosqlite.Connection, path: Path, steps: Sequence[Migration]
) -> None:
    application_id = await _pragma(connection, "application_id")
    done = await _pragma(connection, "user_version")
    tables = await _count_tables(connection)
    if tables and application_id != APPLICATION_ID:
        raise UnusableDatabase(f"{path} belongs to another program; choose another file with --db")
    if done > len(steps):
        raise UnusableDatabase(
            f"{path} was written by a newer onetrail (schema {done}; this one knows {len(steps)}); "
            "install that version, or choose another file with --db"
        )
    for step in steps[done:]:
        await _apply(connection, step)


async def _apply(connection: aiosqlite.Connection, step: Migration) -> None:
    """One migration and its record, in one transaction."""
    await connection.execute("BEGIN IMMEDIATE")
    try:
        if await _pragma(connection, "user_version") < step.number:  # else another process did it
            for statement in _statements(step.sql):
                await connection.execute(statement)
            await connection.execute(f"PRAGMA user_version = {step.number}")
            await connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        await connection.execute("COMMIT")
    except BaseException:
        await connection.execute("ROLLBACK")
        raise


def _statements(sql: str) -> list[str]:
    """The statements of a script; executescript() would commit in the middle of our transaction."""
    statements = []
    text = ""
    for line in sql.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            statements.append(text)
            text = ""
    return statements


async def _pragma(connection: aiosqlite.Connection, name: str) -> int:
    async with connection.execute(f"PRAGMA {name}") as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def _count_tables(connection: aiosqlite.Connection) -> int:
    async with connection.execute("SELECT count(*) FROM sqlite_schema") as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0
