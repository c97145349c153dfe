"""POST /track, onetrail's own protocol: a superset of Tracardi's payload of the same name.

Only `source.id` and each event's `type` are required; unknown fields are ignored. A body of the
right shape is decoded in one pass; only where that fails are events looked at one by one, so that
one bad event never sinks its neighbours.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from onetrail_collector.clock import to_ms
from onetrail_collector.errors import not_json, too_large, wrong_shape
from onetrail_collector.ids import uuid7
from onetrail_collector.wire.envelope import Envelope, Event, Receipt, Rejection
from onetrail_collector.wire.exchange import Again, Exchange, Sent
from onetrail_collector.wire.json_text import (
    ABSENT,
    ESCAPED_NUL,
    MAX_ID_CHARS,
    Unfit,
    decode_text,
    json_object,
    mended,
    sentence,
)
from onetrail_collector.wire.tracardi_fields import Times, adapt

MAX_EVENTS = 1000

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)]
CheckedId = Annotated[Id, msgspec.Meta(pattern=r"^[^\x00]+$")]  # SQLite's text ends at a NUL


class _Ref(msgspec.Struct, gc=False):
    id: CheckedId | None = None


class _SourceRef(msgspec.Struct, gc=False):
    id: CheckedId


class _Event(msgspec.Struct, gc=False):
    type: Id
    id: Id | None = None
    time: datetime | None = None
    properties: msgspec.Raw = ABSENT
    context: msgspec.Raw = ABSENT
    session: _Ref | None = None


class _CheckedEvent(_Event, gc=False):
    type: CheckedId
    id: CheckedId | None = None
    time: datetime | Times | None = None  # type: ignore[assignment]


E = TypeVar("E")


class _Batch(msgspec.Struct, Generic[E], gc=False):
    source: _SourceRef
    events: list[E]
    session: _Ref | None = None
    profile: _Ref | None = None
    sent_at: datetime | None = None
    context: msgspec.Raw = ABSENT
    options: msgspec.Raw = ABSENT


class _EventId(msgspec.Struct):
    id: Any = None


Batch, BatchEvent = _Batch, _Event  # for the API's description

_whole = msgspec.json.Decoder(_Batch[_Event])
_in_parts = msgspec.json.Decoder(_Batch[msgspec.Raw])
_one_event = msgspec.json.Decoder(_CheckedEvent)
_one_id = msgspec.json.Decoder(_EventId)


def decode(body: bytes, *, origin: str | None = None) -> Envelope:
    """An Envelope from a request's body; raises Refused where nothing of it can be taken."""
    text = decode_text(body)
    try:
        try:
            return _envelope(text, origin)
        except msgspec.DecodeError as error:
            return _envelope(mended(text, str(error)), origin)
    except RecursionError:
        raise not_json("the body is nested too deep") from None


def _envelope(text: str, origin: str | None) -> Envelope:
    rejected: list[Rejection] = []
    batch, received = _decode(text, rejected)
    if len(batch.events) > MAX_EVENTS:
        count = len(batch.events)
        raise too_large(f"events holds {count} events; the limit is {MAX_EVENTS}: split the batch")
    events = []
    for index, event in received:
        try:
            events.append(_event(index, event))
        except Unfit as unfit:
            rejected.append(Rejection(index, event.id, unfit.code, str(unfit)))
    if rejected:
        rejected.sort(key=lambda rejection: rejection.index)
    try:
        context = json_object(batch.context, None, "context")
    except Unfit as unfit:
        raise (too_large if unfit.code == "too_large" else wrong_shape)(str(unfit)) from None
    envelope = Envelope(
        source=batch.source.id,
        events=events,
        session=batch.session.id if batch.session else None,
        profile=batch.profile.id if batch.profile else None,
        sent_at_ms=to_ms(batch.sent_at) if batch.sent_at else None,
        context=context,
        origin=origin,
        rejected=rejected,
        size_bytes=len(text),
        refused=_refused(text, rejected) if rejected else {},
    )
    if batch.options is ABSENT and (context is None or not _is_tracardis(context)):
        return envelope
    return adapt(envelope, bytes(batch.options))


