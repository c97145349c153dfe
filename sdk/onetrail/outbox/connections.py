"""Two connections to one SQLite file, writer and sender, that may be closed at any time.

They open at first use and again after a fork: SQLite forbids carrying a connection into a child.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MEMORY = ":memory:"
_APPLICATION_ID = 0x6F6E7472  # "ontr": tells our file from a foreign one
_VERSION = 1  # of the schema; the statements below also bring an older file up to it
_PAGE_BYTES = 1024  # a commit writes whole pages to the log, and an event is small
_BUSY_TIMEOUT_S = 1.0
_CACHE_KIB = 512
_LOG_PAGES = 16_384  # a backstop: the sender's thread keeps the log far below

SCHEMA = """
CREATE TABLE IF NOT EXISTS session(
    key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, holder TEXT NOT NULL,
    boot TEXT NOT NULL, context TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event(
    seq INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES session(key),
    id TEXT NOT NULL, type TEXT NOT NULL, wall_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL,
    ago_ms INTEGER NOT NULL, properties TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS aside(
    seq INTEGER PRIMARY KEY, session INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
    wall_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL, ago_ms INTEGER NOT NULL,
    properties TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS holder(id TEXT PRIMARY KEY, profile_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS boot(id TEXT PRIMARY KEY, wall_ms INTEGER NOT NULL,
    mono_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS lost(reason TEXT PRIMARY KEY, count INTEGER NOT NULL,
    reported INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS numbered(upto INTEGER NOT NULL);
INSERT INTO numbered
    SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)
    WHERE NOT EXISTS (SELECT 1 FROM numbered)
"""


_never_closed: list[Connections] = []


class ForeignFileError(sqlite3.DatabaseError):
    """The file is a sound SQLite database, but not an outbox."""


class Connections:
    """Writer and reader of one file. Each may be used only while its lock is held."""

    def __init__(self, path: str, *, fsync_each: bool) -> None:
        self.path = path
        self.in_memory = path == MEMORY
        self._synchronous = "FULL" if fsync_each else "NORMAL"
        self.write_lock = threading.Lock()
        # A database in memory belongs to its one connection: both roles share it.
        self.read_lock = self.write_lock if self.in_memory else threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._inode = 0
        self.retired = False
        """Whether nobody will close them again: then each use closes what it has opened."""

    def writer(self) -> sqlite3.Connection:
        """The connection that changes things; hold write_lock."""
        if self._writer is None:
            self._writer = self._connect()
        return self._writer

    def reader(self) -> sqlite3.Connection:
        """The connection that peeks and keeps the log short; hold read_lock."""
        if self.in_memory:
            return self.writer()
        if self._reader is None:
            self._reader = self._connect()
        return self._reader

    def read(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Rows, through the reader's connection."""
        with self.read_lock:
            rows = self.reader().execute(sql, values).fetchall()
            self.spare()
        return rows

    def write(self, sql: str, values: Sequence[Any]) -> None:
        """One statement, committed when it returns."""
        with self.write_lock:
            self.writer().execute(sql, values)
            self.spare(writer=True)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, through the writer's connection."""
        with self.write_lock:
            writer = self.writer()
            writer.execute("BEGIN IMMEDIATE")
            try:
                yield writer
            except BaseException:
                writer.execute("ROLLBACK")
                raise
            writer.execute("COMMIT")
            self.spare(writer=True)

    def spare(self, *, writer: bool = False) -> None:
        """Closes what was just used, once the outbox is closed; hold that one's lock."""
        if not self.retired:
            return
        if writer or self.in_memory:
            used, self._writer = self._writer, None
        else:
            used, self._reader = self._reader, None
        if used is not None:
            used.close()

    def was_replaced(self) -> bool:
        """Whether the path no longer leads to the file that is open: set aside, or deleted."""
        return not self.in_memory and bool(self._inode) and self._inode != _inode(self.path)

    def close(self) -> None:
        """Closes both; hold both locks. The next use opens them again. Memory is forgotten."""
        self._inode = 0
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        if reader is not None:
            reader.close()
        if writer is not None:
            writer.close()

    def abandoned(self) -> Connections:
        """Fresh ones for the same file. The old are kept open: to close them is the parent's."""
        _never_closed.append(self)
        fresh = Connections(self.path, fsync_each=False)
        fresh._synchronous = self._synchronous
        return fresh

    def _connect(self) -> sqlite3.Connection:
        if not self.in_memory:
            with contextlib.suppress(OSError):  # SQLite then says what is wrong
                Path(self.path).parent.mkdir(0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if not _is_current(connection):
            connection.execute("BEGIN IMMEDIATE")  # another process may be making it right now
            if not _is_current(connection):
                found = _value(connection, "PRAGMA application_id")
                tables = _value(connection, "SELECT count(*) FROM sqlite_master")
                if tables and found != _APPLICATION_ID:
                    raise ForeignFileError(f"its application_id is {found}")
                for statement in SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version={_VERSION}")
            connection.execute("COMMIT")
        self._inode = 0 if self.in_memory else _inode(self.path)


def _is_current(connection: sqlite3.Connection) -> bool:
    ours = _value(connection, "PRAGMA application_id") == _APPLICATION_ID
    return ours and _value(connection, "PRAGMA user_version") >= _VERSION


def _value(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])


def _inode(path: str) -> int:
    try:
        return Path(path).stat().st_ino
    except OSError:
        return -1
