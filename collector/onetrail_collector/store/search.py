"""People by the beginning of a key or of a trait's word: what a reader types into a search box."""

from collections.abc import Iterable

import aiosqlite
import msgspec

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.rows import FoundProfile

NEWEST_DEVICES = 5_000  # traits have no index by value: those of the newest devices are read
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
    """At most `limit`: by keys that begin with a prefix, then by traits with a word that does."""
    found: list[FoundProfile] = []
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
