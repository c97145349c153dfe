"""A message of Segment's, and the event that it is: pure, so that an importer can use it.

Its messageId is the event id, its anonymousId (or its userId, on a server that knows no device) the
client's own ID of its device, and its userId says who that is. RudderStack's SDKs send the same,
with the traits and a number of the session in the context.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from onetrail_collector.clock import to_ms
from onetrail_collector.ids import uuid7
from onetrail_collector.wire.envelope import ANOTHER_DEVICE, Claims, Event
from onetrail_collector.wire.json_text import ABSENT, MAX_ID_CHARS, Unfit, parse
from onetrail_collector.wire.person import Fields, identify_properties

MAX_MESSAGE_BYTES = 32_768
TYPES = ("track", "identify", "page", "screen", "group", "alias")

NOTHING = ("", "null", "{}")  # where an object may stand

Id = str | int | float | None


class Message(msgspec.Struct, gc=False, rename="camel"):
    """What is read of one message; raw fields are JSON objects as they were sent."""

    type: str | None = None
    message_id: str | None = None
    anonymous_id: Id = None
    user_id: Id = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    group_id: Id = None
    previous_id: Id = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None
    write_key: str | None = None
    properties: msgspec.Raw = ABSENT
    traits: msgspec.Raw = ABSENT
    context: msgspec.Raw = ABSENT


class _Page(msgspec.Struct):
    url: msgspec.Raw = ABSENT
    title: msgspec.Raw = ABSENT
    referrer: msgspec.Raw = ABSENT


class _Paged(msgspec.Struct):
    page: _Page | None = None


class _Session(msgspec.Struct, rename="camel"):
    session_id: Id = None


class _Traits(msgspec.Struct):
    traits: Fields | None = None


message_decoder = msgspec.json.Decoder(Message)
_paged = msgspec.json.Decoder(_Paged)
_session = msgspec.json.Decoder(_Session)
_with_traits = msgspec.json.Decoder(_Traits)
_fields = msgspec.json.Decoder(Fields)


def to_event(message: Message, index: int) -> Event:
    """The event that a message is; raises Unfit, and msgspec.ValidationError."""
    user_id = message.user_id
    device = str(message.anonymous_id or user_id or "")
    if not device:
        raise Unfit("wrong_shape", "needs an anonymousId or a userId")
    context, properties = str(message.context, "utf-8"), str(message.properties, "utf-8")
    name = message.event
    if message.type != "track" or not name or properties[:1] != "{":  # few are not
        name, properties = _describe(message)
    size = len(context) + len(properties)
    if size > MAX_MESSAGE_BYTES:
        raise Unfit("too_large", f"is {size} bytes; the limit is {MAX_MESSAGE_BYTES}")
    time = message.original_timestamp or message.timestamp
    event = Event(  # by place: a name costs time, and there is one for each event
        index,
        message.message_id or uuid7(),
        name,
        properties,
        None if time is None else to_ms(time),
        context if context[:1] == "{" else _no_object(context, "context"),
        _session_of(context, device) if '"sessionId"' in context else None,
        device,
        Claims((("user_id", str(user_id)),)) if user_id else None,
    )
    if message.type == "alias":
        keys = event.claims.keys if event.claims else ()
        event.claims = Claims((*keys, (ANOTHER_DEVICE, _previous(message))))
    return event


def exported(text: str, index: int, new_id: Callable[[], str]) -> Event:
    """The event of a line of an export; its `timestamp` is corrected already. As to_event.

    `new_id` names a line that has no id.
    """
    message = parse(message_decoder, text)
    message.message_id = message.message_id or new_id()
    message.timestamp = message.timestamp or message.original_timestamp or message.sent_at
    message.original_timestamp = None
    return to_event(message, index)


def _describe(message: Message) -> tuple[str, str]:
    """The event's type, and its properties as JSON."""
    kind = message.type
    if kind == "track":
        if not message.event:
            raise Unfit("wrong_shape", "event: a track message needs the event's name")
        _no_object(str(message.properties, "utf-8"), "properties")
        return message.event, "{}"
    if kind not in _OTHERS:
        got = (kind or "")[:40]
        raise Unfit("wrong_shape", f"type: expected one of {', '.join(TYPES)}; got {got!r}")
    name, to_properties = _OTHERS[kind]
    return name, to_properties(message)


def _no_object(text: str, name: str) -> str | None:
    """Nothing may stand where an object may."""
    if text not in NOTHING:
        raise Unfit("wrong_shape", f"{name}: expected an object")
    return None


def _text(value: Id) -> str | None:
    return None if value is None or value == "" else str(value)


def _session_of(context: str, device: str) -> str | None:
    """RudderStack counts the milliseconds at a session's start: one number for several devices."""
    number = _session.decode(context).session_id
    session = f"{number}/{device}"
    return None if number is None or len(session) > MAX_ID_CHARS else session


def _previous(message: Message) -> str:
    previous = _text(message.previous_id)
    if previous is None:
        raise Unfit("wrong_shape", "previousId: an alias message needs it")
    return previous


def _object(raw: msgspec.Raw) -> Fields:
    """The fields of a JSON object, none where there is none."""
    return {} if str(raw, "utf-8") in NOTHING else _fields.decode(raw)


def _json(fields: Mapping[str, object]) -> str:
    """Without what is absent."""
    present = {
        name: value
        for name, value in fields.items()
        if value is not None and value is not ABSENT and value != ""
    }
    return msgspec.json.encode(present).decode()


def _page_properties(message: Message) -> str:
    """What a page view's own tracker would say; a page is described in the context as well."""
    own = _object(message.properties)
    page = _Page()
    if "url" not in own and b'"page"' in bytes(message.context):
        page = _paged.decode(message.context).page or page
    seen = {"url": page.url, "title": page.title, "referrer": page.referrer}
    return _json({"name": message.name, "category": message.category, **seen, **own})


def _screen_properties(message: Message) -> str:
    own = _object(message.properties)
    return _json({"name": message.name, "category": message.category, **own})


def _identify_properties(message: Message) -> str:
    """RudderStack's SDKs put the traits into the context."""
    traits = _object(message.traits)
    if not traits and b'"traits"' in bytes(message.context):
        traits = _with_traits.decode(message.context).traits or {}
    return _json(identify_properties(_text(message.user_id), traits))


def _group_properties(message: Message) -> str:
    traits = _object(message.traits)
    return _json({"group_id": _text(message.group_id), "traits": traits or None})


def _alias_properties(message: Message) -> str:
    return _json({"previous_id": _text(message.previous_id), "user_id": _text(message.user_id)})


_OTHERS = {  # as our own clients call them
    "page": ("page-view", _page_properties),
    "screen": ("screen-view", _screen_properties),
    "identify": ("identify", _identify_properties),
    "group": ("group", _group_properties),
    "alias": ("alias", _alias_properties),
}
