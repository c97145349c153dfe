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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from onetrail_collector.identity.components import Components
from onetrail_collector.identity.decisions import Decision, RefuseKey, RefuseLink
from onetrail_collector.identity.groups import Groups
from onetrail_collector.identity.keys import Key, is_blocked
from onetrail_collector.identity.policy import Policy


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
    keys: Mapping[Key, int]
    refused: Mapping[tuple[int, Key], str]
    void: Sequence[Decision] = ()


def resolve(
    links: Iterable[Link],
    decisions: Sequence[Decision],
    policy: Policy,
    *,
    seen_on: Mapping[Key, int] | None = None,
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
    refused_links = {
        (decision.profile_id, decision.key)
        for decision in decisions
        if isinstance(decision, RefuseLink)
    }
    candidates: list[Link] = []
    refused: dict[tuple[int, Key], str] = {}
    for link in links:
        key = link[1]
        if key in inactive:
            refused[link[0], key] = inactive[key]
        elif refused_links and (link[0], key) in refused_links:
            refused[link[0], key] = "link_refused"
        else:
            candidates.append(link)
    parts = Components(candidates)
    contested = parts.contested(groups.tally, groups.named)
    profiles, keys = parts.named_by_oldest(contested)
    ordered = [Link(*link) for link in parts.links_of(contested, candidates)]
    ordered.sort(key=lambda link: order(link, policy))
    for profile_id, key, _, _ in ordered:
        reason = groups.join(profile_id, key)
        if reason is not None:
            refused[profile_id, key] = reason
    for profile_id, _ in refused:
        if profile_id not in profiles:
            groups.add(profile_id)
    contested_profiles, contested_keys = groups.named_by_oldest()
    return Resolution(profiles | contested_profiles, keys | contested_keys, refused, void)


def order(link: Link, policy: Policy) -> tuple[int, int, str, int, Key]:
    """The place of a link among all: what compares lower is considered first."""
    return (
        policy.kinds[link.key.kind].priority,
        link.time_ms,
        link.event_id,
        link.profile_id,
        link.key,
    )


def why_inactive(
    seen_on: Mapping[Key, int], decisions: Iterable[Decision], policy: Policy
) -> dict[Key, str]:
    """The keys, of those seen, that join nobody whatever links there are, and why."""
    refused = {decision.key for decision in decisions if isinstance(decision, RefuseKey)}
    reasons = {}
    for key, count in seen_on.items():
        kind = policy.kinds.get(key.kind)
        if kind is None:
            reasons[key] = "unknown_kind"
        elif is_blocked(kind, key.value):
            reasons[key] = "blocked"
        elif refused and key in refused:
            reasons[key] = "key_refused"
        elif count > kind.max_profile_ids:
            reasons[key] = "shared"
    return reasons
