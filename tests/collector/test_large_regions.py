"""What is too large for a transaction is read and written in small ones, and commits go on between.

Whatever they do meanwhile, and whoever dies or does the same at once: what is stored at last equals
resolve() from scratch.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.collector.store.test_histories import compare

from onetrail_collector import (
    large_reading,
    large_regions,
    large_writing,
    rebuild,
    regions,
    resolution,
)
from onetrail_collector.deciding import decide, undo
from onetrail_collector.erasure import Eraser
from onetrail_collector.identity.decisions import Decision, Join, Part, RefuseKey, RefuseLink
from onetrail_collector.identity.keys import Key, Kind
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link
from onetrail_collector.pacing import Pace
from onetrail_collector.rebuild import settle_rest
from onetrail_collector.store.identity import IdentityTables
from onetrail_collector.store.rows import NewProfileId, SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore

CHAIN = 40  # device, value, device, value...
DEVICES = 60  # the others have nothing to do with it at first
LENIENT = Policy(kinds={"email": Kind("email", max_values=1_000)})
POLICY = Policy(kinds={"email": Kind("email", max_values=3, max_profile_ids=4)})
WIDER = Policy(kinds={"email": Kind("email", max_values=5, max_profile_ids=4)})
ROOM_FOR_TEN = 2 * 16_000  # bytes of memory: half of it is for ten devices of the chain
CUT, GROWN = (LENIENT, POLICY), (POLICY, WIDER)  # the chain as it is stored, and as it is to be


def email(number: int) -> Key:
    return Key("email", f"k{number}")


async def opened(path: Path, policy: Policy = LENIENT) -> SqliteStore:
    """A chain stored under a policy, as one profile or in pieces, and devices without links."""
    store = await SqliteStore.open(path, synchronous="normal")
    await store.add_source("demo", name="demo", origins=[], now_ms=0)
    async with store.transaction() as transaction:
        new = [NewProfileId(n, f"id-{n}", 1, 0, n) for n in range(1, DEVICES + 1)]
        await transaction.write(Writes(profile_ids=new))
    for n in range(1, CHAIN):
        links = [Link(n, email(n), 2 * n, f"e{n}"), Link(n + 1, email(n), 2 * n + 1, f"f{n}")]
        await commit(store, *links, policy=policy)
    return store


async def commit(store: SqliteStore, *links: Link, policy: Policy = POLICY) -> None:
    async with store.transaction() as transaction:
        states = await transaction.write(Writes(links=[SourcedLink(link, 1) for link in links]))
        await resolution.settle(transaction.identity, states, policy, now_ms=0)


async def forget(store: SqliteStore, profile_id: int, policy: Policy) -> None:
    async with store.transaction() as transaction:
        await resolution.unlink(transaction.identity, [profile_id], policy, now_ms=0)


async def make(store: SqliteStore, *decisions: Decision) -> None:
    await decide(store, decisions, POLICY, reason="r", made_by="me", now_ms=0)


@contextmanager
def small_steps(
    rest: Callable[[float], Awaitable[None]] | None = None, *, commits: int = 8
) -> Iterator[None]:
    """All is large, and is read and written a few rows at a time, with this rest between.

    Commits resolve so many links themselves.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "MAX_REGION", commits)
        patch.setattr(rebuild, "MAX_REGION", 8)
        patch.setattr(large_reading, "ROWS_A_PAGE", 5)
        patch.setattr(large_reading, "ROWS_A_STEP", 5)
        patch.setattr(large_writing, "ROWS_A_PART", 5)
        patch.setattr(large_regions, "IDS_A_STEP", 5)
        if rest is not None:
            patch.setattr(large_reading, "rest", rest)
            patch.setattr(large_regions, "rest", rest)
        yield


async def leave(store: SqliteStore, *profile_ids: int) -> None:
    async with store.transaction() as transaction:
        await transaction.identity.unsettle_ids(profile_ids)


