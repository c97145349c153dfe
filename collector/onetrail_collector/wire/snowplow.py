"""Snowplow's tracker protocol: events as flat fields of short names, by POST or in a pixel's query.

`duid` (or `nuid`) is the client's own ID of its device, `sid` its session, `uid` a statement of who
that is, `aid` the source. Self-describing events and contexts are kept whole, and not validated.
(https://docs.snowplow.io/docs/events/going-deeper/event-parameters/)
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from onetrail_collector.errors import too_large, wrong_shape
from onetrail_collector.ids import uuid7
from onetrail_collector.wire.by_device import AsSent, by_device
from onetrail_collector.wire.envelope import Claims, Envelope, Event, Receipt, Rejection
from onetrail_collector.wire.exchange import PIXEL, Again, Answer, Call, Exchange, Sent
from onetrail_collector.wire.json_text import (
    MAX_ID_CHARS,
    MAX_JSON_BYTES,
    Unfit,
    decode_text,
    parse,
    sentence,
)
from onetrail_collector.wire.person import KEYS
from onetrail_collector.wire.write_key import write_key

MAX_EVENTS = 1_000
MAX_TIME_MS = 253_402_300_799_999  # the end of the year 9999

Fields = Mapping[str, Any]
Scalar = str | int | float

# Each kind of event: the name it is stored under, and what its fields are called there.
_PAGE = {"url": "url", "page": "title", "refr": "referrer"}
_SCROLL = {"pp_mix": "min_x", "pp_max": "max_x", "pp_miy": "min_y", "pp_may": "max_y"}
_STRUCTURED = {"se_ca": "category", "se_ac": "action", "se_la": "label", "se_pr": "property"}
_ORDER = {"tr_id": "order_id", "tr_tt": "total", "tr_cu": "currency", "tr_af": "affiliation"}
_ORDER |= {"tr_tx": "tax", "tr_sh": "shipping", "tr_ci": "city", "tr_st": "state"}
_ORDER |= {"tr_co": "country"}
_ITEM = {"ti_id": "order_id", "ti_sk": "sku", "ti_nm": "name", "ti_ca": "category"}
_ITEM |= {"ti_pr": "price", "ti_qu": "quantity", "ti_cu": "currency"}
_KINDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "pv": ("page-view", _PAGE),
    "pp": ("page-ping", _PAGE | _SCROLL),
    "se": ("", _STRUCTURED | {"se_va": "value"}),  # its action is its name
    "ue": ("", {}),  # its schema is
    "tr": ("transaction", _ORDER),
    "ti": ("transaction-item", _ITEM),
}
_CONTEXT = {"p": "platform", "lang": "locale", "tz": "timezone", "res": "screen", "vp": "viewport"}
_CONTEXT |= {"ua": "user_agent", "ip": "ip"}
_ELSEWHERE = frozenset(
    {"e", "eid", "aid", "duid", "nuid", "tnuid", "sid", "uid", "dtm", "stm", "ttm", "tv"}
    | {"ue_pr", "ue_px", "co", "cx"}
)


class _Body(msgspec.Struct):
    data: list[msgspec.Raw]


class _SelfDescribing(msgspec.Struct):
    schema: str
    data: msgspec.Raw


class _Contexts(msgspec.Struct):
    data: list[msgspec.Raw]


_body = msgspec.json.Decoder(_Body)
_fields = msgspec.json.Decoder(dict[str, Any])
_self_describing = msgspec.json.Decoder(_SelfDescribing)
_contexts = msgspec.json.Decoder(_Contexts)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def to_event(fields: Fields, index: int) -> Event:
    """The event that some fields are; raises Unfit, and msgspec.ValidationError."""
    kind = _text(fields, "e") or ""
    if kind not in _KINDS:
        known = ", ".join(_KINDS)
        raise Unfit("wrong_shape", f"e: expected one of {known}; got {kind[:40]!r}")
    name, renamed = _KINDS[kind]
    properties: dict[str, object] = {
        ours: fields[theirs] for theirs, ours in renamed.items() if theirs in fields
    }
    if kind == "se":
        name = _text(fields, "se_ac") or ""
        properties |= _number(fields, "se_va")
    if kind == "ue":
        name, properties = _described(fields)
    if not name:
        raise Unfit("wrong_shape", "se_ac: a structured event needs an action, which is its name")
    user_id = _text(fields, "uid")
    if name == "identify" and user_id is not None:
        properties.setdefault("user_id", user_id)
    return Event(
        index,
        _text(fields, "eid") or uuid7(),
        name,
        _json(properties, "the event"),
        _time_ms(fields, "ttm") or _time_ms(fields, "dtm"),
        _json(_context(fields, {*renamed, *_ELSEWHERE}), "its context"),
        _text(fields, "sid"),
        _text(fields, "duid") or _text(fields, "nuid") or _text(fields, "tnuid") or user_id,
        None if user_id is None else Claims((("user_id", user_id),)),
    )


def _text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    return str(value) if isinstance(value, Scalar) and value != "" else None


def _number(fields: Fields, name: str) -> dict[str, object]:
    """The value of a structured event is a number, which comes as a text."""
    try:
        value = float(fields.get(name, ""))
    except (TypeError, ValueError):
        return {}
    return {"value": value} if abs(value) < float("inf") else {}


def _time_ms(fields: Fields, name: str) -> int | None:
    text = _text(fields, name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text[:20]) > MAX_TIME_MS:
        raise Unfit("wrong_shape", f"{name}: expected milliseconds since 1970, got {text[:40]!r}")
    return int(text)


def _described(fields: Fields) -> tuple[str, dict[str, object]]:
    """A self-describing event: its schema's name, its schema and its data.

    One that is called identify may say what our own identify event says.
    """
    text = _plain_or_base64(fields, "ue_pr", "ue_px")
    if text is None:
        raise Unfit("wrong_shape", "ue_pr: a self-describing event needs it, or ue_px")
    event = _self_describing.decode(_self_describing.decode(text).data)
    parts = event.schema.removeprefix("iglu:").split("/")
    if len(parts) != 4 or not parts[1]:  # noqa: PLR2004 - vendor, name, format, version
        schema = event.schema[:80]
        raise Unfit("wrong_shape", f"schema: expected iglu:vendor/name/format/version: {schema!r}")
    properties: dict[str, object] = {"schema": event.schema, "data": event.data}
    if parts[1] == "identify":
        said = _object.decode(event.data)
        properties |= {key: said[key] for key in ("user_id", *KEYS, "traits") if key in said}
    return parts[1], properties


def _context(fields: Fields, elsewhere: set[str]) -> dict[str, object]:
    """What surrounds an event: entities as sent, and each field that has no other place."""
    context: dict[str, object] = {
        ours: fields[theirs] for theirs, ours in _CONTEXT.items() if theirs in fields
    }
    if "tv" in fields:
        context["library"] = {"name": "snowplow", "version": fields["tv"]}
    text = _plain_or_base64(fields, "co", "cx")
    if text is not None:
        context["entities"] = _contexts.decode(text).data
    rest = {name: value for name, value in fields.items() if name not in elsewhere | set(_CONTEXT)}
    if rest:
        context["snowplow"] = rest
    return context


def _plain_or_base64(fields: Fields, plain: str, packed: str) -> str | None:
    text = _text(fields, plain)
    if text is not None:
        return text
    text = _text(fields, packed)
    if text is None:
        return None
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        return base64.b64decode(padded.translate(_URL_SAFE), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Unfit("wrong_shape", f"{packed}: expected JSON in base64") from None


_URL_SAFE = bytes.maketrans(b"-_ ", b"+/+")


def _json(fields: dict[str, object], what: str) -> str:
    text = msgspec.json.encode(fields).decode()
    if len(text) > MAX_JSON_BYTES:
        raise Unfit("too_large", f"{what} is {len(text)} bytes; the limit is {MAX_JSON_BYTES}")
    return text


def _decode_post(call: Call) -> list[Envelope]:
    text = decode_text(call.body)
    try:
        raws = parse(_body, text).data
    except msgspec.ValidationError as error:
        raise wrong_shape(sentence(error, "")) from None
    if len(raws) > MAX_EVENTS:
        raise too_large(f"data holds {len(raws)} events; the limit is {MAX_EVENTS}: split it")
    rejected: list[Rejection] = []
    listed: list[tuple[int, Fields]] = []
    for index, raw in enumerate(raws):
        try:
            listed.append((index, _fields.decode(raw)))
        except (msgspec.ValidationError, RecursionError) as error:
            detail = f"data[{index}]: {error}"
            rejected.append(Rejection(index, None, "wrong_shape", detail))
    return _envelopes(call, listed, rejected, size_bytes=len(text), events=lambda: raws)


def _decode_get(call: Call) -> list[Envelope]:
    query = call.query
    return _envelopes(
        call,
        [(0, query)],
        [],
        size_bytes=len(call.query_string),
        events=lambda: [msgspec.Raw(msgspec.json.encode(query))],
    )


def _envelopes(
    call: Call,
    listed: list[tuple[int, Fields]],
    rejected: list[Rejection],
    *,
    size_bytes: int,
    events: Callable[[], Sequence[msgspec.Raw]],
) -> list[Envelope]:
    fit = []
    sent_at_ms = None
    for index, fields in listed:
        try:
            sent_at_ms = sent_at_ms or _time_ms(fields, "stm")
            fit.append(to_event(fields, index))
        except Unfit as unfit:
            detail = f"data[{index}] {unfit}"
            rejected.append(Rejection(index, _id_of(fields), unfit.code, detail))
        except (msgspec.DecodeError, RecursionError) as error:
            detail = f"data[{index}]: {error}"
            rejected.append(Rejection(index, _id_of(fields), "wrong_shape", detail))
    return by_device(
        write_key(next((key for _, fields in listed if (key := _text(fields, "aid"))), None)),
        fit,
        rejected=rejected,
        sent_at_ms=sent_at_ms,
        origin=call.origin,
        size_bytes=size_bytes,
        as_sent=AsSent("snowplow", events, ("duid", "nuid", "tnuid", "uid")),
    )


def _id_of(fields: Fields) -> str | None:
    claimed = _text(fields, "eid")
    return claimed if claimed is not None and len(claimed) <= MAX_ID_CHARS else None


def _encode(_: Call, receipt: Receipt) -> bytes | Answer:
    """Snowplow's collector says "ok"; ours says as well what was not stored or joins nobody."""
    if not receipt.rejected and not receipt.warnings:
        return Answer(b"ok", headers=((b"content-type", b"text/plain"),))
    answer = {"rejected": receipt.rejected, "warnings": receipt.warnings}
    return msgspec.json.encode(answer)


def _encode_pixel(_: Call, receipt: Receipt) -> bytes | Answer:
    return _encode(_, receipt) if receipt.rejected else PIXEL


def _again(sent: Sent, event: Any) -> dict[str, Any]:
    return {"data": [event | {"aid": sent.source} if isinstance(event, dict) else event]}


EXCHANGES = (
    Exchange(
        paths=("/com.snowplowanalytics.snowplow/tp2",),
        methods=("POST",),
        decode=_decode_post,
        encode=_encode,
        allowed_headers="content-type, sp-anonymous",
        with_credentials=True,
        again=Again("snowplow", "eid", _again),
    ),
    Exchange(
        paths=("/i",),
        methods=("GET",),
        decode=_decode_get,
        encode=_encode_pixel,
        allowed_headers="sp-anonymous",
        with_credentials=True,
    ),
)
