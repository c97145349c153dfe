"""Receipts of erasures: when a person was erased and by whom, and what it suppresses."""

from typing import Any

import aiosqlite

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.suppression import mark, of_key, of_profile_id
from onetrail_collector.store.rows import Erasure

SELECT = """
SELECT id, public_id, made_by, reason, begun_ms, done_ms, profile_ids, sessions, events, traits,
       links, keys, contexts, quarantined, lifted_ms, lifted_by
FROM erasures
"""
TOLD_MS = 30 * 86_400_000  # whoever follows the changes less often asks GET /erasures


async def list_erasures(
    connection: aiosqlite.Connection, *, pending: bool = False
) -> list[Erasure]:
    """All erasures, or those under way, the newest first."""
    where = "WHERE done_ms IS NULL " if pending else ""
    rows = await _rows(connection, f"{SELECT}{where}ORDER BY id DESC")
    return [Erasure(*row) for row in rows]


async def find_erasure(connection: aiosqlite.Connection, public_id: str) -> Erasure | None:
    """One erasure by the id of its receipt."""
    rows = await _rows(connection, f"{SELECT}WHERE public_id = ?", public_id)
    return Erasure(*rows[0]) if rows else None


async def find_by_mark(
    connection: aiosqlite.Connection, *, profile_id: str | None, key: Key | None
) -> Erasure | None:
    """The erasure that suppresses this profile ID or this key, in its normal form."""
    [(salt,)] = await _rows(connection, "SELECT salt FROM suppression_salt")
    trace = of_key(key) if key is not None else of_profile_id(profile_id or "")
    rows = await _rows(
        connection,
        f"{SELECT}WHERE id = (SELECT erasure FROM suppressed WHERE mark = ?)",
        mark(salt, trace),
    )
    return Erasure(*rows[0]) if rows else None


async def expire(writer: aiosqlite.Connection, *, now_ms: int) -> None:
    """Forget which profile IDs were erased, when whoever follows the changes was told."""
    await writer.execute(
        "DELETE FROM history WHERE what = 'erased' AND time_ms < ?", (now_ms - TOLD_MS,)
    )


async def find_row(connection: aiosqlite.Connection, number: int) -> Erasure:
    """The erasure of this number."""
    [row] = await _rows(connection, f"{SELECT}WHERE id = ?", number)
    return Erasure(*row)


async def _rows(connection: aiosqlite.Connection, sql: str, *parameters: object) -> list[Any]:
    return list(await connection.execute_fetchall(sql, parameters))
