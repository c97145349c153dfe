"""Removing a person, in steps that are each on disk: whatever ends in between goes on from there.

The first step makes the person unknown: their profile IDs and keys are marked as suppressed, their
links, traits and own keys are gone, and no ID finds them. The others take sessions, events and
contexts away, a few rows a commit, so that no other commit waits long.
"""

import json
from collections.abc import Iterable
from typing import Any

import aiosqlite

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.suppression import (
    mark,
    of_device,
    of_key,
    of_profile_id,
    of_session,
)
from onetrail_collector.store import erasure_reach as reach
from onetrail_collector.store import erasure_receipts
from onetrail_collector.store.rows import Erasure

ROWS_A_STEP = 500  # about 10 ms: what another commit waits
EVENTS_A_WALK = 20_000
# The highest number ever in use: a number of somebody erased is not given to anybody else.
LAST_PROFILE_ID = """
max((SELECT ifnull(max(id), 0) FROM profile_ids),
    ifnull((SELECT last_profile_id FROM erasures ORDER BY id DESC LIMIT 1), 0))
"""
# Each erased profile ID with those from whom its device came to it and who stay, the last first.
HANDED_OVER = """
SELECT profile_ids.id, before.value
FROM erasing CROSS JOIN profile_ids ON profile_ids.id = erasing.profile_id
CROSS JOIN json_each(profile_ids.handed_from) AS before
WHERE erasing.erasure = ?1 AND before.value IN (SELECT id FROM profile_ids)
  AND before.value NOT IN (SELECT profile_id FROM erasing)
ORDER BY profile_ids.id, before.key
"""
GIVE_BACK = """
UPDATE sessions SET profile_id = ?2
WHERE profile_id = ?1 AND id IN (SELECT session FROM events WHERE profile_id = ?2)
"""

THEIRS = "profile_id IN (SELECT profile_id FROM erasing WHERE erasure = ?1)"
TELL_FOLLOWERS = """
INSERT INTO history (what, profile, other, cause, public_id, time_ms)
SELECT 'erased', id, id, 'erasure', public_id, ?2 FROM profile_ids
WHERE id IN (SELECT profile_id FROM erasing WHERE erasure = ?1) ORDER BY id
"""


async def walk_contexts(
    reader: aiosqlite.Connection, erasure: int, after: int
) -> tuple[set[int], int]:
    """Which contexts of an erasure other events use, among some events after the number `after`.

    Also the last event looked at, which is `after` itself at the end.
    """
    [(last,)] = await reader.execute_fetchall(
        "SELECT max(?2, CASE WHEN EXISTS (SELECT 1 FROM erasing_contexts WHERE erasure = ?1)"
        " THEN (SELECT min(ifnull(max(id), 0), ?2 + ?3) FROM events) ELSE 0 END)",
        (erasure, after, EVENTS_A_WALK),
    )
    if last == after:
        return set(), after
    rows = await reader.execute_fetchall(
        """
        SELECT DISTINCT events.context_id FROM events
        WHERE events.id > ?2 AND events.id <= ?3 AND events.context_id IN (
            SELECT context FROM erasing_contexts WHERE erasure = ?1)
        """,
        (erasure, after, last),
    )
    return {row[0] for row in rows}, last


