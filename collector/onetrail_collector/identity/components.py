"""Most groups break no rule, so that no order matters: they are found without one, and fast.

What plainly hangs together (union with path halving, on lists of integers) is one group if it holds
no more values than one profile may. Only the rest must be considered link by link.
"""

from collections.abc import Iterable, Sequence

from onetrail_collector.identity.groups import Tally
from onetrail_collector.identity.keys import PlainKey

PlainLink = tuple[int, PlainKey, int, str]
"""A Link (resolve.py), or the like of it."""


class Components:
    """The connected parts of a graph of links, without any rule."""

    def __init__(self, links: Iterable[PlainLink]) -> None:
        self._profile_ids: dict[int, int] = {}  # node of each
        self._keys: dict[PlainKey, int] = {}  # a node of the part it is in
        parent: list[int] = []
        profile_ids, keys = self._profile_ids, self._keys
        for profile_id, key, _, _ in links:
            one = profile_ids.get(profile_id)
            if one is None:
                one = profile_ids[profile_id] = len(parent)
                parent.append(one)
            other = keys.get(key)
            if other is None:
                keys[key] = one
                continue
            while (above := parent[one]) != one:
                parent[one] = one = parent[above]
            while (above := parent[other]) != other:
                parent[other] = other = parent[above]
            parent[one] = other
        for node, above in enumerate(parent):  # each right below its root
            root = above
            while (above := parent[root]) != root:
                root = above
            parent[node] = root
        self._roots = parent

    def contested(self, tally: Tally, decided: Iterable[int]) -> set[int]:
        """The parts that hold more than one profile may, or a profile ID that was decided on."""
        values: dict[int, int] = {}
        roots, one = self._roots, tally.one
        for (kind, _), node in self._keys.items():
            root = roots[node]
            values[root] = values.get(root, 0) + one[kind]
        found = {root for root, held in values.items() if tally.forbids(held)}
        return found | {
            roots[self._profile_ids[profile_id]]
            for profile_id in decided
            if profile_id in self._profile_ids
        }

    def links_of(self, parts: set[int], links: Sequence[PlainLink]) -> list[PlainLink]:
        """Those of the links that are in these parts."""
        nodes, roots = self._profile_ids, self._roots
        return [link for link in links if roots[nodes[link[0]]] in parts] if parts else []

    def named_by_oldest(self, parts: set[int]) -> tuple[dict[int, int], dict[PlainKey, int]]:
        """Each profile ID's part and each key's, but not of these, by the oldest profile ID."""
        oldest: dict[int, int] = {}
        roots = self._roots
        for profile_id, node in self._profile_ids.items():
            root = roots[node]
            if profile_id < oldest.get(root, profile_id + 1) and root not in parts:
                oldest[root] = profile_id
        profiles = {
            profile_id: oldest[own]
            for profile_id, node in self._profile_ids.items()
            if (own := roots[node]) in oldest
        }
        return profiles, {
            key: oldest[own] for key, node in self._keys.items() if (own := roots[node]) in oldest
        }
