"""The ways out: what is stored about a profile, read on connections that cannot write."""

import asyncio
from typing import Any

import aiosqlite

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.traits import Trait
from onetrail_collector.store.members import of_profile
from onetrail_collector.store.rows import (
    BlockedValue,
    Counts,
    EventsPage,
    LinkRow,
    ProfileIdRow,
    ProfileRows,
    SessionRow,
    StoredEvent,
)

NEWEST = 50_000  # events that are looked at for the newest of one source


async def find_profile(reader: aiosqlite.Connection, public_id: str) -> int | None:
    """The number of the profile that holds this profile ID."""
    return await _one(reader, "SELECT profile FROM profile_ids WHERE public_id = ?", public_id)


async def find_profiles_by_key(reader: aiosqlite.Connection, key: Key) -> list[int]:
    """The profiles with a link to this key, the oldest first.

    One, as a rule; more where the key is shared, or some of its links were refused; a link that
    was accepted comes first.
    """
    rows = await reader.execute_fetchall(
        """
        SELECT profile_ids.profile,
               min(ifnull(keys.inactive, links.refused) IS NOT NULL) AS only_refused
        FROM keys
        CROSS JOIN links ON links.key = keys.id
        CROSS JOIN profile_ids ON profile_ids.id = links.profile_id
        WHERE keys.kind = ? AND keys.value = ?
        GROUP BY profile_ids.profile ORDER BY only_refused, min(profile_ids.id) LIMIT 100
        """,
        key,
    )
    return [row[0] for row in rows]


async def read_profile(
    reader: aiosqlite.Connection, profile: int, *, limit: int, count_to: int
) -> ProfileRows:
    """A profile's traits, and at most `limit` of its oldest profile IDs and of their links."""
    traits, profile_ids, links = await asyncio.gather(  # the thread waits for nobody between them
        _traits(reader, profile),
        _profile_ids(reader, profile, limit, count_to),
        _links(reader, profile, limit),
    )
    return ProfileRows(
        profile_ids=profile_ids,
        links=links,
        traits=[Trait(*row[:5]) for row in traits],
        names={row[0]: row[5] for row in traits},
    )


async def _traits(reader: aiosqlite.Connection, profile: int) -> list[Any]:
    rows = await reader.execute_fetchall(
        f"""
        SELECT traits.profile_id, traits.name, traits.value, traits.time_ms, traits.event_id,
               profile_ids.public_id
        FROM {of_profile("?1")} AS members
        CROSS JOIN traits ON traits.profile_id = members.id
        CROSS JOIN profile_ids ON profile_ids.id = members.id
        """,
        (profile,),
    )
    return list(rows)


async def _links(reader: aiosqlite.Connection, profile: int, limit: int) -> list[LinkRow]:
    rows = await reader.execute_fetchall(
        f"""
        SELECT keys.kind, keys.value, profile_ids.public_id, links.time_ms, links.event_id,
               sources.public_id, ifnull(keys.inactive, links.refused)
        FROM (
            SELECT members.id AS profile_id, links.key FROM {of_profile("?1")} AS members
            CROSS JOIN links ON links.profile_id = members.id
            ORDER BY members.id LIMIT ?2
        ) AS oldest
        CROSS JOIN links ON links.profile_id = oldest.profile_id AND links.key = oldest.key
        CROSS JOIN profile_ids ON profile_ids.id = links.profile_id
        CROSS JOIN keys ON keys.id = links.key
        CROSS JOIN sources ON sources.id = links.source
        ORDER BY keys.kind, links.time_ms, links.event_id, profile_ids.id
        """,
        (profile, limit),
    )
    return [LinkRow(Key(row[0], row[1]), *row[2:]) for row in rows]


async def _profile_ids(
    reader: aiosqlite.Connection, profile: int, limit: int, count_to: int
) -> list[ProfileIdRow]:
    rows = await reader.execute_fetchall(
        f"""
        SELECT profile_ids.id, profile_ids.public_id, sources.public_id, profile_ids.issued_ms,
               (SELECT min(time_ms) FROM events WHERE profile_id = profile_ids.id),
               (SELECT max(time_ms) FROM events WHERE profile_id = profile_ids.id),
               (SELECT count(*) FROM
                (SELECT 1 FROM events WHERE profile_id = profile_ids.id LIMIT ?3)),
               (SELECT count(*) FROM
                (SELECT 1 FROM sessions WHERE profile_id = profile_ids.id LIMIT ?3)),
               (SELECT client FROM
                (SELECT client FROM sessions WHERE profile_id = profile_ids.id
                 ORDER BY started_ms DESC LIMIT 20) WHERE client IS NOT NULL LIMIT 1)
        FROM (SELECT id FROM {of_profile("?1")} ORDER BY id LIMIT ?2) AS members
        CROSS JOIN profile_ids ON profile_ids.id = members.id
        CROSS JOIN sources ON sources.id = profile_ids.source
        ORDER BY profile_ids.id
        """,
        (profile, limit, count_to),
    )
    return [ProfileIdRow(*row) for row in rows]


