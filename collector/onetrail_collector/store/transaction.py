"""The way in: one transaction in which a commit looks up, decides and writes.

Each function is a fixed handful of set-based statements, however many events the commit holds.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

import aiosqlite

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.resolve import Link
from onetrail_collector.store.rows import (
    Cluster,
    Known,
    NewEvent,
    ProfileId,
    Question,
    Regrouping,
    Session,
    SourcedLink,
    Writes,
)
from onetrail_collector.store.sources import SELECT_SOURCE, to_source


class Transaction:
    """What can be asked and written between BEGIN IMMEDIATE and COMMIT."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def look_up(self, question: Question) -> Known:
        known = Known()
        for row in await self._all(
            SELECT_SOURCE + "WHERE public_id IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants
            _json(question.sources),
        ):
            source = to_source(row)
            known.sources[source.public_id] = source
        for row in await self._all(
            """
            SELECT sessions.source, sessions.id, sessions.public_id,
                   profile_ids.id, profile_ids.public_id
            FROM json_each(?) AS asked
            JOIN sources ON sources.public_id = asked.value ->> 0
            JOIN sessions ON sessions.source = sources.id
                         AND sessions.public_id = asked.value ->> 1
            JOIN profile_ids ON profile_ids.id = sessions.profile_id
            """,
            _json(question.sessions),
        ):
            known.sessions[row[0], row[2]] = _session(row[1:])
        for number, public_id in await self._all(
            "SELECT id, public_id FROM profile_ids WHERE public_id IN "
            "(SELECT value FROM json_each(?))",
            _json(question.profile_ids),
        ):
            known.profile_ids[public_id] = ProfileId(number, public_id)
        for row in await self._all(
            """
            SELECT events.source, events.event_id, sessions.id, sessions.public_id,
                   profile_ids.id, profile_ids.public_id
            FROM json_each(?) AS asked
            JOIN sources ON sources.public_id = asked.value ->> 0
            JOIN events ON events.source = sources.id AND events.event_id = asked.value ->> 1
            JOIN sessions ON sessions.id = events.session
            JOIN profile_ids ON profile_ids.id = sessions.profile_id
            """,
            _json(question.events),
        ):
            known.events[row[0], row[1]] = _session(row[2:])
        [(known.last_profile_id, known.last_session)] = await self._all(
            "SELECT (SELECT ifnull(max(id), 0) FROM profile_ids),"
            " (SELECT ifnull(max(id), 0) FROM sessions)"
        )
        return known

    async def exclusive_values(
        self, profile_ids: Iterable[int], kinds: Collection[str]
    ) -> dict[int, dict[str, str]]:
        values: dict[int, dict[str, str]] = {}
        for profile_id, kind, value in await self._all(
            """
            SELECT links.profile_id, keys.kind, keys.value
            FROM json_each(?) AS asked
            JOIN links ON links.profile_id = asked.value
            JOIN keys ON keys.id = links.key
            WHERE keys.kind IN (SELECT value FROM json_each(?))
            """,
            _json(profile_ids),
            _json(kinds),
        ):
            values.setdefault(profile_id, {})[kind] = value
        return values

    async def write(self, writes: Writes) -> bool:
        await self._each(
            "INSERT INTO profile_ids (id, public_id, source, issued_ms, profile)"
            " VALUES (?1, ?2, ?3, ?4, ?1)",
            writes.profile_ids,
        )
        await self._each("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", writes.sessions)
        await self._each(
            "UPDATE sessions SET profile_id = ?2 WHERE id = ?1", writes.moved_sessions.items()
        )
        await self._write_events(writes.events)
        await self._each(
            """
            INSERT INTO traits VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (profile_id, name) DO UPDATE
            SET value = excluded.value, time_ms = excluded.time_ms, event_id = excluded.event_id
            WHERE (excluded.time_ms, excluded.event_id) > (traits.time_ms, traits.event_id)
            """,
            writes.traits,
        )
        return await self._write_links(writes.links)

    async def _write_events(self, events: list[NewEvent]) -> None:
        hashes = {event.shared_context: _sha256(event.shared_context) for event in events}
        await self._each(
            "INSERT INTO contexts (sha256, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(sha256, body) for body, sha256 in hashes.items() if body is not None],
        )
        await self._each(
            """
            INSERT INTO events (source, event_id, type, profile_id, session, time_ms, received_ms,
                                properties, context, context_id)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM contexts WHERE sha256 = ?))
            """,
            [(*event[:-1], hashes[event.shared_context]) for event in events],
        )

    async def _write_links(self, links: list[SourcedLink]) -> bool:
        await self._each(
            "INSERT INTO keys (kind, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
            {link.key for link, _ in links},
        )
        changed = await self._each(
            """
            INSERT INTO links (profile_id, key, time_ms, event_id, source)
            SELECT ?1, id, ?4, ?5, ?6 FROM keys WHERE kind = ?2 AND value = ?3
            ON CONFLICT (profile_id, key) DO UPDATE
            SET time_ms = excluded.time_ms, event_id = excluded.event_id, source = excluded.source
            WHERE (excluded.time_ms, excluded.event_id) < (links.time_ms, links.event_id)
            """,
            [
                (link.profile_id, *link.key, link.time_ms, link.event_id, source)
                for link, source in links
            ],
        )
        return changed > 0

    async def cluster(self, profile_ids: Iterable[int], *, count_to: int) -> Cluster:
        cluster = Cluster()
        for row in await self._all(
            """
            WITH RECURSIVE node (id) AS (  -- a profile ID's number, or minus a key's
                SELECT value FROM json_each(?1)
                UNION
                SELECT -links.key FROM node
                JOIN links ON links.profile_id = node.id
                JOIN keys ON keys.id = links.key AND NOT keys.shared
                UNION
                SELECT links.profile_id FROM node JOIN links ON links.key = -node.id
            )
            SELECT links.profile_id, keys.kind, keys.value, links.time_ms, links.event_id,
                   links.refused, keys.shared, profile_ids.profile,
                   CASE WHEN keys.shared THEN (
                       SELECT count(*) FROM
                       (SELECT 1 FROM links AS all_links WHERE all_links.key = keys.id LIMIT ?2)
                   ) END
            FROM node
            JOIN links ON links.profile_id = node.id
            JOIN keys ON keys.id = links.key
            JOIN profile_ids ON profile_ids.id = node.id
            """,
            _json(profile_ids),
            count_to,
        ):
            _add(cluster, row)
        return cluster

    async def regroup(self, regrouping: Regrouping) -> None:
        await self._each(
            "UPDATE profile_ids SET profile = ?2 WHERE id = ?1", regrouping.profiles.items()
        )
        await self._each(
            "UPDATE links SET refused = ?4 WHERE profile_id = ?1"
            " AND key = (SELECT id FROM keys WHERE kind = ?2 AND value = ?3)",
            [
                (profile_id, *key, reason)
                for (profile_id, key), reason in regrouping.refused.items()
            ],
        )
        await self._each(
            "UPDATE keys SET shared = ?3 WHERE kind = ?1 AND value = ?2",
            [(*key, shared) for key, shared in regrouping.shared.items()],
        )

    async def _all(self, sql: str, *parameters: object) -> list[Any]:
        return list(await self._connection.execute_fetchall(sql, parameters))

    async def _each(self, sql: str, rows: Iterable[Iterable[Any]]) -> int:
        rows = list(rows)
        if not rows:
            return 0
        async with self._connection.executemany(sql, rows) as cursor:
            return cursor.rowcount


def _session(row: tuple[Any, ...]) -> Session:
    return Session(row[0], row[1], ProfileId(row[2], row[3]))


def _add(cluster: Cluster, row: tuple[Any, ...]) -> None:
    profile_id, kind, value, time_ms, event_id, refused, shared, profile, seen_on = row
    key = Key(kind, value)
    cluster.links.append(Link(profile_id, key, time_ms, event_id))
    cluster.profiles[profile_id] = profile
    if refused is not None:
        cluster.refused[profile_id, key] = refused
    if shared:
        cluster.shared.add(key)
        cluster.seen_on[key] = seen_on
    else:  # all its links are in the cluster
        cluster.seen_on[key] = cluster.seen_on.get(key, 0) + 1


def _sha256(text: str | None) -> bytes | None:
    return None if text is None else hashlib.sha256(text.encode()).digest()


def _json(values: Iterable[object]) -> str:
    return json.dumps(list(values))