def _is_tracardis(context: str) -> bool:
    """Whether it holds what the context of Tracardi's browser tracker does."""
    return '"tracardi"' in context or '"local"' in context


def _refused(text: str, rejected: list[Rejection]) -> dict[int, str]:
    """The JSON of each rejected event, as it was sent."""
    events = _in_parts.decode(text).events
    return {rejection.index: bytes(events[rejection.index]).decode() for rejection in rejected}


def encode(receipt: Receipt) -> bytes:
    """The answer to a request; holds nothing about any other device or person.

    `results` has one word for each event of the request: stored, duplicate or rejected.
    The fields after `warnings` are Tracardi's, for its clients.
    """
    return msgspec.json.encode(
        {
            "profile": {"id": receipt.profile},
            "session": {"id": receipt.session},
            "accepted": receipt.accepted,
            "duplicates": receipt.duplicates,
            "results": _results(receipt),
            "rejected": receipt.rejected,
            "warnings": receipt.warnings,
            "events": receipt.events,
            "errors": [rejection.detail for rejection in receipt.rejected],
            "task": None,
            "ux": [],
            "response": {},
        }
    )


def _results(receipt: Receipt) -> list[str]:
    results = ["stored"] * (len(receipt.events) + len(receipt.rejected))
    for index in receipt.duplicate_indexes:
        results[index] = "duplicate"
    for rejection in receipt.rejected:
        results[rejection.index] = "rejected"
    return results


def _decode(
    text: str, rejected: list[Rejection]
) -> tuple[_Batch[Any], Iterable[tuple[int, _Event]]]:
    if ESCAPED_NUL not in text:
        try:
            whole = _whole.decode(text)
            return whole, enumerate(whole.events)
        except msgspec.ValidationError:
            pass  # look for the events that are to blame
    try:
        batch = _in_parts.decode(text)
    except msgspec.ValidationError as error:
        raise wrong_shape(sentence(error, "")) from None
    received: list[tuple[int, _Event]] = []
    for index, raw in enumerate(batch.events[:MAX_EVENTS]):
        try:
            event = _one_event.decode(raw)
            if isinstance(event.time, Times):
                event.time = event.time.create or event.time.insert
            received.append((index, event))
        except msgspec.ValidationError as error:
            detail = sentence(error, f"events[{index}]")
            rejected.append(Rejection(index, _id_of(raw), "wrong_shape", detail))
    return batch, received


def _event(index: int, event: _Event) -> Event:
    properties, context = event.properties, event.context
    return Event(
        index,
        event.id or uuid7(),
        event.type,
        "{}" if properties is ABSENT else json_object(properties, index, "properties") or "{}",
        None if event.time is None else to_ms(event.time),
        None if context is ABSENT else json_object(context, index, "context"),
        None if event.session is None else event.session.id,
    )


def _id_of(raw: msgspec.Raw) -> str | None:
    """The id of an event that is not one, so that its sender finds it."""
    try:
        claimed = _one_id.decode(raw).id
    except msgspec.ValidationError:
        return None
    return claimed if isinstance(claimed, str) and len(claimed) <= 128 else None  # noqa: PLR2004


def _again(sent: Sent, event: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"source": {"id": sent.source}, "events": [event]}
    if sent.session is not None:
        body["session"] = {"id": sent.session}
    if sent.profile is not None:
        body["profile"] = {"id": sent.profile}
    if sent.context is not None:
        body["context"] = msgspec.Raw(sent.context.encode())
    return body | ({"sent_at": sent.sent_at} if sent.sent_at else {})


EXCHANGES = (
    Exchange(
        paths=("/track",),
        methods=("POST",),
        decode=lambda call: [decode(call.body, origin=call.origin)],
        encode=lambda _, receipt: encode(receipt),
        allowed_headers="content-type, content-encoding, x-timestamp",  # Tracardi sends the last
        again=Again("track", "id", _again),
    ),
)