async def left(store: SqliteStore) -> set[int]:
    async with store.transaction() as transaction:
        return {one for _, one in await transaction.identity.unsettled(limit=9_999)}


def follow(path: Path) -> None:
    """Who follows the history ends with the profiles there are, by their oldest profile IDs."""
    connection = sqlite3.connect(path)
    names = set(range(1, DEVICES + 1))
    for what, other in connection.execute("SELECT what, other FROM history ORDER BY id"):
        if what == "merged":
            names.discard(other)
        elif what == "split":
            names.add(other)
    stored = connection.execute("SELECT min(id) FROM profile_ids GROUP BY profile").fetchall()
    connection.close()
    assert names == {row[0] for row in stored}


def test_no_page_is_longer_for_a_profile_a_device_or_a_value_with_much(tmp_path: Path) -> None:
    """One profile of forty devices; one device with sixteen values; a value on thirty devices."""
    longest: dict[str, int] = {}
    fetch = IdentityTables._all

    async def counting(self: IdentityTables, sql: str, *parameters: object) -> list[Any]:
        rows = await fetch(self, sql, *parameters)
        longest[sql] = max(longest.get(sql, 0), len(rows))
        return rows

    async def run() -> large_reading.LargeRegion:
        store = await opened(tmp_path / "a.db")
        for n in range(16):
            await commit(store, Link(50, email(100 + n), n, f"g{n}"), policy=LENIENT)
        for n in range(20, 50):
            await commit(store, Link(n, email(100), n, f"h{n}"), policy=LENIENT)
        with small_steps(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(IdentityTables, "_all", counting)
            region = await large_reading.read_large(store, 1, max_bytes=1 << 30)
        await store.close()
        return region

    region = asyncio.run(run())
    assert len(longest) >= 4
    assert max(longest.values()) <= 5
    connection = sqlite3.connect(tmp_path / "a.db")
    assert len(region.links) == connection.execute("SELECT count(*) FROM links").fetchone()[0]
    connection.close()
    assert sorted(region.profiles) == list(range(1, 51))


def test_commits_go_on_while_one_profile_is_read_and_cut(tmp_path: Path) -> None:
    """A stranger's commit between any two steps, with nothing of theirs in anybody's profile."""
    strangers = iter(range(CHAIN + 1, DEVICES + 1))
    steps = 0

    async def run() -> None:
        store = await opened(tmp_path / "a.db")

        async def rest(_began_s: float) -> None:
            nonlocal steps
            steps += 1
            stranger = next(strangers, None)
            if stranger is not None:
                await commit(store, Link(stranger, email(1_000 + stranger), 1, "s"))

        await leave(store, 1)
        with small_steps(rest):
            await settle_rest(store, POLICY, now_ms=0)
        assert await left(store) == set()
        await store.close()

    asyncio.run(run())
    assert steps > DEVICES - CHAIN
    compare(tmp_path / "a.db", POLICY)


def test_what_memory_cannot_hold_stays_as_it_is_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A chain of forty devices where there is room for ten, and a shorter one behind it."""

    def profiles() -> tuple[int, int]:
        connection = sqlite3.connect(tmp_path / "a.db")
        [(chain, all_profiles)] = connection.execute(
            "SELECT count(DISTINCT iif(id <= ?, profile, NULL)), count(DISTINCT profile)"
            " FROM profile_ids",
            (CHAIN,),
        )
        connection.close()
        return chain, all_profiles - chain

    async def settled_with(store: SqliteStore, allowed_bytes: int) -> tuple[int, int]:
        monkeypatch.setattr(large_regions, "allowed_bytes", lambda: allowed_bytes)
        await leave(store, 1, 45)
        with small_steps():
            await settle_rest(store, POLICY, now_ms=0)
        return profiles()

    async def run() -> None:
        store = await opened(tmp_path / "a.db")
        for n in range(45, 52):
            await commit(store, Link(n, email(n), n, "a"), Link(n + 1, email(n), n, "b"))
        await commit(store, *(Link(45, email(60 + n), n, "c") for n in range(3)), policy=LENIENT)
        one, others = profiles()
        assert one == 1
        chain, cut = await settled_with(store, ROOM_FOR_TEN)
        assert chain == 1
        assert cut > others
        assert caplog.text.count("half of the memory there is") == 1
        assert await left(store) == {1}  # on record
        chain, _ = await settled_with(store, 1 << 30)
        assert chain > 1
        assert await left(store) == set()
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)


@pytest.mark.parametrize("policies", [CUT, GROWN], ids=["one profile", "in pieces"])
def test_all_of_what_memory_cannot_hold_is_found_out_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    policies: tuple[Policy, Policy],
) -> None:
    """Of each other profile ID of it, the first profile tells that it is too large as well."""
    before, after = policies

    async def run() -> None:
        store = await opened(tmp_path / "a.db", before)
        monkeypatch.setattr(large_regions, "allowed_bytes", lambda: ROOM_FOR_TEN)
        with small_steps():
            assert not await rebuild.rebuild(store, after, now_ms=0)
            assert caplog.text.count("half of the memory there is") == 1
            assert 1 in await left(store)  # on record
            monkeypatch.setattr(large_regions, "allowed_bytes", lambda: 1 << 30)
            assert await settle_rest(store, after, now_ms=0)
            assert await left(store) == set()
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", after)


@pytest.mark.parametrize("died_at", range(55, 66))
def test_what_is_half_written_and_too_large_by_then_stays_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, died_at: int
) -> None:
    """Who dies between two parts begins again, where there was room once more."""

    async def run() -> None:
        store = await opened(tmp_path / "a.db")
        await leave(store, 1)
        steps = 0

        async def rest(_began_s: float) -> None:
            nonlocal steps
            steps += 1
            if steps == died_at:
                raise ZeroDivisionError

        with small_steps(rest), suppress(ZeroDivisionError):
            await settle_rest(store, POLICY, now_ms=0)
        assert await left(store) == {1}
        for room in (ROOM_FOR_TEN, 1 << 30):
            monkeypatch.setattr(large_regions, "allowed_bytes", lambda room=room: room)
            with small_steps():
                await settle_rest(store, POLICY, now_ms=0)
            assert await left(store) == ({1} if room == ROOM_FOR_TEN else set())
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)


def test_who_has_not_the_memory_takes_nothing_from_who_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small collector beside `identity rebuild`, which it looks at between all its steps."""
    monkeypatch.setattr(large_regions, "allowed_bytes", lambda: ROOM_FOR_TEN)

    async def run() -> None:
        small = await opened(tmp_path / "a.db")
        pace = Pace()
        await leave(small, 1)
        with small_steps():
            await settle_rest(small, POLICY, now_ms=0, pace=pace)

        async def rest(_began_s: float) -> None:
            with small_steps():
                await settle_rest(small, POLICY, now_ms=0, pace=pace)
            monkeypatch.setattr(large_regions, "allowed_bytes", lambda: 1 << 30)

        monkeypatch.setattr(large_regions, "allowed_bytes", lambda: 1 << 30)
        large = await SqliteStore.open(tmp_path / "a.db", synchronous="normal")
        with small_steps(rest):
            assert await rebuild.rebuild(large, POLICY, now_ms=0)
        assert await left(large) == set()
        await large.close()
        await small.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)


