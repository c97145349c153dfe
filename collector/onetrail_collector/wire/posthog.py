"""PostHog's capture API, as posthog-js and PostHog's server SDKs speak it.

Its `$device_id` (or, where a client has none, its `distinct_id`) is the client's own ID of its
device. Each event states its distinct_id, which joins the devices of one source that share it; a
distinct_id that is said to be a person's is a user ID as well. Properties are kept as sent.
(https://posthog.com/docs/api/capture)
"""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec

from onetrail_collector.body import inflate
from onetrail_collector.clock import to_ms
from onetrail_collector.errors import Refused, not_json, too_large, wrong_shape
from onetrail_collector.ids import uuid7
from onetrail_collector.wire.by_device import by_device
from onetrail_collector.wire.envelope import (
    DISTINCT_ID,
    Claims,
    Envelope,
    Event,
    Receipt,
    Rejection,
)
from onetrail_collector.wire.exchange import Answer, Call, Exchange
from onetrail_collector.wire.json_text import (
    ABSENT,
    MAX_ID_CHARS,
    MAX_JSON_BYTES,
    Unfit,
    decode_text,
    parse,
    sentence,
)
from onetrail_collector.wire.person import Fields, identify_properties
from onetrail_collector.wire.write_key import write_key

MAX_EVENTS = 1_000
MAX_FIELDS = 100  # of a form, which holds one event or a batch in `data`
GZIP_MAGIC = b"\x1f\x8b"

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


class _Body(msgspec.Struct):
    batch: list[msgspec.Raw] | None = None
    api_key: Any = None
    token: Any = None
    sent_at: datetime | None = None


class _Token(msgspec.Struct):
    class _Properties(msgspec.Struct):
        token: Any = None

    properties: _Properties | None = None
    api_key: Any = None
    token: Any = None


class _Named(msgspec.Struct):
    uuid: Any = None


_body = msgspec.json.Decoder(_Body)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_message = msgspec.json.Decoder(Message)
_token = msgspec.json.Decoder(_Token)
_named = msgspec.json.Decoder(_Named)
_known = msgspec.json.Decoder(_Known)
_fields = msgspec.json.Decoder(Fields)
_raw = msgspec.json.Decoder(msgspec.Raw)

_NAMES = {  # as our own clients call them; another event keeps its name
    "$pageview": "page-view",
    "$screen": "screen-view",
    "$identify": "identify",
    "$set": "identify",
    "$set_once": "identify",
    "$create_alias": "alias",
    "$groupidentify": "group",
}
_DROPPED = {
    "$snapshot": "session recordings are not stored",
    "$snapshot_items": "session recordings are not stored",
}


def to_event(message: Message, index: int) -> Event:
    """The event that was captured; raises Unfit, and msgspec.ValidationError."""
    if message.event in _DROPPED:
        raise Unfit("not_supported", f"{message.event}: {_DROPPED[message.event]}")
    text = bytes(message.properties) if bytes(message.properties) not in {b"", b"null"} else b"{}"
    known = _known.decode(text)
    distinct_id = _text(message.distinct_id) or _text(known.distinct_id)
    if distinct_id is None:
        raise Unfit("wrong_shape", "distinct_id: an event needs one")
    facts = _facts(known.set, message.set)
    first_facts = _facts(known.set_once, message.set_once)
    properties = _properties(message, known, text)
    kind = _NAMES.get(message.event, message.event)
    claims = Claims(_keys(message.event, known, distinct_id))
    if kind == "identify":
        properties |= identify_properties(_user_id(message.event, known, distinct_id), facts)
    elif facts:
        said = identify_properties(None, facts)
        claims.keys += tuple((name, _string(facts[name])) for name in said if name != "traits")
        claims.traits = _json(said.get("traits", {}))
    if first_facts:
        claims.first_traits = _json(first_facts)
    stored = _json(properties)
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


