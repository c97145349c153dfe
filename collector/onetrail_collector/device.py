"""The sessions of a client that names none: half an hour without an event ends one.

The field's rule (Google Analytics, Segment, Snowplow: 30 minutes). It holds for the times of the
events, so that what an outage kept back for a week is divided as if it had come at once.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from onetrail_collector.wire.envelope import Event

SESSION_GAP_MS = 1_800_000


class Course(NamedTuple):
    """The sessions of a device's events."""

    events: Sequence[Event]
    begins: str  # of the first event, and of each that names none
    present: str | None  # of the device from now on, where its client names none
    last_ms: int  # the time of the last event in it


def divide(
    events: Sequence[Event],
    times_ms: Sequence[int],
    session: str | None,
    last_ms: int,
    *,
    new_id: Callable[[], str],
) -> Course:
    """Find the session of each event that names none; where there are several, copies name it.

    `session` is the device's present one, and `last_ms` the time of its last event. Late events
    from long before get one of their own.
    """
    times = times_ms
    if [event for event in events if event.session is not None]:
        both = zip(times_ms, events, strict=True)
        times = [time_ms for time_ms, event in both if event.session is None]
    if not times:
        return Course(events, events[0].session or "", session, last_ms)
    first_ms, end_ms = min(times), max(times)
    since_ms = first_ms if session is None else last_ms
    if first_ms >= since_ms - SESSION_GAP_MS and end_ms <= since_ms + SESSION_GAP_MS:
        one = session or new_id()
        return Course(events, events[0].session or one, one, max(end_ms, since_ms))
    present, latest_ms = session, since_ms
    named: dict[int, Event] = {}
    in_order = sorted(zip(times_ms, events, strict=True), key=lambda pair: pair[0])
    for time_ms, event in in_order:
        if event.session is not None:
            continue
        if session is None or abs(time_ms - last_ms) > SESSION_GAP_MS:
            session, last_ms = new_id(), time_ms
        last_ms = max(last_ms, time_ms)
        named[event.index] = msgspec.structs.replace(event, session=session)
        if last_ms >= latest_ms:
            present, latest_ms = session, last_ms
    events = [named.get(event.index, event) for event in events]
    return Course(events, events[0].session or "", present, latest_ms)
