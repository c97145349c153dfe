"""Events in the order in which they were committed: what a live view follows."""

import aiosqlite

from onetrail_collector.store.rows import LiveEvent, LiveFilter, StoredEvent

LOOK_BACK = 20_000  # events; further back a filter that fits nothing would read the whole file


async def newest_number(reader: aiosqlite.Connection) -> int:
    """The number of the event that was committed last; 0 where there is none."""
    [row] = await reader.execute_fetchall("SELECT ifnull(max(id), 0) FROM events")
    return int(row[0])


async def read_committed(
    reader: aiosqlite.Connection,
    *,
    after: int,
    limit: int,
    filter_by: LiveFilter,
) -> list[LiveEvent]:
    """At most `limit` events committed after this one, the newest of them, in their order."""
    rows = await reader.execute_fetchall(
        """
        SELECT events.id, events.event_id, events.type, events.time_ms, events.received_ms,
               events.properties, events.context, contexts.body,
               profile_ids.public_id, sessions.public_id, sources.public_id,
               events.skew_ms, events.ahead_ms
        FROM events
        CROSS JOIN sources ON sources.id = events.source
        CROSS JOIN profile_ids ON profile_ids.id = events.profile_id
        CROSS JOIN sessions ON sessions.id = events.session
        LEFT JOIN contexts ON contexts.id = events.context_id
        WHERE events.id > max(?1, (SELECT ifnull(max(id), 0) FROM events) - ?6)
          AND (?3 IS NULL OR sources.public_id = ?3)
          AND (?4 IS NULL OR events.type = ?4)
          AND (?5 IS NULL OR profile_ids.profile = (
              SELECT profile FROM profile_ids WHERE public_id = ?5
          ))
        ORDER BY events.id DESC LIMIT ?2
        """,
        (after, limit, *filter_by, LOOK_BACK),
    )
    return [LiveEvent(row[0], StoredEvent(*row[1:])) for row in reversed(list(rows))]
