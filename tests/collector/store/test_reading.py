"""Whoever waits for an answer waits for nothing that is read in the background."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

from onetrail_collector.store.sqlite import SqliteStore

LONG = """
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 3000000)
SELECT count(*) FROM counted
"""


def test_a_long_read_in_the_background_holds_up_no_page(tmp_path: Path) -> None:
    done: list[str] = []

    async def note(name: str, work: Awaitable[object]) -> None:
        await work
        done.append(name)

    async def run() -> None:
        store = await SqliteStore.open(tmp_path / "a.db")
        await asyncio.gather(
            note("long", store._background.execute_fetchall(LONG)),
            note("retention", store.retention.count(1)),
            note("page counts", store.read_page_views(limit=1)),
            note("erasure", store.walk_contexts(1, 0)),
            note("a page", store.read_profile(1, limit=1, count_to=1)),
            note("a page", store.read_events(1, limit=1, before=None)),
        )
        await store.close()

    asyncio.run(run())
    assert done[:3] == ["a page", "a page", "long"]
    assert len(done) == 6
