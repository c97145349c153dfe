"""What identity resolution reads and writes within a commit; store/protocol/ says what each does.

A profile is a number that profile IDs and keys carry. Merging relabels the smaller of two, so that
no event, session, link or trait is ever touched.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.counts import add_merges
from onetrail_collector.store.identity_decisions import DecisionTables
from onetrail_collector.store.identity_regions import RegionTables, link_state
from onetrail_collector.store.insert import Statement, Writer, inserts, run
from onetrail_collector.store.members import of_profile, of_profiles, oldest
from onetrail_collector.store.rows import (
    Change,
    ChangeCause,
    KeyState,
    LinkState,
    Moment,
    ProfileSize,
    Regrouping,
)
from onetrail_collector.store.statements import as_json

COUNT_TO = 10_000  # of profile IDs, to tell the smaller of two profiles

LINK_STATES = """
SELECT links.profile_id, links.key, links.time_ms, links.event_id,
       CASE WHEN EXISTS (
           SELECT 1 FROM decisions INDEXED BY decisions_by_key
           WHERE key = links.key AND profile_id = links.profile_id AND undone_ms IS NULL
       ) THEN 'link_refused' ELSE links.refused END,
       keys.kind, keys.value, keys.inactive, keys.profile, profile_ids.profile
FROM json_each(?) AS asked
CROSS JOIN links ON links.profile_id = asked.value ->> 0 AND links.key = asked.value ->> 1
CROSS JOIN keys ON keys.id = links.key
CROSS JOIN profile_ids ON profile_ids.id = links.profile_id
"""

SEEN_ON = """
SELECT asked.value, (SELECT count(*) FROM (SELECT 1 FROM links WHERE key = asked.value LIMIT ?2))
FROM json_each(?1) AS asked
"""

KEY_STATES = """
SELECT keys.id, keys.kind, keys.value, keys.inactive, keys.profile,
       EXISTS (SELECT 1 FROM decisions INDEXED BY decisions_by_key
               WHERE key = keys.id AND undone_ms IS NULL AND what = 'refuse_key'),
       (SELECT count(*) FROM (SELECT 1 FROM links WHERE key = keys.id LIMIT ?2))
FROM json_each(?1) AS asked CROSS JOIN keys ON keys.id = asked.value
"""

VALUES = """
SELECT keys.profile, keys.kind, count(*)
FROM json_each(?) AS asked
CROSS JOIN keys ON keys.profile = asked.value
GROUP BY keys.profile, keys.kind
"""

SIZES = f"""
SELECT asked.value, ifnull({oldest("asked.value")}, 0),
       (SELECT count(*) FROM (SELECT 1 FROM {of_profile("asked.value")} LIMIT ?2))
FROM json_each(?1) AS asked
"""

OLDEST_BESIDES = f"""
SELECT asked.value, (
    SELECT members.id FROM {of_profile("asked.value")} AS members
    WHERE members.id NOT IN (SELECT value FROM json_each(?2)) ORDER BY members.id LIMIT 1
)
FROM json_each(?1) AS asked
"""

OLDEST = f"SELECT asked.value, {oldest('asked.value')} FROM json_each(?) AS asked"

# Of the profile IDs and of the keys of each profile: what touches it. Shifted, each time has 19
# digits, so that a text of time and event id is in the order of both. (NOT IN would walk through
# all of ?2, in case there is a NULL.)
SHIFT_MS = 1 << 62
LATEST = f"""
SELECT found.profile, keys.kind,
       max(CASE WHEN (links.profile_id, links.key) IN (
           SELECT value ->> 0, value ->> 1 FROM json_each(?2)
       ) THEN NULL ELSE ({SHIFT_MS} + links.time_ms) || links.event_id END), count(*)
