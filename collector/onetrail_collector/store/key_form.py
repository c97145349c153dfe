"""In which form keys are stored: clear, or hashed under one secret; never a mixture of two."""

import aiosqlite

from onetrail_collector.store.database import UnusableDatabase

CLEAR = ""


async def settle_key_form(writer: aiosqlite.Connection, fingerprint: str) -> None:
    """Keep to the form of the keys that are there, or begin with this one: CLEAR, or a secret's.

    Raises UnusableDatabase where keys of another form are stored.
    """
    if not await check_key_form(writer, fingerprint):
        await writer.execute(
            "REPLACE INTO key_form (one, fingerprint) VALUES (1, ?)", (fingerprint,)
        )


async def check_key_form(connection: aiosqlite.Connection, fingerprint: str) -> bool:
    """Whether this form is settled; False where no key is stored yet.

    Raises UnusableDatabase where keys of another form are stored.
    """
    [(settled,)] = await connection.execute_fetchall("SELECT max(fingerprint) FROM key_form")
    if settled == fingerprint:
        return True
    [(used,)] = await connection.execute_fetchall(
        "SELECT EXISTS (SELECT 1 FROM keys) OR EXISTS (SELECT 1 FROM traits)"
    )
    if used:
        raise UnusableDatabase(_sentence(settled or CLEAR, fingerprint))
    return False


def _sentence(settled: str, asked: str) -> str:
    if settled == CLEAR:
        return (
            "identity.hash_keys is true, but this database holds keys in the clear; "
            "set it to false, or begin a new database with --db and import into it"
        )
    if asked == CLEAR:
        return (
            "this database holds hashed keys; set identity.hash_keys = true and give the secret "
            "under which they were made"
        )
    return (
        "the secret is not the one under which the keys of this database were hashed; "
        "give that one: with another, nobody would be found again"
    )
