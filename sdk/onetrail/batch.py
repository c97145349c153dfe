"""From waiting events to one request: pure, and without parsing what is already JSON.

One request speaks for one holder of the device; events from before and after a reset() never share
one. Until the holder has a profile ID a request holds one session only, so that a device which was
offline for many sessions still gets one profile ID and not one for each.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from onetrail.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from onetrail.outbox.rows import Session, Waiting

_ENVELOPE_BYTES = (
    150  # an event's id, type, time and punctuation, and its session where it needs one
)


class Batch(NamedTuple):
    """Events that go in one request, oldest first, and the session that the request names."""

    events: Sequence[Waiting]
    session: Session
    profile_id: str | None


def take(
    waiting: Sequence[Waiting],
    *,
    session_of: Callable[[int], Session],
    profile_of: Callable[[str], str | None],
    max_bytes: int,
) -> Batch:
    """The longest head of the queue that fits one request; at least one event."""
    first = session_of(waiting[0].session)
    profile_id = profile_of(first.holder)
    size = 0
    end = 0
    for event in waiting:
        size += len(event.properties) + _ENVELOPE_BYTES
        if end and (size > max_bytes or not _same(first, session_of(event.session), profile_id)):
            break
        end += 1
    # The request names its newest session: the answer's profile ID is then the one that holds now.
    return Batch(waiting[:end], session_of(waiting[end - 1].session), profile_id)


def _same(first: Session, other: Session, profile_id: str | None) -> bool:
    """Whether two sessions may share a request."""
    if other is first:
        return True
    if (other.holder, other.context) != (first.holder, first.context):
        return False
    return profile_id is not None or other.id == first.id


def body(
    batch: Batch,
    source: str,
    *,
    session_of: Callable[[int], Session],
    sent_at_ms: int,
    anchors: Mapping[str, tuple[int, int]],
) -> bytes:
    """The body of POST /track.

    `anchors` are each boot's best readings of its two clocks; this boot's is the moment of sending.
    """
    name = batch.session.id
    head = f'{{"source":{{"id":{_text(source)}}},"session":{{"id":{_text(name)}}}'
    if batch.profile_id is not None:
        head += f',"profile":{{"id":{_text(batch.profile_id)}}}'
    head += f',"sent_at":"{rfc3339(sent_at_ms)}","context":{batch.session.context},"events":['
    offsets: dict[int, int | None] = {}
    owns: dict[int, str] = {}
    for event in batch.events:
        if event.session not in owns:
            session = session_of(event.session)
            anchor = anchors.get(session.boot)
            offsets[event.session] = None if anchor is None else anchor[0] - anchor[1]
            own = "" if session.id == name else f',"session":{{"id":{_text(session.id)}}}'
            owns[event.session] = own
    events = [
        f'{{"id":"{id_}","type":{_text(type_)},"time":"{_time(wall, mono, offsets[key], ago)}",'
        f'"properties":{properties}{owns[key]}}}'
        for _, key, id_, type_, wall, mono, ago, properties in batch.events
    ]
    return f"{head}{','.join(events)}]}}".encode()


def _time(wall_ms: int, mono_ms: int, offset_ms: int | None, ago_ms: int) -> str:
    return rfc3339((wall_ms if offset_ms is None else mono_ms + offset_ms) - ago_ms)


@lru_cache(maxsize=512)  # types and session ids repeat
def _text(text: str) -> str:
    return json.dumps(text)
