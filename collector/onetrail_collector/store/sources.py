"""Sources and admin tokens: what an operator sets up."""

import json
from typing import Any

import aiosqlite

from onetrail_collector.store.rows import Source, Token

SELECT_SOURCE = "SELECT id, public_id, name, origins, enabled, created_ms FROM sources "


def to_source(row: Any) -> Source:
    """A Source from a row of SELECT_SOURCE."""
    number, public_id, name, origins, enabled, created_ms = row
    return Source(number, public_id, name, tuple(json.loads(origins)), bool(enabled), created_ms)


async def add_source(
    writer: aiosqlite.Connection, public_id: str, *, name: str, origins: list[str], now_ms: int
) -> bool:
    """Add a source, or enable it again under this name and these origins; True where it is new."""
    before = await list_sources(writer)
    await writer.execute(
        "INSERT INTO sources (public_id, name, origins, created_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (public_id) DO UPDATE"
        " SET name = excluded.name, origins = excluded.origins, enabled = 1",
        (public_id, name, json.dumps(origins), now_ms),
    )
    return public_id not in {source.public_id for source in before}


async def disable_source(writer: aiosqlite.Connection, public_id: str) -> bool:
    """Refuse its events from now on; False where there is no such source."""
    async with writer.execute(
        "UPDATE sources SET enabled = 0 WHERE public_id = ?", (public_id,)
    ) as cursor:
        return cursor.rowcount > 0


async def list_sources(connection: aiosqlite.Connection) -> list[Source]:
    """All sources, the oldest first."""
    rows = await connection.execute_fetchall(SELECT_SOURCE + "ORDER BY id")
    return [to_source(row) for row in rows]


async def add_token(writer: aiosqlite.Connection, sha256: bytes, *, name: str, now_ms: int) -> None:
    """Let the token of this hash in from now on."""
    await writer.execute(
        "INSERT INTO tokens (name, sha256, created_ms) VALUES (?, ?, ?)",
        (name, sha256, now_ms),
    )


async def list_tokens(connection: aiosqlite.Connection) -> list[Token]:
    """All admin tokens, the oldest first."""
    rows = await connection.execute_fetchall("SELECT name, sha256 FROM tokens ORDER BY id")
    return [Token(*row) for row in rows]
