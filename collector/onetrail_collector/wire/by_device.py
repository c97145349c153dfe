"""A request of a client that names its devices itself, as one Envelope for each of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from onetrail_collector.wire.depth import MAX_DEPTH, is_too_deep
from onetrail_collector.wire.envelope import Claims, Envelope, Event, Rejection
from onetrail_collector.wire.json_text import MAX_ID_CHARS

MAX_DEVICE_CHARS = 180
NEVER_KEPT = {"not_supported"}  # no mending brings them: recordings of the screen, of a megabyte

_any = msgspec.json.Decoder(Any)


class AsSent(NamedTuple):
    """How a request's rejected events can be kept, to be tried again."""

    protocol: str  # as its exchange's Again names it
    events: Callable[[], Sequence[msgspec.Raw]]  # each as it was sent, by index
    device_names: tuple[str, ...]  # of the fields that name a device, or stand for it


def by_device(  # noqa: PLR0913 - what an Envelope holds
    source: str,
    events: Iterable[Event],
    *,
    rejected: Sequence[Rejection] = (),
    sent_at_ms: int | None = None,
    origin: str | None = None,
    size_bytes: int = 0,
    has_nul: bool = True,
    as_sent: AsSent | None = None,
) -> list[Envelope]:
    """At least one Envelope; the first has the rejections, also those of events that do not fit.

    `has_nul` is False where it is known that no text in the request holds a NUL.
    What an event claims as the one before it on its device did, it need not repeat.
    """
    first = Envelope(
        source, [], sent_at_ms=sent_at_ms, origin=origin, size_bytes=size_bytes, device=""
    )
    first.rejected = list(rejected)
    envelopes: dict[str | None, Envelope] = {}
    stated: dict[str | None, Claims] = {}
    envelope: Envelope | None = None
    context: str | None = None  # of the event before: mostly the same
    for event in events:
        device, properties = event.device, event.properties
        if (  # most are as usual, and need no closer look
            has_nul
            or envelope is None
            or envelope.device != device
            or not 0 < len(event.id) <= MAX_ID_CHARS
            or not 0 < len(event.type) <= MAX_ID_CHARS
            or event.session is not None
            or properties.count("{") + properties.count("[") > MAX_DEPTH
            or (event.context != context and event.context is not None)
        ):
            reason = unfit(event)
            if reason is not None:
                claimed = event.id if len(event.id) <= MAX_ID_CHARS else None
                first.rejected.append(Rejection(event.index, claimed, "wrong_shape", reason))
                continue
            envelope = envelopes.get(device)
            if envelope is None:
                envelope = Envelope(source, [], sent_at_ms=sent_at_ms, origin=origin)
                if not envelopes:
                    envelope = first
                envelope.device = device
                envelopes[device] = envelope
        context = event.context
        if event.claims is not None:
            if stated.get(device) == event.claims:
                event.claims = None
            else:
                stated[device] = event.claims
        envelope.events.append(event)
    first.rejected.sort(key=lambda rejection: rejection.index)
    _keep(first, as_sent)
    for envelope in envelopes.values():
        _share_context(envelope)
    return list(envelopes.values()) or [first]


def _keep(envelope: Envelope, as_sent: AsSent | None) -> None:
    """What of the rejected is worth another try, and of which devices it is."""
    if as_sent is None or not envelope.rejected:
        return
    envelope.protocol = as_sent.protocol
    raws = as_sent.events()
    kept = {
        rejection.index: raws[rejection.index]
        for rejection in envelope.rejected
        if rejection.error not in NEVER_KEPT
    }
    envelope.refused = {index: bytes(raw).decode() for index, raw in kept.items()}
    envelope.refused_devices = {
        index: _devices(raw, as_sent.device_names) for index, raw in kept.items()
    }


def _devices(raw: msgspec.Raw, names: tuple[str, ...]) -> frozenset[str]:
    """Whatever may name a device, in an event that may have any shape."""
    try:
        event = _any.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return frozenset()
    parts = [event, event.get("properties")] if isinstance(event, dict) else []
    values = [part.get(name) for part in parts if isinstance(part, dict) for name in names]
    return frozenset(str(value) for value in values if isinstance(value, str | int))


def _share_context(envelope: Envelope) -> None:
    """A client repeats its context in each event; what all of them say is stored once."""
    context = envelope.events[0].context
    if len(envelope.events) > 1 and context is not None:
        if [event for event in envelope.events if event.context != context]:
            return
        envelope.context = context
        for event in envelope.events:
            event.context = None


def unfit(event: Event) -> str | None:
    """Why an event cannot be stored; NUL is where SQLite's text ends."""
    for name, value, limit in (
        ("id", event.id, MAX_ID_CHARS),
        ("type", event.type, MAX_ID_CHARS),
        ("session", event.session, MAX_ID_CHARS),
        ("device", event.device, MAX_DEVICE_CHARS),
    ):
        if value is None:
            continue
        if not 0 < len(value) <= limit:
            return f"{_where(event)}.{name} has {len(value)} characters; expected 1 to {limit}"
        if "\0" in value:
            return f"{_where(event)}.{name} holds a NUL"
    if _is_too_deep(event.properties) or _is_too_deep(event.context):
        return f"{_where(event)} is nested deeper than {MAX_DEPTH} levels: flatten it"
    return None


def _is_too_deep(text: str | None) -> bool:
    if text is None or text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    return is_too_deep(text.encode())


def _where(event: Event) -> str:
    return f"events[{event.index}]"
