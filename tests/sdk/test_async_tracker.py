"""The tracker for asyncio."""

from __future__ import annotations

import asyncio
import inspect

from onetrail import AsyncTracker, Tracker


def test_it_tracks_flushes_and_closes_without_holding_the_loop(sink, tmp_path, quick):
    sink.faults = [(503, {"Retry-After": "0.3"})]
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def main():
        ticking = asyncio.create_task(tick())
        async with AsyncTracker(sink.url, source="demo", data_dir=tmp_path, settings=quick) as t:
            t.track("one", n=1)
            t.identify(user_id=7)
            assert await t.flush() == 0
            assert t.profile_id is not None
            assert t.session_id == t.sync.session_id
            t.new_session()
            t.reset()
            t.track("two")
        ticking.cancel()

    asyncio.run(main())
    assert sink.types == ["one", "identify", "two"]
    assert ticks > 5


def test_it_has_every_verb_of_the_tracker():
    verbs = {name for name in vars(Tracker) if not name.startswith("_")}
    assert verbs <= {name for name in vars(AsyncTracker) if not name.startswith("_")}


def test_only_what_waits_is_a_coroutine():
    waiting = {n for n, f in vars(AsyncTracker).items() if inspect.iscoroutinefunction(f)}
    assert waiting == {"flush", "close", "__aenter__", "__aexit__"}