def exported(text: str, index: int, event_id: str) -> Event:
    """The event of a line of an export, in which properties may be JSON in a text. As to_event.

    `event_id` is for a line that has none.
    """
    message = parse(_message, text)
    message.uuid = message.uuid or event_id
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
    return {
        name: value
        for facts in stated
        for name, value in (facts or {}).items()
        if not name.startswith("$")
    }


def _properties(message: Message, known: _Known, text: bytes) -> dict[str, object]:
    """As sent; what a page view's own tracker calls otherwise has that name as well."""
    properties: dict[str, object] = dict(_fields.decode(text))
    if message.set is not None:
        properties["$set"] = message.set
    if message.set_once is not None:
        properties["$set_once"] = message.set_once
    if message.event == "$pageview":
        seen = {"url": known.url, "referrer": known.referrer}
        properties |= {name: raw for name, raw in seen.items() if bytes(raw) != b""}
    if message.event == "$screen" and bytes(known.screen) != b"":
        properties["name"] = known.screen
    return properties


def _payload(call: Call) -> str:
    """The JSON of a request, however its client packed it."""
    query = call.query
    body = call.body if call.method == "POST" else query.get("data", "").encode()
    compression = query.get("compression", "")
    if body[:2] == GZIP_MAGIC:  # no header says so
        return decode_text(inflate(body, "gzip"))
    if compression in {"lz64", "lz-string"}:
        detail = "compression=lz64 is not known here; use base64, gzip-js or none"
        raise Refused(415, "unsupported_encoding", detail)
    if body[:5] == b"data=":
        form = _form(body.decode("latin-1"))
        body = form["data"][0].encode("latin-1")
        compression = compression or form.get("compression", [""])[0]
    text = body.strip()
    if text[:1] in {b"{", b"["} or not text:
        return decode_text(text)
    try:
        unpacked = base64.b64decode(text.replace(b" ", b"+") + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise not_json("the body is neither JSON nor base64 of it") from None
    return decode_text(inflate(unpacked, "gzip") if unpacked[:2] == GZIP_MAGIC else unpacked)


def _form(text: str) -> dict[str, list[str]]:
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise too_large(f"the form has more than {MAX_FIELDS} fields") from None


def _decode(call: Call) -> list[Envelope]:
    text = _payload(call)
    try:
        raws, key, sent_at = _messages(text)
    except msgspec.ValidationError as error:
        raise wrong_shape(sentence(error, "")) from None
    if len(raws) > MAX_EVENTS:
        raise too_large(f"holds {len(raws)} events; the limit is {MAX_EVENTS}: split the batch")
    events, rejected = [], []
    for index, raw in enumerate(raws):
        try:
            events.append(to_event(_message.decode(raw), index))
        except Unfit as unfit:
            detail = f"batch[{index}] {unfit}"
            rejected.append(Rejection(index, _id_of(raw), unfit.code, detail))
        except msgspec.ValidationError as error:
            detail = sentence(error, f"batch[{index}]")
            rejected.append(Rejection(index, _id_of(raw), "wrong_shape", detail))
    return by_device(
        write_key(key or call.query.get("api_key") or call.query.get("token")),
        events,
        rejected=rejected,
        sent_at_ms=None if sent_at is None else to_ms(sent_at),
        origin=call.origin,
        size_bytes=len(text),
    )


def _messages(text: str) -> tuple[list[msgspec.Raw], str | None, datetime | None]:
    """The events, the project's key and the client's clock: of a batch, a list, or one event."""
    if text[:1] == "[":
        raws = parse(_list, text)
        return raws, _key_of(raws[0]) if raws else None, None
    body = parse(_body, text)
    if body.batch is not None:
        key = _first_text(body.api_key, body.token)
        return body.batch, key or (_key_of(body.batch[0]) if body.batch else None), body.sent_at
    whole = msgspec.Raw(parse(_raw, text))
    return [whole], _key_of(whole), body.sent_at


def _key_of(raw: msgspec.Raw) -> str | None:
    """posthog-js repeats it in each event's properties."""
    try:
        token = _token.decode(raw)
    except msgspec.ValidationError:
        return None
    inner = token.properties.token if token.properties else None
    return _first_text(token.api_key, token.token, inner)


def _first_text(*values: Any) -> str | None:
    return next((value for value in values if isinstance(value, str) and value), None)


def _id_of(raw: msgspec.Raw) -> str | None:
    try:
        claimed = _named.decode(raw).uuid
    except msgspec.ValidationError:
        return None
    return claimed if isinstance(claimed, str) and len(claimed) <= MAX_ID_CHARS else None


def _encode(_: Call, receipt: Receipt) -> bytes:
    """PostHog's answer, and what of it was not stored or joins nobody."""
    answer: dict[str, object] = {"status": "Ok"}
    if receipt.rejected:
        answer["rejected"] = receipt.rejected
    if receipt.warnings:
        answer["warnings"] = receipt.warnings
    return msgspec.json.encode(answer)


def _refuse(_: Call, refused: Refused) -> Answer:
    kind = {401: "authentication_error", 503: "server_error"}.get(refused.status)
    answer = {
        "type": kind or "validation_error",
        "code": refused.code,
        "detail": refused.detail,
        "attr": None,
    }
    return Answer(msgspec.json.encode(answer), refused.status)


def _drop_recording(_: Call) -> Answer:
    reason = {"error": "not_supported", "detail": _DROPPED["$snapshot"]}
    return Answer(msgspec.json.encode({"status": "Ok", "rejected": [reason]}))


def _no_flags(_: Call) -> Answer:
    """No feature flag is set, nothing is recorded; clients go on with what they capture."""
    answer = {
        "flags": {},
        "featureFlags": {},
        "featureFlagPayloads": {},
        "errorsWhileComputingFlags": False,
        "quotaLimited": [],
    }
    return Answer(msgspec.json.encode(answer | _CONFIG))


_CONFIG = {
    "supportedCompression": ["gzip", "gzip-js"],
    "hasFeatureFlags": False,
    "sessionRecording": False,
    "surveys": False,
    "heatmaps": False,
    "capturePerformance": False,
    "autocaptureExceptions": False,
    "captureDeadClicks": False,
    "defaultIdentifiedOnly": True,
    "toolbarParams": {},
    "siteApps": [],
}


def _remote_config(call: Call) -> Answer:
    """What posthog-js asks before it starts; as a script it leaves the same in the window."""
    token = write_key(call.params["token"])
    config = msgspec.json.encode({"token": token, **_CONFIG})
    if not call.path.endswith(".js"):
        return Answer(config)
    name = msgspec.json.encode(token).replace(b"<", b"\\u003c")
    script = b"(window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {})[%s] = "
    body = script % name + b'{"config": %s, "siteApps": []}' % config
    return Answer(body, headers=((b"content-type", b"text/javascript"),))


def _both(*paths: str) -> tuple[str, ...]:
    """With the slash at the end and without: clients write both."""
    return tuple(path + end for path in paths for end in ("", "/"))


def _exchange(
    paths: tuple[str, ...], decode: Callable[[Call], list[Envelope] | Answer]
) -> Exchange:
    return Exchange(
        paths=paths,
        methods=("GET", "POST"),
        decode=decode,
        encode=_encode,
        refuse=_refuse,
        allowed_headers="content-type, content-encoding, authorization, x-requested-with",
    )


EXCHANGES = (
    _exchange(_both("/batch", "/capture", "/e", "/i/v0/e"), _decode),
    _exchange(_both("/s"), _drop_recording),
    _exchange(_both("/flags", "/decide"), _no_flags),
    _exchange(("/array/{token}/config", "/array/{token}/config.js"), _remote_config),
)