async def read_events(
    reader: aiosqlite.Connection, profile: int, *, limit: int, before: tuple[int, int] | None
) -> EventsPage:
    """At most `limit` events of a profile, the newest first, older than the place `before`.

    From each profile ID no more than one page is looked at, however many events it has.
    """
    rows = await reader.execute_fetchall(
        f"""
        SELECT events.id, events.event_id, events.type, events.time_ms, events.received_ms,
               events.properties, events.context, contexts.body,
               profile_ids.public_id, sessions.public_id, sources.public_id,
               events.skew_ms, events.ahead_ms
        FROM {of_profile("?1")} AS members
        CROSS JOIN events ON events.id IN (
            SELECT newest.id FROM events AS newest
            WHERE newest.profile_id = members.id AND (newest.time_ms, newest.id) < (?2, ?3)
            ORDER BY newest.time_ms DESC, newest.id DESC LIMIT ?4
        )
        CROSS JOIN profile_ids ON profile_ids.id = members.id
        CROSS JOIN sessions ON sessions.id = events.session
        CROSS JOIN sources ON sources.id = events.source
        LEFT JOIN contexts ON contexts.id = events.context_id
        ORDER BY events.time_ms DESC, events.id DESC LIMIT ?4
        """,
        (profile, *(before or (2**62, 0)), limit + 1),
    )
    found = list(rows)
    page = found[:limit]
    last = (page[-1][3], page[-1][0]) if len(found) > limit else None
    return EventsPage([StoredEvent(*row[1:]) for row in page], last)


async def newest_events(
    reader: aiosqlite.Connection, source: str | None, *, limit: int
) -> list[StoredEvent]:
    """The newest events of one source or all, among the newest of the file."""
    rows = await reader.execute_fetchall(
        """
        SELECT events.event_id, events.type, events.time_ms, events.received_ms,
               events.properties, events.context, contexts.body,
               profile_ids.public_id, sessions.public_id, sources.public_id,
               events.skew_ms, events.ahead_ms
        FROM events
        CROSS JOIN sources ON sources.id = events.source
        CROSS JOIN profile_ids ON profile_ids.id = events.profile_id
        CROSS JOIN sessions ON sessions.id = events.session
        LEFT JOIN contexts ON contexts.id = events.context_id
        WHERE events.id > (SELECT ifnull(max(id), 0) FROM events) - ?3
          AND (?1 IS NULL OR sources.public_id = ?1)
        ORDER BY events.id DESC LIMIT ?2
        """,
        (source, limit, NEWEST),
    )
    return [StoredEvent(*row) for row in rows]


async def find_events(reader: aiosqlite.Connection, event_id: str) -> list[StoredEvent]:
    """The events of this id: one a source at most."""
    rows = await reader.execute_fetchall(
        """
        SELECT events.event_id, events.type, events.time_ms, events.received_ms,
               events.properties, events.context, contexts.body,
               profile_ids.public_id, sessions.public_id, sources.public_id,
               events.skew_ms, events.ahead_ms
        FROM sources
        CROSS JOIN events ON events.source = sources.id AND events.event_id = ?
        CROSS JOIN profile_ids ON profile_ids.id = events.profile_id
        CROSS JOIN sessions ON sessions.id = events.session
        LEFT JOIN contexts ON contexts.id = events.context_id
        ORDER BY sources.id
        """,
        (event_id,),
    )
    return [StoredEvent(*row) for row in rows]


async def sessions_page(
    reader: aiosqlite.Connection, profile: int, *, limit: int, after: int
) -> list[tuple[int, SessionRow]]:
    """Sessions of a profile, each with its number, after the number `after`."""
    rows = await reader.execute_fetchall(
        f"""
        SELECT sessions.id, sessions.public_id, sources.public_id, profile_ids.public_id,
               sessions.started_ms, sessions.client
        FROM {of_profile("?1")} AS members
        CROSS JOIN sessions ON sessions.id IN (
            SELECT page.id FROM sessions AS page
            WHERE page.profile_id = members.id AND page.id > ?3
            ORDER BY page.id LIMIT ?2
        )
        CROSS JOIN profile_ids ON profile_ids.id = members.id
        CROSS JOIN sources ON sources.id = sessions.source
        ORDER BY sessions.id LIMIT ?2
        """,
        (profile, limit, after),
    )
    return [(row[0], SessionRow(*row[1:])) for row in rows]


async def read_counts(reader: aiosqlite.Connection) -> Counts:
    """How many rows of each kind there are."""
    rows = await reader.execute_fetchall(
        """
        SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM sessions),
               total - (SELECT count(*) FROM profile_ids WHERE profile <> id) + (
                   SELECT count(*)
                   FROM (SELECT DISTINCT profile FROM profile_ids WHERE profile <> id) AS whole
                   WHERE NOT EXISTS (
                       SELECT 1 FROM profile_ids WHERE id = whole.profile AND profile = id
                   )
               ),
               total
        FROM (SELECT count(*) AS total FROM profile_ids)
        """
    )
    return Counts(*next(iter(rows)))


async def blocked_values(reader: aiosqlite.Connection) -> list[BlockedValue]:
    """Which entries of the lists of blocked values were met; the most frequent first."""
    rows = await reader.execute_fetchall(
        "SELECT kind, entry, count, first_seen_ms, last_seen_ms FROM blocked_values"
        " ORDER BY count DESC, kind, entry"
    )
    return [BlockedValue(*row) for row in rows]


async def _one(reader: aiosqlite.Connection, sql: str, *parameters: object) -> int | None:
    async with reader.execute(sql, parameters) as cursor:
        row = await cursor.fetchone()
    return None if row is None else row[0]
