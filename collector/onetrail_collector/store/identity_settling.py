"""What is left to the background, and how far it has come; store/protocol/ says what each does."""

from collections.abc import Collection, Iterable

from onetrail_collector.store.members import of_profile
from onetrail_collector.store.statements import Statements, as_json


class SettlingTables(Statements):
    """The profile IDs that must be resolved again, on the connection of a transaction."""

    async def state(self, name: str) -> str | None:
        rows = await self._all("SELECT value FROM identity_state WHERE name = ?", name)
        return rows[0][0] if rows else None

    async def set_state(self, name: str, value: str | None) -> None:
        if value is None:
            await self._each("DELETE FROM identity_state WHERE name = ?", [(name,)])
        else:
            await self._each("INSERT OR REPLACE INTO identity_state VALUES (?, ?)", [(name, value)])

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
            f"INSERT INTO unsettled (profile_id) SELECT id FROM {of_profile('?1')}",
            [(profile,) for profile in profiles],
        )
        await self._each(
            "INSERT INTO unsettled (profile_id) SELECT profile_id FROM links WHERE key = ?",
            [(key,) for key in keys],
        )
