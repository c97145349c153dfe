"""The way in: one transaction in which a commit looks up, decides and writes.

Each function is a fixed handful of set-based statements, however many events the commit holds.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from onetrail_collector.store.counts import additions, tally
from onetrail_collector.store.erasure import LAST_PROFILE_ID, ErasureSteps
from onetrail_collector.store.identity import IdentityTables
from onetrail_collector.store.identity_reads import IdentityReads
from onetrail_collector.store.imports import ImportTables
from onetrail_collector.store.insert import Writer, flat_inserts, inserts
from onetrail_collector.store.labels import Labels
from onetrail_collector.store.links import add_links
from onetrail_collector.store.protocol import AlreadyStored
from onetrail_collector.store.quarantine import keep_quarantined
from onetrail_collector.store.reads import find_profile
from onetrail_collector.store.rows import (
    EVENT_COLUMNS,
    DeviceKey,
    Known,
    LinkState,
    ProfileId,
    Question,
    Session,
    Writes,
)
from onetrail_collector.store.sources import to_source

MAX_TRAIT_VALUES = 5

# One step answers all questions. CROSS JOIN keeps SQLite from turning the loops round, which would
# read whole tables (https://www.sqlite.org/optoverview.html#crossjoin).
LOOK_UP = (
    """
SELECT
  (SELECT json_group_array(json_array(id, public_id, name, origins, enabled, created_ms,
                                      kind, events_per_second, hex(secret_sha256),
                                      signing_secret, require_signature, static_ids))
   FROM sources WHERE public_id IN (SELECT value FROM json_each(?1))),

  (SELECT json_group_array(json_array(sessions.source, sessions.id, sessions.public_id,
                                      profile_ids.id, profile_ids.public_id))
   FROM json_each(?2) AS by_source
   CROSS JOIN sources ON sources.public_id = by_source.key
   CROSS JOIN json_each(by_source.value) AS asked
   CROSS JOIN sessions ON sessions.source = sources.id AND sessions.public_id = asked.value
   CROSS JOIN profile_ids ON profile_ids.id = sessions.profile_id),

  (SELECT json_group_array(json_array(id, public_id))
   FROM profile_ids WHERE public_id IN (SELECT value FROM json_each(?3))),

  (SELECT json_group_array(json_array(events.source, events.event_id, sessions.id,
                                      sessions.public_id, profile_ids.id, profile_ids.public_id))
   FROM json_each(?4) AS by_source
   CROSS JOIN sources ON sources.public_id = by_source.key
   CROSS JOIN json_each(by_source.value) AS asked
   CROSS JOIN events ON events.source = sources.id AND events.event_id = asked.value
   CROSS JOIN sessions ON sessions.id = events.session
   CROSS JOIN profile_ids ON profile_ids.id = sessions.profile_id),

  (SELECT json_group_array(json_array(contexts.id, asked.value))
   FROM json_each(?5) AS asked
   CROSS JOIN contexts ON contexts.sha256 = asked.key),

  (SELECT json_group_array(json_array(device_keys.source, device_keys.value, profile_ids.id,
                                      profile_ids.public_id, device_keys.last_ms,
                                      sessions.id, sessions.public_id,
                                      holder.id, holder.public_id))
   FROM json_each(?6) AS by_source
   CROSS JOIN sources ON sources.public_id = by_source.key
   CROSS JOIN json_each(by_source.value) AS asked
   CROSS JOIN device_keys ON device_keys.source = sources.id AND device_keys.value = asked.value
   CROSS JOIN profile_ids ON profile_ids.id = device_keys.profile_id
   LEFT JOIN sessions ON sessions.id = device_keys.session
   LEFT JOIN profile_ids AS holder ON holder.id = sessions.profile_id),
  """
    + LAST_PROFILE_ID
    + """,
  (SELECT ifnull(max(id), 0) FROM sessions),
  (SELECT ifnull(max(id), 0) FROM contexts),
  (SELECT salt FROM suppression_salt WHERE EXISTS (SELECT 1 FROM suppressed))
