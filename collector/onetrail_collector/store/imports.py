"""Links from a table of people, some thousand rows a transaction.

Each row has a profile ID of its own, issued by the collector like any other, to which its keys are
linked. It is found again by the row's first key, so that the same table a second time adds nothing.
"""

from collections.abc import Collection, Sequence

import aiosqlite
import msgspec

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.rows import ImportedRow

SOURCE = "import"
MAX_USERS = 1_000  # profile IDs of one key among which a row's own is looked for

FIND_KEYS = """
SELECT asked.key, keys.id,
       (SELECT found.profile_id
        FROM (SELECT profile_id, source FROM links WHERE links.key = keys.id LIMIT ?3) AS found
        WHERE found.source = ?2)
FROM json_each(?1) AS asked
CROSS JOIN keys ON keys.kind = asked.value ->> 0 AND keys.value = asked.value ->> 1
"""


async def import_source(connection: aiosqlite.Connection, *, now_ms: int) -> int:
    """The number of the source of imported links; it is disabled, so that nobody sends as it."""
    await connection.execute(
        "INSERT INTO sources (public_id, name, enabled, created_ms) VALUES (?1, 'Imports', 0, ?2)"
        " ON CONFLICT (public_id) DO NOTHING",
        (SOURCE, now_ms),
    )
    [(number,)] = await connection.execute_fetchall(
        "SELECT id FROM sources WHERE public_id = ?", (SOURCE,)
    )
    return int(number)


async def find_keys(
    connection: aiosqlite.Connection, keys: Sequence[Key], source: int
) -> dict[Key, tuple[int, int | None]]:
    """Of those keys that are known: their number, and the imported profile ID linked to them."""
    rows = await connection.execute_fetchall(
        FIND_KEYS, (msgspec.json.encode(keys).decode(), source, MAX_USERS)
    )
    return {keys[row[0]]: (row[1], row[2]) for row in rows}


async def highest_numbers(connection: aiosqlite.Connection) -> tuple[int, int]:
    """The highest profile ID and the highest key in use."""
    [(profile_id, key)] = await connection.execute_fetchall(
        "SELECT (SELECT ifnull(max(id), 0) FROM profile_ids), (SELECT ifnull(max(id), 0) FROM keys)"
    )
    return int(profile_id), int(key)


async def add_imported(
    connection: aiosqlite.Connection,
    profile_ids: Sequence[tuple[int, str]],
    keys: Sequence[tuple[int, Key]],
    links: Collection[ImportedRow],
    *,
    source: int,
    now_ms: int,
) -> None:
    """Add profile IDs by number and public id, keys by number, and links; none may exist."""
    await connection.executemany(
        "INSERT INTO profile_ids (id, public_id, source, issued_ms, profile)"
        f" VALUES (?1, ?2, {source:d}, {now_ms:d}, ?1)",
        profile_ids,
    )
    await connection.executemany(
        "INSERT INTO keys (id, kind, value) VALUES (?, ?, ?)",
        [(number, *key) for number, key in keys],
    )
    await connection.executemany(
        "INSERT INTO links (profile_id, key, time_ms, event_id, source)"
        f" VALUES (?, ?, {now_ms:d}, ?, {source:d})",
        links,
    )
