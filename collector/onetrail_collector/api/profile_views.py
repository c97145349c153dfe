"""A profile as it is answered: devices, keys, traits with what lost, sessions, counts."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from onetrail_collector.clock import to_rfc3339
from onetrail_collector.identity.traits import Trait, newest
from onetrail_collector.store.identity_rows import ProfileTotals, RecentSession
from onetrail_collector.store.rows import LinkRow, ProfileIdRow, ProfileRows

MAX_LOST = 20  # of a trait's values that lost, the newest


class ProfileIdView(msgspec.Struct):
    """One device of a profile, what happened on it, and the client that it had last."""

    id: str
    source: str
    issued_at: str
    first_seen: str | None
    last_seen: str | None
    events: int
    sessions: int
    client: dict[str, Any] | None


class KeyView(msgspec.Struct):
    """A merging key, the event that is its evidence, and why it joins nobody where it does not."""

    kind: str
    value: str
    profile_id: str
    event_id: str
    source: str
    time: str
    refused: str | None


class TraitValue(msgspec.Struct):
    """A value of a trait, and the event that stated it."""

    value: msgspec.Raw
    profile_id: str
    event_id: str
    time: str


class TraitView(msgspec.Struct):
    """A trait's value, the event that set it, and the other values that lost, the newest first."""

    value: msgspec.Raw
    profile_id: str
    event_id: str
    time: str
    lost: list[TraitValue]


class SessionView(msgspec.Struct):
    """A session of a profile; `client`: its browser, os, device, place and bot, as far as kept."""

    id: str
    source: str
    profile_id: str
    started_at: str
    client: dict[str, Any] | None


class Profile(msgspec.Struct):
    """A customer: all profile IDs that identity resolution holds to be one person.

    profile_ids are the oldest, keys those of the oldest, recent_sessions the newest; the counts say
    how many there are in all. A count goes as far as `counted_to`, and then means so many or more;
    null: all were counted.
    """

    id: str
    profile_ids: list[ProfileIdView]
    keys: list[KeyView]
    traits: dict[str, TraitView]
    recent_sessions: list[SessionView]
    first_seen: str | None
    last_seen: str | None
    events: int
    sessions: int
    profile_id_count: int
    key_count: int
    counted_to: int | None


def profile_view(
    rows: ProfileRows,
    sessions: Iterable[RecentSession],
    totals: ProfileTotals,
    counted_to: int | None,
) -> Profile:
    """A profile from what is stored of it."""
    return Profile(
        id=rows.profile_ids[0].public_id,
        profile_ids=[_profile_id(row) for row in rows.profile_ids],
        keys=[_key(link) for link in rows.links],
        traits=_traits(rows),
        recent_sessions=[
            SessionView(
                row.id, row.source, row.profile_id, to_rfc3339(row.started_ms), _client(row.client)
            )
            for row in sessions
        ],
        first_seen=optional_time(totals.first_seen_ms),
        last_seen=optional_time(totals.last_seen_ms),
        events=totals.events,
        sessions=totals.sessions,
        profile_id_count=totals.profile_ids,
        key_count=totals.links,
        counted_to=counted_to,
    )


def _traits(rows: ProfileRows) -> dict[str, TraitView]:
    """Each trait's winner with those that stated something else."""
    stated: dict[str, list[Trait]] = {}
    for trait in sorted(
        rows.traits, key=lambda trait: (trait.time_ms, trait.event_id), reverse=True
    ):
        stated.setdefault(trait.name, []).append(trait)
    return {
        name: _trait(winner, stated[name], rows.names)
        for name, winner in sorted(newest(rows.traits).items())
    }


def _trait(winner: Trait, stated: Iterable[Trait], names: Mapping[int, str]) -> TraitView:
    lost: dict[str, Trait] = {}
    for trait in stated:
        if trait.value != winner.value:
            lost.setdefault(trait.value, trait)
    values = [_trait_value(trait, names) for trait in (winner, *list(lost.values())[:MAX_LOST])]
    won = values[0]
    return TraitView(won.value, won.profile_id, won.event_id, won.time, values[1:])


def _trait_value(trait: Trait, names: Mapping[int, str]) -> TraitValue:
    return TraitValue(
        value=msgspec.Raw(trait.value.encode()),
        profile_id=names[trait.profile_id],
        event_id=trait.event_id,
        time=to_rfc3339(abs(trait.time_ms)),
    )


def _profile_id(row: ProfileIdRow) -> ProfileIdView:
    return ProfileIdView(
        id=row.public_id,
        source=row.source,
        issued_at=to_rfc3339(row.issued_ms),
        first_seen=optional_time(row.first_seen_ms),
        last_seen=optional_time(row.last_seen_ms),
        events=row.events,
        sessions=row.sessions,
        client=_client(row.client),
    )


def _client(client: str | None) -> dict[str, Any] | None:
    return None if client is None else msgspec.json.decode(client)


def _key(link: LinkRow) -> KeyView:
    return KeyView(
        kind=link.key.kind,
        value=link.key.value,
        profile_id=link.profile_id,
        event_id=link.event_id,
        source=link.source,
        time=to_rfc3339(link.time_ms),
        refused=link.refused,
    )


def optional_time(time_ms: int | None) -> str | None:
    """A time as it is answered, where there is one."""
    return None if time_ms is None else to_rfc3339(time_ms)
