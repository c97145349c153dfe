"""Events that were refused are kept for a while, with the reason, so that a developer finds them.

Once the cause is mended they are replayed: as the request they came in, at the time they came, and
under the same ids, so that nothing is ever stored twice. What is of a person who was erased is not
kept, nor is a request that was refused as a whole: who sends that is not known to be anybody's.
"""

import json
from typing import Any

from onetrail_collector.store.rows import NewQuarantined, Quarantined
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
                bytes=min(len(event), MAX_EVENT_CHARS) + len(context),
            )
        )
    return kept


def request(kept: Quarantined, sent_at: str | None) -> bytes:
    """The body of a request to /track that brings one event again; `sent_at` as RFC 3339.

    An event without an id gets one of its place here, so that a second replay is a duplicate.
    """
    try:
        event: Any = json.loads(kept.event)
    except ValueError:
        event = None
    body: dict[str, Any] = {"source": {"id": kept.source}, "events": [event]}
    if isinstance(event, dict) and not event.get("id"):
        event["id"] = f"quarantine-{kept.received_ms}-{kept.id}"
    if kept.session is not None:
        body["session"] = {"id": kept.session}
    if kept.profile_id is not None:
        body["profile"] = {"id": kept.profile_id}
    if sent_at is not None:
        body["sent_at"] = sent_at
    if kept.context is not None:
        body["context"] = json.loads(kept.context)
    return json.dumps(body).encode()