def acts_of(random: Random, policy: Policy) -> Callable[[SqliteStore], Awaitable[None]]:
    """What may come between two steps: evidence of all kinds, decisions, erasures."""
    made: list[int] = []

    async def one(store: SqliteStore) -> None:
        device, other = random.randint(1, DEVICES), random.randint(1, CHAIN)
        key = email(random.randint(1, CHAIN))
        chance = random.random()
        if chance < 0.5:
            link = Link(device, key, random.randint(0, 99), random.choice("xyz"))
            await commit(store, link, policy=policy)
        elif chance < 0.6:
            crowd = [Link(n, key, 99, "k") for n in range(max(device - 4, 1), device)]
            await commit(store, *crowd, policy=policy)
        elif chance < 0.7:
            await forget(store, other, policy)
        elif chance < 0.75 and made:
            number = random.choice(made)
            await undo(store, number, policy, reason="", undone_by="me", now_ms=0)
        else:
            options = [
                Join(device, other % DEVICES + 1),
                Part(device, device % DEVICES + 1),
                RefuseLink(other, email(other)),
                RefuseKey(key),
            ]
            decision = random.choice(options)
            done = await decide(store, [decision], policy, reason="r", made_by="me", now_ms=0)
            made.extend(done.numbers)

    return one


@pytest.mark.parametrize("seed", range(32))
def test_whatever_comes_between_two_steps_the_end_equals_from_scratch(
    seed: int, tmp_path: Path
) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    before, policy = random.choice([CUT, GROWN])
    act = acts_of(random, policy)
    room = 40

    async def run() -> None:
        store = await opened(tmp_path / "a.db", before)

        async def rest(_began_s: float) -> None:
            nonlocal room
            if room > 0 and random.random() < 0.3:
                room -= 1
                await act(store)

        await leave(store, 1)
        with small_steps(rest, commits=random.choice([8, 5_000])):
            await settle_rest(store, policy, now_ms=0)
        assert await left(store) == set()
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", policy)
    follow(tmp_path / "a.db")


