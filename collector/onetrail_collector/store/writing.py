"""What a commit adds, in one turn of the writing thread: a handful of set-based statements."""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import TypeVar

from onetrail_collector.identity.traits import Trait
from onetrail_collector.store.at_once import Resolve, at_once
from onetrail_collector.store.counts import additions
from onetrail_collector.store.insert import flat_inserts, inserts, run
from onetrail_collector.store.links import add_links
from onetrail_collector.store.protocol import AlreadyStored
from onetrail_collector.store.rows import EVENT_COLUMNS, LinkState, Tally, Writes
from onetrail_collector.store.statements import as_json

MAX_TRAIT_VALUES = 5

T = TypeVar("T")

ADD_TRAITS = """
INSERT INTO traits (profile_id, name, value, time_ms, event_id)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)
WHERE true
ON CONFLICT (profile_id, name, value) DO UPDATE
SET time_ms = excluded.time_ms, event_id = excluded.event_id
WHERE (excluded.time_ms, excluded.event_id) > (traits.time_ms, traits.event_id)
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
PROFILE_IDS = "profile_ids (id, public_id, source, issued_ms, profile, handed_from)"
SESSIONS = "sessions (id, source, public_id, profile_id, started_ms, client)"
CONTEXTS = "contexts (id, sha256, body)"
MOVE_SESSION = "UPDATE sessions SET profile_id = ?2 WHERE id = ?1"


def write(connection: sqlite3.Connection, writes: Writes, counts: list[Tally]) -> list[LinkState]:
    """Add what a commit holds; answers the links that are new or have earlier evidence.

    Raises AlreadyStored where one of its events is there already.
    """
    try:
        run(
            connection,
            chain(
                flat_inserts(EVENTS, writes.events, len(EVENT_COLUMNS)),
                inserts(PROFILE_IDS, writes.profile_ids),
                inserts(SESSIONS, writes.sessions),
                [(MOVE_SESSION, writes.moved_sessions.items())],
                inserts(CONTEXTS, writes.contexts),
                additions(counts),
            ),
        )
    except sqlite3.IntegrityError as error:
        if "events.event_id" in str(error):
            raise AlreadyStored from error
        raise
    if writes.devices:
        connection.execute(KEEP_DEVICES, (as_json(list(writes.devices.values())),))
    if writes.traits:
        _add_traits(connection, writes.traits)
    if writes.blocked:
        blocked = [(*entry, ms) for entry, ms in writes.blocked]
        connection.execute(COUNT_BLOCKED, (as_json(blocked),))
    if not writes.links:
        return []
    added = add_links(connection, writes.links)
    writes.dropped_links += added.dropped
    return added.touched


def write_and_resolve(
    connection: sqlite3.Connection, writes: Writes, counts: list[Tally], resolve: Resolve[T]
) -> T | None:
    """The same, and what `resolve` makes of those links; None where there are none."""
    links = write(connection, writes, counts)
    return at_once(connection, lambda tables: resolve(tables, links)) if links else None


def _add_traits(connection: sqlite3.Connection, traits: Sequence[Trait]) -> None:
    if connection.execute(ADD_TRAITS, (as_json(traits),)).rowcount:
        stated = {(trait.profile_id, trait.name) for trait in traits}
        crowded = connection.execute(CROWDED_TRAITS, (as_json(list(stated)),)).fetchall()
        connection.executemany(FORGET_TRAITS, crowded)