"""
)

ADD_TRAITS = """
INSERT INTO traits (profile_id, name, value, time_ms, event_id)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)
WHERE true
ON CONFLICT (profile_id, name, value) DO UPDATE
SET time_ms = excluded.time_ms, event_id = excluded.event_id
WHERE (excluded.time_ms, excluded.event_id) > (traits.time_ms, traits.event_id)
"""

COUNT_VALUES = """
SELECT links.profile_id, keys.kind, count(*)
FROM json_each(?) AS asked
CROSS JOIN links ON links.profile_id = asked.value AND links.key IN (
    SELECT own.key FROM links AS own WHERE own.profile_id = asked.value LIMIT 1000
)
CROSS JOIN keys ON keys.id = links.key
GROUP BY 1, 2
"""

COUNT_BLOCKED = """
INSERT INTO blocked_values (kind, entry, count, first_seen_ms, last_seen_ms)
SELECT value ->> 0, value ->> 1, count(*), min(value ->> 2), max(value ->> 2) FROM json_each(?)
WHERE true
GROUP BY 1, 2
ON CONFLICT (kind, entry) DO UPDATE
SET count = count + excluded.count, last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)
"""

# Of each trait a profile ID keeps its newest values: an app that counts in one fills no disk.
CROWDED_TRAITS = f"""
SELECT stated.value ->> 0, stated.value ->> 1 FROM json_each(?) AS stated WHERE EXISTS (
    SELECT 1 FROM traits
    WHERE profile_id = stated.value ->> 0 AND name = stated.value ->> 1
    LIMIT 1 OFFSET {MAX_TRAIT_VALUES}
)
"""
FORGET_TRAITS = f"""
DELETE FROM traits WHERE profile_id = ?1 AND name = ?2 AND value NOT IN (
    SELECT value FROM traits WHERE profile_id = ?1 AND name = ?2
    ORDER BY time_ms DESC, event_id DESC, value DESC LIMIT {MAX_TRAIT_VALUES}
)
"""

KEEP_DEVICES = """
INSERT INTO device_keys (source, value, profile_id, session, last_ms)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)
WHERE true
ON CONFLICT (source, value) DO UPDATE
SET profile_id = excluded.profile_id, session = excluded.session, last_ms = excluded.last_ms
"""

EVENTS = f"events ({', '.join(EVENT_COLUMNS)})"
PROFILE_IDS = "profile_ids (id, public_id, source, issued_ms, profile)"
SESSIONS = "sessions (id, source, public_id, profile_id, started_ms, client)"
CONTEXTS = "contexts (id, sha256, body)"
MOVE_SESSION = "UPDATE sessions SET profile_id = ?2 WHERE id = ?1"

_rows = msgspec.json.Decoder(list[list[Any]])


class Transaction:
    """What can be asked and written between BEGIN IMMEDIATE and COMMIT."""

    def __init__(self, connection: Writer, labels: Labels) -> None:
        self._connection = connection
        self._labels = labels
        self.identity = IdentityTables(connection)
        self.identity_reads = IdentityReads(connection)
        self.erasing = ErasureSteps(connection)
        self.imports = ImportTables(connection)

    async def look_up(self, question: Question) -> Known:
        [row] = await self._all(
            LOOK_UP,
            _json(question.sessions.keys()),
            _json(question.sessions),
            _json(question.profile_ids),
            _json(question.events),
            _json({sha256: body for body, sha256 in question.contexts.items()}),
            _json(question.devices),
        )
        sources, sessions, profile_ids, events, contexts, devices = map(_rows.decode, row[:6])
        by_source: dict[int, dict[str, Session]] = {source[0]: {} for source in sources}
        for event in events:
            by_source[event[0]][event[1]] = _session(event[2:])
        known = Known(
            sources={source[1]: to_source(source) for source in sources},
            sessions={(row[0], row[2]): _session(row[1:]) for row in sessions},
            profile_ids={row[1]: ProfileId(*row) for row in profile_ids},
            events=by_source,
            contexts={body: number for number, body in contexts},
            last_profile_id=row[6],
            last_session=row[7],
            last_context=row[8],
            salt=row[9],
        )
        for device in devices:
            _add_device(known, device)
        return known

    async def find_profile(self, public_id: str) -> int | None:
        return await find_profile(self._connection, public_id)

    async def suppressed(self, marks: Collection[str]) -> set[str]:
        rows = await self._all(
            "SELECT mark FROM suppressed WHERE mark IN (SELECT value FROM json_each(?))",
            _json(marks),
        )
        return {row[0] for row in rows}

    async def exclusive_values(
        self, profile_ids: Iterable[int], kinds: Collection[str]
    ) -> dict[int, dict[str, str]]:
        values: dict[int, dict[str, str]] = {}
        for profile_id, kind, value in await self._all(
            """
            SELECT links.profile_id, keys.kind, keys.value
            FROM json_each(?) AS asked
            CROSS JOIN links ON links.profile_id = asked.value
            CROSS JOIN keys ON keys.id = links.key
            WHERE keys.kind IN (SELECT value FROM json_each(?))
            """,
            _json(profile_ids),
            _json(kinds),
        ):
            values.setdefault(profile_id, {})[kind] = value
        return values

    async def count_values(self, profile_ids: Iterable[int]) -> dict[int, dict[str, int]]:
        counts: dict[int, dict[str, int]] = {}
        for profile_id, kind, count in await self._all(COUNT_VALUES, _json(profile_ids)):
            counts.setdefault(profile_id, {})[kind] = count
        return counts

    async def write(self, writes: Writes) -> list[LinkState]:
        await self._add(writes)
        if writes.quarantine:
            await keep_quarantined(self._connection, writes.quarantine)
        await self._from_json(KEEP_DEVICES, writes.devices.values())
        if await self._from_json(ADD_TRAITS, writes.traits):
            stated = {(trait.profile_id, trait.name) for trait in writes.traits}
            await self._each(FORGET_TRAITS, await self._all(CROWDED_TRAITS, _json(stated)))
        await self._from_json(COUNT_BLOCKED, [(*entry, ms) for entry, ms in writes.blocked])
        if not writes.links:
            return []
        new_ids = {row.id for row in writes.profile_ids}
        added = await self._connection.turn(add_links, writes.links, new_ids)
        writes.dropped_links += added.dropped
        return added.touched

    async def _add(self, writes: Writes) -> None:
        """What nearly every commit adds, in one turn of the thread."""
        counts = self._labels.bound(tally(writes))
        try:
            await self._connection.run(
                chain(
                    flat_inserts(EVENTS, writes.events, len(EVENT_COLUMNS)),
                    inserts(PROFILE_IDS, writes.profile_ids),
                    inserts(SESSIONS, writes.sessions),
                    [(MOVE_SESSION, writes.moved_sessions.items())],
                    inserts(CONTEXTS, writes.contexts),
                    additions(counts),
                )
            )
        except sqlite3.IntegrityError as error:
            if "events.event_id" in str(error):
                raise AlreadyStored from error
            raise

    async def touch(self) -> None:
        """A write that changes nothing."""
        [(number,)] = await self._all("PRAGMA user_version")
        await self._connection.execute(f"PRAGMA user_version = {number}")

    async def run(self, sql: str, *parameters: object) -> list[Any]:
        """One statement of another module of the store."""
        return await self._all(sql, *parameters)

    async def delete(self, table: str, numbers: Iterable[int]) -> int:
        """Delete rows of one of our tables by number; answers how many there were."""
        sql = f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))"
        async with self._connection.execute(sql, (_json(numbers),)) as cursor:
            return cursor.rowcount

    async def _all(self, sql: str, *parameters: object) -> list[Any]:
        return list(await self._connection.execute_fetchall(sql, parameters))

    async def _from_json(self, sql: str, rows: Collection[tuple[Any, ...]]) -> int:
        """One step for all rows; answers how many were added or changed."""
        if not rows:
            return 0
        cursor = await self._connection.execute(sql, (_json(rows),))
        return cursor.rowcount

    async def _each(self, sql: str, rows: Iterable[Iterable[Any]]) -> int:
        rows = list(rows)
        if not rows:
            return 0
        cursor = await self._connection.executemany(sql, rows)
        return cursor.rowcount


def _session(row: Sequence[Any]) -> Session:
    return Session(row[0], row[1], ProfileId(row[2], row[3]))


def _add_device(known: Known, row: Sequence[Any]) -> None:
    source, value, number, public_id, last_ms, *session = row
    profile_id = ProfileId(number, public_id)
    known.devices[source, value] = DeviceKey(profile_id, session[1], last_ms)
    if session[0] is not None:
        known.sessions[source, session[1]] = _session(session)


def _json(values: Iterable[object] | Mapping[str, object]) -> str:
    whole = values if isinstance(values, Mapping) else list(values)
    return msgspec.json.encode(whole).decode()
