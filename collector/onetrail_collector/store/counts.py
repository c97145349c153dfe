"""Counts over time: added to in the commit that stores what they count, read by range.

What is past is summed up and thinned out by rollups.py; an event that comes late is added to its
month too, where that was summed up already.
"""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import repeat
from operator import floordiv
from typing import Any

import aiosqlite

from onetrail_collector.store.insert import Statement, run
from onetrail_collector.store.periods import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    MONTH_MS,
    Piece,
    pieces,
)
from onetrail_collector.store.rows import (
    EVENT_COLUMNS,
    CountRow,
    CountsAsked,
    EventValues,
    PageView,
    PageViews,
    Tally,
    Writes,
)
from onetrail_collector.store.statements import as_json

STEPS_MS = (MINUTE_MS, HOUR_MS, DAY_MS, MONTH_MS)
PAGE_STEPS_MS = (HOUR_MS, DAY_MS, MONTH_MS)

# Up to when months are summed up; asked in the transaction that adds, or that reads.
MONTHS_TO = "ifnull((SELECT number FROM positions WHERE name = 'months'), 0)"

ADD_COUNTS = f"""
INSERT INTO counts (metric, step_ms, start_ms, source, label, count)
SELECT row.value ->> 0, step.value,
       iif(step.value = {MONTH_MS},
           1000 * unixepoch((row.value ->> 1) / 1000, 'unixepoch', 'start of month'),
           (row.value ->> 1) / step.value * step.value),
       row.value ->> 2, row.value ->> 3, sum(row.value ->> 4)
FROM json_each(?) AS row CROSS JOIN json_each(?) AS step
WHERE step.value < {MONTH_MS} OR row.value ->> 1 < {MONTHS_TO}
GROUP BY 1, 2, 3, 4, 5
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""

# Summed up here and not in Python: a year has a hundred times as many rows as a page shows.
READ_COUNTS = """
WITH chosen AS MATERIALIZED (
    SELECT {line} AS line, {start} AS start_ms, sum(counts.count) AS happened
    FROM json_each(?2) AS piece
    CROSS JOIN counts ON counts.metric = ?1 AND counts.step_ms = piece.value ->> 0
         AND counts.start_ms >= piece.value ->> 1 AND counts.start_ms < piece.value ->> 2
    CROSS JOIN sources ON sources.id = counts.source
    WHERE ?4 IS NULL OR sources.public_id = ?4
    GROUP BY 1, 2
), greatest AS MATERIALIZED (
    SELECT line FROM chosen WHERE line <> '(other)' GROUP BY 1
    ORDER BY sum(happened) DESC, 1 LIMIT ?5
)
SELECT line, start_ms, happened FROM chosen WHERE line IN greatest
UNION ALL
SELECT '(other)', start_ms, sum(happened) FROM chosen WHERE line NOT IN greatest GROUP BY start_ms
"""


def tally(writes: Writes) -> list[Tally]:
    """What a commit adds to the counts, minute by minute of the time at which it happened."""
    minutes = map(floordiv, _column(writes.events, "time_ms"), repeat(MINUTE_MS))
    sources, types = _column(writes.events, "source"), _column(writes.events, "type")
    happened = Counter(zip(repeat("events"), minutes, sources, types))
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


def _column(values: EventValues, name: str) -> Sequence[Any]:
    return values[EVENT_COLUMNS.index(name) :: len(EVENT_COLUMNS)]


def additions(rows: list[Tally], steps_ms: tuple[int, ...] = STEPS_MS) -> Iterator[Statement]:
    """The statement that adds to the counts of these steps."""
    if rows:
        yield ADD_COUNTS, [(as_json(rows), as_json(steps_ms))]


async def add_counts(
    writer: aiosqlite.Connection, rows: list[Tally], steps_ms: tuple[int, ...] = STEPS_MS
) -> None:
    """Add to the counts of these steps; within the caller's transaction."""
    for sql, parameters in additions(rows, steps_ms):
        await writer.executemany(sql, parameters)


def add_merges(connection: sqlite3.Connection, merged: Collection[int], *, now_ms: int) -> None:
    """Count profiles that became part of another, by the source of each one's oldest profile ID."""
    rows = connection.execute(
        "SELECT profile_ids.source, count(*) FROM json_each(?) AS merged"
        " CROSS JOIN profile_ids ON profile_ids.id = merged.value GROUP BY profile_ids.source",
        (as_json(list(merged)),),
    )
    minute_ms = now_ms - now_ms % MINUTE_MS
    run(
        connection,
        additions([("merges", minute_ms, source, "", count) for source, count in rows]),
    )


async def read_counts(reader: aiosqlite.Connection, asked: CountsAsked) -> list[CountRow]:
    """The counts of the steps that begin in [from_ms, to_ms), by line and time.

    Lines are of the `most` greatest names; all others are one, OTHER.
    """
    [(months_to_ms,)] = await reader.execute_fetchall(f"SELECT {MONTHS_TO}")
    line = {"": "counts.metric", "source": "sources.public_id", "label": "counts.label"}[asked.by]
    sql = READ_COUNTS.format(line=line, start="?3" if asked.whole else "counts.start_ms")
    rows = await reader.execute_fetchall(
        sql,
        (
            asked.metric,
            as_json(_pieces(asked, months_to_ms)),
            asked.from_ms,
            asked.source,
            asked.most,
        ),
    )
    return [CountRow(*row) for row in rows]


def _pieces(asked: CountsAsked, months_to_ms: int) -> list[Piece]:
    steps_ms: tuple[int, ...] = (asked.step_ms,)
    if asked.whole:
        steps_ms = tuple(step_ms for step_ms in STEPS_MS if step_ms >= asked.step_ms)
    elif asked.step_ms == MONTH_MS:
        steps_ms = (DAY_MS, MONTH_MS)  # the present one, and one not summed up yet, by its days
    return pieces(asked.from_ms, asked.to_ms, steps_ms, months_to_ms=months_to_ms)


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
