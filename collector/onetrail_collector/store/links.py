"""Writing links and their keys: what is new is found first, and then added by number.

One profile ID keeps at most MAX_LINKS, and what one commit adds above: so no commit reads more.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import aiosqlite
import msgspec

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.insert import insert
from onetrail_collector.store.rows import SourcedLink

MAX_LINKS = 1_000

FIND_KEYS = """
SELECT asked.key, keys.id FROM json_each(?) AS asked
CROSS JOIN keys ON keys.kind = asked.value ->> 0 AND keys.value = asked.value ->> 1
"""

# Of profile IDs that may have links; the earliest evidence of a link is kept.
ADD_LINKS = f"""
INSERT INTO links (profile_id, key, time_ms, event_id, source)
SELECT row.value ->> 0, row.value ->> 1, row.value ->> 2, row.value ->> 3, row.value ->> 4
FROM json_each(?) AS row
WHERE NOT EXISTS (
    SELECT 1 FROM links WHERE profile_id = row.value ->> 0 LIMIT 1 OFFSET {MAX_LINKS - 1}
) OR EXISTS (SELECT 1 FROM links WHERE profile_id = row.value ->> 0 AND key = row.value ->> 1)
ON CONFLICT (profile_id, key) DO UPDATE
SET time_ms = excluded.time_ms, event_id = excluded.event_id, source = excluded.source
WHERE (excluded.time_ms, excluded.event_id) < (links.time_ms, links.event_id)
RETURNING profile_id, key
"""

# Which of these links are not there, because their profile ID has enough.
DROPPED_LINKS = """
SELECT row.value ->> 0, row.value ->> 1 FROM json_each(?) AS row
WHERE NOT EXISTS (
    SELECT 1 FROM links WHERE profile_id = row.value ->> 0 AND key = row.value ->> 1
)
"""

COUNT_DROPPED = "UPDATE profile_ids SET dropped_links = dropped_links + 1 WHERE id = ?"

# A value that nobody is known to use is not kept.
FORGET_KEY = """
DELETE FROM keys WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM links WHERE key = ?1)
AND NOT EXISTS (SELECT 1 FROM decisions WHERE key = ?1)
"""

# A row of links: profile ID, key, time_ms, event id, source.
Row = tuple[int, int, int, str, int]


class AddedLinks(NamedTuple):
    """The links, as (profile ID, key), that are new or have earlier evidence; and those dropped."""

    touched: list[tuple[int, int]]
    dropped: list[tuple[int, Key]]


async def add_links(
    connection: aiosqlite.Connection, links: Sequence[SourcedLink], new_ids: Collection[int]
) -> AddedLinks:
    """Add links and their keys; `new_ids` are the profile IDs that this commit has issued."""
    numbers = await _numbers(connection, sorted({link.key for link, _ in links}))
    rows: dict[tuple[int, int], Row] = {}
    for (profile_id, key, time_ms, event_id), source in links:
        number = numbers[key]
        row = rows.get((profile_id, number))
        if row is None or (time_ms, event_id) < (row[2], row[3]):
            rows[profile_id, number] = (profile_id, number, time_ms, event_id, source)
    ordered = sorted(rows)  # neighbours in the table are on one page
    fresh = [rows[place] for place in ordered if place[0] in new_ids]
    await insert(connection, "links (profile_id, key, time_ms, event_id, source)", fresh)
    touched = [row[:2] for row in fresh]
    perhaps = [rows[place] for place in ordered if place[0] not in new_ids]
    if not perhaps:
        return AddedLinks(touched, [])
    added = await connection.execute_fetchall(ADD_LINKS, (_json(perhaps),))
    touched += [(row[0], row[1]) for row in added]
    dropped = await _drop(connection, perhaps) if len(touched) < len(rows) else []
    keys = {number: key for key, number in numbers.items()}
    return AddedLinks(touched, [(profile_id, keys[number]) for profile_id, number in dropped])


async def _numbers(connection: aiosqlite.Connection, keys: Sequence[Key]) -> dict[Key, int]:
    """Each key's number; those that are new are added."""
    found = await connection.execute_fetchall(FIND_KEYS, (_json(keys),))
    numbers = {keys[place]: number for place, number in found}
    if len(numbers) < len(keys):
        [(last,)] = await connection.execute_fetchall("SELECT ifnull(max(id), 0) FROM keys")
        new = [key for key in keys if key not in numbers]
        rows = [(number, *key) for number, key in enumerate(new, last + 1)]
        await insert(connection, "keys (id, kind, value)", rows)
        numbers.update(zip(new, range(last + 1, last + 1 + len(new)), strict=True))
    return numbers


async def _drop(connection: aiosqlite.Connection, rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Count the links that were not added, above the bound, and forget their keys."""
    found = await connection.execute_fetchall(DROPPED_LINKS, (_json(rows),))
    dropped = [(row[0], row[1]) for row in found]
    if dropped:
        await connection.executemany(COUNT_DROPPED, [place[:1] for place in dropped])
        await connection.executemany(FORGET_KEY, [place[1:] for place in dropped])
    return dropped


def _json(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
