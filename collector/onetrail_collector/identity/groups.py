"""Disjoint groups of profile IDs and keys, which refuse to become what the policy forbids.

Union by size with path halving (Tarjan 1975), on lists of integers. How many values of each kind a
group holds is one integer, a field of bits for each kind: as each key is in one group, two groups
together hold the sum, and one addition tells whether any kind is above its limit.
"""

from collections.abc import Iterable, Mapping

from onetrail_collector.identity.decisions import Decision, Join, Part
from onetrail_collector.identity.keys import Kind, PlainKey

FIELD_BITS = 32  # of which the highest is set where a sum is above the kind's limit
MAX_LIMIT = 2 ** (FIELD_BITS - 1) - 1


def values_allowed(kind: Kind) -> int:
    """How many values of this kind one profile may hold."""
    return 1 if kind.exclusive else min(kind.max_values, MAX_LIMIT)


class Tally:
    """Counts of values by kind, packed into one integer, and what the policy says of a sum."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.one: dict[str, int] = {}
        self._room = self._over = self._exclusive = 0
        for place, kind in enumerate(kinds):
            shift = place * FIELD_BITS
            self.one[kind.name] = 1 << shift
            self._room |= (MAX_LIMIT - values_allowed(kind)) << shift
            self._over |= (MAX_LIMIT + 1) << shift
            self._exclusive |= int(kind.exclusive) << (shift + FIELD_BITS - 1)

    def forbids(self, values: int) -> str | None:
        """Why one profile may not hold so many values; None if it may."""
        over = (values + self._room) & self._over
        if not over:
            return None
        return "exclusive" if over & self._exclusive else "limit"


class Groups:
    """Grows by join() and decide(); what was refused leaves no trace."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.tally = Tally(kinds.values())
        self._profile_ids: dict[int, int] = {}  # node of each
        self._keys: dict[PlainKey, int] = {}
        self._parent: list[int] = []
        self._size: list[int] = []
        self._values: list[int] = []  # a root's tally
        self._apart: dict[int, set[int]] = {}  # a root -> nodes never to be in its group

    @property
    def named(self) -> Iterable[int]:
        """The profile IDs in it."""
        return self._profile_ids.keys()

    def add(self, profile_id: int) -> int:
        """The node of a profile ID, new or known."""
        node = self._profile_ids.get(profile_id)
        if node is None:
            node = self._profile_ids[profile_id] = self._new(0)
        return node

    def decide(self, decision: Decision) -> bool:
        """Apply what an operator said of two profile IDs; False where it was said otherwise."""
        if isinstance(decision, Join):
            return self._join(self.add(decision.profile_id), self.add(decision.other)) is None
        if isinstance(decision, Part):
            one, other = self.add(decision.profile_id), self.add(decision.other)
            if self._root(one) == self._root(other):
                return False
            self._apart.setdefault(self._root(one), set()).add(other)
            self._apart.setdefault(self._root(other), set()).add(one)
        return True

    def join(self, profile_id: int, key: PlainKey) -> str | None:
        """Make the two one group; or answer why not, and change nothing."""
        node = self._keys.get(key)
        if node is None:
            node = self._keys[key] = self._new(self.tally.one[key[0]])
        return self._join(self.add(profile_id), node)

    def named_by_oldest(self) -> tuple[dict[int, int], dict[PlainKey, int]]:
        """Each profile ID's group and each key's, by the oldest profile ID in it."""
        oldest: dict[int, int] = {}
        root = self._root
        for profile_id, node in self._profile_ids.items():
            own = root(node)
            if profile_id < oldest.get(own, profile_id + 1):
                oldest[own] = profile_id
        profiles = {
            profile_id: oldest[root(node)] for profile_id, node in self._profile_ids.items()
        }
        roots = ((key, root(node)) for key, node in self._keys.items())
        return profiles, {key: oldest[own] for key, own in roots if own in oldest}

    def _new(self, values: int) -> int:
        node = len(self._parent)
        self._parent.append(node)
        self._size.append(1)
        self._values.append(values)
        return node

    def _join(self, one: int, other: int) -> str | None:
        small, large = self._root(one), self._root(other)
        if small == large:
            return None
        if self._apart and self._are_apart(small, large):
            return "apart"
        values = self._values[small] + self._values[large]
        reason = self.tally.forbids(values)
        if reason is not None:
            return reason
        if self._size[small] > self._size[large]:
            small, large = large, small
        self._parent[small] = large
        self._size[large] += self._size[small]
        self._values[large] = values
        if small in self._apart:
            self._apart.setdefault(large, set()).update(self._apart.pop(small))
        return None

    def _are_apart(self, one: int, other: int) -> bool:
        return any(self._root(node) == other for node in self._apart.get(one, ()))

    def _root(self, node: int) -> int:
        parent = self._parent
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node
