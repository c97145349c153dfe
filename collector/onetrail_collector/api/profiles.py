"""Who is this, and what did they do? A profile, by any of its IDs or keys, and its events."""

import asyncio
from itertools import chain
from typing import Annotated

import msgspec
from msgspec import Meta

from onetrail_collector.api.cursor import DEFAULT_PAGE, LAST, MAX_PAGE, from_cursor, to_cursor
from onetrail_collector.api.identity_views import KeyRef, still_there, unmoved
from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.api.profile_views import Profile, optional_time, profile_view
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.errors import not_found, wrong_shape
from onetrail_collector.identity.keys import InvalidValue, Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import StoredEvent

COUNT_TO = 10_000  # rows of one kind: a profile of a million events is read as fast as another
COUNT_ALL = 2**62
RECENT_SESSIONS = 20


class ByProfileId(msgspec.Struct):
    """Any of a profile's profile IDs; at most `limit` devices and keys are listed."""

    profile_id: str
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    count_all: bool = False


class ByKey(msgspec.Struct):
    """A merging key as KIND:VALUE, in any spelling of the value.

    Of a mailbox, a key that is stored as it was typed comes before what ignore_plus_tags and
    ignore_gmail_dots make of it.
    """

    key: str = ""


class EventsAsked(msgspec.Struct):
    """A page of a profile's events; `cursor` is the next_cursor of the page before."""

    profile_id: str
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    cursor: str | None = None


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


class ByEventId(msgspec.Struct):
    """The id that an event's client gave it."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]


class EventsFound(msgspec.Struct):
    """The events of an id; one, unless two sources use the same. None: past its retention."""

    events: list[EventView]


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
    asked = call.asked
    return await unmoved(
        call.store,
        (asked.profile_id,),
        lambda found: read_profile_view(
            call.store, found[0].profile, limit=asked.limit, count_all=asked.count_all
        ),
    )


async def profiles_by_key(call: Call[ByKey, Nothing]) -> ProfilesOfKey:
    """The profiles with a link to this key; one, unless it is shared or refused."""
    key = await key_meant(call.store, call.settings.policy, call.asked.key)
    keys = parse_keys(call.settings.policy, call.asked.key)

    async def find() -> list[int]:
        found = [await call.store.find_profiles_by_key(one) for one in keys]
        return list(dict.fromkeys(chain.from_iterable(found)))

    async def read(numbers: list[int]) -> list[Profile]:
        return [
            await read_profile_view(call.store, number, limit=DEFAULT_PAGE, count_all=False)
            for number in numbers
        ]

    profiles = await still_there(find, read)
    return ProfilesOfKey(KeyRef(key.kind, key.value), profiles)


async def events_page(call: Call[EventsAsked, Nothing]) -> EventsPage:
    """A page of a profile's events under all of its profile IDs, the newest first."""
    time_ms, place = from_cursor(call.asked.cursor, first=(LAST, 0))
    page = await unmoved(
        call.store,
        (call.asked.profile_id,),
        lambda found: call.store.read_events(
            found[0].profile, limit=call.asked.limit, before=(time_ms, place)
        ),
    )
    return EventsPage(
        [event_view(event) for event in page.events],
        None if page.next is None else to_cursor(*page.next),
    )


async def events_by_id(call: Call[ByEventId, Nothing]) -> EventsFound:
    """What an event says that is named as evidence."""
    return EventsFound([event_view(event) for event in await call.store.find_events(call.asked.id)])


async def counts(call: Call[Nothing, Nothing]) -> CountsView:
    """How many events, sessions, profiles and profile IDs there are."""
    return CountsView(*await call.store.counts())


OPERATIONS = (
    Operation("GET", "/counts", counts, "read", CountsView),
    Operation("GET", "/events", events_by_id, "read", EventsFound, ByEventId),
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


async def key_meant(store: Store, policy: Policy, text: str) -> Key:
    """The first of the keys that somebody may mean which has links; else what it makes now."""
    *before, now = parse_keys(policy, text)
    for key in before:
        if await store.identity.evidence_for(key, limit=1):
            return key
    return now


def parse_keys(policy: Policy, text: str) -> list[Key]:
    """The merging keys that may be meant by `KIND:VALUE`, as Policy.keys(). Raises Refused."""
    name, colon, value = text.strip().partition(":")
    if not colon or name not in policy.kinds:
        kinds = ", ".join(sorted(policy.kinds))
        raise wrong_shape(f"key: expected KIND:VALUE with a kind of {kinds}; got {text[:80]!r}")
    try:
        return policy.keys(name, value)
    except InvalidValue as error:
        raise wrong_shape(f"key: the value {error}") from None


async def read_profile_view(store: Store, number: int, *, limit: int, count_all: bool) -> Profile:
    """A profile as it is answered, with at most `limit` devices and keys."""
    count_to = COUNT_ALL if count_all else COUNT_TO
    profile, sessions, totals = await asyncio.gather(
        store.read_profile(number, limit=limit, count_to=count_to),
        store.identity.recent_sessions(number, limit=RECENT_SESSIONS),
        store.identity.totals(number, count_to=count_to),
    )
    return profile_view(profile, sessions, totals, None if count_all else COUNT_TO)


def event_view(event: StoredEvent) -> EventView:
    """An event as it leaves the collector."""
    return EventView(
        id=event.id,
        type=event.type,
        time=to_rfc3339(event.time_ms),
        received=to_rfc3339(event.received_ms),
        sent_at=optional_time(None if event.skew_ms is None else event.received_ms - event.skew_ms),
        client_time=optional_time(
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
