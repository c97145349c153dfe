"""Events as they are committed, as server-sent events: https://html.spec.whatwg.org/#server-sent-events.

A connection that was lost goes on where it was: the id of each is its number in the order of
commits and, after a dot, that of the last rejected event; the browser sends the last one it saw.
"""

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta
from starlette.responses import Response, StreamingResponse

from onetrail_collector.api.debug import DebugEvent, refused_event, rejected_event
from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.api.profiles import EventView, event_view, profile_number
from onetrail_collector.auth import require_token
from onetrail_collector.errors import Refused, rate_limited
from onetrail_collector.store.rows import LiveFilter

FIRST = 50  # events that a view begins with
AT_ONCE = 200  # more are skipped: nobody reads so fast
PAUSE_S = 0.25  # between looks, however fast events come
ALIVE_S = 15.0  # proxies end a silent connection
LOOK_S = 1.0  # how soon a stream sees that the collector stops
CHECK_S = 2.0  # how soon that its token was revoked
MAX_STREAMS = 100  # each looks at the file as often as it may
RETRY_AFTER_S = 5

LastId = Annotated[str, Meta(pattern=r"^[0-9]{1,18}(\.[0-9]{1,18})?$")]


class LiveAsked(msgspec.Struct, rename={"event_type": "type"}):
    """Which events; `last_event_id` goes on after the event of this id."""

    source: str | None = None
    event_type: str | None = None
    profile_id: str | None = None
    last_event_id: LastId | None = None


class _Message(NamedTuple):
    """One message before it has its id; `kind` is the number that it moves."""

    received_ms: int
    kind: str  # stored, rejected, refused
    number: int
    view: EventView | DebugEvent


async def live(call: Call[LiveAsked, Nothing]) -> Response:
    """A stream of events as they are committed; begins with the newest 50.

    Events that were not stored come as messages of the type `rejected`, requests refused as a
    whole as `refused`, both only where no type and no profile is asked for.
    """
    if call.asked.profile_id:
        await profile_number(call.store, call.asked.profile_id)  # 404 where nobody has it
    streams = call.request.state.streams
    if len(streams) >= MAX_STREAMS:
        detail = f"{MAX_STREAMS} streams are open, which is the limit: close one"
        raise rate_limited(detail, retry_after_s=RETRY_AFTER_S)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_stream(call), headers=headers, media_type=STREAM)


STREAM = "text/event-stream"
OPERATIONS = (
    Operation("GET", "/events/live", live, "read", EventView, LiveAsked, media_type=STREAM),
)


async def _stream(call: Call[LiveAsked, Nothing]) -> AsyncIterator[bytes]:
    streams = call.request.state.streams
    streams.add(call.request)
    try:
        async for message in _messages(call):
            yield message
    finally:
        streams.discard(call.request)


async def _may_go_on(call: Call[LiveAsked, Nothing]) -> bool:
    try:
        await require_token(call.request, call.store, "read")
    except Refused:
        return False
    return True


async def _messages(call: Call[LiveAsked, Nothing]) -> AsyncIterator[bytes]:
    reader = _Reader(call)
    silent_s, checked_s = 0.0, time.monotonic()
    yield b"retry: 1000\n\n"
    while not call.request.state.stopping():
        if time.monotonic() - checked_s > CHECK_S:
            if not await _may_go_on(call):
                return
            checked_s = time.monotonic()
        messages = await reader.next()
        for message in messages:
            yield message
        if messages:
            silent_s = 0.0
            await asyncio.sleep(PAUSE_S)
            continue
        await call.ingest.committed.wait(LOOK_S)
        silent_s += LOOK_S
        if silent_s >= ALIVE_S:
            silent_s = 0.0
            yield b": still here\n\n"


class _Reader:
    """What is new since the last look, in the order of arrival."""

    def __init__(self, call: Call[LiveAsked, Nothing]) -> None:
        asked = call.asked
        self._call = call
        self._source = asked.source or None
        self._filter = LiveFilter(self._source, asked.event_type or None, asked.profile_id or None)
        self._all = not asked.event_type and not asked.profile_id
        self._event, self._rejected = _seen(call)
        self._refused_ms = -1 if self._event is None else call.clock()
        self._seen = {"stored": self._event or 0, "rejected": self._rejected or 0}

    async def next(self) -> list[bytes]:
        """The messages; empty where nothing is new."""
        found = [await self._stored()]
        if self._all:
            found += [await self._not_stored(), self._refusals()]
        return list(self._packed(heapq.merge(*found, key=lambda message: message.received_ms)))

    async def _stored(self) -> list[_Message]:
        limit = FIRST if self._event is None else AT_ONCE
        rows = await self._call.store.read_committed(
            after=self._event or 0, limit=limit, filter_by=self._filter
        )
        self._event = rows[-1][0] if rows else self._event or 0
        return [_Message(row.received_ms, "stored", at, event_view(row)) for at, row in rows]

    async def _not_stored(self) -> list[_Message]:
        if self._rejected is None:
            rows = (await self._call.store.quarantined(self._source, limit=FIRST))[::-1]
        else:
            rows = await self._call.store.quarantined(
                self._source, limit=AT_ONCE, after=self._rejected
            )
        self._rejected = rows[-1].id if rows else self._rejected or 0
        return [_Message(row.received_ms, "rejected", row.id, rejected_event(row)) for row in rows]

    def _refusals(self) -> list[_Message]:
        rows = self._call.refusals.newest(self._source)[::-1]
        new = [row for row in rows if row.received_ms > self._refused_ms]
        self._refused_ms = new[-1].received_ms if new else self._refused_ms
        return [_Message(row.received_ms, "refused", 0, refused_event(row)) for row in new]

    def _packed(self, messages: Iterator[_Message]) -> Iterator[bytes]:
        for message in messages:
            name = b"" if message.kind == "stored" else b"event: %b\n" % message.kind.encode()
            if message.number:
                self._seen[message.kind] = message.number
            last = b"%d.%d" % (self._seen["stored"], self._seen["rejected"])
            yield b"%bid: %b\ndata: %b\n\n" % (name, last, msgspec.json.encode(message.view))


def _seen(call: Call[LiveAsked, Nothing]) -> tuple[int | None, int | None]:
    """The numbers of what the reader saw last; its browser knows them after a break."""
    header = call.request.headers.get("last-event-id", "")
    try:
        text = msgspec.convert(header, LastId) if header else call.asked.last_event_id
    except msgspec.ValidationError:
        text = call.asked.last_event_id
    if text is None:
        return None, None
    event, _, rejected = text.partition(".")
    return int(event), int(rejected) if rejected else None
