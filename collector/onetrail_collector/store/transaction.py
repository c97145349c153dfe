"""The way in: one transaction in which a commit looks up, decides and writes.

Each function is a fixed handful of set-based statements, however many events the commit holds.
"""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from onetrail_collector.store.at_once import Resolve, at_once
from onetrail_collector.store.counts import tally
from onetrail_collector.store.erasure import LAST_PROFILE_ID, ErasureSteps
from onetrail_collector.store.identity import IdentityTables
from onetrail_collector.store.identity_reads import IdentityReads
from onetrail_collector.store.imports import ImportTables
from onetrail_collector.store.insert import Writer
from onetrail_collector.store.labels import Labels
from onetrail_collector.store.quarantine import keep_quarantined
from onetrail_collector.store.reads import find_profile
from onetrail_collector.store.rows import (
    DeviceKey,
    Known,
    LinkState,
    ProfileId,
    Question,
    Session,
    Writes,
)
from onetrail_collector.store.sources import to_source
from onetrail_collector.store.writing import write, write_and_resolve

SALT = "SELECT salt FROM suppression_salt WHERE EXISTS (SELECT 1 FROM suppressed)"

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
                                      profile_ids.id, profile_ids.public_id,
                                      profile_ids.handed_from))
   FROM json_each(?2) AS by_source
   CROSS JOIN sources ON sources.public_id = by_source.key
   CROSS JOIN json_each(by_source.value) AS asked
   CROSS JOIN sessions ON sessions.source = sources.id AND sessions.public_id = asked.value
   CROSS JOIN profile_ids ON profile_ids.id = sessions.profile_id),

  (SELECT json_group_array(json_array(id, public_id, handed_from))
   FROM profile_ids WHERE public_id IN (SELECT value FROM json_each(?3))),

  (SELECT json_group_array(json_array(events.source, events.event_id, sessions.id,
                                      sessions.public_id, profile_ids.id, profile_ids.public_id,
                                      profile_ids.handed_from,
                                      own.id, own.public_id, own.handed_from))
   FROM json_each(?4) AS by_source
   CROSS JOIN sources ON sources.public_id = by_source.key
   CROSS JOIN json_each(by_source.value) AS asked
   CROSS JOIN events ON events.source = sources.id AND events.event_id = asked.value
   CROSS JOIN sessions ON sessions.id = events.session
   CROSS JOIN profile_ids ON profile_ids.id = sessions.profile_id
   CROSS JOIN profile_ids AS own ON own.id = events.profile_id),

  (SELECT json_group_array(json_array(contexts.id, asked.value))
   FROM json_each(?5) AS asked
   CROSS JOIN contexts ON contexts.sha256 = asked.key),

  (SELECT json_group_array(json_array(device_keys.source, device_keys.value, profile_ids.id,
                                      profile_ids.public_id, profile_ids.handed_from,
                                      device_keys.last_ms, sessions.id, sessions.public_id,
                                      holder.id, holder.public_id, holder.handed_from))
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
  ("""
    + SALT
    + """)
"""
)

COUNT_VALUES = """
SELECT links.profile_id, keys.kind, count(*)
FROM json_each(?) AS asked
CROSS JOIN links ON links.profile_id = asked.value AND links.key IN (
    SELECT own.key FROM links AS own WHERE own.profile_id = asked.value LIMIT 1000
)
CROSS JOIN keys ON keys.id = links.key
GROUP BY 1, 2
"""

T = TypeVar("T")
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
        known = Known(
            sources={source[1]: to_source(source) for source in sources},
            sessions={(row[0], row[2]): _session(row[1:]) for row in sessions},
            profile_ids={row[1]: ProfileId(*row) for row in profile_ids},
            events={source[0]: {} for source in sources},
            contexts={body: number for number, body in contexts},
            last_profile_id=row[6],
            last_session=row[7],
            last_context=row[8],
            salt=row[9],
        )
        for event in events:
            _add_event(known, event)
        for device in devices:
            _add_device(known, device)
        return known

    async def find_profile(self, public_id: str) -> int | None:
        return await find_profile(self._connection, public_id)

    async def suppression_salt(self) -> bytes | None:
        rows = await self._all(SALT)
        return rows[0][0] if rows else None

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
        return await self._write(write, writes)

    async def write_and_resolve(self, writes: Writes, resolve: Resolve[T]) -> T | None:
        return await self._write(write_and_resolve, writes, resolve)

    async def _write(self, work: Callable[..., T], writes: Writes, *more: object) -> T:
        counts = self._labels.bound(tally(writes))
        done = await self._connection.turn(work, writes, counts, *more)
        if writes.quarantine:
            await keep_quarantined(self._connection, writes.quarantine)
        return done

    async def at_once(self, work: Callable[[IdentityTables], Coroutine[Any, Any, T]]) -> T:
        return await self._connection.turn(at_once, work)

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


def _session(row: Sequence[Any]) -> Session:
    return Session(row[0], row[1], ProfileId(*row[2:5]))


def _add_event(known: Known, row: Sequence[Any]) -> None:
    source, event_id, *session = row
    now = _session(session)
    known.sessions[source, now.public_id] = now
    known.events[source][event_id] = now._replace(profile_id=ProfileId(*session[5:]))


def _add_device(known: Known, row: Sequence[Any]) -> None:
    source, value, number, public_id, handed_from, last_ms, *session = row
    profile_id = ProfileId(number, public_id, handed_from)
    known.devices[source, value] = DeviceKey(profile_id, session[1], last_ms)
    if session[0] is not None:
        known.sessions[source, session[1]] = _session(session)


def _json(values: Iterable[object] | Mapping[str, object]) -> str:
    whole = values if isinstance(values, Mapping) else list(values)
    return msgspec.json.encode(whole).decode()