@pytest.mark.parametrize("seed", range(8))
def test_who_dies_at_any_step_begins_again(seed: int, tmp_path: Path) -> None:
    """At every step once, with something new in between; nothing is left of it at the end."""
    random = Random(seed)  # noqa: S311 - no secret
    before, policy = random.choice([CUT, GROWN])
    act = acts_of(random, policy)

    async def run() -> None:
        store = await opened(tmp_path / "a.db", before)
        alive = step = 0

        async def rest(_began_s: float) -> None:
            nonlocal alive
            alive -= 1
            if not alive:
                raise ConnectionError

        await leave(store, 1)
        with small_steps(rest, commits=random.choice([8, 5_000])):
            while True:
                step = alive = step + 1
                try:
                    await settle_rest(store, policy, now_ms=0)
                except ConnectionError:
                    await store.close()
                    store = await SqliteStore.open(tmp_path / "a.db", synchronous="normal")
                    if step % 10 == 0 and step < 150:
                        await act(store)
                else:
                    break
        assert step > 10
        assert await left(store) == set()
        async with store.transaction() as transaction:
            assert await transaction.identity.settling() is None
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", policy)


@pytest.mark.parametrize("step", range(1, 60, 4))
def test_history_tells_all_names_whenever_one_dies(step: int, tmp_path: Path) -> None:
    """Who follows the changes ends with the profiles there are, by their oldest profile IDs."""

    async def run() -> None:
        store = await opened(tmp_path / "a.db")
        alive = step

        async def rest(_began_s: float) -> None:
            nonlocal alive
            alive -= 1
            if not alive:
                raise ConnectionError

        await leave(store, 1)
        with small_steps(rest):
            with pytest.raises(ConnectionError):
                await settle_rest(store, POLICY, now_ms=0)
            await settle_rest(store, POLICY, now_ms=0)
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)
    follow(tmp_path / "a.db")


@pytest.mark.parametrize("first_steps", [2, 9, 30, 44, 60, 75, 90])
@pytest.mark.parametrize("later_steps", [3, 50, 80, None])
def test_of_two_at_once_the_later_goes_on(
    first_steps: int, later_steps: int | None, tmp_path: Path
) -> None:
    """As of a collector and `identity rebuild`: one begins while another is at it, and may die."""

    async def run() -> None:
        store = await opened(tmp_path / "a.db")
        first, later = first_steps, 0

        async def rest(_began_s: float) -> None:
            nonlocal first, later
            first -= 1
            later -= 1
            if first == 0:
                later = later_steps or -1
                other = await SqliteStore.open(tmp_path / "a.db", synchronous="normal")
                with suppress(ConnectionError):
                    await settle_rest(other, POLICY, now_ms=0)
                later = -1
                await other.close()
            if later == 0:
                raise ConnectionError

        await leave(store, 1)
        with small_steps(rest):
            await settle_rest(store, POLICY, now_ms=0)
            await settle_rest(store, POLICY, now_ms=0)
        assert await left(store) == set()
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)


