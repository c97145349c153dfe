"""The worst that links can do is bounded, by what a commit reads: rows, not seconds."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.collector.store.test_histories import compare

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link
from onetrail_collector.rebuild import rebuild, settle_rest
from onetrail_collector.regions import MAX_AGAIN, MAX_REGION
from onetrail_collector.resolution import settle
from onetrail_collector.store.identity import IdentityTables
from onetrail_collector.store.rows import NewProfileId, SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore

POLICY = Policy()


async def commit(store: SqliteStore, links: list[Link]) -> int:
    """One commit; answers the rows that its statements of identity resolution read."""
    rows = 0
    fetch = IdentityTables._all

    async def counting(self: IdentityTables, sql: str, *parameters: object) -> list[Any]:
        nonlocal rows
        found = await fetch(self, sql, *parameters)
        rows += len(found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IdentityTables, "_all", counting)
        async with store.transaction() as transaction:
            writes = Writes(links=[SourcedLink(link, 1) for link in links])
            touched = await transaction.write(writes)
            await settle(transaction.identity, touched, POLICY, now_ms=0)
    return rows


async def play(path: Path, links: list[Link]) -> tuple[list[int], SqliteStore]:
    """Each link in a commit of its own; answers the rows that each commit's statements read."""
    store = await SqliteStore.open(path, synchronous="normal")
    await store.add_source("demo", name="demo", origins=[], now_ms=0)
    async with store.transaction() as transaction:
        last = max(link.profile_id for link in links)
        new = [NewProfileId(n, f"id-{n}", 1, 0, n) for n in range(1, last + 1)]
        await transaction.write(Writes(profile_ids=new))
    rows = [await commit(store, [link]) for link in links]
    return rows, store


def test_one_value_on_very_many_devices_is_shared_and_then_costs_nothing(tmp_path: Path) -> None:
    links = [Link(n, Key("email", "a@b.c"), n, f"e{n}") for n in range(1, 301)]

    async def run() -> None:
        rows, store = await play(tmp_path / "a.db", links)
        assert (await store.counts()).profiles == 300
        assert max(rows[:101]) < 1_000
        assert max(rows[102:]) < 10
        await store.close()

    asyncio.run(run())


def test_a_chain_stays_cheap_at_its_end(tmp_path: Path) -> None:
    """Device, value, device, value...: the limit on values cuts it, and each link reads little."""
    links = []
    for n in range(1, 301):
        links.append(Link(n, Key("email", f"k{n}@b.c"), 2 * n, f"e{n}"))
        links.append(Link(n + 1, Key("email", f"k{n}@b.c"), 2 * n + 1, f"f{n}"))

    async def run() -> None:
        rows, store = await play(tmp_path / "a.db", links)
        assert max(rows) < 400
        assert (await store.counts()).profiles > 300 // 20 - 1
        await store.close()

    asyncio.run(run())


def test_one_device_with_ten_thousand_values_keeps_a_thousand_links(tmp_path: Path) -> None:
    """The rest is counted, and its values are not kept; no commit reads more than a region."""

    async def run() -> None:
        _, store = await play(tmp_path / "a.db", [Link(2, Key("phone", "+1"), 0, "e")])
        for start in range(0, 10_000, 100):
            links = [
                Link(1, Key("email", f"k{n}@b.c"), n, f"e{n}") for n in range(start, start + 100)
            ]
            assert await commit(store, links) < MAX_REGION
        assert await commit(store, [Link(1, Key("email", "k1@b.c"), 0, "e0")]) < MAX_REGION
        await store.close()

    asyncio.run(run())
    connection = sqlite3.connect(tmp_path / "a.db")
    [(kept, dropped, keys)] = connection.execute(
        "SELECT (SELECT count(*) FROM links WHERE profile_id = 1),"
        " (SELECT dropped_links FROM profile_ids WHERE id = 1),"
        " (SELECT count(*) FROM keys WHERE kind = 'email')"
    )
    connection.close()
    assert (kept, dropped, keys) == (1_000, 9_000, 1_000)


def test_many_conflicts_in_one_commit_where_all_hangs_together(tmp_path: Path) -> None:
    """What a commit resolves again is bounded, however many links it has; the rest comes later."""
    people = 2_000
    numbers = [Link(n, Key("user_id", str(n)), 3 * n, f"u{n}") for n in range(1, people + 1)]
    shared = [
        Link(n + near, Key("email", f"k{n}@b.c"), 3 * n + 1 + near, f"e{n}")
        for n in range(1, people)
        for near in (0, 1)
    ]
    early = [Link(n + 2, Key("email", f"k{n}@b.c"), 0, f"l{n}") for n in range(1, 1_000)]

    async def run() -> None:
        _, store = await play(tmp_path / "a.db", [numbers[-1]])
        await commit(store, numbers)
        await commit(store, shared)
        assert await commit(store, early) < 3 * MAX_AGAIN
        async with store.transaction() as transaction:
            assert await transaction.identity.unsettled(limit=1)
        await settle_rest(store, POLICY, now_ms=0)
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)


