"""People by what a reader types: the beginning of a key, a trait's word, an ID; a whole event's."""

from collections.abc import Iterable

import aiosqlite
import msgspec

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.rows import FoundProfile

NEWEST_DEVICES = 50_000  # traits have no index by value: those of the newest devices are read
LEAST_OF_ID = 4  # characters; fewer are the beginning of too many
LAST_CHARACTER = "\U0010ffff"

_PROFILE = """
(SELECT public_id FROM profile_ids AS same WHERE same.profile = profile_ids.profile
 ORDER BY same.id LIMIT 1)
"""

KEYS = f"""
SELECT {_PROFILE}, found.kind, found.value
FROM (SELECT id, kind, value FROM keys WHERE kind = ?1 AND value >= ?2 AND value < ?3
      ORDER BY value LIMIT ?4) AS found
CROSS JOIN profile_ids
     ON profile_ids.id = (SELECT min(profile_id) FROM links WHERE key = found.id)
"""

IDS = f"""
SELECT {_PROFILE}, 'profile ID', public_id FROM profile_ids
WHERE public_id >= ?1 AND public_id < ?2 ORDER BY public_id LIMIT ?3
"""

# A session or an event by its whole id, which each source gives out for itself.
WHOLE = f"""
SELECT {_PROFILE}, 'session ID', sessions.public_id FROM sources
CROSS JOIN sessions ON sessions.source = sources.id AND sessions.public_id = ?1
CROSS JOIN profile_ids ON profile_ids.id = sessions.profile_id
UNION ALL
SELECT {_PROFILE}, 'event ID', events.event_id FROM sources
CROSS JOIN events ON events.source = sources.id AND events.event_id = ?1
CROSS JOIN profile_ids ON profile_ids.id = events.profile_id
"""

TRAITS = f"""
SELECT {_PROFILE} AS profile, traits.name, traits.value ->> '$'
FROM profile_ids CROSS JOIN traits ON traits.profile_id = profile_ids.id
WHERE profile_ids.id > (SELECT max(id) FROM profile_ids) - ?4
  AND (traits.value LIKE ?1 ESCAPE '!' OR traits.value LIKE ?2 ESCAPE '!')
GROUP BY 1, 2, 3 LIMIT ?3
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
    if len(found) < limit:
        start, word = _patterns(text)
        rows = await reader.execute_fetchall(
            TRAITS, (start, word, limit - len(found), NEWEST_DEVICES)
        )
        found += [FoundProfile(row[0], row[1], str(row[2])) for row in rows]
    return found[:limit]


def _patterns(text: str) -> tuple[str, str]:
    """For LIKE: a JSON text that begins so, or a word in it that does."""
    inner = msgspec.json.encode(text).decode()[1:-1]
    for special in "!%_":
        inner = inner.replace(special, f"!{special}")
    return f'"{inner}%', f'"% {inner}%'