def test_no_stranger_gets_a_number_that_a_part_will_be_written_under(tmp_path: Path) -> None:
    """Profiles that are split between two steps get numbers below zero as well."""
    strangers = iter(range(CHAIN + 1, DEVICES, 2))
    together = 0

    async def run() -> None:
        nonlocal together
        store = await opened(tmp_path / "a.db")

        async def rest(_began_s: float) -> None:
            nonlocal together
            one = next(strangers, None) if (await written(store)) else None
            if one is not None:
                await commit(store, *(Link(n, email(900 + one), n, "s") for n in (one, one + 1)))
                await make(store, Part(one, one + 1))
            together += await mixed(store)

        await leave(store, 1)
        with small_steps(rest):
            await settle_rest(store, POLICY, now_ms=0)
        await store.close()

    async def written(store: SqliteStore) -> bool:
        async with store.transaction() as transaction:
            return len(set((await transaction.identity.profiles(range(1, CHAIN + 1))).values())) > 1

    async def mixed(store: SqliteStore) -> int:
        async with store.transaction() as transaction:
            numbers = await transaction.identity.profiles(range(1, DEVICES + 1))
        chain = {number for one, number in numbers.items() if one <= CHAIN}
        return sum(number in chain for one, number in numbers.items() if one > CHAIN)

    asyncio.run(run())
    assert next(strangers, None) is None
    assert together == 0
    compare(tmp_path / "a.db", POLICY)


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (Join(1, 50), {1, 50}),
        (Part(1, 2), {1, 2}),
        (RefuseLink(1, email(1)), {1}),
        (RefuseKey(email(1)), {1, 2}),
    ],
)
def test_a_decision_made_meanwhile_leaves_word_and_so_does_its_undoing(
    decision: Decision, words: set[int], tmp_path: Path
) -> None:
    """Else the background would write over it what it has read before."""

    async def run() -> None:
        store = await opened(tmp_path / "a.db")
        async with store.transaction() as transaction:
            await transaction.identity.begin_settling(CHAIN)
        done = await decide(store, [decision], POLICY, reason="r", made_by="me", now_ms=0)
        assert done.whole
        assert await left(store) == words | {CHAIN}
        async with store.transaction() as transaction:
            await transaction.identity.settled(words, up_to=9_999)
        await undo(store, done.numbers[0], POLICY, reason="", undone_by="me", now_ms=0)
        assert await left(store) == words | {CHAIN}
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("step", range(40, 90, 6))
@pytest.mark.parametrize(
    "decision",
    [Join(1, 50), Part(1, 2), RefuseLink(1, email(1)), RefuseKey(email(1))],
)
def test_a_decision_made_meanwhile_holds(step: int, decision: Decision, tmp_path: Path) -> None:
    async def run() -> None:
        store = await opened(tmp_path / "a.db")
        steps = 0

        async def rest(_began_s: float) -> None:
            nonlocal steps
            steps += 1
            if steps == step:
                await make(store, decision)

        await leave(store, 1)
        with small_steps(rest):
            await settle_rest(store, POLICY, now_ms=0)
        assert steps >= step
        assert await left(store) == set()
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)


