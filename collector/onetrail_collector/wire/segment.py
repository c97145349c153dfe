"""Segment's HTTP tracking API, v1, which RudderStack's SDKs speak as well.

One message is one event. Its messageId is the event id, its anonymousId (or its userId, on a
server that knows no device) the client's own ID of its device, and its userId says who that is.
(https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/)
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from onetrail_collector.clock import to_ms
from onetrail_collector.errors import Refused, not_json, too_large, wrong_shape
from onetrail_collector.ids import uuid7
from onetrail_collector.wire.by_device import AsSent, by_device
from onetrail_collector.wire.envelope import (
    ANOTHER_DEVICE,
    Claims,
    Envelope,
    Event,
    Receipt,
    Rejection,
)
from onetrail_collector.wire.exchange import PIXEL, Answer, Call, Exchange
from onetrail_collector.wire.json_text import (
    ABSENT,
    ESCAPED_NUL,
    MAX_ID_CHARS,
    Unfit,
    decode_text,
    parse,
    sentence,
)
from onetrail_collector.wire.person import Fields, identify_properties
from onetrail_collector.wire.write_key import write_key

MAX_BODY_BYTES = 512_000
MAX_MESSAGE_BYTES = 32_768
MAX_MESSAGES = 2_500
TYPES = ("track", "identify", "page", "screen", "group", "alias")
SHORT = {name[0]: name for name in TYPES}  # analytics.js's paths

NOTHING = (b"", b"null", b"{}")  # where an object may stand

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


class _Batch(msgspec.Struct, rename="camel"):
    batch: list[Message]
    write_key: str | None = None
    sent_at: datetime | None = None


class _Parts(msgspec.Struct, rename="camel"):
    batch: list[msgspec.Raw]
    write_key: str | None = None
    sent_at: datetime | None = None


class _Named(msgspec.Struct, rename="camel"):
    message_id: Any = None


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


_whole = msgspec.json.Decoder(_Batch)
_in_parts = msgspec.json.Decoder(_Parts)
_message = msgspec.json.Decoder(Message)
_named = msgspec.json.Decoder(_Named)
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
    context, raw = bytes(message.context), bytes(message.properties)
    if message.type == "track" and message.event and raw[:1] == b"{":  # most are
        name, properties = message.event, raw.decode()
    else:
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
        context.decode() if context[:1] == b"{" else _no_object(context, "context"),
        _session_of(context, device) if b'"sessionId"' in context else None,
        device,
        Claims((("user_id", str(user_id)),)) if user_id else None,
    )
    if message.type == "alias":
        keys = event.claims.keys if event.claims else ()
        event.claims = Claims((*keys, (ANOTHER_DEVICE, _previous(message))))
    return event


def exported(text: str, index: int, event_id: str) -> Event:
    """The event of a line of an export; its `timestamp` is corrected already. As to_event.

    `event_id` is for a line that has none.
    """
    message = parse(_message, text)
    message.message_id = message.message_id or event_id
    message.timestamp = message.timestamp or message.original_timestamp or message.sent_at
    message.original_timestamp = None
    return to_event(message, index)


def _describe(message: Message) -> tuple[str, str]:
    """The event's type, and its properties as JSON."""
    kind = message.type
    if kind == "track":
        if not message.event:
            raise Unfit("wrong_shape", "event: a track message needs the event's name")
        _no_object(bytes(message.properties), "properties")
        return message.event, "{}"
    if kind not in _OTHERS:
        got = (kind or "")[:40]
        raise Unfit("wrong_shape", f"type: expected one of {', '.join(TYPES)}; got {got!r}")
    name, to_properties = _OTHERS[kind]
    return name, to_properties(message)


def _no_object(raw: bytes, name: str) -> str | None:
    """Nothing may stand where an object may."""
    if raw not in NOTHING:
        raise Unfit("wrong_shape", f"{name}: expected an object")
    return None


def _text(value: Id) -> str | None:
    return None if value is None or value == "" else str(value)


def _session_of(context: bytes, device: str) -> str | None:
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
    return {} if bytes(raw) in NOTHING else _fields.decode(raw)


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


def _decode_batch(call: Call) -> list[Envelope]:
    text = _body(call)
    rejected: list[Rejection] = []
    try:
        whole = parse(_whole, text)
        batch: _Batch | _Parts = whole
        messages = list(enumerate(whole.batch))
    except msgspec.ValidationError:
        batch, messages = _look_closer(text, rejected)
    if len(batch.batch) > MAX_MESSAGES:
        count = len(batch.batch)
        raise too_large(f"batch holds {count} messages; the limit is {MAX_MESSAGES}: split it")
    return _envelopes(
        call,
        messages,
        rejected,
        key=batch.write_key,
        sent_at=batch.sent_at,
        size_bytes=len(text),
        has_nul=ESCAPED_NUL in text,
        events=lambda: parse(_in_parts, text).batch,
    )


def _look_closer(text: str, rejected: list[Rejection]) -> tuple[_Parts, list[tuple[int, Message]]]:
    """The messages that are well formed; one that is not never sinks its neighbours."""
    try:
        parts = parse(_in_parts, text)
    except msgspec.ValidationError as error:
        raise wrong_shape(sentence(error, "")) from None
    messages = []
    for index, raw in enumerate(parts.batch[:MAX_MESSAGES]):
        try:
            messages.append((index, _message.decode(raw)))
        except msgspec.ValidationError as error:
            detail = sentence(error, f"batch[{index}]")
            rejected.append(Rejection(index, _id_of(raw), "wrong_shape", detail))
    return parts, messages


