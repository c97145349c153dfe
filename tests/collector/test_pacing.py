"""A large region under steady traffic takes the background a bounded part of its time."""

import asyncio
from pathlib import Path

import pytest
from tests.collector.store.test_histories import compare

from onetrail_collector import rebuild
from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link
from onetrail_collector.pacing import PAUSE, TOO_LARGE_S, Pace
from onetrail_collector.resolution import settle
from onetrail_collector.store.rows import NewProfileId, SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore

POLICY = Policy()
CHAIN, STRANGER = 40, 90


async def commit(store: SqliteStore, *links: Link) -> None:
    async with store.transaction() as transaction:
        states = await transaction.write(Writes(links=[SourcedLink(link, 1) for link in links]))
        await settle(transaction.identity, states, POLICY, now_ms=0)


async def leave(store: SqliteStore, *profile_ids: int) -> None:
    async with store.transaction() as transaction:
        await transaction.identity.unsettle_ids(profile_ids)


async def left(store: SqliteStore) -> list[int]:
    async with store.transaction() as transaction:
        return [one for _, one in await transaction.identity.unsettled(limit=999)]


def test_a_region_waits_four_times_as_long_as_it_took() -> None:
    now = 100.0
    pace = Pace(lambda: now)
    assert not pace.wait(1)
    pace.done([1, 2], 3.0)
    pace.passes(7)
    now += PAUSE * 3.0 - 0.1
    assert pace.waits([2, 9])
    assert not pace.waits([9])
    assert pace.wait(9)
    assert pace.waits([9])
    assert pace.passed() == 7
    now += 0.2
    assert pace.passed() == 0
    pace.passes(8)
    assert pace.passed() == 8
    pace.again()
    assert pace.passed() == 0
    assert not pace.waits([1, 2, 9])
    assert not pace.wait(1)


def test_what_is_too_large_is_looked_at_again_after_an_hour() -> None:
    now = 100.0
    pace = Pace(lambda: now)
    pace.leave([1])
    pace.passes(7)
    now += TOO_LARGE_S / 2
    pace.leave([2])
    pace.done([5], 1.0)
    now += PAUSE
    assert pace.passed() == 0  # what waits for its turn does not wait for an hour
    pace.passes(8)
    assert pace.too_large == {1, 2}
    now += TOO_LARGE_S / 2 - PAUSE - 0.1
    assert pace.passed() == 8
    now += 0.2
    assert pace.passed() == 0
    assert not pace.too_large


def test_what_is_large_waits_and_what_is_small_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a device that has joined the large region since, and is not known to be in it."""
    monkeypatch.setattr(rebuild, "MAX_REGION", 20)
    now, resolved = 0.0, []
    settle_large = rebuild.settle_large

    async def slowly(store: SqliteStore, profile_id: int, *rest: object, **named: object) -> object:
        nonlocal now
        resolved.append(profile_id)
        now += 1.0
        return await settle_large(store, profile_id, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(rebuild, "settle_large", slowly)

    async def run() -> None:
        nonlocal now
        store = await SqliteStore.open(tmp_path / "a.db", synchronous="normal")
        await store.add_source("demo", name="demo", origins=[], now_ms=0)
        async with store.transaction() as transaction:
            new = [NewProfileId(n, f"id-{n}", 1, 0, n) for n in range(1, STRANGER + 1)]
            await transaction.write(Writes(profile_ids=new))
        for n in range(1, CHAIN):
            key = Key("email", f"k{n}@b.c")
            await commit(store, Link(n, key, 2 * n, f"e{n}"), Link(n + 1, key, 2 * n + 1, f"f{n}"))
        pace = Pace(lambda: now)
        await leave(store, 1)
        await rebuild.settle_rest(store, POLICY, now_ms=0, pace=pace)
        assert (resolved, await left(store)) == ([1], [])

        await commit(store, Link(CHAIN + 1, Key("email", "k9@b.c"), 999, "late"))
        await leave(store, 5, CHAIN + 1, STRANGER)
        for _ in range(5):
            await rebuild.settle_rest(store, POLICY, now_ms=0, pace=pace)
        assert (resolved, await left(store)) == ([1], [5, CHAIN + 1])

        now += PAUSE
        await rebuild.settle_rest(store, POLICY, now_ms=0, pace=pace)
        assert (resolved, await left(store)) == ([1, 5], [])
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)


def test_what_was_left_of_somebody_erased_is_struck_off(tmp_path: Path) -> None:
    """Else the background would look at it again and again, and no policy count as applied."""

    async def run() -> None:
        store = await SqliteStore.open(tmp_path / "a.db")
        await leave(store, STRANGER)  # nobody has this number any more
        await rebuild.settle_rest(store, POLICY, now_ms=0)
        assert await left(store) == []
        await store.close()

    asyncio.run(run())
