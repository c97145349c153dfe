"""Profiles are a pure function of the links and the policy; this file is that function.

Links are considered in one fixed order, each joins the group of its profile ID with the group of
its key, unless the policy forbids it. The order in which they arrived plays no part:

    kind's priority -> time of the evidence -> event id -> profile ID -> key

A link is refused, never dropped:

    shared      its value is seen on more than `max_profile_ids` profile IDs
    exclusive   the join would put two values of an exclusive kind into one profile
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from onetrail_collector.identity.keys import Key, Kind


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
    """profiles: each profile ID's profile, named by its oldest profile ID; refused: why."""

    profiles: Mapping[int, int]
    refused: Mapping[tuple[int, Key], str]


def resolve(
    links: Iterable[Link],
    kinds: Mapping[str, Kind],
    *,
    seen_on: Mapping[Key, int] | None = None,
) -> Resolution:
    """Group profile IDs into profiles.

    `links` holds at most one link for a (profile ID, key). Where it is a part of all links (a
    cluster), `seen_on` says on how many profile IDs each key is seen in the whole.
    """
    ordered = sorted(links, key=lambda link: _order(link, kinds))
    counts = _count(ordered) if seen_on is None else seen_on
    groups = _Groups(kinds)
    refused: dict[tuple[int, Key], str] = {}
    for profile_id, key, _, _ in ordered:
        groups.add(profile_id)
        if counts[key] > kinds[key.kind].max_profile_ids:
            refused[profile_id, key] = "shared"
        elif not groups.join(profile_id, key):
            refused[profile_id, key] = "exclusive"
    return Resolution(groups.profiles(), refused)


def _order(link: Link, kinds: Mapping[str, Kind]) -> tuple[int, int, str, int, Key]:
    return (kinds[link.key.kind].priority, link.time_ms, link.event_id, link.profile_id, link.key)


def _count(links: Iterable[Link]) -> dict[Key, int]:
    counts: dict[Key, int] = {}
    for link in links:
        counts[link.key] = counts.get(link.key, 0) + 1
    return counts


class _Groups:
    """Disjoint sets of profile IDs and keys (union by size, path halving: Tarjan 1975)."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self._parent: dict[int | Key, int | Key] = {}
        self._size: dict[int | Key, int] = {}
        self._exclusive: dict[int | Key, dict[str, str]] = {}  # a root's values, by kind

    def add(self, node: int | Key) -> None:
        if node in self._parent:
            return
        self._parent[node] = node
        self._size[node] = 1
        self._exclusive[node] = {}
        if isinstance(node, Key) and self._kinds[node.kind].exclusive:
            self._exclusive[node][node.kind] = node.value

    def join(self, profile_id: int, key: Key) -> bool:
        """Make the two one group; False, and nothing changed, where a profile forbids it."""
        self.add(key)
        small, large = self._root(profile_id), self._root(key)
        if small == large:
            return True
        if self._size[small] > self._size[large]:
            small, large = large, small
        held = self._exclusive[large]
        for kind, value in self._exclusive[small].items():
            if held.get(kind, value) != value:
                return False
        held.update(self._exclusive.pop(small))
        self._parent[small] = large
        self._size[large] += self._size[small]
        return True

    def profiles(self) -> dict[int, int]:
        oldest: dict[int | Key, int] = {}
        ids = sorted(node for node in self._parent if isinstance(node, int))
        return {node: oldest.setdefault(self._root(node), node) for node in ids}

    def _root(self, node: int | Key) -> int | Key:
        parent = self._parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node
