"""People who are signed in at /ui: a hash of the secret in their cookie, and with which token."""

import aiosqlite

from onetrail_collector.store.rows import Token
from onetrail_collector.store.sources import to_token


async def add_sign_in(
    writer: aiosqlite.Connection, sha256: bytes, *, token: bytes, expires_ms: int, now_ms: int
) -> None:
    """Remember who signed in with the token of this hash; forget those whose time is over."""
    await expire(writer, now_ms=now_ms)
    await writer.execute(
        "INSERT INTO sign_ins (sha256, token, expires_ms)"
        " SELECT ?, id, ? FROM tokens WHERE sha256 = ?",
        (sha256, expires_ms, token),
    )


async def expire(writer: aiosqlite.Connection, *, now_ms: int) -> None:
    """Forget those whose time is over."""
    await writer.execute("DELETE FROM sign_ins WHERE expires_ms <= ?", (now_ms,))


async def find_sign_in(reader: aiosqlite.Connection, sha256: bytes, *, now_ms: int) -> Token | None:
    """The token with which somebody signed in; None where that is over or was revoked."""
    rows = await reader.execute_fetchall(
        "SELECT tokens.name, tokens.sha256, tokens.scopes, tokens.created_ms FROM sign_ins"
        " CROSS JOIN tokens ON tokens.id = sign_ins.token"
        " WHERE sign_ins.sha256 = ? AND sign_ins.expires_ms > ?",
        (sha256, now_ms),
    )
    return next((to_token(row) for row in rows), None)


async def remove_sign_in(writer: aiosqlite.Connection, sha256: bytes) -> None:
    """Sign out."""
    await writer.execute("DELETE FROM sign_ins WHERE sha256 = ?", (sha256,))
