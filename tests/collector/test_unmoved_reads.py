"""Ingest merges profiles while they are read: no read looks where its profile was before."""

import asyncio
from pathlib import Path

import pytest

from onetrail_collector.api.identity_views import ATTEMPTS, unmoved
from onetrail_collector.deciding import decide
from onetrail_collector.errors import Refused
from onetrail_collector.identity.decisions import Decision, Join, Part
from onetrail_collector.identity.policy import Policy
from onetrail_collector.store.identity_rows import Member
from onetrail_collector.store.rows import NewProfileId, Writes
from onetrail_collector.store.sqlite import SqliteStore


async def read_while(path: Path, moves: int, *, fail: bool = False) -> tuple[list[str], int]:
    """Read the younger of two devices while they are joined and parted again so many times."""
    store = await SqliteStore.open(path)
    await store.add_source("demo", name="Demo", origins=[], now_ms=0)
    async with store.transaction() as transaction:
        await transaction.write(
            Writes(profile_ids=[NewProfileId(1, "one", 1, 0, 1), NewProfileId(2, "two", 1, 0, 2)])
        )
    reads = 0

    async def read(members: list[Member]) -> list[str]:
        nonlocal reads
        reads += 1
        if reads <= moves:
            decision: Decision = Part(1, 2) if reads % 2 == 0 else Join(1, 2)
            await decide(store, [decision], Policy(), reason="", made_by="", now_ms=0)
        found = await store.identity.members_of(members[0].profile, limit=9)
        if fail:
            raise IndexError
        return [member.public_id for member in found]

    try:
        return await unmoved(store, ["two", "one"], read), reads
    finally:
        await store.close()


def test_what_is_merged_meanwhile_is_read_again(tmp_path: Path) -> None:
    assert asyncio.run(read_while(tmp_path / "a.db", 1)) == (["one", "two"], 2)
    assert asyncio.run(read_while(tmp_path / "b.db", 2)) == (["two"], 3)
    assert asyncio.run(read_while(tmp_path / "c.db", 0)) == (["two"], 1)


def test_who_moves_each_time_is_told_to_come_back(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        asyncio.run(read_while(tmp_path / "a.db", ATTEMPTS))
    assert (refused.value.status, refused.value.retry_after_s) == (503, 1)


def test_a_fault_that_no_merge_explains_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        asyncio.run(read_while(tmp_path / "a.db", 0, fail=True))
