"""Events that were refused are kept for a while, with the reason, so that a developer finds them.

Once the cause is mended they are replayed: in the protocol in which they came, at the time they
came, and under the same ids, so that nothing is ever stored twice. What is of a person who was
erased is not kept, nor is a request that was refused as a whole: who sends that is not known to be
anybody's.
"""

from onetrail_collector.store.rows import NewQuarantined
from onetrail_collector.wire.envelope import Envelope

MAX_EVENT_CHARS = 65_536  # twice what an event may hold: one that is a little too large is whole
MAX_DETAIL_CHARS = 500


def rows(envelope: Envelope, source: int, received_ms: int) -> list[NewQuarantined]:
    """What is kept of an envelope's refused events."""
    kept = []
    for rejection in envelope.rejected:
        event = envelope.refused.get(rejection.index)
        if event is None:
            continue
        context = envelope.context or ""
        kept.append(
            NewQuarantined(
                source=source,
                event_id=rejection.id,
                received_ms=received_ms,
                code=rejection.error,
                detail=rejection.detail[:MAX_DETAIL_CHARS],
                session=envelope.session,
                profile_id=envelope.profile,
                sent_at_ms=envelope.sent_at_ms,
                context=envelope.context,
                event=event[:MAX_EVENT_CHARS].replace("\0", ""),
                cut=len(event) > MAX_EVENT_CHARS,
                protocol=envelope.protocol,
                anonymous=envelope.anonymous,
                bytes=min(len(event), MAX_EVENT_CHARS) + len(context),
            )
        )
    return kept
