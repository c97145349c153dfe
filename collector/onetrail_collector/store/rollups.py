"""What is past costs little: fine steps go, rare labels become one, months are summed up.

Minutes are kept for a week, hours for 400 days, days and months for ever. Of each metric and source
at most MOST_LABELS labels are kept of an hour that is past, of a day and of a month, the most
frequent; the others become one. So a site whose every page has an address of its own costs no more
than another.
"""

from itertools import product

import aiosqlite

from onetrail_collector.store.counts import MONTHS_TO
from onetrail_collector.store.periods import DAY_MS, HOUR_MS, MINUTE_MS, MONTH_MS, start_of
from onetrail_collector.store.rows import OTHER
from onetrail_collector.store.statements import as_json

METRICS = ("events", "sessions", "profile_ids", "merges", "rejected", "pages", "referrers")
LABELLED = ("events", "pages", "referrers")
KEPT_DAYS = {MINUTE_MS: 7, HOUR_MS: 400}
MOST_LABELS = 100
SETTLED_MS = 7 * DAY_MS  # by then the counts of what is past hardly grow any more

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

FIRST_DAY = f"""
SELECT min((SELECT min(start_ms) FROM counts
            WHERE metric = metrics.value AND step_ms = {DAY_MS} AND start_ms >= {MONTHS_TO}))
FROM json_each(?) AS metrics
"""
SUM_UP = f"""
INSERT INTO counts (metric, step_ms, start_ms, source, label, count)
SELECT metric, {MONTH_MS}, ?2, source, label, sum(count) FROM counts
WHERE metric = ?1 AND step_ms = {DAY_MS} AND start_ms >= ?2 AND start_ms < ?3
GROUP BY source, label
"""


async def tidy_counts(writer: aiosqlite.Connection, now_ms: int) -> None:
    """Forget fine steps of long ago, and labels beyond the most frequent of what is past."""
    for metric in METRICS:
        for step_ms, days in KEPT_DAYS.items():
            await writer.execute(
                "DELETE FROM counts WHERE metric = ? AND step_ms = ? AND start_ms < ?",
                (metric, step_ms, now_ms - days * DAY_MS),
            )
    since_ms = start_of(now_ms, DAY_MS) - SETTLED_MS
    for metric, step_ms in product(LABELLED, (HOUR_MS, DAY_MS)):
        await _keep_most(writer, metric, step_ms, since_ms, start_of(now_ms, step_ms))


async def sum_up_month(writer: aiosqlite.Connection, now_ms: int) -> bool:
    """Sum up the days of the next month that is past; False where none is left.

    Up to where that has come is kept in the same commit: from there on what comes late is added to
    the month as well as to its day.
    """
    [(first_ms,)] = await writer.execute_fetchall(FIRST_DAY, (as_json(METRICS),))
    if first_ms is None:
        return False
    start_ms = start_of(first_ms, MONTH_MS)
    end_ms = start_of(start_ms + MONTH_MS, MONTH_MS)
    if end_ms > now_ms - SETTLED_MS:
        return False
    for metric in LABELLED:
        await _keep_most(writer, metric, DAY_MS, start_ms, end_ms)
    for metric in METRICS:
        await writer.execute(SUM_UP, (metric, start_ms, end_ms))
        await _keep_most(writer, metric, MONTH_MS, start_ms, end_ms)
    await writer.execute(
        "INSERT INTO positions (name, number) VALUES ('months', ?)"
        " ON CONFLICT (name) DO UPDATE SET number = excluded.number",
        (end_ms,),
    )
    return True


async def _keep_most(
    writer: aiosqlite.Connection, metric: str, step_ms: int, from_ms: int, to_ms: int
) -> None:
    span = (metric, step_ms, from_ms, to_ms, OTHER, MOST_LABELS)
    await writer.execute(FOLD, span)
    await writer.execute(FORGET, span)
