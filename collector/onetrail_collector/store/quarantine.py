"""Events that were refused, as they were sent: a few of each source, for some days."""

from collections.abc import Sequence

import aiosqlite

from onetrail_collector.store.rows import NewQuarantined, Quarantined

MAX_ROWS = 1_000  # of each source; the oldest make room
MAX_BYTES = 8_388_608  # likewise
MAX_AGE_MS = 14 * 86_400_000

SELECT = """
SELECT quarantine.id, sources.public_id, quarantine.event_id, quarantine.received_ms,
       quarantine.code, quarantine.detail, quarantine.session, quarantine.profile_id,
       quarantine.sent_at_ms, quarantine.context, quarantine.event, quarantine.cut,
       quarantine.protocol, quarantine.anonymous
FROM quarantine JOIN sources ON sources.id = quarantine.source
"""


async def keep_quarantined(writer: aiosqlite.Connection, rows: Sequence[NewQuarantined]) -> None:
    """Add them, each event once, within the bounds of their sources; drop what is too old."""
    await writer.executemany(
        "INSERT OR REPLACE INTO quarantine (source, event_id, received_ms, code, detail, session,"
        " profile_id, sent_at_ms, context, event, cut, protocol, anonymous, bytes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    await writer.executemany(
        """
        DELETE FROM quarantine WHERE id IN (
            SELECT id FROM (
                SELECT id, row_number() OVER newest AS place, sum(bytes) OVER newest AS total
                FROM quarantine WHERE source = ? WINDOW newest AS (ORDER BY id DESC)
            ) WHERE place > ? OR total > ?
        )
        """,
        [(source, MAX_ROWS, MAX_BYTES) for source in {row.source for row in rows}],
    )
    await expire(writer, now_ms=max(row.received_ms for row in rows))


async def expire(writer: aiosqlite.Connection, *, now_ms: int) -> int:
    """Drop what is too old; answers how many."""
    async with writer.execute(
        "DELETE FROM quarantine WHERE received_ms < ?", (now_ms - MAX_AGE_MS,)
    ) as cursor:
        return cursor.rowcount


async def drop(writer: aiosqlite.Connection, numbers: Sequence[int]) -> int:
    """Forget these; answers how many there were."""
    async with writer.executemany(
        "DELETE FROM quarantine WHERE id = ?", [(number,) for number in numbers]
    ) as cursor:
        return cursor.rowcount


async def read(
    reader: aiosqlite.Connection, source: str | None, *, limit: int, after: int = 0
) -> list[Quarantined]:
    """The oldest after the number `after`, of one source or of all."""
    rows = await reader.execute_fetchall(
        f"{SELECT} WHERE quarantine.id > ?2 AND (?1 IS NULL OR sources.public_id = ?1)"
        " ORDER BY quarantine.id LIMIT ?3",
        (source, after, limit),
    )
    return [Quarantined(*row) for row in rows]


async def read_newest(
    reader: aiosqlite.Connection, source: str | None, *, limit: int
) -> list[Quarantined]:
    """The newest, of one source or of all."""
    rows = await reader.execute_fetchall(
        f"{SELECT} WHERE ?1 IS NULL OR sources.public_id = ?1 ORDER BY quarantine.id DESC LIMIT ?2",
        (source, limit),
    )
    return [Quarantined(*row) for row in rows]
