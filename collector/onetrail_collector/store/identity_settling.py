"""What is left to the background, and how far it has come; store/protocol/ says what each does."""

from collections.abc import Collection, Iterable

from onetrail_collector.store.members import of_profile
from onetrail_collector.store.statements import Statements, as_json

# Of those in use and those reserved. IDs are positive: one that none of them has is negative.
LOWEST_NUMBER = """
SELECT min(
    0,
    ifnull((SELECT min(profile) FROM profile_ids WHERE profile <> id), 0),
    ifnull((SELECT CAST(value AS INTEGER) FROM identity_state WHERE name = 'lowest_number'), 0)
)
"""

# No number is used again: whoever read it before may yet write under it.
KEEP_LOWEST = """
INSERT INTO identity_state VALUES ('lowest_number', ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE CAST(excluded.value AS INTEGER) < CAST(value AS INTEGER)
"""

# Who has struck the word off, or died and somebody else has, is done.
SETTLING = """
SELECT unsettled.id, unsettled.profile_id
FROM identity_state CROSS JOIN unsettled ON unsettled.id = CAST(identity_state.value AS INTEGER)
WHERE identity_state.name = 'settling'
"""

SINCE = """
SELECT DISTINCT unsettled.profile_id FROM json_each(?1) AS asked
CROSS JOIN unsettled ON unsettled.profile_id = asked.value AND unsettled.id > ?2
"""


class SettlingTables(Statements):
    """The profile IDs that must be resolved again, on the connection of a transaction."""

    async def state(self, name: str) -> str | None:
        rows = await self._all("SELECT value FROM identity_state WHERE name = ?", name)
        return rows[0][0] if rows else None

    async def set_state(self, name: str, value: str) -> None:
        await self._each("INSERT OR REPLACE INTO identity_state VALUES (?, ?)", [(name, value)])

    async def unsettled_since(self, word: int, profile_ids: Collection[int]) -> set[int]:
        rows = await self._all(SINCE, as_json(list(profile_ids)), word)
        return {row[0] for row in rows}

    async def begin_settling(self, profile_id: int) -> int:
        await self.unsettle_ids([profile_id])
        word = await self.last_unsettled()
        await self.set_state("settling", str(word))
        return word

    async def leave_settling(self, word: int, *, before: tuple[int, int] | None) -> None:
        begun = await self.settling()
        if begun is None or begun[0] != word:
            return
        others = 0 if before is None else before[0]
        await self.set_state("settling", str(others))
        await self._each(
            "DELETE FROM unsettled WHERE profile_id = ? AND id < ? AND id <> ?",
            [(begun[1], word, others)],
        )

    async def settling(self) -> tuple[int, int] | None:
        rows = await self._all(SETTLING)
        return (rows[0][0], rows[0][1]) if rows else None

    async def unsettled(self, *, after: int = 0, limit: int) -> list[tuple[int, int]]:
        rows = await self._all(
            "SELECT id, profile_id FROM unsettled WHERE id > ? ORDER BY id LIMIT ?", after, limit
        )
        return [(row[0], row[1]) for row in rows]

    async def last_unsettled(self) -> int:
        [(number,)] = await self._all("SELECT ifnull(max(id), 0) FROM unsettled")
        return int(number)

    async def settled(self, profile_ids: Collection[int], *, up_to: int) -> None:
        await self._connection.execute(
            "DELETE FROM unsettled WHERE id <= ?2"
            " AND profile_id IN (SELECT value FROM json_each(?1))",
            (as_json(list(profile_ids)), up_to),
        )

    async def unsettle_ids(self, profile_ids: Iterable[int]) -> None:
        await self._each(
            "INSERT INTO unsettled (profile_id) VALUES (?)",
            [(one,) for one in profile_ids],
        )

    async def unsettle(self, profiles: Iterable[int], keys: Iterable[int]) -> None:
        await self._each(
            f"INSERT INTO unsettled (profile_id) SELECT id FROM {of_profile('?1')}"
            " ORDER BY id LIMIT 1",
            [(profile,) for profile in profiles],
        )
        await self._each(
            "INSERT INTO unsettled (profile_id) SELECT profile_id FROM links WHERE key = ? LIMIT 1",
            [(key,) for key in keys],
        )

    async def free_number(self) -> int:
        [(lowest,)] = await self._all(LOWEST_NUMBER)
        return int(lowest) - 1

    async def reserve_numbers(self, count: int) -> int:
        free = await self.free_number()
        await self.keep_lowest(free - count)
        return free

    async def keep_lowest(self, number: int) -> None:
        """Give no profile this number, nor one above it, if it is below zero."""
        if number < 0:
            await self._each(KEEP_LOWEST, [(str(number),)])