def _id_of(raw: msgspec.Raw) -> str | None:
    try:
        claimed = _named.decode(raw).message_id
    except msgspec.ValidationError:
        return None
    return claimed if isinstance(claimed, str) and len(claimed) <= MAX_ID_CHARS else None


def _decode_one(call: Call) -> list[Envelope]:
    return _one(call, _body(call))


def _decode_pixel(call: Call) -> list[Envelope]:
    data = call.query.get("data", "").replace(" ", "+")
    try:
        body = base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_")
    except (binascii.Error, ValueError):
        raise not_json("data: expected JSON in base64") from None
    return _one(call, decode_text(body))


def _one(call: Call, text: str) -> list[Envelope]:
    if len(text) > MAX_MESSAGE_BYTES:
        raise too_large(f"the message is {len(text)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    try:
        message = parse(_message, text)
    except msgspec.ValidationError as error:
        raise wrong_shape(sentence(error, "")) from None
    kind = call.params.get("type") or call.path.rpartition("/")[2]
    message.type = SHORT.get(kind, kind)
    has_nul = ESCAPED_NUL in text
    return _envelopes(
        call,
        [(0, message)],
        [],
        size_bytes=len(text),
        has_nul=has_nul,
        events=lambda: [msgspec.Raw(_with_type(text, message.type))],
    )


def _with_type(text: str, kind: str | None) -> bytes:
    """The message with the type that its path has."""
    fields = parse(_fields, text)
    return msgspec.json.encode(fields | {"type": msgspec.Raw(msgspec.json.encode(kind))})


def _body(call: Call) -> str:
    if len(call.body) > MAX_BODY_BYTES:
        raise too_large(f"the body is {len(call.body)} bytes; the limit is {MAX_BODY_BYTES}")
    return decode_text(call.body)


def _envelopes(  # noqa: PLR0913 - what a batch says beside its messages
    call: Call,
    messages: list[tuple[int, Message]],
    rejected: list[Rejection],
    *,
    key: str | None = None,
    sent_at: datetime | None = None,
    size_bytes: int,
    has_nul: bool,
    events: Callable[[], Sequence[msgspec.Raw]],
) -> list[Envelope]:
    first = messages[0][1] if messages else Message()
    sent_at = sent_at or first.sent_at
    fit = []
    for index, message in messages:
        try:
            fit.append(to_event(message, index))
        except Unfit as unfit:
            detail = f"batch[{index}] {unfit}"
            rejected.append(Rejection(index, message.message_id, unfit.code, detail))
        except msgspec.ValidationError as error:
            detail = sentence(error, f"batch[{index}]")
            rejected.append(Rejection(index, message.message_id, "wrong_shape", detail))
    return by_device(
        write_key(call.basic_user or key or first.write_key or call.query.get("writeKey")),
        fit,
        rejected=rejected,
        sent_at_ms=None if sent_at is None else to_ms(sent_at),
        origin=call.origin,
        size_bytes=size_bytes,
        has_nul=has_nul,
        as_sent=AsSent("segment", events, ("anonymousId", "userId")),
    )


def _encode(_: Call, receipt: Receipt) -> bytes:
    """Segment's answer, and what of it was not stored or joins nobody."""
    answer: dict[str, object] = {"success": True}
    if receipt.rejected:
        answer["rejected"] = receipt.rejected
    if receipt.warnings:
        answer["warnings"] = receipt.warnings
    return msgspec.json.encode(answer)


def _refuse(_: Call, refused: Refused) -> Answer:
    answer = {"success": False, "code": refused.code, "message": refused.detail}
    return Answer(msgspec.json.encode(answer), refused.status)


def _encode_pixel(_: Call, __: Receipt) -> Answer:
    return PIXEL


def _settings(call: Call) -> Answer:
    """What analytics.js asks Segment's CDN for before it sends: send it here, and nowhere else."""
    secure = "https" in {call.scheme, call.header(b"x-forwarded-proto")}
    protocol = "https" if secure or (call.origin or "").startswith("https:") else "http"
    target = {
        "apiKey": call.params["write_key"],
        "apiHost": (call.header(b"host") or "") + "/v1",
        "protocol": protocol,
        "unbundledIntegrations": [],
        "addBundledMetadata": False,
    }
    settings = {"integrations": {"Segment.io": target}, "metrics": {"sampleRate": 0}, "plan": {}}
    return Answer(msgspec.json.encode(settings))


_HEADERS = "authorization, content-type, content-encoding, x-retry-count, anonymousid"

EXCHANGES = (
    Exchange(
        paths=("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"),
        methods=("POST",),
        decode=_decode_batch,
        encode=_encode,
        refuse=_refuse,
        allowed_headers=_HEADERS,
    ),
    Exchange(
        paths=tuple(f"/v1/{name}" for name in (*TYPES, *SHORT)),
        methods=("POST",),
        decode=_decode_one,
        encode=_encode,
        refuse=_refuse,
        allowed_headers=_HEADERS,
    ),
    Exchange(
        paths=tuple(f"/v1/pixel/{name}" for name in TYPES),
        methods=("GET",),
        decode=_decode_pixel,
        encode=_encode_pixel,
        refuse=_refuse,
    ),
    Exchange(
        paths=("/v1/projects/{write_key}/settings",),
        methods=("GET",),
        decode=_settings,
        encode=_encode,
        refuse=_refuse,
    ),
)