def test_a_value_that_becomes_shared_meanwhile_leaves_word_of_all_who_use_it(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        store = await opened(tmp_path / "a.db")
        async with store.transaction() as transaction:
            await transaction.identity.begin_settling(CHAIN)
        await commit(store, *(Link(n, email(1), n, "s") for n in (50, 51, 52)))
        assert {1, 2, 50, 51, 52} <= await left(store)
        await store.close()

    asyncio.run(run())


async def settle_and_act(
    store: SqliteStore,
    policy: Policy,
    act: Callable[[], Coroutine[Any, Any, None]],
    look: Callable[[dict[int, int]], None],
) -> None:
    """Settle the chain; once it is read `act`, and from then on `look` at the profiles."""
    begun = large_regions._plan
    acted = False

    async def rest(_began_s: float) -> None:
        if acted:
            async with store.transaction() as transaction:
                look(await transaction.identity.profiles(range(1, CHAIN + 1)))

    def plan(*asked: Any) -> Any:
        nonlocal acted
        if not acted:
            asyncio.run_coroutine_threadsafe(act(), loop).result()
            acted = True
        return begun(*asked)

    loop = asyncio.get_running_loop()
    await leave(store, 1)
    with small_steps(rest, commits=5_000), pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_regions, "_plan", plan)
        await settle_rest(store, policy, now_ms=0)


@pytest.mark.parametrize(("policies", "pair"), [(CUT, (1, 2)), (GROWN, (4, 5))])
def test_what_is_parted_while_a_large_region_is_being_written_stays_parted(
    tmp_path: Path, policies: tuple[Policy, Policy], pair: tuple[int, int]
) -> None:
    """Nothing is written over what was decided since: of what was one, and of what is to be one."""
    before, policy = policies
    one, other = pair
    seen: list[bool] = []

    async def run() -> None:
        store = await opened(tmp_path / "a.db", before)

        async def part() -> None:
            done = await decide(store, [Part(*pair)], policy, reason="", made_by="", now_ms=0)
            assert done.whole

        def look(numbers: dict[int, int]) -> None:
            seen.append(numbers[one] != numbers[other])

        await settle_and_act(store, policy, part, look)
        await store.close()

    asyncio.run(run())
    assert len(seen) > 10
    assert all(seen)
    compare(tmp_path / "a.db", policy)


def test_what_another_process_settles_meanwhile_stays_on_record(tmp_path: Path) -> None:
    """Who began may have read of it before, and write that."""

    async def run() -> None:
        store = await opened(tmp_path / "a.db")
        pace = Pace()
        pace.done(range(1, CHAIN + 1), 1_000.0)  # this one leaves the chain alone
        async with store.transaction() as transaction:
            await transaction.identity.begin_settling(1)
        await leave(store, 50)
        with small_steps():
            await settle_rest(store, POLICY, now_ms=0, pace=pace)
            assert await left(store) == {1, 50}
            await settle_rest(store, POLICY, now_ms=0)
        assert await left(store) == set()
        await store.close()

    asyncio.run(run())


def test_who_is_erased_meanwhile_is_in_nobodys_profile(tmp_path: Path) -> None:
    """Device 3 is alone while it is read, and is to be one with others."""
    seen: list[list[int]] = []
    alone = Policy(kinds={"email": Kind("email", max_values=1, max_profile_ids=4)})

    async def run() -> None:
        store = await opened(tmp_path / "a.db", alone)
        eraser = Eraser(store, alone, lambda: 0)

        async def erase() -> None:
            await eraser.begin("id-3", reason="", made_by="")

        def look(numbers: dict[int, int]) -> None:
            seen.append([one for one in numbers if numbers[one] == numbers[3]])

        await settle_and_act(store, POLICY, erase, look)
        await store.close()

    asyncio.run(run())
    assert len(seen) > 10
    assert set(map(tuple, seen)) == {(3,)}
    compare(tmp_path / "a.db", POLICY)


def test_a_region_that_grows_takes_nobody_elses_number(tmp_path: Path) -> None:
    """Two strangers were parted, so that one goes by -1; then an early link reaches far."""

    async def run() -> None:
        store = await opened(tmp_path / "a.db", POLICY)
        await commit(store, Link(50, email(900), 1, "s"), Link(51, email(900), 2, "t"))
        await make(store, Part(50, 51))
        await commit(store, Link(7, email(31), 8, "x"))
        await store.close()

    asyncio.run(run())
    compare(tmp_path / "a.db", POLICY)
