"""An event that PostHog's clients captured, and ours: pure, so that an importer can use it.

Its `$device_id` (or, where a client has none, its `distinct_id`) is the client's own ID of its
device. Each event states its distinct_id, which joins the devices of one source that share it; a
distinct_id that is said to be a person's is a user ID as well. Properties are kept as sent.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from onetrail_collector.clock import to_ms
from onetrail_collector.ids import uuid7
from onetrail_collector.wire.envelope import DISTINCT_ID, Claims, Event
from onetrail_collector.wire.json_text import ABSENT, MAX_JSON_BYTES, Unfit, parse
from onetrail_collector.wire.person import Fields, identify_properties

Id = str | int | float | None


class Message(msgspec.Struct, gc=False):
    """What is read of one captured event."""

    event: str
    distinct_id: Id = None
    uuid: str | None = None
    timestamp: datetime | None = None
    properties: msgspec.Raw = ABSENT
    set: Fields | None = msgspec.field(default=None, name="$set")
    set_once: Fields | None = msgspec.field(default=None, name="$set_once")


class _Known(msgspec.Struct, gc=False):
    """The properties that have a meaning here."""

    distinct_id: Id = None
    alias: Id = None
    device_id: Id = msgspec.field(default=None, name="$device_id")
    user_id: Id = msgspec.field(default=None, name="$user_id")
    session_id: Id = msgspec.field(default=None, name="$session_id")
    anonymous_id: Id = msgspec.field(default=None, name="$anon_distinct_id")
    is_identified: bool | None = msgspec.field(default=None, name="$is_identified")
    profile: bool | None = msgspec.field(default=None, name="$process_person_profile")
    set: Fields | None = msgspec.field(default=None, name="$set")
    set_once: Fields | None = msgspec.field(default=None, name="$set_once")
    url: msgspec.Raw = msgspec.field(default=ABSENT, name="$current_url")
    referrer: msgspec.Raw = msgspec.field(default=ABSENT, name="$referrer")
    screen: msgspec.Raw = msgspec.field(default=ABSENT, name="$screen_name")


message_decoder = msgspec.json.Decoder(Message)
_known = msgspec.json.Decoder(_Known)
_fields = msgspec.json.Decoder(Fields)

_NAMES = {  # as our own clients call them; another event keeps its name
    "$pageview": "page-view",
    "$screen": "screen-view",
    "$identify": "identify",
    "$set": "identify",
    "$set_once": "identify",
    "$create_alias": "alias",
    "$groupidentify": "group",
}
DROPPED = {
    "$snapshot": "session recordings are not stored",
    "$snapshot_items": "session recordings are not stored",
}


def to_event(message: Message, index: int) -> Event:
    """The event that was captured; raises Unfit, and msgspec.ValidationError."""
    if message.event in DROPPED:
        raise Unfit("not_supported", f"{message.event}: {DROPPED[message.event]}")
    text = bytes(message.properties) if bytes(message.properties) not in {b"", b"null"} else b"{}"
    known = _known.decode(text)
    distinct_id = _text(message.distinct_id) or _text(known.distinct_id)
    if distinct_id is None:
        raise Unfit("wrong_shape", "distinct_id: an event needs one")
    facts = _facts(known.set, message.set)
    first_facts = _facts(known.set_once, message.set_once)
    kind = _NAMES.get(message.event, message.event)
    added = _added(message, known)
    claims = Claims(_keys(message.event, known, distinct_id))
    if kind == "identify":
        added |= identify_properties(_user_id(message.event, known, distinct_id), facts)
    elif facts:
        said = identify_properties(None, facts)
        claims.keys += tuple((name, _string(facts[name])) for name in said if name != "traits")
        claims.traits = _json(said.get("traits", {}))
    if first_facts:
        claims.first_traits = _json(first_facts)
    stored = _json(_fields.decode(text) | added) if added else text.decode()
    if len(stored) > MAX_JSON_BYTES:
        raise Unfit("too_large", f"is {len(stored)} bytes; the limit is {MAX_JSON_BYTES}")
    return Event(
        index,
        message.uuid or uuid7(),
        kind,
        stored,
        None if message.timestamp is None else to_ms(message.timestamp),
        None,
        _text(known.session_id),
        _device(known, distinct_id),
        claims,
    )


def exported(text: str, index: int, new_id: Callable[[], str]) -> Event:
    """The event of a line of an export, in which properties may be JSON in a text. As to_event.

    `new_id` names a line that has no id.
    """
    message = parse(message_decoder, text)
    message.uuid = message.uuid or new_id()
    if bytes(message.properties)[:1] == b'"':
        message.properties = msgspec.Raw(_string(message.properties).encode())
    return to_event(message, index)


def _text(value: Id) -> str | None:
    return None if value is None or value == "" else str(value)


def _string(raw: msgspec.Raw) -> str:
    return msgspec.json.decode(raw, type=str)


def _json(fields: object) -> str:
    return msgspec.json.encode(fields).decode()


def _device(known: _Known, distinct_id: str) -> str:
    """After a sign-out posthog-js keeps the device's ID, but has a new one for who is there now."""
    if known.is_identified is False:
        return distinct_id
    return _text(known.device_id) or distinct_id


def _user_id(event: str, known: _Known, distinct_id: str) -> str | None:
    """A distinct_id may be a person's or a device's; clients say it in several ways."""
    if event == "$identify" or known.is_identified:
        return distinct_id
    if known.user_id is not None:
        return _text(known.user_id)
    of_a_server = known.device_id is None and known.profile is not False
    return distinct_id if event in {"$set", "$set_once"} and of_a_server else None


def _keys(event: str, known: _Known, distinct_id: str) -> tuple[tuple[str, str], ...]:
    named = [distinct_id]
    if event == "$identify":
        named.append(_text(known.anonymous_id) or distinct_id)
    if event == "$create_alias":
        named += [_text(known.alias) or distinct_id, _text(known.distinct_id) or distinct_id]
    keys = [(DISTINCT_ID, value) for value in dict.fromkeys(named)]
    user_id = _user_id(event, known, distinct_id)
    return (*([] if user_id is None else [("user_id", user_id)]), *keys)


def _facts(*stated: Fields | None) -> Fields:
    """About the person; names with a $ are PostHog's own."""
    if not any(stated):  # most events say nothing
        return {}
    return {
        name: value
        for facts in stated
        for name, value in (facts or {}).items()
        if not name.startswith("$")
    }


def _added(message: Message, known: _Known) -> dict[str, object]:
    """What is stored beside the properties: what stands elsewhere, or has another name here."""
    added: dict[str, object] = {}
    if message.set is not None:
        added["$set"] = message.set
    if message.set_once is not None:
        added["$set_once"] = message.set_once
    if message.event == "$pageview":
        seen = {"url": known.url, "referrer": known.referrer}
        added |= {name: raw for name, raw in seen.items() if bytes(raw) != b""}
    if message.event == "$screen" and bytes(known.screen) != b"":
        added["name"] = known.screen
    return added
