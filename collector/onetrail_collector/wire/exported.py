"""Lines of files that other systems export, as Envelopes: the events that their clients would send.

Segment and PostHog name a device by their client's word; Tracardi and onetrail by a profile ID,
which is kept as it is, so that it finds the profile here as well.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from uuid import UUID

from msgspec import DecodeError, ValidationError

from onetrail_collector.errors import Refused
from onetrail_collector.wire import (
    posthog_events,
    segment_messages,
    tracardi_export,
    track_export,
)
from onetrail_collector.wire.by_device import by_device, unfit
from onetrail_collector.wire.envelope import Envelope, Event, Rejection
from onetrail_collector.wire.json_text import ESCAPED_NUL, Unfit, decode_text, sentence
from onetrail_collector.wire.tracardi_fields import adapt

MAX_LINE_BYTES = 1_048_576
NUL = ESCAPED_NUL.encode()

NewId = Callable[[], str]
Reader = Callable[[str, int, NewId], Event]
"""An event of a line, its number, and how to name it where it has no id; raises as _event says."""

BY_DEVICE: dict[str, Reader] = {
    "segment": segment_messages.exported,
    "posthog": posthog_events.exported,
}
BY_PROFILE: dict[str, Reader] = {
    "tracardi-events": tracardi_export.event,
    "tracardi-profiles": tracardi_export.profile,
    "onetrail": track_export.event,
}
FORMATS = (*BY_DEVICE, *BY_PROFILE)


def read(
    form: str, source: str, lines: Iterable[tuple[int, bytes]]
) -> tuple[list[Envelope], list[Rejection]]:
    """Numbered lines as one Envelope for each device, or each profile ID's session.

    Also what cannot be read; the `index` of an event and of a rejection is the line's number.
    """
    events: list[Event] = []
    rejected: list[Rejection] = []
    reader = BY_DEVICE.get(form) or BY_PROFILE[form]
    has_nul = False
    for number, line in lines:
        has_nul = has_nul or NUL in line
        try:
            events.append(_event(reader, number, line))
        except Unfit as error:
            rejected.append(Rejection(number, None, error.code, str(error)))
    if form in BY_DEVICE:
        found = by_device(source, events, has_nul=has_nul)
        rejected += found[0].rejected
        found[0].rejected = []
        envelopes = [envelope for envelope in found if envelope.events]
    else:
        envelopes = _by_profile(source, events, rejected)
    for envelope in envelopes:
        envelope.trusted = True  # whoever imports holds the file
    return envelopes, rejected


def _event(reader: Reader, number: int, line: bytes) -> Event:
    """The event of a line; raises Unfit alone."""
    if len(line) > MAX_LINE_BYTES:
        raise Unfit("too_large", f"the line is longer than {MAX_LINE_BYTES} bytes")
    try:
        return reader(decode_text(line), number, partial(_id_of, line))
    except ValidationError as error:
        raise Unfit("wrong_shape", sentence(error, "")) from None
    except (DecodeError, RecursionError) as error:
        raise Unfit("not_json", f"the line cannot be read: {error}") from None
    except Refused as refused:
        detail = refused.detail.replace("the body", "the line")
        raise Unfit(refused.code, detail) from None


def _id_of(line: bytes) -> str:
    """The same for the same line, whenever it is read."""
    return str(UUID(bytes=hashlib.blake2b(line.strip(), digest_size=16).digest()))


def _by_profile(source: str, events: Iterable[Event], rejected: list[Rejection]) -> list[Envelope]:
    envelopes: dict[tuple[str | None, str | None], Envelope] = {}
    for event in events:
        reason = unfit(event)
        if reason is not None:
            rejected.append(Rejection(event.index, event.id, "wrong_shape", reason))
            continue
        place = (event.device, event.session)
        if place not in envelopes:
            envelopes[place] = Envelope(
                source, [], session=event.session, profile=event.device, imported=True
            )
        event.device = event.session = None
        envelopes[place].events.append(event)
    return [adapt(envelope, b"") for envelope in envelopes.values()]
