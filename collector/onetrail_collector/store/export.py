"""Rows for export, page by page: each page is a read of its own, so that none holds the log up.

A page is a range of numbers and not a count of rows: a filter that finds little reads no longer.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from onetrail_collector.identity.traits import Trait, newest
from onetrail_collector.store.members import PUBLIC_ID, of_profiles
from onetrail_collector.store.statements import as_json
from onetrail_collector.store.upkeep import open_file

EVENTS_A_PAGE = 10_000
PROFILES_A_PAGE = 500
LOWEST = -(2**63)  # a profile that has lost the ID of its number may have a negative one

EVENTS = f"""
SELECT {PUBLIC_ID},
       profile_ids.public_id, sources.public_id, sessions.public_id, events.event_id, events.type,
       events.time_ms, events.received_ms, events.received_ms - events.skew_ms,
       events.time_ms + events.ahead_ms - ifnull(events.skew_ms, 0), ifnull(events.ahead_ms, 0) > 0,
       events.properties,
       CASE WHEN events.context IS NULL THEN ifnull(contexts.body, '{{}}')
       ELSE json_patch(ifnull(contexts.body, '{{}}'), events.context) END,
       sessions.client
FROM events
CROSS JOIN sources ON sources.id = events.source
CROSS JOIN profile_ids ON profile_ids.id = events.profile_id
CROSS JOIN sessions ON sessions.id = events.session
LEFT JOIN contexts ON contexts.id = events.context_id
WHERE events.id > ?1 AND events.id <= ?2
  AND events.time_ms >= ?3 AND events.time_ms < ?4
  AND (?5 IS NULL OR sources.public_id = ?5) AND (?6 IS NULL OR events.type = ?6)
ORDER BY events.id
"""
PROFILE_IDS = f"""
SELECT profile_ids.profile, profile_ids.public_id, sources.public_id, profile_ids.issued_ms,
       (SELECT min(time_ms) FROM events WHERE profile_id = profile_ids.id),
       (SELECT max(time_ms) FROM events WHERE profile_id = profile_ids.id),
       (SELECT count(*) FROM events WHERE profile_id = profile_ids.id),
       (SELECT count(*) FROM sessions WHERE profile_id = profile_ids.id)
FROM {of_profiles("?1")} AS members
CROSS JOIN profile_ids ON profile_ids.id = members.id
CROSS JOIN sources ON sources.id = profile_ids.source
ORDER BY profile_ids.profile, profile_ids.id
"""
KEYS = f"""
SELECT DISTINCT members.profile, keys.kind, keys.value
FROM {of_profiles("?1")} AS members
CROSS JOIN links ON links.profile_id = members.id
CROSS JOIN keys ON keys.id = links.key
WHERE ifnull(keys.inactive, links.refused) IS NULL
ORDER BY members.profile, keys.kind, keys.value
"""
TRAITS = f"""
SELECT members.profile, traits.profile_id, name, value, time_ms, event_id
FROM {of_profiles("?1")} AS members CROSS JOIN traits ON traits.profile_id = members.id
ORDER BY members.profile
"""
# The numbers of the next profiles.
PROFILES = """
SELECT id FROM profile_ids WHERE id > ?1 AND profile = id
UNION
SELECT profile FROM profile_ids WHERE profile > ?1 AND profile <> id
ORDER BY 1 LIMIT ?2
"""


class EventRow(NamedTuple):
    """One event, as the view profile_events has it; times in ms, JSON as text."""

    profile: str
    profile_id: str
    source: str
    session: str
    event_id: str
    type: str
    time: int
    received: int
    sent_at: int | None
    client_time: int | None
    clamped: bool
    properties: str
    context: str
    client: str | None


class PersonRow(NamedTuple):
    """One profile; times in ms, `traits` as JSON text by name."""

    profile: str
    profile_ids: list[str]
    sources: list[str]
    keys: list[tuple[str, str]]
    traits: dict[str, str]
    first_seen: int | None
    last_seen: int | None
    events: int
    sessions: int


class Wanted(NamedTuple):
    """Which rows: `since_ms` <= time < `until_ms` (of a profile: last seen), source, type."""

    since_ms: int = -(2**62)
    until_ms: int = 2**62
    source: str | None = None
    type: str | None = None


class Page(NamedTuple):
    """Some rows, and how far the export is."""

    rows: list[Any]
    done: int
    total: int


def events(db: Path, wanted: Wanted) -> Iterator[Page]:
    """All events that are wanted, in the order in which they were stored. Raises UnusableDatabase.

    An event that is stored meanwhile is not among them.
    """
    with closing(open_file(db)) as connection:
        total, place = _number(connection, "SELECT ifnull(max(id), 0) FROM events"), 0
        while place < total:
            end = min(place + EVENTS_A_PAGE, total)
            rows = connection.execute(EVENTS, (place, end, *wanted)).fetchall()
            place = end
            yield Page([_event_row(*row) for row in rows], end, total)


def profiles(db: Path, wanted: Wanted) -> Iterator[Page]:
    """All profiles that are wanted. Raises UnusableDatabase."""
    with closing(open_file(db)) as connection:
        total = _number(connection, "SELECT ifnull(max(id), 0) FROM profile_ids")
        place = LOWEST
        while True:
            found = connection.execute(PROFILES, (place, PROFILES_A_PAGE)).fetchall()
            if not found:
                return
            numbers = [row[0] for row in found]
            place = numbers[-1]
            people = _people(connection, as_json(numbers))
            yield Page([row for row in people if _is_wanted(row, wanted)], max(place, 0), total)


def _event_row(*row: Any) -> EventRow:
    found = EventRow(*row)
    return found._replace(clamped=bool(found.clamped))


def _people(connection: sqlite3.Connection, numbers: str) -> Iterator[PersonRow]:
    keys = _by_profile(connection, KEYS, numbers)
    traits = _by_profile(connection, TRAITS, numbers)
    for profile, ids in _by_profile(connection, PROFILE_IDS, numbers).items():
        stated = newest(Trait(*row) for row in traits.get(profile, ()))
        yield PersonRow(
            profile=ids[0][0],
            profile_ids=[row[0] for row in ids],
            sources=sorted({row[1] for row in ids}),
            keys=keys.get(profile, []),
            traits={name: trait.value for name, trait in sorted(stated.items())},
            first_seen=min((row[3] for row in ids if row[3] is not None), default=None),
            last_seen=max((row[4] for row in ids if row[4] is not None), default=None),
            events=sum(row[5] for row in ids),
            sessions=sum(row[6] for row in ids),
        )


def _by_profile(connection: sqlite3.Connection, sql: str, numbers: str) -> dict[int, list[Any]]:
    rows = connection.execute(sql, (numbers,))
    return {
        profile: [row[1:] for row in group] for profile, group in groupby(rows, lambda row: row[0])
    }


def _is_wanted(row: PersonRow, wanted: Wanted) -> bool:
    seen = row.last_seen
    in_time = seen is None or wanted.since_ms <= seen < wanted.until_ms
    return in_time and (wanted.source is None or wanted.source in row.sources)


def _number(connection: sqlite3.Connection, sql: str) -> int:
    [(value,)] = connection.execute(sql).fetchall()
    return int(value)
