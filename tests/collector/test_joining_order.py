"""The new links of one commit are joined in the order of resolve(): nothing is undone at once."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from onetrail_collector import regions
from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link
from onetrail_collector.regions import Settled
from onetrail_collector.resolution import settle
from onetrail_collector.store.rows import NewProfileId, SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore

POLICY = Policy()
ADDRESS = Key("email", "ann@shop.test")


async def commit(store: SqliteStore, links: list[Link]) -> Settled:
    async with store.transaction() as transaction:
        touched = await transaction.write(Writes(links=[SourcedLink(link, 1) for link in links]))
        return await settle(transaction.identity, touched, POLICY, now_ms=0)


async def with_devices(path: Path, count: int) -> SqliteStore:
    store = await SqliteStore.open(path, synchronous="normal")
    await store.add_source("demo", name="demo", origins=[], now_ms=0)
    async with store.transaction() as transaction:
        new = [NewProfileId(n, f"id-{n}", 1, 0, n) for n in range(1, count + 1)]
        await transaction.write(Writes(profile_ids=new))
    return store


def test_a_customer_number_joins_before_an_address_that_another_customer_holds(
    tmp_path: Path,
) -> None:
    """Many times, as the order of what a commit reads back is that of a set."""

    async def run() -> None:
        store = await with_devices(tmp_path / "a.db", 60)
        owner = [Link(1, Key("user_id", "17"), 0, "a"), Link(1, ADDRESS, 0, "a")]
        assert (await commit(store, owner)).refused == {}
        for device in range(2, 61):
            stranger = [
                Link(device, ADDRESS, device, f"e{device}"),
                Link(device, Key("user_id", f"18-{device}"), device, f"e{device}"),
            ]
            settled = await commit(store, stranger)
            assert settled.refused == {(device, ADDRESS): "exclusive"}
            assert [change.what for change in settled.changes] == ["refused"]
        await store.close()

    asyncio.run(run())


def test_a_commit_tells_of_each_of_its_links_that_ends_up_refused(tmp_path: Path) -> None:
    """Also of one that could join at first, and was refused because of another of the commit."""

    async def run() -> None:
        draw = Random(4)  # noqa: S311 - no secret
        store = await with_devices(tmp_path / "a.db", 30)
        for number in range(150):
            links = {}
            for _ in range(draw.randint(1, 6)):
                kind = draw.choice(["user_id", "email", "phone"])
                key = Key(kind, f"{draw.randint(1, 15)}")
                link = Link(draw.randint(1, 30), key, draw.randint(0, 99), f"e{number}")
                links[link.profile_id, key] = link
            async with store.transaction() as transaction:
                writes = Writes(links=[SourcedLink(link, 1) for link in links.values()])
                touched = await transaction.write(writes)
                settled = await settle(transaction.identity, touched, POLICY, now_ms=0)
                places = [(state.link.profile_id, state.key) for state in touched]
                states = await transaction.identity.link_states(places)
            assert settled.refused == {
                (state.link.profile_id, state.link.key): state.inactive or state.refused
                for state in states
                if state.inactive or state.refused
            }
        await store.close()

    asyncio.run(run())


def test_a_conflict_too_large_for_the_commit_names_the_profile_that_it_has_just_become(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit joins a profile to another and has a link in conflict there, left to the rest."""
    monkeypatch.setattr(regions, "MAX_REGION", 1)

    async def run() -> None:
        store = await with_devices(tmp_path / "a.db", 4)
        await commit(store, [Link(1, ADDRESS, 0, "a"), Link(2, ADDRESS, 0, "b")])
        await commit(store, [Link(4, Key("user_id", "17"), 0, "c")])
        settled = await commit(
            store,
            [
                Link(3, Key("user_id", "18"), 1, "d"),
                Link(3, ADDRESS, 1, "d"),
                Link(3, Key("user_id", "17"), 2, "e"),
            ],
        )
        assert settled.refused == {(3, Key("user_id", "17")): "unsettled"}
        assert [(change.what, change.profile) for change in settled.changes] == [
            ("merged", 1),
            ("refused", 1),
        ]
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize(("event", "reason"), [("b", "exclusive"), ("Z", "unsettled")])
def test_of_two_events_of_one_time_the_ids_say_which_is_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str, reason: str
) -> None:
    """The last is refused at once; another would need the region to be resolved again."""
    monkeypatch.setattr(regions, "MAX_REGION", 1)

    async def run() -> None:
        store = await with_devices(tmp_path / "a.db", 2)
        await commit(store, [Link(1, Key("user_id", "17"), -5, "a"), Link(1, ADDRESS, -5, "a")])
        stranger = [Link(2, Key("user_id", "18"), -5, event), Link(2, ADDRESS, -5, event)]
        assert (await commit(store, stranger)).refused == {(2, ADDRESS): reason}
        await store.close()

    asyncio.run(run())
