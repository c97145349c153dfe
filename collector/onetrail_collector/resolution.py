"""Identity resolution in the commit that stores the events: what is stored equals resolve() of all.

A new link between two profiles that may be one joins them and changes nothing else: a few look-ups,
and the smaller of the two is relabelled (joining.py). One that may join nobody and comes last in
the order is refused (latecomers.py). Any other change is resolved again with the profiles that it
concerns and the ring around them (regions.py).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from onetrail_collector.identity.decisions import RefuseKey, named_in
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import order, why_inactive
from onetrail_collector.joining import Joins, relabelled
from onetrail_collector.latecomers import MAX_LINKS_READ, find_latecomers
from onetrail_collector.regions import Reach, Settled, resolve_again
from onetrail_collector.regrouping import NEW_LINKS, Cause
from onetrail_collector.store.protocol import IdentityTransaction
from onetrail_collector.store.rows import Change, KeyState, LinkState, ProfileSize, Regrouping


async def settle(  # noqa: PLR0913 - what, under which rules, and how much
    tables: IdentityTransaction,
    states: Sequence[LinkState],
    policy: Policy,
    *,
    new_ids: AbstractSet[int] = frozenset(),
    now_ms: int,
    may_read: int = MAX_LINKS_READ,
) -> Settled:
    """Resolve links that are new or have earlier evidence, as they are stored.

    `new_ids` are profile IDs that this commit has issued: each is a profile that holds no key yet.
    `may_read` is how many links are read at most to find those that come last.
    """
    settled = Settled()
    inactive = await _set_inactive(tables, states, policy)
    await _leave_word(tables, {state.link.profile_id for state in states}, inactive, policy)
    active = []
    for state in states:
        reason = state.inactive or inactive.get(state.key)
        if reason is None:
            active.append(state)
        else:
            settled.refused[state.link.profile_id, state.link.key] = reason
    active.sort(key=lambda state: order(state.link, policy))  # so that none is undone at once
    settled.asked = {(state.link.profile_id, state.key): state.link.key for state in active}
    joins, contested = await _joins(tables, active, policy, new_ids)
    into, changes = joins.outcome(await _sizes(tables, joins.merged, new_ids))
    held = joins.held_keys(into)
    await tables.merge(into, held, new_ids=new_ids)
    await tables.note(changes, now_ms=now_ms)
    settled.changes += changes
    reach = Reach(
        {s.key_profile for s in states if s.key in inactive and s.key_profile is not None}
    )
    reach.profiles = {into.get(profile, profile) for profile in reach.profiles}
    contested = [relabelled(state, into, held) for state in contested]
    if contested:
        late = await find_latecomers(
            tables, contested, joins, policy, uncertain=reach.profiles, may_read=may_read
        )
        contested = await _refuse(tables, contested, late, settled, now_ms=now_ms)
    for state in contested:
        reach.add(state)
    await resolve_again(tables, reach, policy, settled, contested=contested, now_ms=now_ms)
    return settled


async def _refuse(
    tables: IdentityTransaction,
    contested: Sequence[LinkState],
    reasons: Mapping[tuple[int, int], str],
    settled: Settled,
    *,
    now_ms: int,
) -> list[LinkState]:
    """Refuse some links, which changes nothing else; answers the others."""
    if not reasons:
        return list(contested)
    states = {(state.link.profile_id, state.key): state for state in contested}
    oldest = await tables.oldest({states[place].profile for place in reasons})
    changes = []
    for place, reason in reasons.items():
        link, key, profile = states[place][:3]
        verdict = Change("refused", oldest[profile], place[0], key, reason, link.event_id)
        changes.append(verdict)
        settled.refused[place[0], link.key] = reason
    await tables.apply(Regrouping(refused=dict(reasons)))
    await tables.note(changes, now_ms=now_ms)
    settled.changes += changes
    return [state for place, state in states.items() if place not in reasons]


async def reconsider(  # noqa: PLR0913 - what, under which rules, and why
    tables: IdentityTransaction,
    profile_ids: Collection[int],
    keys: Collection[int],
    policy: Policy,
    settled: Settled,
    *,
    cause: Cause = NEW_LINKS,
    now_ms: int,
) -> None:
    """Resolve again after a change around these profile IDs and keys that was no new link.

    As a decision about them, or links of theirs that are gone: then the profiles that held both
    ends must be among those of `profile_ids`.
    """
    rows = await tables.decisions_about(profile_ids)
    named = named_in(row.decision for row in rows)
    reach = Reach(set((await tables.profiles([*profile_ids, *named])).values()))
    reasons: dict[int, str | None] = {}
    woken: list[tuple[int, int]] = []
    for state in await tables.key_states(keys, count_to=count_to(policy)):
        reason = reason_of(state, policy)
        if reason == state.inactive:
            continue
        reasons[state.id] = reason
        if state.profile is not None:
            reach.profiles.add(state.profile)
        if reason is None:
            users = await tables.users(state.id, limit=state.seen_on)
            woken += [(profile_id, state.id) for profile_id in users]
    await tables.set_inactive(reasons)
    await _leave_word(tables, {*profile_ids, *named}, keys, policy)
    contested = await tables.link_states(woken) if woken else []
    for link in contested:
        reach.add(link)
    await resolve_again(
        tables, reach, policy, settled, contested=contested, cause=cause, now_ms=now_ms
    )


async def _leave_word(
    tables: IdentityTransaction,
    profile_ids: AbstractSet[int],
    keys: Iterable[int],
    policy: Policy,
) -> None:
    """While the background resolves a large region as it was: it must look again at what changes.

    That is these profile IDs, and whoever else has links to these keys.
    """
    if await tables.settling() is None:
        return
    words = set(profile_ids)
    for key in keys:
        words.update(await tables.users(key, limit=count_to(policy) + len(profile_ids)))
    await tables.unsettle_ids(words)


async def unlink(
    tables: IdentityTransaction, profile_ids: Collection[int], policy: Policy, *, now_ms: int
) -> Settled:
    """Forget all links of some profile IDs, as an erasure does, and resolve who is left.

    Each of them is a profile of its own afterwards, and a key that nobody has joins nobody.
    """
    settled = Settled()
    keys = await tables.delete_links(profile_ids)
    await reconsider(
        tables, profile_ids, keys, policy, settled, cause=Cause(kind="erasure"), now_ms=now_ms
    )
    return settled


def reason_of(state: KeyState, policy: Policy) -> str | None:
    """Why a key joins nobody; None where it may."""
    refused = (RefuseKey(state.key),) if state.refused else ()
    return why_inactive({state.key: state.seen_on}, refused, policy).get(state.key)


async def _set_inactive(
    tables: IdentityTransaction, states: Sequence[LinkState], policy: Policy
) -> dict[int, str | None]:
    """Find the keys that join nobody from now on, as those that have become shared."""
    keys = {state.key: state.link.key for state in states if state.inactive is None}
    seen_on = await tables.seen_on(keys, count_to=count_to(policy)) if keys else {}
    counts = {keys[number]: count for number, count in seen_on.items()}
    reasons = why_inactive(counts, (), policy)  # a refused key is inactive since it was refused
    found: dict[int, str | None] = {
        state.key: reasons[state.link.key] for state in states if state.link.key in reasons
    }
    await tables.set_inactive(found)
    return found


def count_to(policy: Policy) -> int:
    """On so many profile IDs a key of any kind is shared; to count further tells nothing."""
    return max(kind.max_profile_ids for kind in policy.kinds.values()) + 1


async def _sizes(
    tables: IdentityTransaction, profiles: AbstractSet[int], new_ids: AbstractSet[int]
) -> dict[int, ProfileSize]:
    """The new ones come last, so that of two of one size the old one keeps its number."""
    old = profiles - new_ids
    sizes = await tables.sizes(old) if old else {}
    return sizes | {profile: ProfileSize(profile, 1) for profile in profiles & new_ids}


async def _joins(
    tables: IdentityTransaction,
    states: Sequence[LinkState],
    policy: Policy,
    new_ids: AbstractSet[int],
) -> tuple[Joins, list[LinkState]]:
    """Join what can be joined without conflict; the links that cannot come second."""
    apart_yet = [state for state in states if state.profile != state.key_profile]
    profiles = {state.profile for state in apart_yet}
    profiles |= {state.key_profile for state in apart_yet if state.key_profile is not None}
    profiles -= new_ids
    joins = Joins(policy, await tables.values(profiles) if profiles else {})
    if profiles:
        joins.keep_apart(await tables.parted(profiles))
    return joins, [state for state in states if not joins.join(state)]
