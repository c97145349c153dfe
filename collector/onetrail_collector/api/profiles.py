"""Who is this, and what did they do? A profile, by any of its IDs or keys, and its events."""

import base64
import binascii
import json
from typing import Annotated

import msgspec
from msgspec import Meta

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.errors import not_found, wrong_shape
from onetrail_collector.identity.keys import InvalidValue, Key, normalise
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.traits import newest
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import LinkRow, ProfileIdRow, ProfileRows, StoredEvent

DEFAULT_PAGE = 100
MAX_PAGE = 1000


class ByProfileId(msgspec.Struct):
    """Any of a profile's profile IDs."""

    profile_id: str


class ByKey(msgspec.Struct):
    """A merging key as KIND:VALUE, in any spelling of the value."""

    key: str = ""


class EventsAsked(msgspec.Struct):
    """A page of a profile's events; `cursor` is the next_cursor of the page before."""

    profile_id: str
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    cursor: str | None = None


class ProfileIdView(msgspec.Struct):
    """One device of a profile, and what happened on it."""

    id: str
    source: str
    issued_at: str
    first_seen: str | None
    last_seen: str | None
    events: int
    sessions: int


class KeyView(msgspec.Struct):
    """A merging key, the event that is its evidence, and why it joins nobody where it does not."""

    kind: str
    value: str
    profile_id: str
    event_id: str
    source: str
    time: str
    refused: str | None


class TraitView(msgspec.Struct):
    """A trait's value, and the event that set it."""

    value: msgspec.Raw
    profile_id: str
    event_id: str
    time: str


class Profile(msgspec.Struct):
    """A customer: all profile IDs that identity resolution holds to be one person."""

    id: str
    profile_ids: list[ProfileIdView]
    keys: list[KeyView]
    traits: dict[str, TraitView]
    events: int
    sessions: int


class KeyRef(msgspec.Struct):
    """A key in its normal form."""

    kind: str
    value: str


class ProfilesOfKey(msgspec.Struct):
    """The profiles with a link to a key; one, unless it is shared or refused."""

    key: KeyRef
    profiles: list[Profile]


class EventView(msgspec.Struct):
    """An event as it was stored; `context` has the batch's under the event's own.

    `time` is the client's, `client_time`, corrected by received - sent_at; one from the future is
    clamped to `received`.
    """

    id: str
    type: str
    time: str
    received: str
    sent_at: str | None
    client_time: str | None
    clamped: bool
    source: str
    profile_id: str
    session: str
    properties: msgspec.Raw
    context: dict[str, msgspec.Raw]


class EventsPage(msgspec.Struct):
    """Events, the newest first; next_cursor is null on the last page."""

    events: list[EventView]
    next_cursor: str | None


class CountsView(msgspec.Struct):
    """How many rows of each kind there are."""

    events: int
    sessions: int
    profiles: int
    profile_ids: int


async def profile_by_id(call: Call[ByProfileId, Nothing]) -> Profile:
    """The profile that holds this profile ID."""
    number = await profile_number(call.store, call.asked.profile_id)
    return profile_view(await call.store.read_profile(number))


async def profiles_by_key(call: Call[ByKey, Nothing]) -> ProfilesOfKey:
    """The profiles with a link to this key; one, unless it is shared or refused."""
    key = parse_key(call.settings.policy, call.asked.key)
    numbers = await call.store.find_profiles_by_key(key)
    return ProfilesOfKey(
        KeyRef(key.kind, key.value),
        [profile_view(await call.store.read_profile(number)) for number in numbers],
    )


async def events_page(call: Call[EventsAsked, Nothing]) -> EventsPage:
    """A page of a profile's events under all of its profile IDs, the newest first."""
    number = await profile_number(call.store, call.asked.profile_id)
    before = _before(call.asked.cursor)
    page = await call.store.read_events(number, limit=call.asked.limit, before=before)
    return EventsPage(
        [event_view(event) for event in page.events],
        None if page.next is None else _cursor(page.next),
    )


