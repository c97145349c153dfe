"""Events as they are committed, as server-sent events: https://html.spec.whatwg.org/#server-sent-events.

A connection that was lost goes on where it was: the id of each is its number in the order of
commits, and the browser sends the last one it saw.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.responses import Response, StreamingResponse

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.api.profiles import EventView, event_view, profile_number
from onetrail_collector.store.rows import LiveFilter

FIRST = 50  # events that a view begins with
AT_ONCE = 200  # more are skipped: nobody reads so fast
PAUSE_S = 0.25  # between looks, however fast events come
ALIVE_S = 15.0  # proxies end a silent connection
LOOK_S = 1.0  # how soon a stream sees that the collector stops


class LiveAsked(msgspec.Struct, rename={"event_type": "type"}):
    """Which events; `last_event_id` goes on after the event of this number."""

    source: str | None = None
    event_type: str | None = None
    profile_id: str | None = None
    last_event_id: int | None = None


async def live(call: Call[LiveAsked, Nothing]) -> Response:
    """A stream of events as they are committed; begins with the newest 50."""
    profile = None
    if call.asked.profile_id:
        profile = await profile_number(call.store, call.asked.profile_id)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_stream(call, profile), headers=headers, media_type=STREAM)


STREAM = "text/event-stream"
OPERATIONS = (
    Operation("GET", "/events/live", live, "read", EventView, LiveAsked, media_type=STREAM),
)


async def _stream(call: Call[LiveAsked, Nothing], profile: int | None) -> AsyncIterator[bytes]:
    asked = call.asked
    seen = _seen(call)
    after, limit = (0, FIRST) if seen is None else (seen, AT_ONCE)
    filter_by = LiveFilter(asked.source or None, asked.event_type or None, profile)
    silent_s = 0.0
    yield b"retry: 1000\n\n"
    while not call.request.state.stopping():
        events = await call.store.read_committed(after=after, limit=limit, filter_by=filter_by)
        limit = AT_ONCE
        for number, event in events:
            after = number
            yield b"id: %d\ndata: %b\n\n" % (number, msgspec.json.encode(event_view(event)))
        if events:
            silent_s = 0.0
            await asyncio.sleep(PAUSE_S)
            continue
        await call.ingest.committed.wait(LOOK_S)
        silent_s += LOOK_S
        if silent_s >= ALIVE_S:
            silent_s = 0.0
            yield b": still here\n\n"


def _seen(call: Call[LiveAsked, Nothing]) -> int | None:
    """The number of the last event that the reader saw; its browser knows it after a break."""
    header = call.request.headers.get("last-event-id", "")
    return int(header) if header.isdecimal() and len(header) < 19 else call.asked.last_event_id  # noqa: PLR2004 - 64 bits