FROM (
    SELECT members.profile, links.profile_id, links.key FROM {of_profiles("?1")} AS members
    CROSS JOIN links ON links.profile_id = members.id
    UNION ALL
    SELECT asked.value, links.profile_id, links.key FROM json_each(?1) AS asked
    CROSS JOIN keys ON keys.profile = asked.value
    CROSS JOIN links ON links.key = keys.id
    LIMIT ?3
) AS found
CROSS JOIN keys ON keys.id = found.key AND keys.inactive IS NULL
CROSS JOIN links ON links.profile_id = found.profile_id AND links.key = found.key
GROUP BY 1, 2
"""

PARTED = f"""
SELECT members.profile, others.profile
FROM {of_profiles("?1")} AS members
CROSS JOIN decisions ON decisions.profile_id = members.id
    AND decisions.undone_ms IS NULL AND decisions.what = 'part'
CROSS JOIN profile_ids AS others ON others.id = decisions.other
"""

HISTORY = "history (what, profile, other, key, reason, event_id, decision, made_by, cause, time_ms)"


class IdentityTables(DecisionTables, RegionTables):
    """The tables of identity resolution, on the connection of a transaction."""

    def __init__(self, connection: Writer) -> None:
        super().__init__(connection)
        self._writer = connection

    async def link_states(self, links: Iterable[tuple[int, int]]) -> list[LinkState]:
        rows = await self._all(LINK_STATES, as_json(list(links)))
        return [link_state(row) for row in rows]

    async def seen_on(self, keys: Iterable[int], *, count_to: int) -> dict[int, int]:
        return dict(await self._all(SEEN_ON, as_json(sorted(keys)), count_to))

    async def key_states(self, keys: Iterable[int], *, count_to: int) -> list[KeyState]:
        rows = await self._all(KEY_STATES, as_json(list(keys)), count_to)
        return [
            KeyState(row[0], Key(row[1], row[2]), row[3], row[4], bool(row[5]), row[6])
            for row in rows
        ]

    async def profiles(self, profile_ids: Iterable[int]) -> dict[int, int]:
        return dict(
            await self._all(
                "SELECT profile_ids.id, profile_ids.profile FROM json_each(?) AS asked"
                " CROSS JOIN profile_ids ON profile_ids.id = asked.value",
                as_json(list(profile_ids)),
            )
        )

    async def values(self, profiles: Iterable[int]) -> dict[int, dict[str, int]]:
        values: dict[int, dict[str, int]] = {}
        for profile, kind, count in await self._all(VALUES, as_json(list(profiles))):
            values.setdefault(profile, {})[kind] = count
        return values

    async def sizes(self, profiles: Iterable[int]) -> dict[int, ProfileSize]:
        rows = await self._all(SIZES, as_json(list(profiles)), COUNT_TO)
        return {profile: ProfileSize(oldest, count) for profile, oldest, count in rows}

    async def parted(self, profiles: Iterable[int]) -> list[tuple[int, int]]:
        if not await self._all(
            "SELECT 1 FROM decisions"
            " WHERE profile_id > 0 AND what = 'part' AND undone_ms IS NULL LIMIT 1"
        ):
            return []
        return [(row[0], row[1]) for row in await self._all(PARTED, as_json(list(profiles)))]

    async def merge(
        self, into: Mapping[int, int], keys: Mapping[int, int], *, new_ids: AbstractSet[int]
    ) -> None:
        moves = sorted((profile, whole) for profile, whole in into.items() if profile != whole)
        new = [move for move in moves if move[0] in new_ids]
        old = [move for move in moves if move[0] not in new_ids]
        await self._run(
            ("UPDATE profile_ids SET profile = ?2 WHERE id = ?1", new),
            ("UPDATE profile_ids SET profile = ?2 WHERE profile = ?1 AND profile <> id", old),
            ("UPDATE profile_ids SET profile = ?2 WHERE id = ?1 AND profile = ?1", old),
            ("UPDATE keys SET profile = ?2 WHERE profile = ?1", old),
            ("UPDATE keys SET profile = ?2 WHERE id = ?1", sorted(keys.items())),
        )

    async def latest(
        self, profiles: Sequence[int], *, besides: Collection[tuple[int, int]], limit: int
    ) -> list[tuple[int, str, Moment, int]] | None:
        rows = await self._all(LATEST, as_json(profiles), as_json(list(besides)), limit + 1)
        if sum(row[3] for row in rows) > limit:
            return None
        return [
            (profile, kind, (int(last[:19]) - SHIFT_MS, last[19:]), count)
            for profile, kind, last, count in rows
            if last is not None
        ]

    async def oldest(self, profiles: Iterable[int]) -> dict[int, int]:
        return dict(await self._all(OLDEST, as_json(list(profiles))))

    async def oldest_besides(
        self, profiles: Iterable[int], profile_ids: Collection[int]
    ) -> dict[int, int]:
        asked = as_json(list(profiles)), as_json(list(profile_ids))
        rows = await self._all(OLDEST_BESIDES, *asked)
        return {profile: oldest for profile, oldest in rows if oldest is not None}

    async def apply(self, regrouping: Regrouping) -> None:
        await self.keep_lowest(min(regrouping.profiles.values(), default=0))
        refused = [(*link, reason) for link, reason in regrouping.refused.items()]
        await self._run(
            (
                "UPDATE profile_ids SET profile = ?2 WHERE id = ?1",
                list(regrouping.profiles.items()),
            ),
            ("UPDATE keys SET profile = ?2 WHERE id = ?1", list(regrouping.keys.items())),
            ("UPDATE links SET refused = ?3 WHERE profile_id = ?1 AND key = ?2", refused),
        )

    async def note(
        self, changes: Sequence[Change], *, now_ms: int, cause: ChangeCause = "event"
    ) -> None:
        if changes:
            await self._writer.turn(_note, changes, now_ms=now_ms, cause=cause)

    async def _run(self, *statements: Statement) -> None:
        """Those that have rows, in one turn of the writing thread."""
        if some := [statement for statement in statements if statement[1]]:
            await self._writer.run(some)

    async def set_inactive(self, keys: Mapping[int, str | None]) -> None:
        await self._each(
            "UPDATE keys SET inactive = ?2, profile = NULL WHERE id = ?1", keys.items()
        )

    async def users(self, key: int, *, limit: int) -> list[int]:
        rows = await self._all("SELECT profile_id FROM links WHERE key = ? LIMIT ?", key, limit)
        return [row[0] for row in rows]

    async def delete_links(self, profile_ids: Collection[int]) -> list[int]:
        ids = as_json(list(profile_ids))
        rows = await self._all(
            "DELETE FROM links WHERE profile_id IN (SELECT value FROM json_each(?)) RETURNING key",
            ids,
        )
        keys = sorted({row[0] for row in rows})
        await self._each(
            "UPDATE keys SET profile = NULL"
            " WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM links WHERE key = ?1)",
            [(key,) for key in keys],
        )
        return keys

    async def members(self, profile: int) -> tuple[list[int], list[int]]:
        ids = await self._all(f"SELECT id FROM {of_profile('?1')}", profile)
        keys = await self._all(
            f"SELECT DISTINCT links.key FROM {of_profile('?1')} AS members"
            " CROSS JOIN links ON links.profile_id = members.id",
            profile,
        )
        return [row[0] for row in ids], [row[0] for row in keys]

    async def last_numbers(self) -> tuple[int, int]:
        [(key, profile_id)] = await self._all(
            "SELECT (SELECT ifnull(max(id), 0) FROM keys),"
            " (SELECT ifnull(max(id), 0) FROM profile_ids)"
        )
        return key, profile_id


def _note(
    connection: sqlite3.Connection, changes: Sequence[Change], *, now_ms: int, cause: ChangeCause
) -> None:
    run(connection, inserts(HISTORY, [(*change, cause, now_ms) for change in changes]))
    if merged := [change.other for change in changes if change.what == "merged"]:
        add_merges(connection, merged, now_ms=now_ms)
