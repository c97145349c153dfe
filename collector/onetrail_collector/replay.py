"""Bringing refused events in again once their cause is mended: the same way in, the same ids."""

from typing import NamedTuple

from onetrail_collector import quarantine
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.errors import Refused
from onetrail_collector.ingest import Ingest
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import Quarantined
from onetrail_collector.wire import track

PAGE = 100


class Replayed(NamedTuple):
    """How many refused events are stored now, were stored already, or stay where they are."""

    stored: int
    duplicates: int
    left: int


async def replay(store: Store, ingest: Ingest, source: str | None) -> Replayed:
    """Try all refused events again, of one source or all; what is stored leaves the quarantine."""
    stored = duplicates = left = after = 0
    while kept := await store.quarantined(source, limit=PAGE, after=after):
        done = []
        for entry in kept:
            after = entry.id
            counts = await _bring(ingest, entry)
            if counts is None:
                left += 1
                continue
            stored, duplicates = stored + counts[0], duplicates + counts[1]
            done.append(entry.id)
        await store.drop_quarantined(done)
    return Replayed(stored, duplicates, left)


async def _bring(ingest: Ingest, entry: Quarantined) -> tuple[int, int] | None:
    """How many were (stored, duplicates); (0, 0) where it is of somebody erased; None: refused."""
    if entry.cut:
        return None
    sent_at = None if entry.sent_at_ms is None else to_rfc3339(entry.sent_at_ms)
    try:
        envelope = track.decode(quarantine.request(entry, sent_at))
        if envelope.rejected:
            return None
        receipt = await ingest.submit(envelope, received_ms=entry.received_ms)
    except Refused as refused:
        if refused.retry_after_s is not None:
            raise
        return None
    return receipt.accepted, receipt.duplicates