async def counts(call: Call[Nothing, Nothing]) -> CountsView:
    """How many events, sessions, profiles and profile IDs there are."""
    return CountsView(*await call.store.counts())


OPERATIONS = (
    Operation("GET", "/counts", counts, "read", CountsView),
    Operation("GET", "/profiles", profiles_by_key, "read", ProfilesOfKey, ByKey),
    Operation("GET", "/profiles/{profile_id}", profile_by_id, "read", Profile, ByProfileId),
    Operation("GET", "/profiles/{profile_id}/events", events_page, "read", EventsPage, EventsAsked),
)


async def profile_number(store: Store, public_id: str) -> int:
    """The number of the profile that holds this profile ID. Raises Refused (404)."""
    number = await store.find_profile(public_id)
    if number is None:
        raise not_found(f"no profile has the profile ID {public_id[:80]!r}")
    return number


def parse_key(policy: Policy, text: str) -> Key:
    """The merging key in `KIND:VALUE`, normalised. Raises Refused (422)."""
    name, colon, value = text.partition(":")
    kind = policy.kinds.get(name)
    if not colon or kind is None:
        kinds = ", ".join(sorted(policy.kinds))
        raise wrong_shape(f"key: expected KIND:VALUE with a kind of {kinds}; got {text[:80]!r}")
    try:
        return Key(name, normalise(kind, value, phone_region=policy.phone_region))
    except InvalidValue as error:
        raise wrong_shape(f"key: the value {error}") from None


def _cursor(place: tuple[int, int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _before(cursor: str | None) -> tuple[int, int] | None:
    if cursor is None:
        return None
    try:
        time_ms, number = json.loads(base64.urlsafe_b64decode(cursor))
        return int(time_ms), int(number)
    except (binascii.Error, ValueError, TypeError):
        raise wrong_shape("cursor: give the next_cursor of the page before, as it is") from None


def profile_view(rows: ProfileRows) -> Profile:
    """A profile as it is answered."""
    names = {row.id: row.public_id for row in rows.profile_ids}
    return Profile(
        id=rows.profile_ids[0].public_id,
        profile_ids=[_profile_id(row) for row in rows.profile_ids],
        keys=[_key(link) for link in rows.links],
        traits={
            name: TraitView(
                value=msgspec.Raw(trait.value.encode()),
                profile_id=names[trait.profile_id],
                event_id=trait.event_id,
                time=to_rfc3339(abs(trait.time_ms)),
            )
            for name, trait in sorted(newest(rows.traits).items())
        },
        events=sum(row.events for row in rows.profile_ids),
        sessions=sum(row.sessions for row in rows.profile_ids),
    )


def _profile_id(row: ProfileIdRow) -> ProfileIdView:
    return ProfileIdView(
        id=row.public_id,
        source=row.source,
        issued_at=to_rfc3339(row.issued_ms),
        first_seen=_time(row.first_seen_ms),
        last_seen=_time(row.last_seen_ms),
        events=row.events,
        sessions=row.sessions,
    )


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


def event_view(event: StoredEvent) -> EventView:
    """An event as it leaves the collector."""
    return EventView(
        id=event.id,
        type=event.type,
        time=to_rfc3339(event.time_ms),
        received=to_rfc3339(event.received_ms),
        sent_at=_time(None if event.skew_ms is None else event.received_ms - event.skew_ms),
        client_time=_time(
            None
            if event.ahead_ms is None
            else event.time_ms + event.ahead_ms - (event.skew_ms or 0)
        ),
        clamped=bool(event.ahead_ms),
        source=event.source,
        profile_id=event.profile_id,
        session=event.session,
        properties=msgspec.Raw(event.properties.encode()),
        context=_raw_fields(event.shared_context) | _raw_fields(event.context),
    )


def _raw_fields(context: str | None) -> dict[str, msgspec.Raw]:
    """The values of a JSON object, as they were sent: what a stranger wrote is never re-read."""
    return {} if context is None else _fields.decode(context)


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _time(time_ms: int | None) -> str | None:
    return None if time_ms is None else to_rfc3339(time_ms)
