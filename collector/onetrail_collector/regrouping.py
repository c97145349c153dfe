"""What must be written so that a region is stored as resolve() says: a plan, done or previewed.

A region is some whole profiles and the ring of profiles around them: those at the far ends of their
refused links. Nothing beyond the ring can change as long as the ring does not, because a link
between two groups that are as they were is refused as it was. Where the ring changes, the region
must grow.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from onetrail_collector.identity.decisions import Decision
from onetrail_collector.identity.keys import PlainKey
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Resolution, resolve
from onetrail_collector.store.rows import (
    Change,
    ChangeCause,
    LargeRegion,
    LinkState,
    Region,
    Regrouping,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why profiles change: the links that are new, or what `kind` says, as a decision."""

    links: AbstractSet[tuple[int, int]] = frozenset()  # (profile ID, key)
    decision: int | None = None
    kind: ChangeCause = "event"


NEW_LINKS = Cause()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write, the links that join nobody, and the decisions without effect."""

    regrouping: Regrouping
    refused: Mapping[tuple[int, int], str]  # (profile ID, key)
    void: Sequence[Decision]


@dataclass(slots=True)
class _Group:
    """A new profile: its oldest profile ID, its members, and the number that it will go by."""

    oldest: int
    profile_ids: list[int]
    keys: list[int]
    number: int = 0


def plan(
    inner: Region, ring: Region, decisions: Sequence[Decision], policy: Policy, cause: Cause
) -> Plan | None:
    """Resolve a region with its ring, and say what differs from what is stored.

    None where the ring changes: the region must grow before anything can be said.
    """
    links = _within(inner, ring)
    resolution = resolve(
        [state.link for state in links.values()],
        decisions,
        policy,
        seen_on={state.link.key: 1 for state in links.values()},  # none of them is shared
    )
    values = {state.key: state.link.key for state in links.values()}
    groups = _groups(sorted([*inner.profiles, *ring.profiles]), values.items(), resolution)
    if _changes(ring, groups):
        return None
    inside = [group for group in groups if group.profile_ids[0] in inner.profiles]
    _number(inside, inner.profiles, inner.free)
    refused = {
        place: reason
        for place, state in links.items()
        if (reason := resolution.refused.get((place[0], state.link.key))) is not None
    }
    differing = {
        place: refused.get(place)
        for place, state in links.items()
        if refused.get(place) != state.refused
    }
    changes = _moves(inside, inner.profiles, links, cause)
    changes += [
        _verdict(place, links[place].link.event_id, reason, resolution, cause)
        for place, reason in differing.items()
    ]
    profiles, keys = _relabelled(inside, inner.profiles, inner.keys)
    return Plan(Regrouping(profiles, keys, differing, changes), refused, resolution.void)


def plan_whole(region: LargeRegion, policy: Policy) -> Regrouping:
    """The same for all that hangs together, to be written in parts: it has no ring.

    So a profile that loses a member is written under a number of its own, and history says of
    profiles what each part does (large_writing.py); here it has the verdicts on links alone.
    """
    decisions = [region.decisions[number] for number in sorted(region.decisions)]
    resolution = resolve(
        region.links,
        decisions,
        policy,
        seen_on={value: 1 for value in region.values.values()},  # noqa: C420 - that stops all threads
    )
    groups = _groups(region.profiles, region.values.items(), resolution)
    _number(groups, region.profiles, region.free, new_numbers=True)
    moved = _relabelled(groups, region.profiles, region.keys)
    return Regrouping(*moved, *_verdicts(region, resolution))


def _verdicts(
    region: LargeRegion, resolution: Resolution
) -> tuple[dict[tuple[int, int], str | None], list[Change]]:
    """The links that are refused and were not, or otherwise, or no more; each with its history."""
    named = {value for _, value in resolution.refused}
    named |= {region.values[key] for _, key in region.refused}
    keys = {value: key for key, value in region.values.items() if value in named}
    differing, changes = {}, []
    for profile_id, value, _, event_id in region.links:
        if value not in keys:
            continue
        place = (profile_id, keys[value])
        reason = resolution.refused.get((profile_id, value))
        if reason != region.refused.get(place):
            differing[place] = reason
            changes.append(_verdict(place, event_id, reason, resolution, Cause()))
    return differing, changes


def _within(inner: Region, ring: Region) -> dict[tuple[int, int], LinkState]:
    """The links with both ends in the region or its ring."""
    links = inner.links | ring.links
    return {
        (profile_id, key): state
        for (profile_id, key), state in links.items()
        if (profile_id in inner.profiles or profile_id in ring.profiles)
        and (key in inner.keys or key in ring.keys)
    }


def _groups(
    profile_ids: Iterable[int], values: Iterable[tuple[int, PlainKey]], resolution: Resolution
) -> list[_Group]:
    """The new profiles; a profile ID without links or decisions is one of its own."""
    groups: dict[int, _Group] = {}
    for profile_id in profile_ids:
        oldest = resolution.profiles.get(profile_id, profile_id)
        if oldest not in groups:
            groups[oldest] = _Group(oldest, [], [])
        groups[oldest].profile_ids.append(profile_id)
    for key, value in values:
        if value in resolution.keys:
            groups[resolution.keys[value]].keys.append(key)
    for group in groups.values():
        group.profile_ids.sort()
    return list(groups.values())


def _changes(ring: Region, groups: Sequence[_Group]) -> bool:
    """Whether a profile of the ring, or a key there that none held, is not what it was."""
    before: dict[int, tuple[set[int], set[int]]] = {}
    for profile_id, number in ring.profiles.items():
        before.setdefault(number, (set(), set()))[0].add(profile_id)
    for key, number_or_none in ring.keys.items():
        if number_or_none is not None:
            before.setdefault(number_or_none, (set(), set()))[1].add(key)
    same = set()
    for group in groups:
        own = ring.profiles.get(group.profile_ids[0])
        if own is not None and before[own] == (set(group.profile_ids), set(group.keys)):
            same.add(own)
    held = {key for group in groups for key in group.keys}
    return len(same) < len(before) or any(
        number is None and key in held for key, number in ring.keys.items()
    )


def _number(
    groups: Sequence[_Group], profiles: Mapping[int, int], free: int, *, new_numbers: bool = False
) -> None:
    """Let each new profile keep the number that most of its members carry; no two the same.

    With new_numbers one that loses a member to another keeps none.
    """
    claims = []
    before = Counter(profiles.values())
    for group in groups:
        numbers = Counter(profiles[profile_id] for profile_id in group.profile_ids)
        if new_numbers and any(count < before[number] for number, count in numbers.items()):
            continue
        claims += [(-count, number, group.oldest, group) for number, count in numbers.items()]
    taken: set[int] = set()
    named: set[int] = set()
    for _, number, oldest, group in sorted(claims, key=lambda claim: claim[:3]):
        if number not in taken and oldest not in named:
            group.number = number
            taken.add(number)
            named.add(oldest)
    for group in groups:
        if group.oldest not in named:
            group.number = free
            free -= 1


def _moves(
    groups: Sequence[_Group],
    profiles: Mapping[int, int],
    links: Mapping[tuple[int, int], LinkState],
    cause: Cause,
) -> list[Change]:
    """Which profiles were split and merged; each piece goes by its oldest profile ID."""
    oldest_before: dict[int, int] = {}
    for profile_id, number in profiles.items():
        oldest_before[number] = min(profile_id, oldest_before.get(number, profile_id))
    by_id, by_number = _first_causes(cause, links)
    splits, merges = [], []
    for group in groups:
        pieces: dict[int, int] = {}  # number before -> oldest profile ID of the piece
        for profile_id in group.profile_ids:
            pieces.setdefault(profiles[profile_id], profile_id)
        own = min((by_id[one] for one in group.profile_ids if one in by_id), default=None)
        for number, oldest in pieces.items():
            first = min(filter(None, (own, by_number.get(number))), default=None)
            event_id = None if first is None else links[first].link.event_id
            if oldest != oldest_before[number]:
                splits.append(_change("split", oldest_before[number], oldest, event_id, cause))
            if oldest != group.oldest:
                merges.append(_change("merged", group.oldest, oldest, event_id, cause))
    return splits + merges


def _first_causes(
    cause: Cause, links: Mapping[tuple[int, int], LinkState]
) -> tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]]:
    """The first of the new links at each profile ID, and at each profile that was.

    What moves without one only follows from others.
    """
    by_id: dict[int, tuple[int, int]] = {}
    by_number: dict[int, tuple[int, int]] = {}
    for place in sorted(cause.links & links.keys(), reverse=True):
        state = links[place]
        by_id[place[0]] = by_number[state.profile] = place
        if state.key_profile is not None:
            by_number[state.key_profile] = place
    return by_id, by_number


def _change(what: str, profile: int, other: int, event_id: str | None, cause: Cause) -> Change:
    return Change(what, profile, other, event_id=event_id, decision=cause.decision)


def _verdict(
    place: tuple[int, int],
    event_id: str,
    reason: str | None,
    resolution: Resolution,
    cause: Cause,
) -> Change:
    """That a link is refused, or accepted, which was not."""
    profile_id, key = place
    what = "accepted" if reason is None else "refused"
    profile = resolution.profiles[profile_id]
    return Change(what, profile, profile_id, key, reason, event_id, cause.decision)


def _relabelled(
    groups: Sequence[_Group], profiles: Mapping[int, int], keys: Mapping[int, int | None]
) -> tuple[dict[int, int], dict[int, int | None]]:
    """The profile IDs and the keys that get another number."""
    moved = {
        profile_id: group.number
        for group in groups
        for profile_id in group.profile_ids
        if profiles[profile_id] != group.number
    }
    held = {key: group.number for group in groups for key in group.keys}
    return moved, {key: held.get(key) for key, before in keys.items() if held.get(key) != before}
