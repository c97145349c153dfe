"""Profiles are a pure function of the links, the decisions and the policy; this file is it.

First some links are set aside, each by itself, whatever the others are:

    unknown_kind  the policy has no such kind of key (any more)
    blocked       its value is one that many send, as "null"
    key_refused   an operator refused the key, for everyone
    shared        its value is seen on more than `max_profile_ids` profile IDs
    link_refused  an operator refused this link

The rest are considered in one fixed order, and each joins the group of its profile ID with the
group of its key. The order in which they arrived plays no part:

    operator's decisions, the newest first
    -> kind's priority -> time of the evidence -> event id -> profile ID -> key

A link is refused, never dropped, where the join would make a group that may not be:

    apart         an operator said that two of its profile IDs are never one person
    exclusive     it would hold two values of an exclusive kind
    limit         it would hold more than `max_values` values of a kind

From this follows a law, on which the incremental path (resolution.py) and the speed of this one
rest: a link between two groups that may be one joins them and changes nothing else, whatever its
place in the order. So what hangs together and breaks no rule as a whole needs no order
(components.py).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from typing import NamedTuple, TypeVar

from onetrail_collector.identity.blocked import blocked_list
from onetrail_collector.identity.components import Components, PlainLink
from onetrail_collector.identity.decisions import Decision, RefuseKey, RefuseLink
from onetrail_collector.identity.groups import Groups
from onetrail_collector.identity.keys import Key, PlainKey
from onetrail_collector.identity.policy import Policy

K = TypeVar("K", bound=PlainKey)
T = TypeVar("T")
SORTED_AT_ONCE = 10_000  # links; to sort a million at once would hold up all threads for seconds


class Link(NamedTuple):
    """The evidence that a profile ID used a merging key: the earliest event that says so.

    `profile_id` is its number in the order of issue: the smaller, the older.
    """

    profile_id: int
    key: Key
    time_ms: int
    event_id: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """profiles: each profile ID's profile, named by its oldest profile ID.

    keys: the profile, named likewise, of each key that an accepted link leads to.
    refused: each link that joins nobody, and why.
    void: decisions without effect, because a newer one says the opposite.
    """

    profiles: Mapping[int, int]
    keys: Mapping[PlainKey, int]
    refused: Mapping[tuple[int, PlainKey], str]
    void: Sequence[Decision] = ()


def resolve(
    links: Iterable[PlainLink],
    decisions: Sequence[Decision],
    policy: Policy,
    *,
    seen_on: Mapping[PlainKey, int] | None = None,
) -> Resolution:
    """Group profile IDs into profiles.

    `links` holds at most one link for a (profile ID, key); `decisions` come oldest first. Where the
    links are a part of all links, `seen_on` says on how many profile IDs each key is seen in the
    whole.
    """
    links = list(links)
    counts = Counter(map(itemgetter(1), links)) if seen_on is None else seen_on
    groups = Groups(policy.kinds)
    void = [decision for decision in reversed(decisions) if not groups.decide(decision)]
    inactive = why_inactive(counts, decisions, policy)
    refused_links: set[tuple[int, PlainKey]] = {
        (decision.profile_id, decision.key)
        for decision in decisions
        if isinstance(decision, RefuseLink)
    }
    candidates: list[PlainLink] = []
    refused: dict[tuple[int, PlainKey], str] = {}
    for link in links:
        key = link[1]
        if key in inactive:
            refused[link[0], key] = inactive[key]
        elif refused_links and (link[0], key) in refused_links:
            refused[link[0], key] = "link_refused"
        else:
            candidates.append(link)
    profiles, keys, contested = _uncontested(candidates, groups)
    for profile_id, key, _, _ in _in_order(contested, policy):
        reason = groups.join(profile_id, key)
        if reason is not None:
            refused[profile_id, key] = reason
    for profile_id, _ in refused:
        if profile_id not in profiles:
            groups.add(profile_id)
    contested_profiles, contested_keys = groups.named_by_oldest()
    return Resolution(
        _together(profiles, contested_profiles), _together(keys, contested_keys), refused, void
    )


def order(link: PlainLink, policy: Policy) -> tuple[int, int, str, int, PlainKey]:
    """The place of a link among all: what compares lower is considered first."""
    profile_id, key, time_ms, event_id = link
    return (policy.kinds[key[0]].priority, time_ms, event_id, profile_id, key)


def _uncontested(
    links: Sequence[PlainLink], groups: Groups
) -> tuple[dict[int, int], dict[PlainKey, int], list[PlainLink]]:
    """The profiles that break no rule, and the links of all others."""
    parts = Components(links)
    contested = parts.contested(groups.tally, groups.named)
    return *parts.named_by_oldest(contested), parts.links_of(contested, links)


def _in_order(links: Sequence[PlainLink], policy: Policy) -> Iterator[PlainLink]:
    def place(link: PlainLink) -> tuple[int, int, str, int, PlainKey]:
        return order(link, policy)

    pieces = [
        sorted(links[start : start + SORTED_AT_ONCE], key=place)
        for start in range(0, len(links), SORTED_AT_ONCE)
    ]
    return merge(*pieces, key=place)


def _together(one: dict[T, int], other: dict[T, int]) -> dict[T, int]:
    """Both, in the larger of them."""
    small, large = sorted((one, other), key=len)
    large.update(small)
    return large


def why_inactive(
    seen_on: Mapping[K, int], decisions: Iterable[Decision], policy: Policy
) -> dict[K, str]:
    """The keys, of those seen, that join nobody whatever links there are, and why."""
    refused: set[PlainKey] = {
        decision.key for decision in decisions if isinstance(decision, RefuseKey)
    }
    rules = {
        name: (blocked_list(kind.blocked).entry, kind.max_profile_ids)
        for name, kind in policy.kinds.items()
    }
    reasons = {}
    for key, count in seen_on.items():
        kind, value = key
        if kind not in rules:
            reasons[key] = "unknown_kind"
            continue
        blocked_entry, max_profile_ids = rules[kind]
        if blocked_entry(value) is not None:
            reasons[key] = "blocked"
        elif refused and key in refused:
            reasons[key] = "key_refused"
        elif count > max_profile_ids:
            reasons[key] = "shared"
    return reasons
