"""What an import of links reads and writes within a commit; store/protocol/ says what each does.

A row's own profile ID is issued by the collector like any other, of the source `import`.
"""

import sqlite3
from typing import Any

import msgspec

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.erasure import LAST_PROFILE_ID
from onetrail_collector.store.insert import Writer, flat_inserts, run
from onetrail_collector.store.links import LAST_KEY
from onetrail_collector.store.rows import ImportedRows, KnownKey
from onetrail_collector.store.statements import as_json

SOURCE = "import"
CACHE_KIB = 262_144  # the indexes grow at random places: they must not leave the memory in between
MAX_USERS = 1_000  # profile IDs of one key among which a row's own is looked for

FIND_KEYS = """
SELECT asked.key, keys.id,
       (SELECT found.profile_id
        FROM (SELECT profile_id, source FROM links WHERE links.key = keys.id LIMIT ?3) AS found
        WHERE found.source = ?2)
FROM json_each(?1) AS asked
CROSS JOIN keys ON keys.kind = asked.value ->> 0 AND keys.value = asked.value ->> 1
"""

PROFILE_IDS = "profile_ids (id, public_id, source, issued_ms, profile)"
KEYS = "keys (id, kind, value, profile)"
LINKS = "links (profile_id, key, event_id, source, time_ms)"
KEYS_FROM = "SELECT json_group_array(id) FROM keys WHERE id >= ?"
RELEASE = "UPDATE keys SET profile = NULL WHERE id = ?"

ADD_LINKS_THAT_ARE_NEW = """
INSERT INTO links (profile_id, key, event_id, source, time_ms)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)
WHERE true ON CONFLICT DO NOTHING RETURNING profile_id, key
"""


_numbers = msgspec.json.Decoder(list[int])


class ImportTables:
    """The tables of an import, on the connection of a transaction."""

    def __init__(self, connection: Writer) -> None:
        self._connection = connection

    async def source(self, *, now_ms: int) -> int:
        await self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        await self._connection.execute(
            "INSERT INTO sources (public_id, name, enabled, created_ms) VALUES (?, 'Imports', 0, ?)"
            " ON CONFLICT (public_id) DO NOTHING",
            (SOURCE, now_ms),
        )
        [(number,)] = await self._connection.execute_fetchall(
            "SELECT id FROM sources WHERE public_id = ?", (SOURCE,)
        )
        return int(number)

    async def add_keys(self, keys: list[Any], *, source: int) -> dict[Key, KnownKey]:
        return await self._connection.turn(_add_keys, keys, source=source)

    async def highest_numbers(self) -> tuple[int, int]:
        [(profile_id, key)] = await self._connection.execute_fetchall(
            f"SELECT {LAST_PROFILE_ID}, ({LAST_KEY})"
        )
        return int(profile_id), int(key)

    async def add(self, rows: ImportedRows) -> list[tuple[int, int]]:
        return await self._connection.turn(_add, rows)


def _add_keys(
    connection: sqlite3.Connection, keys: list[Any], *, source: int
) -> dict[Key, KnownKey]:
    count, before = len(keys) // 4, connection.total_changes
    run(connection, flat_inserts(KEYS, keys, 4, or_else="IGNORE"))
    if connection.total_changes - before == count:
        return {}
    first = keys[0]
    [(added,)] = connection.execute(KEYS_FROM, (first,))
    absent = {*range(first, first + count)}.difference(_numbers.decode(added))
    places = (4 * (number - first) for number in absent)
    known = sorted(Key(*keys[place + 1 : place + 3]) for place in places)
    found = connection.execute(FIND_KEYS, (as_json(known), source, MAX_USERS))
    return {known[place]: KnownKey(*row) for place, *row in found}


def _add(connection: sqlite3.Connection, rows: ImportedRows) -> list[tuple[int, int]]:
    run(connection, flat_inserts(PROFILE_IDS, rows.profile_ids, 5))
    run(connection, flat_inserts(LINKS, rows.links, 5))
    connection.executemany(RELEASE, rows.released)
    new = connection.execute(ADD_LINKS_THAT_ARE_NEW, (as_json(rows.perhaps),))
    return [(row[0], row[1]) for row in new]
