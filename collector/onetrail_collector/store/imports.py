"""What an import of links reads and writes within a commit; store/protocol/ says what each does.

A row's own profile ID is issued by the collector like any other, of the source `import`.
"""

from collections.abc import Sequence
from itertools import chain

import msgspec

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.insert import Writer, inserts
from onetrail_collector.store.rows import ImportedRows

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

ADD_LINKS_THAT_ARE_NEW = """
INSERT INTO links (profile_id, key, event_id, source, time_ms)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)
WHERE true ON CONFLICT DO NOTHING RETURNING profile_id, key
"""


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

    async def find_keys(
        self, keys: Sequence[Key], source: int
    ) -> dict[Key, tuple[int, int | None]]:
        rows = await self._connection.execute_fetchall(
            FIND_KEYS, (msgspec.json.encode(keys).decode(), source, MAX_USERS)
        )
        return {keys[row[0]]: (row[1], row[2]) for row in rows}

    async def highest_numbers(self) -> tuple[int, int]:
        [(profile_id, key)] = await self._connection.execute_fetchall(
            "SELECT (SELECT ifnull(max(id), 0) FROM profile_ids),"
            " (SELECT ifnull(max(id), 0) FROM keys)"
        )
        return int(profile_id), int(key)

    async def add(self, rows: ImportedRows) -> list[tuple[int, int]]:
        await self._connection.run(
            chain(
                inserts(
                    "profile_ids (id, public_id, source, issued_ms, profile)", rows.profile_ids
                ),
                inserts("keys (id, kind, value, profile)", rows.keys),
                inserts("links (profile_id, key, event_id, source, time_ms)", rows.links),
            )
        )
        perhaps = msgspec.json.encode(rows.perhaps).decode()
        new = await self._connection.execute_fetchall(ADD_LINKS_THAT_ARE_NEW, (perhaps,))
        return [(row[0], row[1]) for row in new]
