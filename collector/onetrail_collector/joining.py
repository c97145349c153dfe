"""Joins that cannot conflict, for all new links of a commit at once: values in, values out.

Where two profiles together may be one, a link between them joins them and changes nothing else
(the law in identity/resolve.py); so nothing of their past has to be read but how many values of
each kind they hold.
"""

from collections.abc import Iterable, Mapping

from onetrail_collector.identity.groups import Tally
from onetrail_collector.identity.policy import Policy
from onetrail_collector.store.rows import Change, LinkState, ProfileSize

Node = int | tuple[int]
"""The number of a profile, or (the number of a key,) that no profile holds."""


class Joins:
    """Which profiles become one, and which loose keys they take."""

    def __init__(self, policy: Policy, values: Mapping[int, Mapping[str, int]]) -> None:
        self._tally = Tally(policy.kinds.values())
        self._values: dict[Node, int] = {
            profile: sum(
                self._tally.one[kind] * count
                for kind, count in by_kind.items()
                if kind in self._tally.one
            )
            for profile, by_kind in values.items()
        }
        self._parent: dict[Node, Node] = {}
        self._apart: list[tuple[int, int]] = []
        self._steps: list[tuple[int, int, str]] = []  # (profile, other, event id)

    def keep_apart(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Refuse to join these profiles."""
        self._apart += pairs

    def join(self, state: LinkState) -> bool:
        """Join the profiles at both ends of a link; False, and nothing done, where it conflicts."""
        if state.refused is not None:
            return False
        key: Node = (state.key,) if state.key_profile is None else state.key_profile
        if state.key_profile is None:
            self._values.setdefault(key, self._tally.one[state.link.key.kind])
        one, other = self._root(state.profile), self._root(key)
        if one == other:
            return True
        values = self._values.get(one, 0) + self._values.get(other, 0)
        if self._tally.forbids(values) or self._are_apart(one, other):
            return False
        if isinstance(one, tuple):  # a profile, not a key, gives the name
            one, other = other, one
        if isinstance(one, int) and isinstance(other, int):
            self._steps.append((one, other, state.link.event_id))
        self._parent[other] = one
        self._values[one] = values
        return True

    def conflict(self, state: LinkState) -> str | None:
        """Why the profiles at both ends of a link cannot be one, after all joins."""
        one, other = self._root(state.profile), self._root(state.key_profile or (state.key,))
        if self._are_apart(one, other):
            return "apart"
        return self._tally.forbids(self._values.get(one, 0) + self._values.get(other, 0))

    @property
    def merged(self) -> set[int]:
        """The profiles that are joined with another."""
        return {profile for one, other, _ in self._steps for profile in (one, other)}

    def outcome(self, sizes: Mapping[int, ProfileSize]) -> tuple[dict[int, int], list[Change]]:
        """The number that each merged profile goes by, the largest's, and what happened."""
        oldest = {profile: size.oldest for profile, size in sizes.items()}
        changes = []
        for one, other, event_id in self._steps:
            first, second = sorted((oldest[one], oldest[other]))
            oldest[one] = first or second
            if first:
                changes.append(Change("merged", first, second, event_id=event_id))
        largest: dict[Node, int] = {}
        for profile, size in sizes.items():
            root = self._root(profile)
            rival = largest.get(root)
            if rival is None or size.profile_ids > sizes[rival].profile_ids:
                largest[root] = profile
        return {profile: largest[self._root(profile)] for profile in sizes}, changes

    def held_keys(self, into: Mapping[int, int]) -> dict[int, int]:
        """The number of its profile, for each loose key that now has one."""
        held = {}
        for node in self._parent:
            if isinstance(node, tuple):
                root = self._root(node)
                if isinstance(root, int):
                    held[node[0]] = into.get(root, root)
        return held

    def _are_apart(self, one: Node, other: Node) -> bool:
        return bool(self._apart) and any(
            {self._root(first), self._root(second)} == {one, other} for first, second in self._apart
        )

    def _root(self, node: Node) -> Node:
        parent = self._parent
        while (above := parent.get(node, node)) != node:
            parent[node] = node = parent.get(above, above)
        return node


def relabelled(state: LinkState, into: Mapping[int, int], held: Mapping[int, int]) -> LinkState:
    """A link after the joins: its ends under the numbers that their profiles go by now."""
    before = state.key_profile
    after = held.get(state.key) if before is None else into.get(before, before)
    return state._replace(profile=into.get(state.profile, state.profile), key_profile=after)
