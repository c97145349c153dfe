"""Why is an event missing? The newest events of a source, good and bad, and what was refused."""

import json
from typing import Annotated

import msgspec
from msgspec import Meta

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.api.profiles import event_view
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.refusals import Refusal
from onetrail_collector.replay import replay
from onetrail_collector.store.rows import Quarantined, StoredEvent

Limit = Annotated[int, Meta(ge=1, le=1000)]


class BySource(msgspec.Struct):
    """A source's public id, or all sources."""

    source: str | None = None
    limit: Limit = 50


class ReplayAsked(msgspec.Struct):
    """A source's public id, or all sources."""

    source: str | None = None


class QuarantinedView(msgspec.Struct):
    """A refused event; `event` is a text where only its beginning is kept."""

    number: int
    source: str
    received: str
    protocol: str
    id: str | None
    error: str
    detail: str
    help: str
    session: str | None
    profile_id: str | None
    event: msgspec.Raw
    cut: bool


class QuarantineView(msgspec.Struct):
    """Refused events, the newest first."""

    events: list[QuarantinedView]


class DebugEvent(msgspec.Struct):
    """What became of one event, or of a request that was refused as a whole (`verdict` refused)."""

    verdict: str  # stored, rejected, refused
    received: str
    source: str | None
    id: str | None
    error: str | None
    detail: str | None
    help: str | None
    event: msgspec.Raw | None


class DebugView(msgspec.Struct):
    """The newest first."""

    events: list[DebugEvent]


class ReplayedView(msgspec.Struct):
    """How many refused events are stored now, were stored already, or are refused as before."""

    stored: int
    duplicates: int
    left: int


async def debug_events(call: Call[BySource, Nothing]) -> DebugView:
    """The newest events of a source, good and bad, and requests refused as a whole."""
    source, limit = call.asked.source, call.asked.limit
    stored = await call.store.newest_events(source, limit=limit)
    rejected = await call.store.quarantined(source, limit=limit)
    refused = call.refusals.newest(source)
    found = [
        *((event.received_ms, _stored(event)) for event in stored),
        *((entry.received_ms, rejected_event(entry)) for entry in rejected),
        *((refusal.received_ms, refused_event(refusal)) for refusal in refused),
    ]
    found.sort(key=lambda pair: -pair[0])
    return DebugView([event for _, event in found[:limit]])


async def list_quarantine(call: Call[BySource, Nothing]) -> QuarantineView:
    """Refused events with their reasons, the newest first."""
    entries = await call.store.quarantined(call.asked.source, limit=call.asked.limit)
    return QuarantineView([quarantined_view(entry) for entry in entries])


async def replay_quarantine(call: Call[ReplayAsked, Nothing]) -> ReplayedView:
    """Try refused events again; none is ever stored twice."""
    return ReplayedView(*await replay(call.store, call.ingest, call.asked.source))


def quarantined_view(entry: Quarantined) -> QuarantinedView:
    """A refused event as it is answered."""
    return QuarantinedView(
        number=entry.id,
        source=entry.source,
        received=to_rfc3339(entry.received_ms),
        protocol=entry.protocol,
        id=entry.event_id,
        error=entry.code,
        detail=entry.detail,
        help=f"/errors#{entry.code}",
        session=entry.session,
        profile_id=entry.profile_id,
        event=msgspec.Raw((json.dumps(entry.event) if entry.cut else entry.event).encode()),
        cut=bool(entry.cut),
    )


def _stored(event: StoredEvent) -> DebugEvent:
    return DebugEvent(
        "stored",
        to_rfc3339(event.received_ms),
        event.source,
        event.id,
        None,
        None,
        None,
        msgspec.Raw(msgspec.json.encode(event_view(event))),
    )


def rejected_event(entry: Quarantined) -> DebugEvent:
    """What became of an event that is in the quarantine."""
    view = quarantined_view(entry)
    return DebugEvent(
        "rejected",
        view.received,
        view.source,
        view.id,
        view.error,
        view.detail,
        view.help,
        view.event,
    )


def refused_event(refusal: Refusal) -> DebugEvent:
    """What became of a request that was refused as a whole."""
    return DebugEvent(
        "refused",
        to_rfc3339(refusal.received_ms),
        refusal.source,
        None,
        refusal.code,
        refusal.detail,
        f"/errors#{refusal.code}",
        None,
    )


OPERATIONS = (
    Operation("GET", "/debug/events", debug_events, "read", DebugView, BySource),
    Operation("GET", "/quarantine", list_quarantine, "read", QuarantineView, BySource),
    Operation("POST", "/quarantine/replay", replay_quarantine, "write", ReplayedView, ReplayAsked),
)
