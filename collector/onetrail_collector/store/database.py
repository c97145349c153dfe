"""Opening the file: one SQLite database, brought to the present schema, power-safe.

WAL with synchronous=FULL: a commit is on the disk when COMMIT returns, and readers never wait for
the writer (https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import aiosqlite

from onetrail_collector.store.insert import Writer

APPLICATION_ID = 0x6F743031  # "ot01": tells our files from other SQLite files
BUSY_TIMEOUT_S = 5.0
# Between two looks at a busy file SQLite waits 1, 2, 5 ms, and ever longer up to 0.1 s. Asked anew
# it begins again, so that who works in turns need not pause for long to let another process in.
ASK_ANEW_MS = 8
# 40 MB of WAL: commits touch the same index pages again and again, a checkpoint writes each once.
CHECKPOINT_PAGES = 10000
# Links of a commit touch pages all over the indexes; taken as the file grows, not at the start.
CACHE_KIB = 65_536
CACHED_STATEMENTS = 512  # those that add rows are of eleven lengths each (insert.py)
SYNCHRONOUS = {"full": 2, "normal": 1}


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


async def open_writer(path: Path, *, synchronous: str = "full") -> Writer:
    """The one connection that writes; makes and migrates the file. Raises UnusableDatabase."""
    try:
        sqlite3.connect(
            _uri(path, "rwc"), uri=True
        ).close()  # aiosqlite leaves a thread if it fails
        connection = Writer(partial(_open, path, "rwc"), iter_chunk_size=64)
        await connection
    except sqlite3.OperationalError as error:
        raise UnusableDatabase(
            f"cannot open {path}: {error}; the folder must exist and be writable"
        ) from None
    try:
        await _check_ours(connection, path)
        await _use_wal(connection)
        await connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[synchronous]}")
        await connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        await connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        # What is deleted is overwritten (https://www.sqlite.org/pragma.html#pragma_secure_delete).
        await connection.execute("PRAGMA secure_delete = ON")
        await _migrate(connection, path, migrations())
        # What a statement may have to undo, copies of pages of people's data, goes into no file.
        await connection.execute("PRAGMA temp_store = MEMORY")
        await connection.execute(f"PRAGMA busy_timeout = {ASK_ANEW_MS}")  # see begin()
    except sqlite3.DatabaseError as error:
        await connection.close()
        raise UnusableDatabase(f"cannot use {path}: {error}") from None
    except BaseException:
        await connection.close()
        raise
    return connection


async def open_reader(path: Path) -> aiosqlite.Connection:
    """A connection that cannot write."""
    return await aiosqlite.Connection(partial(_open, path, "ro"), iter_chunk_size=64)


async def begin(writer: Writer) -> None:
    """Begin a transaction that writes, once no other process has one.

    Raises sqlite3.OperationalError "database is locked" after BUSY_TIMEOUT_S.
    """
    await writer.turn(_begin)


def _begin(connection: sqlite3.Connection) -> None:
    ends = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > ends:
                raise
        else:
            return


async def checkpoint(writer: aiosqlite.Connection) -> None:
    """Bring the WAL into the file and empty it; what readers still need of it stays for now."""
    await writer.execute("PRAGMA busy_timeout = 100")  # commits wait meanwhile
    try:
        await writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        await writer.execute(f"PRAGMA busy_timeout = {ASK_ANEW_MS}")


def _open(path: Path, mode: str) -> sqlite3.Connection:
    uri = _uri(path, mode)
    return sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        timeout=BUSY_TIMEOUT_S,
        cached_statements=CACHED_STATEMENTS,
    )


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


async def _check_ours(connection: aiosqlite.Connection, path: Path) -> None:
    """Before anything is written: a file with tables must be one of ours."""
    tables = await _int(connection, "SELECT count(*) FROM sqlite_schema")
    if tables and await _int(connection, "PRAGMA application_id") != APPLICATION_ID:
        raise UnusableDatabase(f"{path} belongs to another program; choose another file with --db")


async def _use_wal(connection: aiosqlite.Connection) -> None:
    """Switch a new file to WAL; SQLite's busy time-out does not cover this one statement."""
    for _ in range(int(BUSY_TIMEOUT_S / 0.05)):
        try:
            await connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            await asyncio.sleep(0.05)
        else:
            return
    await connection.execute("PRAGMA journal_mode = WAL")


async def _migrate(
    connection: aiosqlite.Connection, path: Path, steps: Sequence[Migration]
) -> None:
    done = await _int(connection, "PRAGMA user_version")
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
        if (
            await _int(connection, "PRAGMA user_version") < step.number
        ):  # else another process did it
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


async def _int(connection: aiosqlite.Connection, sql: str) -> int:
    [(value,)] = await connection.execute_fetchall(sql)
    return int(value)
