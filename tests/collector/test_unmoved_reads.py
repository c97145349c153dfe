"""Ingest merges profiles while they are read: no read looks where its profile was before."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from onetrail_collector.api.identity_views import ATTEMPTS, unmoved
from onetrail_collector.api.profiles import ByKey, profiles_by_key
from onetrail_collector.deciding import decide
from onetrail_collector.errors import Refused
from onetrail_collector.identity.decisions import Decision, Join, Part
from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link
from onetrail_collector.store.identity_rows import Member
from onetrail_collector.store.rows import NewProfileId, SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore


async def two_devices(path: Path) -> SqliteStore:
    """The younger has an address."""
    store = await SqliteStore.open(path)
    await store.add_source("demo", name="Demo", origins=[], now_ms=0)
    async with store.transaction() as transaction:
        await transaction.write(
            Writes(
                profile_ids=[NewProfileId(1, "one", 1, 0, 1), NewProfileId(2, "two", 1, 0, 2)],
                links=[SourcedLink(Link(2, Key("email", "two@shop.test"), 0, "e"), 1)],
            )
        )
    return store


async def read_while(path: Path, moves: int, *, fail: bool = False) -> tuple[list[str], int]:
    """Read the younger of two devices while they are joined and parted again so many times."""
    store = await two_devices(path)
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


def test_a_profile_found_by_a_key_and_merged_meanwhile_is_read_again(tmp_path: Path) -> None:
    async def run() -> list[str]:
        store = await two_devices(tmp_path / "a.db")

        class Merging:
            """The store, where the profile is merged as soon as it was found."""

            identity, read_profile = store.identity, store.read_profile

            async def find_profiles_by_key(self, key: Key) -> list[int]:
                found = await store.find_profiles_by_key(key)
                if found == [2]:
                    await decide(store, [Join(1, 2)], Policy(), reason="", made_by="", now_ms=0)
                return found

        settings = SimpleNamespace(policy=Policy())
        asked = ByKey("email:two@shop.test")
        call: Any = SimpleNamespace(store=Merging(), settings=settings, asked=asked)
        try:
            return [profile.id for profile in (await profiles_by_key(call)).profiles]
        finally:
            await store.close()

    assert asyncio.run(run()) == ["one"]


def test_who_moves_each_time_is_told_to_come_back(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        asyncio.run(read_while(tmp_path / "a.db", ATTEMPTS))
    assert (refused.value.status, refused.value.retry_after_s) == (503, 1)


def test_a_fault_that_no_merge_explains_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        asyncio.run(read_while(tmp_path / "a.db", 0, fail=True))