def test_conflicts_that_come_last_are_refused_at_once(tmp_path: Path) -> None:
    """However large the graph is that all hangs together in: only their own ends are looked at."""
    people = 2_000
    numbers = [Link(n, Key("user_id", str(n)), 3 * n, f"u{n}") for n in range(1, people + 1)]
    shared = [
        Link(n + near, Key("email", f"k{n}@b.c"), 3 * n + 1 + near, f"e{n}")
        for n in range(1, people)
        for near in (0, 1)
    ]
    late = [Link(n + 2, Key("email", f"k{n}@b.c"), 9 * people + n, f"l{n}") for n in range(1, 999)]

    async def run() -> None:
        _, store = await play(tmp_path / "a.db", [numbers[-1]])
        await commit(store, numbers)
        await commit(store, shared)
        await settle_rest(store, POLICY, now_ms=0)
        assert await commit(store, late) < 10 * len(late)
        async with store.transaction() as transaction:
            assert not await transaction.identity.unsettled(limit=1)
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)


def test_a_value_on_a_hundred_thousand_devices_costs_the_next_no_more(tmp_path: Path) -> None:
    kiosk = Key("phone", "+41441234567")

    async def run() -> None:
        _, store = await play(
            tmp_path / "a.db", [Link(n, kiosk, n, f"e{n}") for n in (1, 2, 100_004)]
        )
        await store.close()
        connection = sqlite3.connect(tmp_path / "a.db")
        with connection:
            connection.execute(
                "INSERT INTO links (profile_id, key, time_ms, event_id, source)"
                " SELECT id, (SELECT id FROM keys), id, 'e', 1 FROM profile_ids"
                " WHERE id BETWEEN 3 AND 100000"
            )
        connection.close()
        store = await SqliteStore.open(tmp_path / "a.db", synchronous="normal")
        assert await commit(store, [Link(100_001, kiosk, 1, "x")]) < 100  # it is found to be shared
        assert await commit(store, [Link(100_002, kiosk, 1, "y")]) < 10
        await store.close()

    asyncio.run(run())


def test_a_policy_that_cuts_a_chain_of_a_hundred_thousand_leaves_room_for_ingest(
    tmp_path: Path,
) -> None:
    """Device, value, device...: one profile, until a profile may hold twenty values only."""
    length = 100_000

    async def run() -> None:
        _, store = await play(tmp_path / "a.db", [Link(length + 1, Key("user_id", "17"), 0, "e")])
        await store.close()
        connection = sqlite3.connect(tmp_path / "a.db")
        with connection:
            connection.executescript(f"""
                UPDATE profile_ids SET profile = 1 WHERE id <= {length};
                INSERT INTO keys (id, kind, value, profile)
                SELECT id + 1, 'email', 'k' || id || '@b.c', 1 FROM profile_ids WHERE id < {length};
                INSERT INTO links SELECT id, id + 1, 2 * id, 'e', 1, NULL
                FROM profile_ids WHERE id < {length};
                INSERT INTO links SELECT id + 1, id + 1, 2 * id + 1, 'f', 1, NULL
                FROM profile_ids WHERE id < {length};
            """)  # noqa: S608 - our own number
        connection.close()
        store = await SqliteStore.open(tmp_path / "a.db", synchronous="normal")
        background = asyncio.create_task(rebuild(store, POLICY, now_ms=0))
        commits = 0
        while not background.done():
            stranger = Link(length + 1, Key("email", f"s{commits % 10}@b.c"), commits, "s")
            await commit(store, [stranger])
            commits += 1
        assert (await background)["split"] >= length // 20 - 1
        assert commits > 100
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)


def test_no_commit_walks_past_all_the_links_that_join_nobody(tmp_path: Path) -> None:
    """A profile of twenty-five devices, each with the same nine hundred shared values."""
    devices, values = 25, 900

    async def run() -> None:
        own = [Link(n, Key("email", "a@shop.test"), n, "e") for n in range(1, devices + 1)]
        _, store = await play(tmp_path / "a.db", own)
        async with store.transaction() as transaction:
            keys = "INSERT INTO keys (id, kind, value, inactive) VALUES (?, 'phone', ?, 'shared')"
            links = "INSERT INTO links (profile_id, key, time_ms, event_id, source) VALUES"
            for number in range(2, values + 2):
                await transaction.run(keys, number, str(number))
                for device in range(1, devices + 1):
                    await transaction.run(f"{links} (?, ?, 0, 'e', 1)", device, number)
            tables = transaction.identity
            beyond, within = devices * values // 4 - 1, devices * values // 4 + devices
            assert await tables.region([1], (), limit=beyond) is None
            region = await tables.region([1], (), limit=within)
        await store.close()
        assert region is not None
        assert len(region.links) == devices

    asyncio.run(run())
