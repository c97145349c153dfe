"""PostHog's capture API, as posthog-js and PostHog's server SDKs speak it.

(https://posthog.com/docs/api/capture)
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from onetrail_collector.clock import to_ms
from onetrail_collector.errors import Refused, too_large, wrong_shape
from onetrail_collector.wire.by_device import AsSent, by_device
from onetrail_collector.wire.envelope import Envelope, Receipt, Rejection
from onetrail_collector.wire.exchange import Again, Answer, Call, Exchange, Sent
from onetrail_collector.wire.json_text import MAX_ID_CHARS, Unfit, parse, sentence
from onetrail_collector.wire.posthog_config import drop_recording, no_flags, remote_config
from onetrail_collector.wire.posthog_events import message_decoder, to_event
from onetrail_collector.wire.posthog_payload import payload
from onetrail_collector.wire.write_key import write_key

MAX_EVENTS = 1_000


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
_token = msgspec.json.Decoder(_Token)
_named = msgspec.json.Decoder(_Named)
_raw = msgspec.json.Decoder(msgspec.Raw)


def _decode(call: Call) -> list[Envelope]:
    text = payload(call)
    try:
        raws, key, sent_at = _messages(text)
    except msgspec.ValidationError as error:
        raise wrong_shape(sentence(error, "")) from None
    if len(raws) > MAX_EVENTS:
        raise too_large(f"holds {len(raws)} events; the limit is {MAX_EVENTS}: split the batch")
    events, rejected = [], []
    for index, raw in enumerate(raws):
        try:
            events.append(to_event(message_decoder.decode(raw), index))
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
        as_sent=AsSent("posthog", lambda: raws, ("$device_id", "distinct_id")),
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


def _both(*paths: str) -> tuple[str, ...]:
    """With the slash at the end and without: clients write both."""
    return tuple(path + end for path in paths for end in ("", "/"))


def _again(sent: Sent, event: Any) -> dict[str, Any]:
    return {"api_key": sent.source, "sent_at": sent.sent_at, "batch": [event]}


def _exchange(
    paths: tuple[str, ...],
    decode: Callable[[Call], list[Envelope] | Answer],
    again: Again | None = None,
) -> Exchange:
    return Exchange(
        paths=paths,
        methods=("GET", "POST"),
        decode=decode,
        encode=_encode,
        refuse=_refuse,
        allowed_headers="content-type, content-encoding, authorization, x-requested-with",
        again=again,
    )


EXCHANGES = (
    _exchange(
        _both("/batch", "/capture", "/e", "/i/v0/e"), _decode, Again("posthog", "uuid", _again)
    ),
    _exchange(_both("/s"), drop_recording),
    _exchange(_both("/flags", "/decide"), no_flags),
    _exchange(("/array/{token}/config", "/array/{token}/config.js"), remote_config),
)
