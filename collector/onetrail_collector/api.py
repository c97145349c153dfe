"""The ways out, for people with an admin token: who is this, and what did they do?"""

import base64
import binascii
import json
from typing import Any

import msgspec

from onetrail_collector.clock import to_rfc3339
from onetrail_collector.errors import not_found, wrong_shape
from onetrail_collector.identity.keys import InvalidValue, Key, normalise
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.traits import newest
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import ProfileRows, StoredEvent

DEFAULT_PAGE = 100
MAX_PAGE = 1000


async def profile_by_id(store: Store, public_id: str) -> dict[str, Any]:
    """The profile that holds this profile ID. Raises Refused (404)."""
    return _profile(await store.read_profile(await _number(store, public_id)))


async def profiles_by_key(store: Store, policy: Policy, key_text: str) -> dict[str, Any]:
    """The profiles with a link to the key `kind:value`; one, unless it is shared or refused."""
    key = _key(policy, key_text)
    numbers = await store.find_profiles_by_key(key)
    return {
        "key": {"kind": key.kind, "value": key.value},
        "profiles": [_profile(await store.read_profile(number)) for number in numbers],
    }


async def events_page(
    store: Store, public_id: str, *, limit: str | None, cursor: str | None
) -> dict[str, Any]:
    """A page of a profile's events under all of its profile IDs, the newest first."""
    number = await _number(store, public_id)
    page = await store.read_events(number, limit=_limit(limit), before=_before(cursor))
    return {
        "events": [_event(event) for event in page.events],
        "next_cursor": None if page.next is None else _cursor(page.next),
    }


async def counts(store: Store) -> dict[str, int]:
    """How many events, sessions, profiles and profile IDs there are."""
    return (await store.counts())._asdict()


async def _number(store: Store, public_id: str) -> int:
    number = await store.find_profile(public_id)
    if number is None:
        raise not_found(f"no profile has the profile ID {public_id[:80]!r}")
    return number


def _key(policy: Policy, text: str) -> Key:
    name, colon, value = text.partition(":")
    kind = policy.kinds.get(name)
    if not colon or kind is None:
        kinds = ", ".join(sorted(policy.kinds))
        raise wrong_shape(f"key: expected KIND:VALUE with a kind of {kinds}; got {text[:80]!r}")
    try:
        return Key(name, normalise(kind, value, phone_region=policy.phone_region))
    except InvalidValue as error:
        raise wrong_shape(f"key: the value {error}") from None


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MAX_PAGE:
        raise wrong_shape(f"limit: expected a number from 1 to {MAX_PAGE}, got {text[:40]!r}")
    return int(text)


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


def _profile(rows: ProfileRows) -> dict[str, Any]:
    names = {row.id: row.public_id for row in rows.profile_ids}
    return {
        "id": rows.profile_ids[0].public_id,
        "profile_ids": [
            {
                "id": row.public_id,
                "source": row.source,
                "issued_at": to_rfc3339(row.issued_ms),
                "first_seen": _time(row.first_seen_ms),
                "last_seen": _time(row.last_seen_ms),
                "events": row.events,
                "sessions": row.sessions,
            }
            for row in rows.profile_ids
        ],
        "keys": [
            {
                "kind": link.key.kind,
                "value": link.key.value,
                "profile_id": link.profile_id,
                "event_id": link.event_id,
                "source": link.source,
                "time": to_rfc3339(link.time_ms),
                "refused": link.refused,
            }
            for link in rows.links
        ],
        "traits": {
            name: {
                "value": msgspec.Raw(trait.value.encode()),
                "profile_id": names[trait.profile_id],
                "event_id": trait.event_id,
                "time": to_rfc3339(trait.time_ms),
            }
            for name, trait in sorted(newest(rows.traits).items())
        },
        "events": sum(row.events for row in rows.profile_ids),
        "sessions": sum(row.sessions for row in rows.profile_ids),
    }


def _event(event: StoredEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "time": to_rfc3339(event.time_ms),
        "received": to_rfc3339(event.received_ms),
        "source": event.source,
        "profile_id": event.profile_id,
        "session": event.session,
        "properties": msgspec.Raw(event.properties.encode()),
        "context": _raw_fields(event.shared_context) | _raw_fields(event.context),
    }


def _raw_fields(context: str | None) -> dict[str, msgspec.Raw]:
    """The values of a JSON object, as they were sent: what a stranger wrote is never re-read."""
    return {} if context is None else _fields.decode(context)


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _time(time_ms: int | None) -> str | None:
    return None if time_ms is None else to_rfc3339(time_ms)
