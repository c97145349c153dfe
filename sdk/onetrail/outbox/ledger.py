"""What did not go its way: events set aside, with the reason, and counts of what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onetrail.outbox.rows import Aside

if TYPE_CHECKING:
    from onetrail.outbox.connections import Connections

# ruff: noqa: S608  the names of columns below are constants
COLUMNS = "session, id, type, wall_ms, mono_ms, ago_ms, properties"
# Events leave from the oldest on: while any waits, the newest has the last number.
LAST_GIVEN = "ifnull((SELECT max(seq) FROM event), (SELECT upto FROM numbered))"
_REQUEUE = (
    f"INSERT INTO event(seq, {COLUMNS})"
    f" SELECT {LAST_GIVEN} + row_number() OVER (ORDER BY seq), {COLUMNS} FROM aside"
)
LOSE = (
    "INSERT INTO lost(reason, count) VALUES (?, ?)"
    " ON CONFLICT(reason) DO UPDATE SET count = count + excluded.count"
)


class Ledger:
    """The accounts of one outbox file. Thread-safe. Every method may raise sqlite3.Error."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def aside(self) -> list[Aside]:
        """The events that were set aside."""
        rows = self._connections.read("SELECT id, type, reason, properties FROM aside ORDER BY seq")
        return [Aside(*row) for row in rows]

    def requeue(self) -> int:
        """Puts what was set aside at the end of the queue; returns how many."""
        with self._connections.transaction() as writer:
            count = writer.execute(_REQUEUE).rowcount
            writer.execute("DELETE FROM aside")
        return count

    def lose(self, reason: str, count: int) -> None:
        """Counts events that could not be kept."""
        self._connections.write(LOSE, (reason, count))

    def lost(self) -> dict[str, int]:
        """How many events could not be kept, by reason, since the file was made."""
        return dict(self._connections.read("SELECT reason, count FROM lost"))

    def unreported(self) -> dict[str, int]:
        """What was lost and not yet told to the collector; from now on it counts as told."""
        sql = "SELECT reason, count - reported FROM lost WHERE count > reported"
        if not self._connections.read(sql):
            return {}
        with self._connections.transaction() as writer:
            news = dict(writer.execute(sql).fetchall())
            writer.execute("UPDATE lost SET reported = count")
        return news

    def drop_aside(self, keep: int, reason: str) -> None:
        """Forgets all but the newest events that were set aside."""
        sql = "DELETE FROM aside WHERE seq NOT IN (SELECT seq FROM aside ORDER BY seq DESC LIMIT ?)"
        with self._connections.transaction() as writer:
            if dropped := writer.execute(sql, (keep,)).rowcount:
                writer.execute(LOSE, (reason, dropped))
