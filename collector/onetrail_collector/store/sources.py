"""Sources and admin tokens: what an operator sets up."""

import json
from collections.abc import Collection, Mapping
from typing import Any

import aiosqlite

from onetrail_collector.store.rows import Source, Token

SELECT_SOURCE = (
    "SELECT id, public_id, name, origins, enabled, created_ms, kind, events_per_second,"
    " hex(secret_sha256), signing_secret, require_signature, static_ids"
    " FROM sources "
)
CHANGEABLE = (
    *("name", "kind", "origins", "enabled", "events_per_second", "secret_sha256"),
    "static_ids",
)


def to_source(row: Any) -> Source:
    """A Source from a row of SELECT_SOURCE."""
    number, public_id, name, origins, enabled, created_ms, *more = row
    kind, events_per_second, secret, signing_secret, require_signature, static_ids = more
    return Source(
        number,
        public_id,
        name,
        tuple(json.loads(origins)),
        bool(enabled),
        created_ms,
        kind,
        events_per_second,
        bytes.fromhex(secret) if secret else None,
        signing_secret,
        bool(require_signature),
        bool(static_ids),
    )


async def add_source(
    writer: aiosqlite.Connection, public_id: str, *, name: str, origins: list[str], now_ms: int
) -> bool:
    """Add a source that may send events; False where there is one of this ID already."""
    async with writer.execute(
        "INSERT INTO sources (public_id, name, origins, created_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (public_id) DO NOTHING",
        (public_id, name, json.dumps(origins), now_ms),
    ) as cursor:
        return cursor.rowcount > 0


async def change_source(
    writer: aiosqlite.Connection, public_id: str, changes: Mapping[str, Any]
) -> bool:
    """Set the fields in `changes`; False where there is no such source."""
    columns = [name for name in CHANGEABLE if name in changes]
    values = [json.dumps(changes[name]) if name == "origins" else changes[name] for name in columns]
    settings = ", ".join(["id = id", *(f"{name} = ?" for name in columns)])
    async with writer.execute(
        f"UPDATE sources SET {settings} WHERE public_id = ?",
        (*values, public_id),
    ) as cursor:
        return cursor.rowcount > 0


async def list_sources(connection: aiosqlite.Connection) -> list[Source]:
    """All sources, the oldest first."""
    rows = await connection.execute_fetchall(SELECT_SOURCE + "ORDER BY id")
    return [to_source(row) for row in rows]


async def add_token(
    writer: aiosqlite.Connection, sha256: bytes, *, name: str, now_ms: int, scopes: Collection[str]
) -> bool:
    """Let the token of this hash in from now on; False where the name is taken."""
    async with writer.execute(
        "INSERT INTO tokens (name, sha256, created_ms, scopes) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO NOTHING",
        (name, sha256, now_ms, " ".join(sorted(scopes))),
    ) as cursor:
        return cursor.rowcount > 0


async def revoke_token(writer: aiosqlite.Connection, name: str) -> bool:
    """Let the token of this name in no more; False where there is none."""
    async with writer.execute("DELETE FROM tokens WHERE name = ?", (name,)) as cursor:
        return cursor.rowcount > 0


async def list_tokens(connection: aiosqlite.Connection) -> list[Token]:
    """All admin tokens, the oldest first."""
    rows = await connection.execute_fetchall(
        "SELECT name, sha256, scopes, created_ms FROM tokens ORDER BY id"
    )
    return [to_token(row) for row in rows]


def to_token(row: Any) -> Token:
    """A Token from its name, sha256, scopes and created_ms."""
    name, sha256, scopes, created_ms = row
    return Token(name, sha256, frozenset(scopes.split()), created_ms)
