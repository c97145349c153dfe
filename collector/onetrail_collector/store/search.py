"""People by what a reader types: the beginning of a key, a trait's word, an ID; a whole event's."""

from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase

import aiosqlite

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.members import PUBLIC_ID
from onetrail_collector.store.rows import FoundProfile

MOST_STARTS = 10_000  # of one beginning, as where thousands of devices of one person state it
START_CHARS = 40  # of a trait that are found without looking at it (0001_first.sql)
LEAST_OF_ID = 4  # characters; fewer are the beginning of too many
LAST_CHARACTER = "\U0010ffff"

KEYS = f"""
SELECT {PUBLIC_ID}, found.kind, found.value
FROM (SELECT id, kind, value FROM keys WHERE kind = ?1 AND value >= ?2 AND value < ?3
      ORDER BY value LIMIT ?4) AS found
CROSS JOIN profile_ids
     ON profile_ids.id = (SELECT min(profile_id) FROM links WHERE key = found.id)
"""

IDS = f"""
SELECT {PUBLIC_ID}, 'profile ID', public_id FROM profile_ids
WHERE public_id >= ?1 AND public_id < ?2 ORDER BY public_id LIMIT ?3
"""

# A session or an event by its whole id, which each source gives out for itself.
WHOLE = f"""
SELECT {PUBLIC_ID}, 'session ID', sessions.public_id FROM sources
CROSS JOIN sessions ON sessions.source = sources.id AND sessions.public_id = ?1
CROSS JOIN profile_ids ON profile_ids.id = sessions.profile_id
UNION ALL
SELECT {PUBLIC_ID}, 'event ID', events.event_id FROM sources
CROSS JOIN events ON events.source = sources.id AND events.event_id = ?1
CROSS JOIN profile_ids ON profile_ids.id = events.profile_id
"""

TRAITS = f"""
SELECT DISTINCT {PUBLIC_ID}, traits.name, traits.value ->> '$'
FROM (SELECT profile_id, name FROM trait_starts WHERE start >= ?1 AND start < ?2 LIMIT ?5) AS found
CROSS JOIN traits ON traits.profile_id = found.profile_id AND traits.name = found.name
     AND instr(' ' || traits.said, ' ' || ?3) > 0
CROSS JOIN profile_ids ON profile_ids.id = found.profile_id
LIMIT ?4
"""


async def search(
    reader: aiosqlite.Connection, prefixes: Iterable[Key], text: str, *, limit: int
) -> list[FoundProfile]:
    """At most `limit`: by IDs, by keys that begin with a prefix, by a word of a trait."""
    found = [FoundProfile(*row) for row in await reader.execute_fetchall(WHOLE, (text,))]
    if len(text) >= LEAST_OF_ID:
        start = text.lower()
        rows = await reader.execute_fetchall(IDS, (start, start + LAST_CHARACTER, limit))
        found += [FoundProfile(*row) for row in rows]
    for kind, value in prefixes:
        rows = await reader.execute_fetchall(KEYS, (kind, value, value + LAST_CHARACTER, limit))
        found += [FoundProfile(*row) for row in rows]
    for start in spellings(text):
        if len(found) < limit:
            cut = start[:START_CHARS]
            span = (cut, cut + LAST_CHARACTER, start, limit - len(found), MOST_STARTS)
            rows = await reader.execute_fetchall(TRAITS, span)
            found += [FoundProfile(row[0], row[1], str(row[2])) for row in rows]
    return found[:limit]


def spellings(text: str) -> list[str]:
    """As lower() of SQL makes them, which knows the letters of English alone; others as typed."""
    cases = (text, text.lower(), text.title(), text.upper())
    return list(dict.fromkeys(case.translate(_LOWER) for case in cases))


_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
