"""The worst that links can do is bounded, by what a commit reads: rows, not seconds."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link
from onetrail_collector.resolution import settle
from onetrail_collector.store.identity import IdentityTables
from onetrail_collector.store.rows import NewProfileId, SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore

POLICY = Policy()


async def play(path: Path, links: list[Link]) -> tuple[list[int], SqliteStore]:
    """Each link in a commit of its own; answers the rows that each commit's statements read."""
    store = await SqliteStore.open(path, synchronous="normal")
    await store.add_source("demo", name="demo", origins=[], now_ms=0)
    async with store.transaction() as transaction:
        last = max(link.profile_id for link in links)
        new = [NewProfileId(n, f"id-{n}", 1, 0, n) for n in range(1, last + 1)]
        await transaction.write(Writes(profile_ids=new))
    rows = [0]
    fetch = IdentityTables._all

    async def counting(self: IdentityTables, sql: str, *parameters: object) -> list[Any]:
        found = await fetch(self, sql, *parameters)
        rows[-1] += len(found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IdentityTables, "_all", counting)
        for link in links:
            async with store.transaction() as transaction:
                touched = await transaction.write(Writes(links=[SourcedLink(link, 1)]))
                await settle(transaction.identity, touched, POLICY, now_ms=0)
            rows.append(0)
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
