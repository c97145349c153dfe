"""Bringing refused events in again once their cause is mended: the same way in, the same ids."""

from typing import NamedTuple

from onetrail_collector.clock import to_rfc3339
from onetrail_collector.errors import Refused
from onetrail_collector.ingest import Ingest
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import Quarantined
from onetrail_collector.wire.again import again
from onetrail_collector.wire.exchange import Sent

PAGE = 100


class Replayed(NamedTuple):
    """How many refused events are stored now, were stored already, or stay where they are."""

    stored: int
    duplicates: int
    left: int


async def replay(store: Store, ingest: Ingest, source: str | None) -> Replayed:
    """Try all refused events again, of one source or all; what is stored leaves the quarantine."""
    secrets = {known.public_id: known.secret_sha256 for known in await store.sources()}
    stored = duplicates = left = after = 0
    while kept := await store.quarantined(source, limit=PAGE, after=after):
        done = []
        for entry in kept:
            after = entry.id
            counts = await _bring(ingest, entry, secrets[entry.source])
            if counts is None:
                left += 1
                continue
            stored, duplicates = stored + counts[0], duplicates + counts[1]
            done.append(entry.id)
        await store.drop_quarantined(done)
    return Replayed(stored, duplicates, left)


async def _bring(
    ingest: Ingest, entry: Quarantined, secret_sha256: bytes | None
) -> tuple[int, int] | None:
    """How many were (stored, duplicates); (0, 0) where it is of somebody erased; None: refused.

    Its source was known by its secret when it came.
    """
    if entry.cut:
        return None
    sent = Sent(
        event=entry.event,
        id=f"quarantine-{entry.received_ms}-{entry.id}",
        source=entry.source,
        sent_at=None if entry.sent_at_ms is None else to_rfc3339(entry.sent_at_ms),
        session=entry.session,
        profile=entry.profile_id,
        context=entry.context,
    )
    stored = duplicates = 0
    try:
        envelopes = again(entry.protocol, sent)
        if any(envelope.rejected for envelope in envelopes):
            return None
        for envelope in envelopes:
            envelope.secret_sha256 = secret_sha256
            envelope.anonymous = envelope.anonymous or bool(entry.anonymous)
            receipt = await ingest.submit(envelope, received_ms=entry.received_ms)
            stored, duplicates = stored + receipt.accepted, duplicates + receipt.duplicates
    except Refused as refused:
        if refused.retry_after_s is not None:
            raise
        return None
    return stored, duplicates
