"""All that is stored about one person as one JSON document, written as it is read.

    {"format": "onetrail-profile-1", "exported": "…", "profile": {…},
     "sessions": [{"id", "source", "profile_id", "started", "client"}],
     "events": [{…}, newest first]}

No more than a page is in memory, and no read lasts longer than a page. Who takes it is written to
the profile's history before the first of it leaves.
"""

from collections.abc import AsyncIterator

import msgspec

from onetrail_collector.api.profiles import COUNT_ALL, event_view, read_profile_view
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import Change

PAGE = 500
FORMAT = "onetrail-profile-1"

encode = msgspec.json.encode


async def note_export(store: Store, profile_id: str, *, made_by: str, now_ms: int) -> int | None:
    """Write to a profile's history who takes all of it; answers its number, if there is one."""
    async with store.transaction() as transaction:
        profile = await transaction.find_profile(profile_id)
        if profile is None:
            return None
        oldest = (await transaction.identity.sizes([profile]))[profile].oldest
        exported = Change("exported", oldest, oldest, made_by=made_by)
        await transaction.identity.note([exported], now_ms=now_ms, cause="export")
    return profile


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
