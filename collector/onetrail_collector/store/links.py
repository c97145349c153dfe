"""Writing links and their keys: all that is known of them is looked up, then what is new is added.

What was found and written makes the state of each link: nothing of it is read again. One profile
ID keeps at most MAX_LINKS, and what one commit adds above: so no commit reads more.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.resolve import Link
from onetrail_collector.store.insert import inserts, run
from onetrail_collector.store.rows import LinkState, SourcedLink
from onetrail_collector.store.statements import as_json

MAX_LINKS = 1_000

LAST_KEY = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'keys'"

# All in one row, because SQLite's connection waits for the interpreter's lock after each.
# A link that an operator refused joins nobody whenever it comes.
LOOK_UP = f"""
SELECT ({LAST_KEY}), (
    SELECT json_group_array(json_array(
        asked.key, profile_ids.profile, keys.id, keys.profile, keys.inactive, links.time_ms,
        links.event_id,
        CASE WHEN EXISTS (
            SELECT 1 FROM decisions INDEXED BY decisions_by_key
            WHERE key = keys.id AND profile_id = profile_ids.id AND undone_ms IS NULL
        ) THEN 'link_refused' ELSE links.refused END,
        links.time_ms IS NULL AND EXISTS (
            SELECT 1 FROM links WHERE profile_id = profile_ids.id LIMIT 1 OFFSET {MAX_LINKS - 1}
        )
    ))
    FROM json_each(?) AS asked
    CROSS JOIN profile_ids ON profile_ids.id = asked.value ->> 0
    LEFT JOIN keys ON keys.kind = asked.value ->> 1 AND keys.value = asked.value ->> 2
    LEFT JOIN links ON links.profile_id = profile_ids.id AND links.key = keys.id
)
"""

KEYS = "keys (id, kind, value)"
LINKS = "links (profile_id, key, time_ms, event_id, source)"
MOVE_BACK = """
UPDATE links SET time_ms = ?3, event_id = ?4, source = ?5 WHERE profile_id = ?1 AND key = ?2
"""
COUNT_DROPPED = "UPDATE profile_ids SET dropped_links = dropped_links + 1 WHERE id = ?"

Place = tuple[int, Key]
"""A profile ID and a key that it used."""

Row = tuple[int, int, int, str, int]
"""Of links: profile ID, key, time_ms, event id, source."""


class AddedLinks(NamedTuple):
    """The links that are new or have earlier evidence, as stored; and those dropped."""

    touched: list[LinkState]
    dropped: list[Place]


class _Known(NamedTuple):
    """What is stored of a link: `key` and `time_ms` are None where there is no such row."""

    asked: int
    profile: int
    key: int | None
    key_profile: int | None
    inactive: str | None
    time_ms: int | None
    event_id: str | None
    refused: str | None
    is_too_many: int


_known = msgspec.json.Decoder(list[_Known])


def add_links(connection: sqlite3.Connection, links: Iterable[SourcedLink]) -> AddedLinks:
    """Add links and their keys: in the writing thread, as one whole."""
    earliest = _earliest(links)
    places = sorted(earliest)  # neighbours in a table are on one page
    [(last_key, found)] = connection.execute(
        LOOK_UP, (as_json([(profile_id, *key) for profile_id, key in places]),)
    )
    known = {places[row.asked]: row for row in _known.decode(found)}
    dropped = [place for place, row in known.items() if row.is_too_many]
    new = {key for (_, key), row in known.items() if row.key is None and not row.is_too_many}
    numbers = {key: number for number, key in enumerate(sorted(new), last_key + 1)}
    touched: list[LinkState] = []
    fresh: list[Row] = []
    earlier: list[Row] = []
    for place, row in known.items():
        link, source = earliest[place]
        if row.is_too_many or not _is_news(link, row):
            continue
        number = numbers[link.key] if row.key is None else row.key
        rows = fresh if row.time_ms is None else earlier
        rows.append((link.profile_id, number, link.time_ms, link.event_id, source))
        touched.append(
            LinkState(link, number, row.profile, row.key_profile, row.refused, row.inactive)
        )
    _write(connection, numbers, fresh, earlier)
    connection.executemany(COUNT_DROPPED, [place[:1] for place in dropped])
    return AddedLinks(touched, dropped)


def _earliest(links: Iterable[SourcedLink]) -> dict[Place, SourcedLink]:
    """Of each link its earliest evidence."""
    earliest: dict[Place, SourcedLink] = {}
    for one in links:
        place = one.link[:2]
        rival = earliest.get(place)
        if rival is None or one.link[2:] < rival.link[2:]:
            earliest[place] = one
    return earliest


def _is_news(link: Link, known: _Known) -> bool:
    """Whether a link is new, or has earlier evidence than what is stored."""
    if known.time_ms is None or known.event_id is None:
        return True
    return (link.time_ms, link.event_id) < (known.time_ms, known.event_id)


def _write(
    connection: sqlite3.Connection,
    keys: dict[Key, int],
    fresh: Sequence[Row],
    earlier: Sequence[Row],
) -> None:
    run(connection, inserts(KEYS, [(number, *key) for key, number in keys.items()]))
    run(connection, inserts(LINKS, sorted(fresh)))
    if earlier:
        connection.executemany(MOVE_BACK, earlier)
