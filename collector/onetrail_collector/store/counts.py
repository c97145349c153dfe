"""Counts over time: added to in the commit that stores what they count, read by range."""

from collections import Counter
from collections.abc import Iterable

import aiosqlite
import msgspec

from onetrail_collector.store.rows import CountRow, NewEvent, Tally, Writes

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
STEPS_MS = (MINUTE_MS, HOUR_MS, DAY_MS)

ADD_COUNTS = f"""
INSERT INTO counts (metric, step_ms, start_ms, source, label, count)
SELECT row.value ->> 0, step.value, (row.value ->> 1) / step.value * step.value,
       row.value ->> 2, row.value ->> 3, sum(row.value ->> 4)
FROM json_each(?) AS row CROSS JOIN json_each('{list(STEPS_MS)}') AS step
WHERE true
GROUP BY 1, 2, 3, 4, 5
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""  # noqa: S608 - constants


def tally(writes: Writes) -> list[Tally]:
    """What a commit adds to the counts, minute by minute of the time at which it happened."""
    happened = _by_minute(writes.events)
    happened.update(
        ("sessions", row.started_ms // MINUTE_MS, row.source, "") for row in writes.sessions
    )
    happened.update(
        ("profile_ids", row.issued_ms // MINUTE_MS, row.source, "") for row in writes.profile_ids
    )
    return [
        (metric, max(minute, 0) * MINUTE_MS, source, label, count)
        for (metric, minute, source, label), count in happened.items()
    ]


def _by_minute(events: Iterable[NewEvent]) -> Counter[tuple[str, int, int, str]]:
    return Counter(("events", event[5] // MINUTE_MS, event[0], event[2]) for event in events)


async def read_counts(
    reader: aiosqlite.Connection, *, metrics: list[str], step_ms: int, from_ms: int, to_ms: int
) -> list[CountRow]:
    """The counts of these metrics in the steps that begin in [from_ms, to_ms)."""
    rows = await reader.execute_fetchall(
        """
        SELECT counts.metric, counts.start_ms, sources.public_id, counts.label, counts.count
        FROM json_each(?) AS metric
        CROSS JOIN counts ON counts.metric = metric.value AND counts.step_ms = ?
                         AND counts.start_ms >= ? AND counts.start_ms < ?
        CROSS JOIN sources ON sources.id = counts.source
        """,
        (msgspec.json.encode(metrics).decode(), step_ms, from_ms, to_ms),
    )
    return [CountRow(*row) for row in rows]
