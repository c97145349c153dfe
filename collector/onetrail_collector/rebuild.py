"""Resolving in the background: a policy that changed, and what was too much for a commit.

Everything goes in steps, each a transaction of some 0.1 s, so that ingest goes on in between: first
the keys (which are blocked, unknown or shared now), then all within the reach of one profile ID
after the other. What is in one reach is resolved in one transaction; where a reach is larger than
MAX_REGION, in several (large_regions.py), and not too often (pacing.py).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass, field

from onetrail_collector.identity.decisions import named_in
from onetrail_collector.identity.policy import Policy
from onetrail_collector.large_regions import settle_large
from onetrail_collector.pacing import Pace, rest
from onetrail_collector.policy_in_force import (
    applied_policy,
    begin_applying,
    end_applying,
    fingerprint,
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
NOTHING_TO_GROW_BY = AssertionError("a region without a ring is always settled")

log = logging.getLogger("onetrail_collector")

Progress = Callable[[int, int], None]
"""Told (profile IDs and keys done, all)."""


async def keep_settled(store: Store, policy: Policy, now_ms: Callable[[], int]) -> None:
    """Apply the policy where it is not the one that was applied last; then settle what is left.

    Runs until it is cancelled; at any point, and after a crash, it can begin again. What fails (a
    full disk) is tried again.
    """
    pace = Pace()
    while True:
        try:
            applied = await applied_policy(store)
            if applied != fingerprint(policy):
                if applied is not None:  # else the file is new
                    log.info("the identity policy has changed; resolving all profiles again")
                await rebuild(store, policy, now_ms=now_ms(), pace=pace)
            await settle_rest(store, policy, now_ms=now_ms(), pace=pace)
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
    """Resolve everything under this policy; answers the changes by what they are."""
    async with store.transaction() as transaction:
        before = await begin_applying(transaction.identity, policy)
        last_key, last_id = await transaction.identity.last_numbers()
    whole = last_key + last_id
    async for done in _reconsider_keys(store, policy, last_key):
        progress(done, whole)
    changes: Counter[str] = Counter()
    seen = _Seen()
    waiting = iter(range(1, last_id + 1))
    while True:
        changed, at = await _step(
            store, policy, waiting, seen, now_ms=now_ms, pace=None, cause="policy"
        )
        changes += changed
        if at is None:
            break
        progress(last_key + at, whole)
    async with store.transaction() as transaction:  # what is left is on record in `unsettled`
        await end_applying(transaction.identity, policy, before=before)
    changes += await settle_rest(store, policy, now_ms=now_ms, pace=pace, cause="policy")
    progress(whole, whole)
    return changes


async def settle_rest(
    store: Store,
    policy: Policy,
    *,
    now_ms: int,
    pace: Pace | None = None,
    cause: ChangeCause = "background",
) -> Counter[str]:
    """Settle the profile IDs that commits have left, but those that wait; answers as rebuild()."""
    changes: Counter[str] = Counter()
    after = 0 if pace is None else pace.passed()
    too_large: set[int] = set()
    while True:
        async with store.transaction() as transaction:
            left = await transaction.identity.unsettled(after=after, limit=IDS_A_STEP)
        if not left:
            return changes
        seen = _Seen(too_large=too_large)
        waiting = iter([profile_id for _, profile_id in left])
        at: int | None = 0
        while at is not None:
            changed, at = await _step(
                store, policy, waiting, seen, now_ms=now_ms, pace=pace, cause=cause
            )
            changes += changed
        after = left[-1][0]
        if pace is not None:
            pace.passes(after)


async def _reconsider_keys(store: Store, policy: Policy, last_key: int) -> AsyncIterator[int]:
    for start in range(1, last_key + 1, KEYS_A_STEP):
        began = asyncio.get_running_loop().time()
        async with store.transaction() as transaction:
            tables = transaction.identity
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


@dataclass(slots=True)
class _Seen:
    """Profile IDs that need not be looked at again, and profiles of more than memory holds."""

    profile_ids: set[int] = field(default_factory=set)
    too_large: set[int] = field(default_factory=set)


async def _step(  # noqa: PLR0913 - what, under which rules, and how often
    store: Store,
    policy: Policy,
    waiting: Iterator[int],
    seen: _Seen,
    *,
    now_ms: int,
    pace: Pace | None,
    cause: ChangeCause,
) -> tuple[Counter[str], int | None]:
    """Settle the next few profile IDs; answers the changes and the last (None: no more)."""
    began = asyncio.get_running_loop().time()
    changes: Counter[str] = Counter()
    at = None
    large: list[int] = []
    done: list[int] = []
    async with store.transaction() as transaction:
        tables = transaction.identity
        room = MAX_REGION // 2
        for profile_id in waiting:
            at = profile_id
            if profile_id in seen.profile_ids or (pace is not None and pace.waits([profile_id])):
                continue
            region = await _reach(tables, [profile_id], seen, limit=MAX_REGION, pace=pace)
            if region is None and pace is not None and pace.wait(profile_id):
                break
            if region is None:
                large.append(profile_id)
                break
            seen.profile_ids.update(region.profiles)
            if seen.too_large.isdisjoint(region.profiles.values()):
                changes += await _settle(tables, region, policy, now_ms=now_ms, cause=cause)
            done += [profile_id, *region.profiles]  # it is not of its region if erased since
            room -= len(region.links) + A_REGION
            if room <= 0:
                break
        begun = await tables.settling()
        if done and (begun is None or begun[1] in done):  # else another process may yet undo it
            await tables.settled(done, up_to=await tables.last_unsettled())
    await rest(began)
    for profile_id in large:
        began = asyncio.get_running_loop().time()
        changed, settled = await settle_large(
            store,
            profile_id,
            policy,
            now_ms=now_ms,
            too_large=seen.too_large,
            cause=cause,
        )
        changes += changed
        seen.profile_ids.update(settled)
        if pace is not None:
            pace.done(settled, asyncio.get_running_loop().time() - began)
    return changes, at


async def _settle(
    tables: IdentityTransaction, region: Region, policy: Policy, *, now_ms: int, cause: ChangeCause
) -> Counter[str]:
    decisions = [row.decision for row in await tables.decisions_about(list(region.profiles))]
    found = plan(region, Region(), decisions, policy, Cause())
    if found is None:
        raise NOTHING_TO_GROW_BY
    await tables.apply(found.regrouping)
    await tables.note(found.regrouping.changes, now_ms=now_ms, cause=cause)
    return Counter(change.what for change in found.regrouping.changes)


async def _reach(
    tables: IdentityTransaction,
    profile_ids: Collection[int],
    seen: _Seen,
    *,
    limit: int,
    pace: Pace | None,
) -> Region | None:
    """All that links or decisions connect with some profile IDs.

    None above the limit, and where it meets a large region that waits. What meets a profile that
    is of more than memory holds is so too: it is answered as far as it was read.
    """
    region = Region()
    found = await tables.profiles(profile_ids)
    profiles = set(found.values())
    if not seen.too_large.isdisjoint(profiles):
        return Region(dict(found))
    ring: Region | None = await tables.region(profiles, (), limit=limit)
    while ring is not None and (ring.profiles or ring.keys):
        absorb(region, ring)
        if not seen.too_large.isdisjoint(ring.profiles.values()):
            seen.too_large.update(region.profiles.values())
            return region
        if len(region.links) > limit or len(region.profiles) > limit:
            return None
        if pace is not None and pace.waits(ring.profiles):
            return None
        ring = await ring_of(tables, region, named=await _named(tables, ring))
    return None if ring is None else region


async def _named(tables: IdentityTransaction, ring: Region) -> set[int]:
    """The profiles that decisions connect with those of a ring."""
    rows = await tables.decisions_about(list(ring.profiles))
    return set((await tables.profiles(named_in(row.decision for row in rows))).values())
