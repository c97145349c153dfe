"""Which sources demand signed keys, and the secrets with which their servers sign."""

import aiosqlite


async def set_signing_secret(writer: aiosqlite.Connection, public_id: str, secret: str) -> bool:
    """Give a source a new signing secret, the only one from now on; False where there is none."""
    async with writer.execute(
        "UPDATE sources SET signing_secret = ? WHERE public_id = ?", (secret, public_id)
    ) as cursor:
        return cursor.rowcount > 0


async def require_signature(writer: aiosqlite.Connection, public_id: str, *, require: bool) -> bool:
    """Demand signatures, or no more; False where there is no such source with a secret."""
    async with writer.execute(
        "UPDATE sources SET require_signature = ?"
        " WHERE public_id = ? AND signing_secret IS NOT NULL",
        (require, public_id),
    ) as cursor:
        return cursor.rowcount > 0
