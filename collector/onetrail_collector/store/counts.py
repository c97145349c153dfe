"""Counts over time: added to in the commit that stores what they count, read by range.

Minutes are kept for a week, hours for 400 days, days for ever. Of each metric and source at most
MOST_LABELS labels are kept of an hour that is past, and of a day, the most frequent; the others
become one. So a site whose every page has an address of its own costs no more than another.
"""

from collections import Counter
from collections.abc import Collection
from itertools import product

import aiosqlite
import msgspec

from onetrail_collector.store.labels import DAY_MS
from onetrail_collector.store.rows import (
    OTHER,
    CountRow,
    CountsAsked,
    PageView,
    PageViews,
    Tally,
    Writes,
)

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
STEPS_MS = (MINUTE_MS, HOUR_MS, DAY_MS)
PAGE_STEPS_MS = (HOUR_MS, DAY_MS)
KEPT_DAYS = {MINUTE_MS: 7, HOUR_MS: 400}
METRICS = ("events", "sessions", "profile_ids", "merges", "rejected", "pages", "referrers")
LABELLED = ("events", "pages", "referrers")
MOST_LABELS = 100

ADD_COUNTS = """
INSERT INTO counts (metric, step_ms, start_ms, source, label, count)
SELECT row.value ->> 0, step.value, (row.value ->> 1) / step.value * step.value,
       row.value ->> 2, row.value ->> 3, sum(row.value ->> 4)
FROM json_each(?) AS row CROSS JOIN json_each(?) AS step
WHERE true
GROUP BY 1, 2, 3, 4, 5
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""

# Summed up here and not in Python: a year has a hundred times as many rows as a page shows.
READ_COUNTS = """
WITH chosen AS MATERIALIZED (
    SELECT {line} AS line, {start} AS start_ms, sum(counts.count) AS happened
    FROM counts CROSS JOIN sources ON sources.id = counts.source
    WHERE counts.metric = ?1 AND counts.step_ms = ?2 AND counts.start_ms >= ?3
      AND counts.start_ms < ?4 AND (?5 IS NULL OR sources.public_id = ?5)
    GROUP BY 1, 2
)
SELECT iif(line IN (SELECT line FROM chosen WHERE line <> '(other)' GROUP BY 1
                    ORDER BY sum(happened) DESC, 1 LIMIT ?6), line, '(other)') AS shown,
       start_ms, sum(happened)
FROM chosen GROUP BY 1, 2
"""

# Of hours and days that are past, whose counts hardly grow any more.
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


async def read_counts(reader: aiosqlite.Connection, asked: CountsAsked) -> list[CountRow]:
    """The counts of the steps that begin in [from_ms, to_ms), by line and time.

    Lines are of the `most` greatest names; all others are one, OTHER.
    """
    line = {"": "counts.metric", "source": "sources.public_id", "label": "counts.label"}[asked.by]
    sql = READ_COUNTS.format(line=line, start="?3" if asked.whole else "counts.start_ms")
    rows = await reader.execute_fetchall(sql, asked[1:7])
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
    """Forget fine steps of long ago, and labels beyond the most frequent of what is past."""
    for metric in METRICS:
        for step_ms, days in KEPT_DAYS.items():
            await writer.execute(
                "DELETE FROM counts WHERE metric = ? AND step_ms = ? AND start_ms < ?",
                (metric, step_ms, now_ms - days * DAY_MS),
            )
    since_ms = now_ms - now_ms % DAY_MS - 7 * DAY_MS
    for metric, step_ms in product(LABELLED, (HOUR_MS, DAY_MS)):
        span = (metric, step_ms, since_ms, now_ms - now_ms % step_ms, OTHER, MOST_LABELS)
        await writer.execute(FOLD, span)
        await writer.execute(FORGET, span)


def _json(values: object) -> str:
    return msgspec.json.encode(values).decode()
