"""Writing links and their keys: what is new is found first, and then added by number.

What was found and written makes the state of each link: nothing of it is read again. One profile
ID keeps at most MAX_LINKS, and what one commit adds above: so no commit reads more.
"""

import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.insert import inserts, run
from onetrail_collector.store.rows import LinkState, SourcedLink
from onetrail_collector.store.statements import as_json

MAX_LINKS = 1_000

FIND_KEYS = """
SELECT asked.key, keys.id, keys.inactive, keys.profile FROM json_each(?) AS asked
CROSS JOIN keys ON keys.kind = asked.value ->> 0 AND keys.value = asked.value ->> 1
"""

LINKS = "links (profile_id, key, time_ms, event_id, source)"

# Of profile IDs that may have links; the earliest evidence of a link is kept.
ADD_LINKS = f"""
INSERT INTO links (profile_id, key, time_ms, event_id, source)
SELECT row.value ->> 0, row.value ->> 1, row.value ->> 2, row.value ->> 3, row.value ->> 4
FROM json_each(?) AS row
WHERE NOT EXISTS (
    SELECT 1 FROM links WHERE profile_id = row.value ->> 0 LIMIT 1 OFFSET {MAX_LINKS - 1}
) OR EXISTS (SELECT 1 FROM links WHERE profile_id = row.value ->> 0 AND key = row.value ->> 1)
ON CONFLICT (profile_id, key) DO UPDATE
SET time_ms = excluded.time_ms, event_id = excluded.event_id, source = excluded.source
WHERE (excluded.time_ms, excluded.event_id) < (links.time_ms, links.event_id)
RETURNING profile_id, key, refused
"""

FIND_PROFILES = """
SELECT profile_ids.id, profile_ids.profile FROM json_each(?) AS asked
CROSS JOIN profile_ids ON profile_ids.id = asked.value
"""

# By an operator: such a link joins nobody whenever it comes.
REFUSED_LINKS = """
SELECT decisions.profile_id, decisions.key FROM json_each(?) AS asked
CROSS JOIN decisions INDEXED BY decisions_by_key ON decisions.key = asked.value
WHERE decisions.profile_id IS NOT NULL AND decisions.undone_ms IS NULL
"""

# Which of these links are not there, because their profile ID has enough.
DROPPED_LINKS = """
SELECT row.value ->> 0, row.value ->> 1 FROM json_each(?) AS row
WHERE NOT EXISTS (
    SELECT 1 FROM links WHERE profile_id = row.value ->> 0 AND key = row.value ->> 1
)
"""

COUNT_DROPPED = "UPDATE profile_ids SET dropped_links = dropped_links + 1 WHERE id = ?"

# A value that nobody is known to use is not kept.
FORGET_KEY = """
DELETE FROM keys WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM links WHERE key = ?1)
AND NOT EXISTS (SELECT 1 FROM decisions WHERE key = ?1)
"""

# A row of links: profile ID, key, time_ms, event id, source.
Row = tuple[int, int, int, str, int]


class AddedLinks(NamedTuple):
    """The links that are new or have earlier evidence, as stored; and those dropped."""

    touched: list[LinkState]
    dropped: list[tuple[int, Key]]


class _KeyRow(NamedTuple):
    id: int
    inactive: str | None
    profile: int | None


def add_links(
    connection: sqlite3.Connection, links: Sequence[SourcedLink], new_ids: Collection[int]
) -> AddedLinks:
    """Add links and their keys: a turn of the writing thread.

    `new_ids` are the profile IDs that this commit has issued.
    """
    keys = _keys(connection, sorted({link.key for link, _ in links}))
    evidence: dict[tuple[int, int], SourcedLink] = {}
    rows: dict[tuple[int, int], Row] = {}
    for found in links:
        (profile_id, key, time_ms, event_id), source = found
        place = (profile_id, keys[key].id)
        row = rows.get(place)
        if row is None or (time_ms, event_id) < (row[2], row[3]):
            rows[place] = (*place, time_ms, event_id, source)
            evidence[place] = found
    ordered = sorted(rows)  # neighbours in the table are on one page
    fresh = [place for place in ordered if place[0] in new_ids]
    run(connection, inserts(LINKS, [rows[place] for place in fresh]))
    perhaps = [rows[place] for place in ordered if place[0] not in new_ids]
    reasons: dict[tuple[int, int], str | None] = dict.fromkeys(fresh)
    if perhaps:
        reasons |= _add_perhaps(connection, perhaps)
    profiles = _profiles(connection, {place[0] for place in reasons if place[0] not in new_ids})
    touched = []
    for place, reason in reasons.items():
        link = evidence[place].link
        number, inactive, holder = keys[link[1]]
        profile = profiles.get(place[0], place[0])
        touched.append(LinkState(link, number, profile, holder, reason, inactive))
    dropped = _drop(connection, perhaps) if len(touched) < len(rows) else []
    return AddedLinks(touched, [(place[0], evidence[place].link.key) for place in dropped])


def _add_perhaps(
    connection: sqlite3.Connection, rows: Sequence[Row]
) -> dict[tuple[int, int], str | None]:
    """Add links that may be there; answers those new or changed, and why each joins nobody."""
    added = connection.execute(ADD_LINKS, (as_json(rows),))
    reasons = {(profile_id, key): refused for profile_id, key, refused in added}
    if not reasons:
        return reasons
    decided = connection.execute(REFUSED_LINKS, (as_json(list({key for _, key in reasons})),))
    for profile_id, key in decided:
        if (profile_id, key) in reasons:
            reasons[profile_id, key] = "link_refused"
    return reasons


def _profiles(connection: sqlite3.Connection, profile_ids: Collection[int]) -> dict[int, int]:
    """The profile of each; one that this commit has issued is a profile of its own."""
    if not profile_ids:
        return {}
    rows = connection.execute(FIND_PROFILES, (as_json(sorted(profile_ids)),))
    return {int(row[0]): int(row[1]) for row in rows}


def _keys(connection: sqlite3.Connection, keys: Sequence[Key]) -> dict[Key, _KeyRow]:
    """Each key as it is stored; those that are new are added."""
    found = connection.execute(FIND_KEYS, (as_json(keys),))
    rows = {keys[place]: _KeyRow(*row) for place, *row in found}
    if len(rows) < len(keys):
        [(last,)] = connection.execute("SELECT ifnull(max(id), 0) FROM keys")
        new = [key for key in keys if key not in rows]
        numbered = list(enumerate(new, last + 1))
        run(connection, inserts("keys (id, kind, value)", [(n, *key) for n, key in numbered]))
        rows |= {key: _KeyRow(number, None, None) for number, key in numbered}
    return rows


def _drop(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Count the links that were not added, above the bound, and forget their keys."""
    found = connection.execute(DROPPED_LINKS, (as_json(rows),))
    dropped = [(row[0], row[1]) for row in found]
    if dropped:
        connection.executemany(COUNT_DROPPED, [place[:1] for place in dropped])
        connection.executemany(FORGET_KEY, [place[1:] for place in dropped])
    return dropped
