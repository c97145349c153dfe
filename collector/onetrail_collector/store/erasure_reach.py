"""What an erasure reaches: a person's profile IDs, what is theirs alone, who shares it."""

import json
from collections.abc import Sequence
from typing import Any

import aiosqlite

from onetrail_collector.store.members import of_profile
from onetrail_collector.store.rows import Removal

IN_QUARANTINE = """
SELECT quarantine.id FROM quarantine
WHERE profile_id IN (SELECT value FROM json_each(?1))
   OR EXISTS (SELECT 1 FROM sessions WHERE sessions.source = quarantine.source
              AND sessions.public_id = quarantine.session
              AND sessions.profile_id IN (SELECT value FROM json_each(?2)))
   OR EXISTS (SELECT 1 FROM json_each(?3) AS value
              WHERE instr(lower(quarantine.event), lower(value.value)))
   OR EXISTS (SELECT 1 FROM json_each(?2) AS theirs
              CROSS JOIN device_keys ON device_keys.profile_id = theirs.value
                                    AND device_keys.source = quarantine.source
              WHERE instr(quarantine.event, '"' || device_keys.value || '"'))
"""
OWN_KEYS = f"""
SELECT DISTINCT keys.id, keys.kind, keys.value
FROM {of_profile("?1")} AS members
CROSS JOIN links ON links.profile_id = members.id
CROSS JOIN keys ON keys.id = links.key
WHERE NOT EXISTS (
    SELECT 1 FROM links AS others
    CROSS JOIN profile_ids AS their ON their.id = others.profile_id
    WHERE others.key = keys.id AND their.profile <> ?1
)
"""
NEIGHBOURS = f"""
SELECT DISTINCT others.profile_id
FROM {of_profile("?1")} AS members
CROSS JOIN links ON links.profile_id = members.id
CROSS JOIN links AS others ON others.key = links.key
CROSS JOIN profile_ids AS their ON their.id = others.profile_id
WHERE their.profile <> ?1
  AND (SELECT count(*) FROM (SELECT 1 FROM links AS all_links
       WHERE all_links.key = links.key LIMIT ?2)) < ?2
"""


async def removal(connection: aiosqlite.Connection, profile: int) -> Removal:
    """How much an erasure of this profile would remove; of contexts it cannot say."""
    ids = await profile_ids(connection, profile)
    numbers = json.dumps([row[0] for row in ids])
    own = await own_keys(connection, profile)
    [counts] = await connection.execute_fetchall(
        """
        SELECT (SELECT count(*) FROM json_each(?1) AS asked
                CROSS JOIN sessions ON sessions.profile_id = asked.value),
               (SELECT count(*) FROM json_each(?1) AS asked
                CROSS JOIN events ON events.profile_id = asked.value),
               (SELECT count(*) FROM json_each(?1) AS asked
                CROSS JOIN traits ON traits.profile_id = asked.value),
               (SELECT count(*) FROM json_each(?1) AS asked
                CROSS JOIN links ON links.profile_id = asked.value)
        """,
        (numbers,),
    )
    refused = await quarantined(connection, ids, own)
    sessions, events, traits, links = counts
    return Removal([row[1] for row in ids], sessions, events, traits, links, len(own), len(refused))


async def profile_ids(connection: aiosqlite.Connection, profile: int) -> list[Any]:
    """A profile's IDs: number and public ID."""
    sql = f"""
    SELECT members.id, profile_ids.public_id FROM {of_profile("?1")} AS members
    CROSS JOIN profile_ids ON profile_ids.id = members.id ORDER BY members.id
    """
    return list(await connection.execute_fetchall(sql, (profile,)))


async def own_keys(connection: aiosqlite.Connection, profile: int) -> list[Any]:
    """The keys that lead to nobody else: number, kind and value."""
    return list(await connection.execute_fetchall(OWN_KEYS, (profile,)))


async def neighbours(
    connection: aiosqlite.Connection, profile: int, *, fewer_than: int
) -> list[int]:
    """The profile IDs of others that share a key with it which so few profile IDs have."""
    return [row[0] for row in await connection.execute_fetchall(NEIGHBOURS, (profile, fewer_than))]


async def quarantined(
    connection: aiosqlite.Connection, ids: Sequence[Any], own: Sequence[Any]
) -> list[int]:
    """The refused events that came from these profile IDs, or name one of these keys."""
    asked = (
        json.dumps([row[1] for row in ids]),
        json.dumps([row[0] for row in ids]),
        json.dumps([row[2] for row in own]),
    )
    return [row[0] for row in await connection.execute_fetchall(IN_QUARANTINE, asked)]
