"""Resolving in the background: a policy that changed, and what was too much for a commit.

Everything goes in steps, each a transaction of some 0.1 s, so that ingest goes on in between: first
the keys (which are blocked, unknown or shared now), then all within the reach of one profile ID
after the other. What is in one reach is resolved in one transaction; where a reach is larger than
MAX_REGION, in several (large_regions.py), and not too often (pacing.py).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator

from onetrail_collector.identity.decisions import named_in
from onetrail_collector.identity.policy import Policy
from onetrail_collector.large_reading import TooLarge
from onetrail_collector.large_regions import settle_large
from onetrail_collector.pacing import Pace, rest
from onetrail_collector.policy_in_force import (
    OtherPolicy,
    applied_policy,
    begin_applying,
    end_applying,
    fingerprint,
    require,
)
from onetrail_collector.regions import MAX_REGION, absorb, ring_of
from onetrail_collector.regrouping import Cause, plan
from onetrail_collector.resolution import count_to, reason_of
from onetrail_collector.store.protocol import IdentityTransaction, Store
from onetrail_collector.store.rows import ChangeCause, Region

KEYS_A_STEP = 2_000
IDS_A_STEP = 200
A_REGION = 50  # links; to look at one takes as long as to resolve so many
IDLE_S = 1.0
YIELD_S, MAX_YIELD_S = 10.0, 3600.0  # to who applies another policy: ever longer
NOTHING_TO_GROW_BY = AssertionError("a region without a ring is always settled")

OTHER_POLICY = (
    "another process applies another identity policy to this database: give both the same "
    "configuration; this one's is applied again in %d s"
)

log = logging.getLogger("onetrail_collector")

Progress = Callable[[int, int], None]
"""Told (profile IDs and keys done, all)."""


async def keep_settled(store: Store, policy: Policy, now_ms: Callable[[], int]) -> None:
    """Apply the policy where it is not the one that was applied last; then settle what is left.

    Runs until it is cancelled; at any point, and after a crash, it can begin again. What fails (a
    full disk) is tried again.
    """
    pace = Pace()
    yield_s = YIELD_S
    while True:
        try:
            applied = await applied_policy(store)
            if applied != fingerprint(policy):
                if applied is not None:  # else the file is new
                    log.info("the identity policy has changed; resolving all profiles again")
                await rebuild(store, policy, now_ms=now_ms(), pace=pace)
            await settle_rest(store, policy, now_ms=now_ms(), pace=pace)
        except OtherPolicy:
            log.warning(OTHER_POLICY, round(yield_s))
            await asyncio.sleep(yield_s)
            yield_s = min(2 * yield_s, MAX_YIELD_S)
        except Exception:
            log.exception("profiles could not be resolved again; the next attempt comes soon")
        await asyncio.sleep(IDLE_S)


async def rebuild(
    store: Store,
    policy: Policy,
    *,
    now_ms: int,
    progress: Progress = lambda _done, _all: None,
    pace: Pace | None = None,
) -> Counter[str]:
    """Resolve everything under this policy; answers the changes by what they are.

    Raises OtherPolicy where somebody began to apply another one meanwhile, who goes on alone.
    """
    async with store.transaction() as transaction:
        before = await begin_applying(transaction.identity, policy)
        last_key, last_id = await transaction.identity.last_numbers()
    whole = last_key + last_id
    async for done in _reconsider_keys(store, policy, last_key):
        progress(done, whole)
    at_once = Pace(pause=0)
    settling = _Settling(store, policy, at_once, now_ms=now_ms, cause="policy")
    waiting = iter(range(1, last_id + 1))
    while (at := await settling.step(waiting)) is not None:
        progress(last_key + at, whole)
    async with store.transaction() as transaction:  # what is left is on record in `unsettled`
        await end_applying(transaction.identity, policy, before=before)
    rest_of_it = await settle_rest(
        store, policy, now_ms=now_ms, pace=pace or at_once, cause="policy"
    )
    progress(whole, whole)
    return settling.changes + rest_of_it


async def settle_rest(  # noqa: PLR0913 - what, under which rules, how often, and why
    store: Store,
    policy: Policy,
    *,
    now_ms: int,
    pace: Pace | None = None,
    progress: Progress = lambda _done, _all: None,
    cause: ChangeCause = "background",
) -> Counter[str]:
    """Settle the profile IDs that commits have left, but those that wait; answers as rebuild().

    Raises OtherPolicy where another one is or was applied meanwhile.
    """
    pace = pace or Pace(pause=0)
    changes: Counter[str] = Counter()
    after = pace.passed()
    first = last = 0
    while True:
        async with store.transaction() as transaction:
            left = await transaction.identity.unsettled(after=after, limit=IDS_A_STEP)
            last = last or await transaction.identity.last_unsettled()
        if not left:
            return changes
        first = first or left[0][0]
        settling = _Settling(store, policy, pace, now_ms=now_ms, cause=cause)
        waiting = iter([profile_id for _, profile_id in left])
        while await settling.step(waiting) is not None:
            pass
        changes += settling.changes
        after = left[-1][0]
        pace.passes(after)
        progress(min(after, last) - first + 1, last - first + 1)


async def _reconsider_keys(store: Store, policy: Policy, last_key: int) -> AsyncIterator[int]:
    for start in range(1, last_key + 1, KEYS_A_STEP):
        began = asyncio.get_running_loop().time()
        async with store.transaction() as transaction:
            tables = transaction.identity
            await require(tables, policy)
            states = await tables.key_states(
                range(start, start + KEYS_A_STEP), count_to=count_to(policy)
            )
            await tables.set_inactive(
                {
                    state.id: reason
                    for state in states
                    if (reason := reason_of(state, policy)) != state.inactive
                }
            )
        yield start
        await rest(began)


class _Settling:
    """Some profile IDs, each settled with all that hangs together with it; none of that twice."""

    def __init__(
        self, store: Store, policy: Policy, pace: Pace, *, now_ms: int, cause: ChangeCause
    ) -> None:
        self.changes: Counter[str] = Counter()
        self._store = store
        self._policy = policy
        self._pace = pace
        self._now_ms = now_ms
        self._cause = cause
        self._visited: set[int] = set()

    async def step(self, waiting: Iterator[int]) -> int | None:
        """Settle the next few; answers the last of them, None where there are no more."""
        began = asyncio.get_running_loop().time()
        async with self._store.transaction() as transaction:
            tables = transaction.identity
            await require(tables, self._policy)
            at, large = await self._at_once(tables, waiting)
            another = await tables.settling() is not None
        await rest(began)
        # Who has not the memory for all does not take from another process what that is at.
        if large is not None and not (another and self._pace.too_large):
            await self._large(large)
        return at

    async def _at_once(
        self, tables: IdentityTransaction, waiting: Iterator[int]
    ) -> tuple[int | None, int | None]:
        """As many as a transaction may settle; answers the last, and one that is too much."""
        at = large = None
        done: list[int] = []
        room = MAX_REGION // 2
        for at in waiting:
            if at in self._visited or self._pace.waits([at]):
                continue
            region = await self._reach(tables, at)
            if region is None:
                large = None if self._pace.wait(at) else at
                break
            self._visited.update(region.profiles)
            if self._pace.too_large.isdisjoint(region.profiles.values()):
                self.changes += await self._settle(tables, region)
                done += [at, *region.profiles]  # it is not of its region if erased since
            else:
                self._pace.leave(region.profiles.values())
            room -= len(region.links) + A_REGION
            if room <= 0:
                break
        begun = await tables.settling()
        if begun is None or begun[1] in done:
            await tables.settled(done, up_to=await tables.last_unsettled())
        elif done:  # another process may yet undo it
            self._pace.again()
        return at, large

    async def _large(self, profile_id: int) -> None:
        began = asyncio.get_running_loop().time()
        try:
            changes, settled = await settle_large(
                self._store,
                profile_id,
                self._policy,
                now_ms=self._now_ms,
                too_large=self._pace.too_large,
                cause=self._cause,
            )
        except TooLarge as found:
            self._pace.leave(found.profiles)
            settled = found.profile_ids
        else:
            self.changes += changes
        self._visited.update(settled)
        self._pace.done(settled, asyncio.get_running_loop().time() - began)

    async def _settle(self, tables: IdentityTransaction, region: Region) -> Counter[str]:
        decisions = [row.decision for row in await tables.decisions_about(list(region.profiles))]
        found = plan(region, Region(), decisions, self._policy, Cause())
        if found is None:
            raise NOTHING_TO_GROW_BY
        changes = found.regrouping.changes
        await tables.apply(found.regrouping)
        await tables.note(changes, now_ms=self._now_ms, cause=self._cause)
        return Counter(change.what for change in changes)

    async def _reach(self, tables: IdentityTransaction, profile_id: int) -> Region | None:
        """All that links or decisions connect with a profile ID.

        None above MAX_REGION, and where it meets a large region that waits. What meets a profile
        that is too large for the memory is so too: it is answered as far as it was read.
        """
        region = Region()
        found = await tables.profiles([profile_id])
        profiles = set(found.values())
        if not self._pace.too_large.isdisjoint(profiles):
            return Region(dict(found))
        ring: Region | None = await tables.region(profiles, (), limit=MAX_REGION)
        while ring is not None and (ring.profiles or ring.keys):
            absorb(region, ring)
            if not self._pace.too_large.isdisjoint(ring.profiles.values()):
                return region
            if max(len(region.links), len(region.profiles)) > MAX_REGION:
                return None
            if self._pace.waits(ring.profiles):
                return None
            ring = await ring_of(tables, region, named=await _named(tables, ring))
        return None if ring is None else region


async def _named(tables: IdentityTransaction, ring: Region) -> set[int]:
    """The profiles that decisions connect with those of a ring."""
    rows = await tables.decisions_about(list(ring.profiles))
    return set((await tables.profiles(named_in(row.decision for row in rows))).values())
