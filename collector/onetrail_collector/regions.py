"""Resolving a region again, within a commit: bounded, so that no commit takes long.

A region is read with the ring around it (regrouping.py) and grows until what it says holds. Where
that is more than MAX_REGION, or all that a commit resolves again is more than MAX_AGAIN, the
background does it (rebuild.py), and until then a link in conflict joins nobody, with the reason
`unsettled`.
"""

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from onetrail_collector.identity.decisions import Decision
from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.regrouping import NEW_LINKS, Cause, Plan, plan
from onetrail_collector.store.protocol import IdentityTransaction
from onetrail_collector.store.rows import Change, LinkState, Region, Regrouping

MAX_REGION = 5_000  # links, and profile IDs; to resolve so many takes a commit about 0.1 s
MAX_AGAIN = 20_000  # links that one commit reads to resolve again; what is beyond is left as well


@dataclass(slots=True)
class Settled:
    """What became of some links: why each refused one joins nobody, and what changed by them.

    whole is False where the background has yet to settle the rest; asked names the key of each link
    that was to be settled, by its place; room is how many links may yet be read to resolve again.
    """

    asked: dict[tuple[int, int], Key] = field(default_factory=dict)
    refused: dict[tuple[int, Key], str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    void: list[Decision] = field(default_factory=list)
    whole: bool = True
    room: int = field(default_factory=lambda: MAX_AGAIN)


@dataclass(slots=True)
class Reach:
    """Profiles, and keys that no profile holds, which must be resolved again."""

    profiles: set[int] = field(default_factory=set)
    loose_keys: set[int] = field(default_factory=set)

    def add(self, state: LinkState) -> None:
        """Both ends of a link."""
        self.profiles.add(state.profile)
        if state.key_profile is None:
            self.loose_keys.add(state.key)
        else:
            self.profiles.add(state.key_profile)

    @classmethod
    def around(cls, states: Iterable[LinkState]) -> "Reach":
        """Both ends of each link."""
        reach = cls()
        for state in states:
            reach.add(state)
        return reach


async def resolve_again(  # noqa: PLR0913 - what, under which rules, and why
    tables: IdentityTransaction,
    reach: Reach,
    policy: Policy,
    settled: Settled,
    *,
    contested: Sequence[LinkState] = (),
    cause: Cause = NEW_LINKS,
    now_ms: int,
) -> None:
    """Resolve some profiles again, with the contested links that are the cause."""
    if not reach.profiles and not reach.loose_keys:
        return
    places = frozenset((state.link.profile_id, state.key) for state in contested)
    cause = replace(cause, links=places)
    found = await _plan(tables, reach, cause, policy, settled)
    if found is not None:
        await _carry_out(tables, found, settled, cause=cause, now_ms=now_ms)
    elif len(contested) > 1:
        await _one_by_one(tables, reach, contested, policy, settled, cause=cause, now_ms=now_ms)
    else:
        await _leave(tables, reach, contested, settled, cause=cause, now_ms=now_ms)


async def _one_by_one(  # noqa: PLR0913 - likewise
    tables: IdentityTransaction,
    reach: Reach,
    contested: Sequence[LinkState],
    policy: Policy,
    settled: Settled,
    *,
    cause: Cause,
    now_ms: int,
) -> None:
    """Too much at once: first what no contested link is about, then each link while room lasts."""
    ends = Reach.around(contested)
    rest = Reach(reach.profiles - ends.profiles, reach.loose_keys - ends.loose_keys)
    await resolve_again(tables, rest, policy, settled, cause=cause, now_ms=now_ms)
    waiting = sorted(((state.link.profile_id, state.key) for state in contested), reverse=True)
    while waiting and settled.room > 0:
        own = await tables.link_states([waiting.pop()])  # as the ones before left it
        await resolve_again(
            tables,
            Reach.around(own),
            policy,
            settled,
            contested=own,
            cause=cause,
            now_ms=now_ms,
        )
    if waiting:
        left = await tables.link_states(waiting)
        await _leave(tables, Reach.around(left), left, settled, cause=cause, now_ms=now_ms)


async def _plan(
    tables: IdentityTransaction, reach: Reach, cause: Cause, policy: Policy, settled: Settled
) -> Plan | None:
    """Read the region and its ring, and let it grow by rings until the last does not change.

    Between two attempts it grows by 1, 2, 4... rings, so that all attempts together cost little
    more than the last. None where it grows beyond MAX_REGION, or no room is left.
    """
    if settled.room <= 0:
        return None
    region = await tables.region(reach.profiles, reach.loose_keys, limit=MAX_REGION)
    ring = None if region is None else await ring_of(tables, region)
    rings = 1
    while region is not None and ring is not None and _fits(region, ring):
        settled.room -= len(region.links) + len(ring.links)
        decisions = await tables.decisions_about([*region.profiles, *ring.profiles])
        found = plan(region, ring, [row.decision for row in decisions], policy, cause)
        if found is not None:
            return found
        for _ in range(rings):
            absorb(region, ring)
            ring = await ring_of(tables, region)
            if ring is None or not _fits(region, ring):
                break
        rings *= 2
    settled.room -= MAX_REGION
    return None


async def ring_of(
    tables: IdentityTransaction, region: Region, *, named: AbstractSet[int] = frozenset()
) -> Region | None:
    """The profiles and loose keys at the far ends of a region's links, and those named."""
    held = {*region.profiles.values(), *region.keys.values()}  # keys may be all that is left of one
    profiles = set(named)
    loose_keys: set[int] = set()
    for state in region.links.values():
        profiles.add(state.profile)
        if state.key_profile is not None:
            profiles.add(state.key_profile)
        elif state.key not in region.keys:
            loose_keys.add(state.key)
    if profiles <= held and not loose_keys:
        return Region()
    return await tables.region(profiles - held, loose_keys, limit=MAX_REGION)


def _fits(region: Region, ring: Region) -> bool:
    return (
        max(
            len(region.links) + len(ring.links),
            len(region.profiles) + len(ring.profiles),
        )
        <= MAX_REGION
    )


def absorb(region: Region, ring: Region) -> None:
    """Make a ring part of the region."""
    region.free = min(region.free, ring.free)  # an empty ring knows of no number
    region.profiles.update(ring.profiles)
    region.keys.update(ring.keys)
    region.links.update(ring.links)


async def _carry_out(
    tables: IdentityTransaction,
    found: Plan,
    settled: Settled,
    *,
    cause: Cause,
    now_ms: int,
) -> None:
    await tables.apply(found.regrouping)
    await tables.note(found.regrouping.changes, now_ms=now_ms, cause=cause.kind)
    settled.changes += found.regrouping.changes
    settled.void += found.void
    for (profile_id, number), reason in {**found.refused, **found.regrouping.refused}.items():
        key = settled.asked.get((profile_id, number))
        if key is not None and reason is not None:
            settled.refused[profile_id, key] = reason
        elif key is not None:  # an earlier plan of this commit refused it
            settled.refused.pop((profile_id, key), None)


async def _leave(  # noqa: PLR0913 - likewise
    tables: IdentityTransaction,
    reach: Reach,
    contested: Collection[LinkState],
    settled: Settled,
    *,
    cause: Cause,
    now_ms: int,
) -> None:
    """Too much for a commit: leave it to the background; until then the links join nobody."""
    reason = "unsettled"
    refused = {(state.link.profile_id, state.key): reason for state in contested}
    await tables.apply(Regrouping(refused=dict(refused)))
    await tables.unsettle(reach.profiles, reach.loose_keys)
    sizes = await tables.sizes({state.profile for state in contested})
    changes = [
        Change(
            "refused",
            sizes[state.profile].oldest,
            state.link.profile_id,
            state.key,
            reason,
            state.link.event_id,
            cause.decision,
        )
        for state in contested
        if state.refused != reason
    ]
    await tables.note(changes, now_ms=now_ms, cause=cause.kind)
    settled.changes += changes
    settled.refused |= {(state.link.profile_id, state.link.key): reason for state in contested}
    settled.whole = False
