"""All that is stored about one person as one JSON document, written as it is read.

    {"format": "onetrail-profile-1", "exported": "…", "profile": {…},
     "sessions": [{"id", "source", "profile_id", "started", "client"}],
     "events": [{…}, newest first]}

No more than a page is in memory, and no read lasts longer than a page.
"""

from collections.abc import AsyncIterator

import msgspec

from onetrail_collector.api.profiles import COUNT_ALL, event_view, read_profile_view
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.store.protocol import Store

PAGE = 500
FORMAT = "onetrail-profile-1"

encode = msgspec.json.encode


async def person_json(store: Store, profile: int, *, now_ms: int) -> AsyncIterator[bytes]:
    """The document in parts."""
    head = {"format": FORMAT, "exported": to_rfc3339(now_ms)}
    yield encode(head)[:-1]
    yield b',"profile":' + encode(
        await read_profile_view(store, profile, limit=COUNT_ALL, count_all=True)
    )
    yield b',"sessions":['
    after, comma = 0, b""
    while rows := await store.sessions_page(profile, limit=PAGE, after=after):
        for number, session in rows:
            after = number
            yield comma + encode(
                {
                    "id": session.public_id,
                    "source": session.source,
                    "profile_id": session.profile_id,
                    "started": to_rfc3339(session.started_ms),
                    "client": msgspec.Raw((session.client or "null").encode()),
                }
            )
            comma = b","
    yield b'],"events":['
    before: tuple[int, int] | None = None
    comma = b""
    while True:
        page = await store.read_events(profile, limit=PAGE, before=before)
        for event in page.events:
            yield comma + encode(event_view(event))
            comma = b","
        before = page.next
        if before is None:
            break
    yield b"]}\n"
