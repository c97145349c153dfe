"""The lines of `onetrail-collector export events`, to be brought in again."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from onetrail_collector.clock import to_ms
from onetrail_collector.wire.envelope import Event
from onetrail_collector.wire.json_text import ABSENT, json_object, parse


class _Row(msgspec.Struct):
    profile_id: str
    session: str
    type: str
    time: datetime
    event_id: str | None = None
    properties: msgspec.Raw = ABSENT
    context: msgspec.Raw = ABSENT


_row = msgspec.json.Decoder(_Row)


def event(text: str, index: int, new_id: Callable[[], str]) -> Event:
    """The event of a line; its `device` is the profile ID."""
    row = parse(_row, text)
    return Event(
        index,
        row.event_id or new_id(),
        row.type,
        json_object(row.properties, None, "properties") or "{}",
        to_ms(row.time),
        json_object(row.context, None, "context"),
        row.session,
        row.profile_id,
    )
