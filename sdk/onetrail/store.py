"""One SQLite file that holds events until they are acknowledged: the only SQL of the SDK.

append() has committed when it returns. Writers share one connection under one lock; the sender
reads through a second one, so that neither waits for the other longer than a commit. Several
processes may have the file open at once: SQLite itself keeps them apart.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = """
CREATE TABLE IF NOT EXISTS session(
    key INTEGER PRIMARY KEY, id TEXT NOT NULL, holder TEXT NOT NULL, boot TEXT NOT NULL,
    context TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL, id TEXT NOT NULL,
    type TEXT NOT NULL, wall_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL,
    properties TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS holder(id TEXT PRIMARY KEY, profile_id TEXT NOT NULL);
"""
_APPEND = (
    "INSERT INTO event(session, id, type, wall_ms, mono_ms, properties) VALUES (?, ?, ?, ?, ?, ?)"
)
_PEEK = (
    "SELECT seq, session, id, type, wall_ms, mono_ms, properties FROM event ORDER BY seq LIMIT ?"
)
_BUSY_TIMEOUT_S = 5.0


class Session(NamedTuple):
    """One session of one holder in one process."""

    id: str
    holder: str
    boot: str
    context: str
    """JSON, as it goes into the request."""


class Waiting(NamedTuple):
    """An event that waits to be acknowledged."""

    seq: int
    session: int
    id: str
    type: str
    wall_ms: int
    mono_ms: int
    properties: str


class Store:
    """The outbox's file. Thread-safe."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._writer = self._connect()
        self._writer.executescript(SCHEMA)
        self._reader = self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def append(self, event: Sequence[Any]) -> int:
        """Commits (session, id, type, wall_ms, mono_ms, properties); returns its number."""
        with self._write_lock:
            return self._writer.execute(_APPEND, event).lastrowid or 0

    def begin_session(self, session: Session) -> int:
        """Keeps a session's facts once, for all its events; returns its key."""
        sql = "INSERT INTO session(id, holder, boot, context) VALUES (?, ?, ?, ?)"
        with self._write_lock:
            return self._writer.execute(sql, session).lastrowid or 0

    def session(self, key: int) -> Session:
        """A session's facts."""
        rows = self._read("SELECT id, holder, boot, context FROM session WHERE key = ?", (key,))
        return Session(*rows[0])

    def peek(self, limit: int) -> list[Waiting]:
        """The oldest events, in the order in which they were tracked."""
        return [Waiting(*row) for row in self._read(_PEEK, (limit,))]

    def acknowledge(self, first: int, last: int) -> None:
        """Forgets the events numbered first to last: they are the collector's now."""
        self._write("DELETE FROM event WHERE seq BETWEEN ? AND ?", (first, last))

    def last_number(self) -> int:
        """The number of the newest event that waits; 0 when none does."""
        return int(self._read("SELECT coalesce(max(seq), 0) FROM event")[0][0])

    def waiting(self, last: int) -> int:
        """How many events numbered up to `last` still wait."""
        return int(self._read("SELECT count(*) FROM event WHERE seq <= ?", (last,))[0][0])

    def profile_of(self, holder: str) -> str | None:
        """The profile ID that the collector issued to a holder, if it has."""
        rows = self._read("SELECT profile_id FROM holder WHERE id = ?", (holder,))
        return str(rows[0][0]) if rows else None

    def set_profile(self, holder: str, profile_id: str) -> None:
        """Keeps the profile ID of a holder for the events that still wait."""
        self._write(
            "INSERT OR REPLACE INTO holder(id, profile_id) VALUES (?, ?)", (holder, profile_id)
        )

    def close(self) -> None:
        """Closes the file; later calls raise sqlite3.ProgrammingError."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._read_lock:
            return self._reader.execute(sql, values).fetchall()

    def _write(self, sql: str, values: Sequence[Any]) -> None:
        with self._write_lock:
            self._writer.execute(sql, values)