class ErasureSteps:
    """The steps of erasures, within one transaction; store/protocol/ says what each does."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def begin(  # noqa: PLR0913 - a receipt says who, why and when
        self, profile: int, *, public_id: str, made_by: str, reason: str, now_ms: int, count_to: int
    ) -> tuple[Erasure, list[int]]:
        ids = await reach.profile_ids(self._connection, profile)
        own = await reach.own_keys(self._connection, profile)
        fewer_than = count_to + len(ids) + 1
        neighbours = await reach.neighbours(self._connection, profile, fewer_than=fewer_than)
        async with self._connection.execute(
            "INSERT INTO erasures"
            " (public_id, made_by, reason, begun_ms, profile_ids, last_profile_id)"
            f" VALUES (?, ?, ?, ?, ?, {LAST_PROFILE_ID})",
            (public_id, made_by, reason, now_ms, len(ids)),
        ) as cursor:
            number = int(cursor.lastrowid or 0)
        await self._connection.executemany(
            "INSERT OR REPLACE INTO erasing VALUES (?, ?)", [(row[0], number) for row in ids]
        )
        traces = [of_profile_id(row[1]) for row in ids] + [of_key(Key(*row[1:])) for row in own]
        devices = await self._all(
            """
            SELECT sources.public_id, device_keys.value
            FROM erasing
            CROSS JOIN device_keys ON device_keys.profile_id = erasing.profile_id
            CROSS JOIN sources ON sources.id = device_keys.source
            WHERE erasing.erasure = ?1
            """,
            number,
        )
        traces += [of_device(*row) for row in devices]
        await self._suppress(number, traces)
        refused = json.dumps(await reach.quarantined(self._connection, ids, own))
        await self._connection.execute(f"DELETE FROM device_keys WHERE {THEIRS}", (number,))
        own_keys = json.dumps([row[0] for row in own])
        await self._remove(number, "traits", THEIRS)
        await self._remove(number, "links", THEIRS)
        await self._remove(number, "keys", "id IN (SELECT value FROM json_each(?2))", own_keys)
        await self._remove(number, "quarantine", "id IN (SELECT value FROM json_each(?2))", refused)
        await self._connection.execute(TELL_FOLLOWERS, (number, now_ms))
        await self._connection.execute(
            "UPDATE profile_ids SET public_id = 'erasing:' || id"
            " WHERE id IN (SELECT profile_id FROM erasing WHERE erasure = ?)",
            (number,),
        )
        return await erasure_receipts.find_row(self._connection, number), neighbours

    async def suppress_sessions(self, erasure: int, after: int) -> int | None:
        if not after:
            await self._give_sessions_back(erasure)
        rows = await self._all(
            f"""
            SELECT sessions.id, sources.public_id, sessions.public_id
            FROM sessions CROSS JOIN sources ON sources.id = sessions.source
            WHERE sessions.{THEIRS} AND sessions.id > ?2
              AND sessions.public_id NOT LIKE 'erasing:%'
            ORDER BY sessions.id LIMIT ?3
            """,
            erasure,
            after,
            ROWS_A_STEP,
        )
        if not rows:
            return None
        await self._suppress(erasure, [of_session(row[1], row[2]) for row in rows])
        await self._connection.executemany(
            "UPDATE sessions SET public_id = 'erasing:' || id WHERE id = ?",
            [(row[0],) for row in rows],
        )
        return int(rows[-1][0])

    async def _give_sessions_back(self, erasure: int) -> None:
        """Sessions in which a device changed hands are of whoever had it before, if they stay."""
        for erased, *before in await self._all(HANDED_OVER, erasure):
            await self._connection.execute(GIVE_BACK, (erased, *before))

    async def remove_events(self, erasure: int) -> int | None:
        rows = await self._all(
            f"SELECT id, context_id FROM events WHERE {THEIRS} LIMIT ?2",
            erasure,
            ROWS_A_STEP,
        )
        await self._connection.executemany(
            "INSERT OR IGNORE INTO erasing_contexts VALUES (?, ?)",
            [(context, erasure) for context in {row[1] for row in rows} if context is not None],
        )
        numbers = json.dumps([row[0] for row in rows])
        await self._remove(erasure, "events", "id IN (SELECT value FROM json_each(?2))", numbers)
        return len(rows) or None

    async def remove_sessions(self, erasure: int) -> int | None:
        removed = await self._remove(
            erasure,
            "sessions",
            f"id IN (SELECT id FROM sessions WHERE {THEIRS} LIMIT ?2)",
            ROWS_A_STEP,
        )
        return removed or None

    async def end(self, erasure: int, used: Iterable[int], walked_to: int, *, now_ms: int) -> bool:
        [(events, sessions)] = await self._all(
            f"SELECT EXISTS (SELECT 1 FROM events WHERE {THEIRS}),"
            f" EXISTS (SELECT 1 FROM sessions WHERE {THEIRS})",
            erasure,
        )
        if events or sessions:
            return False
        await self._remove(
            erasure,
            "contexts",
            """
            id IN (SELECT context FROM erasing_contexts WHERE erasure = ?1)
            AND id NOT IN (SELECT value FROM json_each(?2))
            AND id NOT IN (SELECT context_id FROM events
                           WHERE events.id > ?3 AND context_id IS NOT NULL)
            """,
            json.dumps(list(used)),
            walked_to,
        )
        await self._connection.execute("DELETE FROM erasing_contexts WHERE erasure = ?", (erasure,))
        await self._connection.execute(
            "DELETE FROM profile_ids"
            " WHERE id IN (SELECT profile_id FROM erasing WHERE erasure = ?)",
            (erasure,),
        )
        await self._connection.execute("DELETE FROM erasing WHERE erasure = ?", (erasure,))
        await self._connection.execute(
            "UPDATE erasures SET done_ms = ? WHERE id = ? AND done_ms IS NULL", (now_ms, erasure)
        )
        return True

    async def lift(self, public_id: str, *, lifted_by: str, now_ms: int) -> bool:
        async with self._connection.execute(
            "UPDATE erasures SET lifted_ms = ?, lifted_by = ?"
            " WHERE public_id = ? AND lifted_ms IS NULL",
            (now_ms, lifted_by, public_id),
        ) as cursor:
            lifted = cursor.rowcount > 0
        await self._connection.execute(
            "DELETE FROM suppressed WHERE erasure IN"
            " (SELECT id FROM erasures WHERE public_id = ? AND lifted_ms IS NOT NULL)",
            (public_id,),
        )
        return lifted

    async def _suppress(self, erasure: int, traces: Iterable[tuple[str, ...]]) -> None:
        [(salt,)] = await self._all("SELECT salt FROM suppression_salt")
        await self._connection.executemany(
            "INSERT OR REPLACE INTO suppressed VALUES (?, ?)",
            [(mark(salt, trace), erasure) for trace in traces],
        )

    async def _remove(self, erasure: int, table: str, where: str, *more: object) -> int:
        """Delete rows, and count them in the receipt."""
        async with self._connection.execute(
            f"DELETE FROM {table} WHERE {where}",
            (erasure, *more),
        ) as cursor:
            removed = cursor.rowcount
        column = {"quarantine": "quarantined"}.get(table, table)
        if removed:
            await self._connection.execute(
                f"UPDATE erasures SET {column} = {column} + ? WHERE id = ?",
                (removed, erasure),
            )
        return removed

    async def _all(self, sql: str, *parameters: object) -> list[Any]:
        return list(await self._connection.execute_fetchall(sql, parameters))
