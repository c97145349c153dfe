"""Counts over time: added to in the commit that stores what they count, read by range.

Minutes are kept for a week, hours for 400 days, days for ever. Of each metric and source at most
MOST_LABELS labels an hour and a day are kept, the most frequent; the others become one.
"""

from collections import Counter
from collections.abc import Collection

import aiosqlite
import msgspec

from onetrail_collector.store.labels import DAY_MS, OTHER
from onetrail_collector.store.rows import CountRow, PageView, PageViews, Tally, Writes

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
STEPS_MS = (MINUTE_MS, HOUR_MS, DAY_MS)
PAGE_STEPS_MS = (HOUR_MS, DAY_MS)
KEPT_DAYS = {MINUTE_MS: 7, HOUR_MS: 400}
METRICS = ("events", "sessions", "profile_ids", "merges", "rejected", "pages", "referrers")
LABELLED = ("events", "pages", "referrers")
MOST_LABELS = 1_000
FOLDED_DAYS = {HOUR_MS: 2, DAY_MS: 7}  # how far back it is looked at again

ADD_COUNTS = """
INSERT INTO counts (metric, step_ms, start_ms, source, label, count)
SELECT row.value ->> 0, step.value, (row.value ->> 1) / step.value * step.value,
       row.value ->> 2, row.value ->> 3, sum(row.value ->> 4)
FROM json_each(?) AS row CROSS JOIN json_each(?) AS step
WHERE true
GROUP BY 1, 2, 3, 4, 5
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""

# Of yesterday and the days before, whose counts hardly grow any more.
FOLD = """
INSERT INTO counts (metric, step_ms, start_ms, source, label, count)
SELECT metric, step_ms, start_ms, source, ?5, sum(count) FROM (
    SELECT *, row_number() OVER (PARTITION BY step_ms, start_ms, source ORDER BY count DESC, label)
              AS place
    FROM counts
    WHERE metric = ?1 AND step_ms = ?2 AND start_ms >= ?3 AND start_ms < ?4 AND label <> ?5
) WHERE place > ?6 GROUP BY start_ms, source
ON CONFLICT DO UPDATE SET count = counts.count + excluded.count
"""
FORGET = """
DELETE FROM counts WHERE (metric, step_ms, start_ms, source, label) IN (
    SELECT metric, step_ms, start_ms, source, label FROM (
        SELECT *, row_number() OVER (PARTITION BY step_ms, start_ms, source
                                     ORDER BY label = ?5 DESC, count DESC, label) AS place
        FROM counts WHERE metric = ?1 AND step_ms = ?2 AND start_ms >= ?3 AND start_ms < ?4
    ) WHERE place > ?6 + 1
)
"""


def tally(writes: Writes) -> list[Tally]:
    """What a commit adds to the counts, minute by minute of the time at which it happened."""
    happened = Counter(
        ("events", event[5] // MINUTE_MS, event[0], event[2]) for event in writes.events
    )
    happened.update(
        ("sessions", row.started_ms // MINUTE_MS, row.source, "") for row in writes.sessions
    )
    happened.update(
        ("profile_ids", row.issued_ms // MINUTE_MS, row.source, "") for row in writes.profile_ids
    )
    happened.update(
        ("rejected", row.received_ms // MINUTE_MS, row.source, row.code)
        for row in writes.quarantine
    )
    return [
        (metric, max(minute, 0) * MINUTE_MS, source, label, count)
        for (metric, minute, source, label), count in happened.items()
    ]


async def add_counts(
    writer: aiosqlite.Connection, rows: list[Tally], steps_ms: tuple[int, ...] = STEPS_MS
) -> None:
    """Add to the counts of these steps; within the caller's transaction."""
    if rows:
        await writer.execute(ADD_COUNTS, (_json(rows), _json(steps_ms)))


async def add_merges(writer: aiosqlite.Connection, merged: Collection[int], *, now_ms: int) -> None:
    """Count profiles that became part of another, by the source of each one's oldest profile ID."""
    rows = await writer.execute_fetchall(
        "SELECT profile_ids.source, count(*) FROM json_each(?) AS merged"
        " CROSS JOIN profile_ids ON profile_ids.id = merged.value GROUP BY profile_ids.source",
        (_json(list(merged)),),
    )
    minute_ms = now_ms - now_ms % MINUTE_MS
    await add_counts(writer, [("merges", minute_ms, source, "", count) for source, count in rows])


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
        (_json(metrics), step_ms, from_ms, to_ms),
    )
    return [CountRow(*row) for row in rows]


async def read_page_views(reader: aiosqlite.Connection, *, limit: int) -> PageViews:
    """The page views among the next `limit` events whose pages are not counted yet."""
    [(first, newest)] = await reader.execute_fetchall(
        "SELECT ifnull((SELECT number FROM positions WHERE name = 'pages'), 0),"
        " (SELECT ifnull(max(id), 0) FROM events)"
    )
    last = min(newest, first + limit)
    rows = await reader.execute_fetchall(
        "SELECT source, time_ms, properties FROM events"
        " WHERE id > ? AND id <= ? AND type = 'page-view'",
        (first, last),
    )
    return PageViews([PageView(*row) for row in rows], first, last)


async def add_page_counts(writer: aiosqlite.Connection, rows: list[Tally], last: int) -> None:
    """Count pages up to the event of this number; within the caller's transaction."""
    await add_counts(writer, rows, PAGE_STEPS_MS)
    await writer.execute(
        "INSERT INTO positions (name, number) VALUES ('pages', ?)"
        " ON CONFLICT (name) DO UPDATE SET number = excluded.number",
        (last,),
    )


async def tidy_counts(writer: aiosqlite.Connection, now_ms: int) -> None:
    """Forget fine steps of long ago, and labels beyond the most frequent of each past day."""
    for metric in METRICS:
        for step_ms, days in KEPT_DAYS.items():
            await writer.execute(
                "DELETE FROM counts WHERE metric = ? AND step_ms = ? AND start_ms < ?",
                (metric, step_ms, now_ms - days * DAY_MS),
            )
    today_ms = now_ms - now_ms % DAY_MS
    for metric in LABELLED:
        for step_ms, days in FOLDED_DAYS.items():
            span = (metric, step_ms, today_ms - days * DAY_MS, today_ms, OTHER, MOST_LABELS)
            await writer.execute(FOLD, span)
            await writer.execute(FORGET, span)


def _json(values: object) -> str:
    return msgspec.json.encode(values).decode()
