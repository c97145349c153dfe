"""Resolving what hangs together with one profile ID, where that is too much for a transaction.

It is read in pages, resolved beside the event loop, and written in parts, under numbers reserved
for it. Commits know that meanwhile, and leave word in `unsettled` of what they change: those
profile IDs come next. Its own word there is struck off last: who dies in between begins again, and
of two at once the later goes on alone.

All of it is in memory at once. What would take more than half of what the collector may have stays
as commits left it, on record: its links in conflict join nobody until it is smaller.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from itertools import islice

from onetrail_collector.identity.policy import Policy
from onetrail_collector.large_reading import TooLarge, read_large
from onetrail_collector.large_writing import moves, parts
from onetrail_collector.memory import allowed_bytes
from onetrail_collector.pacing import rest
from onetrail_collector.regrouping import plan_whole
from onetrail_collector.store.protocol import IdentityTransaction, Store
from onetrail_collector.store.rows import Change, ChangeCause, LargeRegion, Regrouping

IDS_A_STEP = 2_000
TOO_LARGE = (
    "what hangs together with profile ID number %d takes more than %d MiB to resolve, half of the "
    "memory there is: those of its links that are in conflict join nobody until it is smaller"
)

log = logging.getLogger("onetrail_collector")


async def settle_large(  # noqa: PLR0913 - what, under which rules, and why
    store: Store,
    profile_id: int,
    policy: Policy,
    *,
    now_ms: int,
    too_large: AbstractSet[int] = frozenset(),
    cause: ChangeCause = "background",
) -> tuple[Counter[str], Collection[int]]:
    """Settle a reach too large for a transaction, in steps; answers its profile IDs as well.

    Raises TooLarge, and leaves a word of it, where it is too large for the memory or meets one of
    these profiles, which are known to be so.
    """
    async with store.transaction() as transaction:
        before = await transaction.identity.settling()
        word = await transaction.identity.begin_settling(profile_id)
    max_bytes = allowed_bytes() // 2
    try:
        region = await read_large(store, profile_id, max_bytes=max_bytes, too_large=too_large)
    except TooLarge as found:
        if not found.known:
            log.warning(TOO_LARGE, profile_id, max_bytes >> 20)
        async with store.transaction() as transaction:
            await transaction.identity.leave_settling(word, before=before)
        raise
    async with store.transaction() as transaction:
        region.free = await transaction.identity.reserve_numbers(len(region.profiles))
    done = await asyncio.to_thread(_plan, region, policy)
    changes: Counter[str] = Counter()
    for part in done:
        began = asyncio.get_running_loop().time()
        async with store.transaction() as transaction:
            tables = transaction.identity
            if not await _goes_on(tables, word):
                return changes, region.profiles.keys()
            await _leave_what_moved(tables, part, region, word)
            part.changes += await _moves(tables, part, region)
            await tables.apply(part)
            await tables.note(part.changes, now_ms=now_ms, cause=cause)
        changes.update(change.what for change in part.changes)
        await rest(began)
    await _strike_off(store, region.profiles, profile_id, word)
    return changes, region.profiles.keys()


async def _goes_on(tables: IdentityTransaction, word: int) -> bool:
    """Whether nobody has begun another large region since, or the same."""
    begun = await tables.settling()
    return begun is not None and begun[0] == word


def _plan(region: LargeRegion, policy: Policy) -> list[Regrouping]:
    """What must be written, part by part. Of the region its links are let go of."""
    found = plan_whole(region, policy)
    region.links.clear()
    region.values.clear()
    return list(parts(found))


async def _leave_what_moved(
    tables: IdentityTransaction, part: Regrouping, region: LargeRegion, word: int
) -> None:
    """Take out of a part what others have moved or left word of since it was read.

    As decisions and erasures do; it is as they left it, and looked at once more.
    """
    now = await tables.profiles(part.profiles)
    held = {row[0]: row[3] for row in await tables.active_keys(list(part.keys))}
    ids = {*part.profiles, *(profile_id for profile_id, _ in part.refused)}
    left = await tables.unsettled_since(word, ids)
    moved = [one for one in part.profiles if now.get(one) != region.profiles[one]]
    moved_keys = [key for key in part.keys if key not in held or held[key] != region.keys[key]]
    await tables.unsettle_ids(moved)
    await tables.unsettle((), moved_keys)
    for one in left.union(moved):
        part.profiles.pop(one, None)
    for key in moved_keys:
        del part.keys[key]
    part.changes = [change for change in part.changes if change.other not in left]
    for place in [place for place in part.refused if place[0] in left]:
        del part.refused[place]


async def _moves(
    tables: IdentityTransaction, part: Regrouping, region: LargeRegion
) -> list[Change]:
    before = {one: region.profiles[one] for one in part.profiles}
    touched = {*before.values(), *part.profiles.values()}
    oldest = await tables.oldest(touched)
    left = await tables.oldest_besides(touched, part.profiles)
    return moves(part.profiles, before, oldest, left)


async def _strike_off(store: Store, profile_ids: Collection[int], first: int, word: int) -> None:
    """What was left of these, up to the word of the first: that one last."""
    others: Iterator[int] = (one for one in profile_ids if one != first)
    while some := list(islice(others, IDS_A_STEP)):
        began = asyncio.get_running_loop().time()
        async with store.transaction() as transaction:
            if not await _goes_on(transaction.identity, word):
                return
            await transaction.identity.settled(some, up_to=word)
        await rest(began)
    async with store.transaction() as transaction:
        if await _goes_on(transaction.identity, word):
            await transaction.identity.settled([first], up_to=word)
