"""Links in conflict that come last: each is refused, and nothing is resolved again for it.

What touches the two profiles at the ends of such a link was considered before it, so they are what
they are now when its turn comes, and as they cannot be one, it changes nothing (the order in
identity/resolve.py). That is how most conflicts are: of a new sign-in at an address in use.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from onetrail_collector.identity.policy import Policy
from onetrail_collector.joining import Joins
from onetrail_collector.store.protocol import IdentityTransaction
from onetrail_collector.store.rows import LinkState, Moment

PROFILES_A_READ = 128
LINKS_A_READ = 5_000
MAX_LINKS_READ = 20_000  # of a commit; to read so many takes it about 0.05 s

Latest = dict[str, Moment]
"""Of each kind the latest of a profile's links."""


async def find_latecomers(  # noqa: PLR0913 - what, under which rules, and how much
    tables: IdentityTransaction,
    contested: Sequence[LinkState],
    joins: Joins,
    policy: Policy,
    *,
    uncertain: AbstractSet[int],
    may_read: int = MAX_LINKS_READ,
) -> dict[tuple[int, int], str]:
    """Of links in conflict, in their order, those that come last, and why each is refused.

    `uncertain` are the profiles that are yet to be resolved again for another reason; at most
    `may_read` links are read.
    """
    candidates = [
        state
        for state in contested
        if state.refused is None
        and state.key_profile is not None
        and uncertain.isdisjoint(_ends(state))
    ]
    profiles = sorted({profile for state in candidates for profile in _ends(state)})
    places = [(state.link.profile_id, state.key) for state in contested]
    latest = await _read(tables, profiles, places, may_read)
    refused = {}
    for state in candidates:
        one, other = (latest.get(profile) for profile in _ends(state))
        if one is None or other is None or not _is_last(state, (one, other), policy):
            continue
        reason = joins.conflict(state)
        if reason is not None:
            refused[state.link.profile_id, state.key] = reason
            moment = state.link.time_ms, state.link.event_id
            one[state.link.key.kind] = other[state.link.key.kind] = moment
    return refused


def _ends(state: LinkState) -> tuple[int, ...]:
    return (state.profile,) if state.key_profile is None else (state.profile, state.key_profile)


def _is_last(state: LinkState, ends: Iterable[Latest], policy: Policy) -> bool:
    """Whether a link comes after all of theirs; of those of one event that is not known.

    A kind that the policy has no more joins nobody.
    """
    link = state.link
    own = (policy.kinds[link.key.kind].priority, link.time_ms, link.event_id)
    return all(
        (policy.kinds[kind].priority, *latest) < own
        for by_kind in ends
        for kind, latest in by_kind.items()
        if kind in policy.kinds
    )


async def _read(
    tables: IdentityTransaction,
    profiles: Sequence[int],
    besides: Collection[tuple[int, int]],
    room: int,
) -> Mapping[int, Latest]:
    """Of each profile its latest links but these; not of one that has too many."""
    found: dict[int, Latest] = {}
    waiting = [
        profiles[start : start + PROFILES_A_READ]
        for start in range(0, len(profiles), PROFILES_A_READ)
    ]
    while waiting and room > 0:
        some = waiting.pop()
        limit = min(room, LINKS_A_READ)
        rows = await tables.latest(some, besides=besides, limit=limit)
        if rows is None:
            room -= limit
            half = len(some) // 2
            waiting += [some[:half], some[half:]] if half else []
            continue
        found |= {profile: {} for profile in some}
        for profile, kind, latest, count in rows:
            found[profile][kind] = latest
            room -= count
    return found
