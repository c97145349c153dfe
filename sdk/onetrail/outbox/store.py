"""The queries of one outbox file: append, peek and acknowledge.

append() has committed when it returns. Writers share one connection under one lock; the sender
reads through a second one, so that neither waits for the other longer than a commit. Several
processes may have the file open at once: SQLite itself keeps them apart.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from onetrail.ids import new_id
from onetrail.outbox.ledger import COLUMNS, LAST_GIVEN, LOSE, Ledger
from onetrail.outbox.rows import Event, Session, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onetrail.clock import Reading
    from onetrail.outbox.connections import Connections

# ruff: noqa: S608  the names of columns below are constants
# A number is never given twice: what one process has sent, another must not take for done.
# (SQLite's AUTOINCREMENT promises the same, and writes one more page for each event.)
_APPEND = f"INSERT INTO event(seq, {COLUMNS}) VALUES ({LAST_GIVEN} + 1, ?, ?, ?, ?, ?, ?, ?)"
_NUMBERED = f"UPDATE numbered SET upto = {LAST_GIVEN}"
# Each column comes as one text, and the rows by their numbers: a peek of a thousand must not trip
# up the app's thread as often. sqlite3 hands over the interpreter's lock at each row, and most of
# SQLite's ways to join rows, or to limit them, ask for memory at each row, for which the two
# threads queue. No field can hold the separator: JSON escapes it, types and ids are printable.
_SEPARATOR = "\x1e"
_FIRST = "(SELECT min(seq) FROM event WHERE seq > :after)"
_COLUMNS_AS_TEXT = ", ".join(f"group_concat({name}, '{_SEPARATOR}')" for name in Waiting._fields)
_PEEK = f"SELECT {_COLUMNS_AS_TEXT} FROM event WHERE seq >= {_FIRST} AND seq < {_FIRST} + :limit"
_SIZE = (
    "SELECT (SELECT ifnull(max(seq) - min(seq) + 1, 0) FROM event),"
    " (page_count - freelist_count) * page_size"
    " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)
_SET_ASIDE = (
    f"INSERT INTO aside(seq, {COLUMNS}, reason)"
    f" SELECT seq, {COLUMNS}, ? FROM event WHERE seq > ? AND seq <= ?"
)
_MANY = 100
_LOG_EVENTS = 6_000  # some 9 MB of log: each commit writes one or two pages of a kilobyte
_CACHED = 1000  # an import begins thousands of sessions
_FORGET_SESSIONS = (
    "DELETE FROM session WHERE key NOT IN"
    " (SELECT session FROM event UNION SELECT session FROM aside)"
)


class Store:
    """One outbox file. Thread-safe. Every method may raise sqlite3.Error."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.ledger = Ledger(connections)
        self._write_lock = connections.write_lock
        self._keys: dict[Session, int] = {}
        self._sessions: dict[int, Session] = {}
        self._logged = 0  # events since the log was last shortened
        self._done = 0  # acknowledged up to here, also if a full disk refused to forget them

    def append(self, session: Session, event: Event) -> None:
        """Commits one event."""
        with self._write_lock:
            writer = self.connections.writer()
            try:
                key = self._keys.get(session) or self._begin(writer, session)
                writer.execute(_APPEND, (key, *event))
            except sqlite3.IntegrityError:  # another process has tidied the session away
                writer.execute(_APPEND, (self._begin(writer, session), *event))
            self._logged += 1
            if self.connections.retired:
                self.connections.spare(writer=True)

    def append_all(self, events: Iterable[tuple[Session, Event]]) -> None:
        """Commits many events at once."""
        with self.connections.transaction() as writer:
            for session, event in events:
                key = self._keys.get(session) or self._begin(writer, session)
                writer.execute(_APPEND, (key, *event))

    def _begin(self, writer: sqlite3.Connection, session: Session) -> int:
        sql = "INSERT INTO session(id, holder, boot, context) VALUES (?, ?, ?, ?)"
        if len(self._keys) >= _CACHED:
            self._keys.clear()
        key = self._keys[session] = writer.execute(sql, session).lastrowid or 0
        return key

    def session(self, key: int) -> Session:
        """A session's facts. One that is missing, after damage, is made up rather than shared."""
        session = self._sessions.get(key)
        if session is None:
            sql = "SELECT id, holder, boot, context FROM session WHERE key = ?"
            rows = self.connections.read(sql, (key,))
            session = Session(*rows[0]) if rows else Session(new_id(), "", "", "{}")
            if len(self._sessions) >= _CACHED:
                self._sessions.clear()
            self._sessions[key] = session
        return session

    def peek(self, limit: int, *, after: int = 0) -> list[Waiting]:
        """The oldest events after a number, in the order in which they were tracked.

        At most `limit`; fewer also where numbers are missing; none only if none waits.
        """
        (columns,) = self.connections.read(_PEEK, {"after": max(after, self._done), "limit": limit})
        if columns[0] is None:
            return []
        seq, session, ids, types, wall_ms, mono_ms, ago_ms, properties = (
            column.split(_SEPARATOR) for column in columns
        )
        times = (map(int, times) for times in (wall_ms, mono_ms, ago_ms))
        waiting = map(Waiting, map(int, seq), map(int, session), ids, types, *times, properties)
        return sorted(waiting)  # SQLite does not promise the order in which it gathers

    def acknowledge(self, last: int) -> None:
        """Forgets the events up to this number: they are the collector's now.

        If the disk refuses they are still not peeked again by this process.
        """
        self._done = last
        with self.connections.transaction() as writer:
            _forget(writer, "WHERE seq <= ?", (last,))

    def about(self) -> int:
        """About how many events wait, never too few; costs the same however many do."""
        sql = "SELECT max(seq) - max(min(seq) - 1, ?) FROM event"
        return self.connections.read(sql, (self._done,))[0][0] or 0

    def last_number(self) -> int:
        """The number of the newest event that waits; 0 when none does."""
        return int(self.connections.read("SELECT coalesce(max(seq), 0) FROM event")[0][0])

    def any_waiting(self, last: int) -> bool:
        """Whether any event numbered up to `last` still waits; costs the same however many do."""
        sql = "SELECT EXISTS (SELECT 1 FROM event WHERE seq > ? AND seq <= ?)"
        return bool(self.connections.read(sql, (self._done, last))[0][0])

    def waiting(self, last: int) -> int:
        """How many events numbered up to `last` still wait."""
        sql = "SELECT count(*) FROM event WHERE seq > ? AND seq <= ?"
        return int(self.connections.read(sql, (self._done, last))[0][0])

    def set_aside(self, last: int, reason: str) -> None:
        """Takes the events up to this number out of the queue, and keeps them with the reason."""
        with self.connections.transaction() as writer:
            writer.execute(_SET_ASIDE, (reason, self._done, last))
            _forget(writer, "WHERE seq <= ?", (last,))

    def purge(self) -> int:
        """Forgets every event, also those set aside; returns how many."""
        with self.connections.transaction() as writer:
            return _forget(writer) + writer.execute("DELETE FROM aside").rowcount

    def profile_of(self, holder: str) -> str | None:
        """The profile ID that the collector issued to a holder, if it has."""
        rows = self.connections.read("SELECT profile_id FROM holder WHERE id = ?", (holder,))
        return str(rows[0][0]) if rows else None

    def set_profile(self, holder: str, profile_id: str) -> None:
        """Keeps the profile ID of a holder for the events that still wait."""
        self.connections.write("INSERT OR REPLACE INTO holder VALUES (?, ?)", (holder, profile_id))

    def set_anchor(self, now: Reading) -> None:
        """Keeps what the clocks of this boot say now, the best judge of its events' times."""
        self.connections.write("INSERT OR REPLACE INTO boot VALUES (?, ?, ?)", (now.boot, *now[:2]))

    def anchors(self) -> dict[str, tuple[int, int]]:
        """For each boot with events, the last readings of its clocks."""
        return {
            boot: (wall, mono) for boot, wall, mono in self.connections.read("SELECT * FROM boot")
        }

    def size(self) -> tuple[int, int]:
        """About how many events wait, never too few, and the bytes in use; both without a scan.

        Asks the writer: the reader may be busy with the log, for which an app must not wait.
        """
        with self._write_lock:
            rows, size = self.connections.writer().execute(_SIZE).fetchone()
            self.connections.spare(writer=True)
        return int(rows), int(size)

    def drop_oldest(self, count: int, reason: str) -> int:
        """Forgets the oldest events and counts them as lost; returns how many there were."""
        return self._drop("seq IN (SELECT seq FROM event ORDER BY seq LIMIT ?)", count, reason)

    def keep_newest(self, count: int, reason: str) -> int:
        """Forgets all but so many events, likewise."""
        newest = "SELECT seq FROM event ORDER BY seq DESC LIMIT 1 OFFSET ?"
        return self._drop(f"seq <= ({newest})", count, reason)

    def _drop(self, which: str, count: int, reason: str) -> int:
        with self.connections.transaction() as writer:
            if dropped := _forget(writer, f"WHERE {which}", (count,)):
                writer.execute(LOSE, (reason, dropped))
        return dropped

    def tidy(self) -> None:
        """Forgets sessions, holders and boots, once no event waits and many have gathered."""
        if (
            self.last_number()
            or self.connections.read("SELECT count(*) FROM session")[0][0] < _MANY
        ):
            return
        with self.connections.transaction() as writer:
            self._keys.clear()
            writer.execute(_FORGET_SESSIONS)
            writer.execute("DELETE FROM holder WHERE id NOT IN (SELECT holder FROM session)")
            writer.execute("DELETE FROM boot WHERE id NOT IN (SELECT boot FROM session)")

    def shorten_log(self) -> None:
        """Moves a long log into the file, on the sender's thread: writers do not wait for it."""
        if self._logged >= _LOG_EVENTS:
            self._logged = 0
            self.connections.read("PRAGMA wal_checkpoint(PASSIVE)")

    def is_sound(self) -> bool:
        """Whether SQLite finds nothing wrong with the file; reads all of it."""
        return bool(self.connections.read("PRAGMA quick_check(1)")[0][0] == "ok")

    def before_fork(self) -> None:
        """Holds every lock and closes the file, so that a child inherits neither."""
        connections = self.connections
        connections.write_lock.acquire()
        if connections.read_lock is not connections.write_lock:
            connections.read_lock.acquire()
            connections.close()

    def after_fork(self) -> None:
        """Lets the locks go again, in parent and child."""
        connections = self.connections
        if connections.read_lock is not connections.write_lock:
            connections.read_lock.release()
        connections.write_lock.release()

    def close(self) -> None:
        """Closes the file; a later call opens it again."""
        self.before_fork()
        if self.connections.in_memory:
            self.connections.close()
        self._keys.clear()
        self._sessions.clear()
        self._done = 0
        self.after_fork()


def _forget(writer: sqlite3.Connection, which: str = "", values: tuple[int, ...] = ()) -> int:
    """Deletes events, within a transaction; remembers their numbers. Returns how many."""
    writer.execute(_NUMBERED)
    return writer.execute(f"DELETE FROM event {which}", values).rowcount
