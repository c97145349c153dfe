"""Resolving what hangs together with one profile ID, where that is too much for a transaction.

It is read in steps, resolved beside the event loop, and written in steps, under numbers that no
profile has, so that none holds what it may not. Commits that touch links meanwhile leave word in
`unsettled`, and those profile IDs come next.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from onetrail_collector.identity.decisions import Decision
from onetrail_collector.identity.policy import Policy
from onetrail_collector.regions import absorb
from onetrail_collector.regrouping import Cause, plan
from onetrail_collector.resolution import named_in
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import Region, Regrouping

PROFILES_A_READ = 500
WRITES_A_STEP = 2_000
REST = 1.0  # ingest gets as much time as a step took
NOTHING_TO_GROW_BY = AssertionError("a region without a ring is always settled")


async def settle_large(
    store: Store, profile_id: int, policy: Policy, *, now_ms: int
) -> tuple[Counter[str], Collection[int]]:
    """Settle a reach too large for a transaction, in steps; answers its profile IDs as well."""
    async with store.transaction() as transaction:
        await transaction.identity.set_state("settling", "1")
        last = await transaction.identity.last_unsettled()
    region, decisions = await _read_large(store, profile_id)
    found = await asyncio.to_thread(
        plan, region, Region(), decisions, policy, Cause(), new_numbers=True
    )
    if found is None:
        raise NOTHING_TO_GROW_BY
    done = found.regrouping
    for part in _parts(done):
        began = asyncio.get_running_loop().time()
        async with store.transaction() as transaction:
            await transaction.identity.apply(part)
            await transaction.identity.note(part.changes, now_ms=now_ms)
        await rest(began)
    profile_ids = iter(region.profiles)
    while some := list(islice(profile_ids, WRITES_A_STEP)):
        async with store.transaction() as transaction:
            await transaction.identity.settled(some, up_to=last)
    async with store.transaction() as transaction:
        await transaction.identity.set_state("settling", None)
    return Counter(change.what for change in done.changes), region.profiles.keys()


async def _read_large(store: Store, profile_id: int) -> tuple[Region, list[Decision]]:
    """All within reach of a profile ID, and what was decided about it, oldest first."""
    region = Region()
    decisions: dict[int, Decision] = {}
    async with store.transaction() as transaction:
        profiles = set((await transaction.identity.profiles([profile_id])).values())
    loose: set[int] = set()
    held: set[int] = set()
    while profiles or loose:
        began = asyncio.get_running_loop().time()
        some = set(islice(profiles, PROFILES_A_READ))
        some_keys = set(islice(loose, PROFILES_A_READ))
        async with store.transaction() as transaction:
            tables = transaction.identity
            part = await tables.region(some, some_keys, limit=2**31)
            if part is None:
                raise NOTHING_TO_GROW_BY
            rows = await tables.decisions_about(list(part.profiles))
            decisions |= {row.id: row.decision for row in rows}
            ids = named_in(row.decision for row in rows)
            named = set((await tables.profiles(ids)).values()) if ids else set()
        profiles -= some
        loose -= some_keys
        held |= some
        absorb(region, part)
        for state in part.links.values():
            profiles |= {state.profile, state.key_profile or state.profile} - held
            if state.key_profile is None and state.key not in region.keys:
                loose.add(state.key)
        profiles |= named - held
        await rest(began)
    return region, [decisions[number] for number in sorted(decisions)]


def _parts(whole: Regrouping) -> Iterable[Regrouping]:
    """The same in pieces that a short transaction can write: profile by profile."""
    items: Iterator[tuple[str, object, object]] = iter(
        [
            *(("profiles", *item) for item in whole.profiles.items()),
            *(("keys", *item) for item in whole.keys.items()),
            *(("refused", *item) for item in whole.refused.items()),
            *(("changes", change, None) for change in whole.changes),
        ]
    )
    while some := list(islice(items, WRITES_A_STEP)):
        part = Regrouping()
        for where, item, value in some:
            if where == "changes":
                part.changes.append(item)  # type: ignore[arg-type]
            else:
                getattr(part, where)[item] = value
        yield part


async def rest(began: float) -> None:
    """Let ingest go on, after a step that began then."""
    await asyncio.sleep((asyncio.get_running_loop().time() - began) * REST)
