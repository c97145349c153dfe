"""Segment's HTTP tracking API, v1, which RudderStack's SDKs speak as well: one message, one event.

(https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/)
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from onetrail_collector.clock import to_ms
from onetrail_collector.errors import Refused, not_json, too_large, wrong_shape
from onetrail_collector.wire.by_device import AsSent, by_device
from onetrail_collector.wire.envelope import Envelope, Receipt, Rejection
from onetrail_collector.wire.exchange import PIXEL, Again, Answer, Call, Exchange, Sent
from onetrail_collector.wire.json_text import (
    ESCAPED_NUL,
    MAX_ID_CHARS,
    Unfit,
    decode_text,
    parse,
    sentence,
)
from onetrail_collector.wire.segment_messages import (
    MAX_MESSAGE_BYTES,
    TYPES,
    Message,
    message_decoder,
    to_event,
)
from onetrail_collector.wire.segment_settings import settings, source_config
from onetrail_collector.wire.write_key import write_key

MAX_BODY_BYTES = 512_000
MAX_MESSAGES = 2_500
SHORT = {name[0]: name for name in TYPES}  # analytics.js's paths


class _Batch(msgspec.Struct, rename="camel"):
    batch: list[Message]
    write_key: str | None = None
    sent_at: datetime | None = None


class _Parts(msgspec.Struct, rename="camel"):
    batch: list[msgspec.Raw]
    write_key: str | None = None
    sent_at: datetime | None = None


class _Claimed(msgspec.Struct, rename="camel"):
    """What is read of a message that is none, so that its sender finds it."""

    message_id: Any = None
    write_key: Any = None


_whole = msgspec.json.Decoder(_Batch)
_in_parts = msgspec.json.Decoder(_Parts)
_claimed = msgspec.json.Decoder(_Claimed)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


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
            messages.append((index, message_decoder.decode(raw)))
        except msgspec.ValidationError as error:
            detail = sentence(error, f"batch[{index}]")
            rejected.append(Rejection(index, _id_of(raw), "wrong_shape", detail))
    return parts, messages


def _id_of(raw: msgspec.Raw | str) -> str | None:
    claimed = _claim(raw).message_id
    return claimed if isinstance(claimed, str) and len(claimed) <= MAX_ID_CHARS else None


def _claim(raw: msgspec.Raw | str) -> _Claimed:
    try:
        return _claimed.decode(raw)
    except msgspec.MsgspecError:
        return _Claimed()


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
    messages: list[tuple[int, Message]] = []
    rejected: list[Rejection] = []
    key = None
    kind = call.path.rpartition("/")[2]
    try:
        message = parse(message_decoder, text)
        message.type = SHORT.get(kind, kind)
        messages.append((0, message))
    except msgspec.ValidationError as error:
        rejected.append(Rejection(0, _id_of(text), "wrong_shape", sentence(error, "")))
        claimed = _claim(text).write_key
        key = claimed if isinstance(claimed, str) else None
    return _envelopes(
        call,
        messages,
        rejected,
        key=key,
        size_bytes=len(text),
        has_nul=ESCAPED_NUL in text,
        events=lambda: [_with_type(text, SHORT.get(kind, kind))],
    )


def _with_type(text: str, kind: str) -> msgspec.Raw:
    """The message with the type that its path has."""
    try:
        fields = parse(_fields, text)
    except msgspec.ValidationError:
        return msgspec.Raw(text.encode())
    fields["type"] = msgspec.Raw(msgspec.json.encode(kind))
    return msgspec.Raw(msgspec.json.encode(fields))


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
    """As Segment answers: 400 also to what is too large, or of another shape."""
    status = 400 if refused.status in {413, 422} else refused.status
    answer = {"success": False, "code": refused.code, "message": refused.detail}
    return Answer(msgspec.json.encode(answer), status)


def _encode_pixel(call: Call, receipt: Receipt) -> bytes | Answer:
    """A picture; where the event was not stored, what is wrong with it."""
    return _encode(call, receipt) if receipt.rejected else PIXEL


def _again(sent: Sent, message: Any) -> dict[str, Any]:
    return {"writeKey": sent.source, "sentAt": sent.sent_at, "batch": [message]}


_HEADERS = (
    "authorization, content-type, content-encoding, x-retry-count, anonymousid, sentat, "
    "rsa-recovered, rsa-retry-attempt, rsa-retry-reason, "  # RudderStack's, when it tries again
    "rsa-since-last-attempt, rsa-since-first-attempt"
)

EXCHANGES = (
    Exchange(
        paths=("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"),
        methods=("POST",),
        decode=_decode_batch,
        encode=_encode,
        refuse=_refuse,
        allowed_headers=_HEADERS,
        again=Again("segment", "messageId", _again),
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
        decode=settings,
        encode=_encode,
        refuse=_refuse,
    ),
    Exchange(
        paths=("/sourceConfig", "/sourceConfig/"),
        methods=("GET",),
        decode=source_config,
        encode=_encode,
        refuse=_refuse,
        allowed_headers=_HEADERS,
    ),
)
