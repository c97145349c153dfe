"""Why are these two one, or why not? The best chain between two profile IDs, and words for it.

Profile IDs and keys are the nodes of a graph; links, and joins made by an operator, are its edges.
The best chain has the fewest refused edges, then the fewest edges, then the earliest evidence: if
none of it is refused, it is why two are one; else what was refused on it keeps them apart.
"""

import heapq
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from onetrail_collector.identity.keys import Key

N = TypeVar("N", bound=Hashable)

REASONS = {
    "exclusive": "they would put two values of an exclusive kind into one profile",
    "limit": "the profile would hold more values of one kind than the policy allows",
    "apart": "an operator parted these profile IDs",
    "link_refused": "an operator refused this link",
    "key_refused": "an operator refused this key for everyone",
    "shared": "it is seen on more profile IDs than the policy allows, as a kiosk's is",
    "blocked": "it is a value that many send, as 'null'",
    "unknown_kind": "the policy has no such kind of key any more",
    "unsettled": "the background has yet to decide about it; where no collector runs, start it, "
    "or run: onetrail-collector identity rebuild",
}
"""Why a link joins nobody, in words that end the sentence 'it joins nobody: ...'."""


class Edge(NamedTuple, Generic[N]):
    """Two nodes that belong together, unless `refused`; `number` is the caller's name for it."""

    one: N
    other: N
    number: int
    refused: bool = False


class Use(NamedTuple):
    """One end of a hop: a profile ID used the key, first in this event, at this source and day."""

    profile_id: str
    source: str
    day: str
    refused: str | None = None


class Hop(NamedTuple):
    """Two profile IDs and what they have in common: a key that both used, or an operator's join."""

    one: Use
    other: Use
    key: Key | None
    made_by: str | None = None
    reason: str | None = None


def best_chain(start: N, goal: N, edges: Iterable[Edge[N]]) -> list[Edge[N]] | None:
    """The edges from `start` to `goal`, in that direction; None where nothing connects them.

    Edges come in the order of their evidence; where several would do, the earlier is tried first,
    so that the answer is the same each time.
    """
    around: dict[N, list[tuple[int, Edge[N]]]] = {}
    for place, given in enumerate(edges):
        back = given._replace(one=given.other, other=given.one)
        around.setdefault(given.one, []).append((place, given))
        around.setdefault(given.other, []).append((place, back))
    came_by: dict[N, Edge[N] | None] = {}
    waiting: list[tuple[int, int, int, int, Edge[N] | None]] = [(0, 0, 0, 0, None)]
    pushed = 0
    while waiting:
        refused, length, _, _, edge = heapq.heappop(waiting)
        node = start if edge is None else edge.other
        if node in came_by:
            continue
        came_by[node] = edge
        if node == goal:
            return _back(goal, came_by)
        for place, onward in around.get(node, ()):
            if onward.other not in came_by:
                pushed += 1
                cost = (refused + onward.refused, length + 1, place, pushed)
                heapq.heappush(waiting, (*cost, onward))
    return None


def sentence(hops: Sequence[Hop]) -> str:
    """A chain in words that a support person can read out."""
    return "; ".join(map(_hop_sentence, hops))


def _back(goal: N, came_by: dict[N, Edge[N] | None]) -> list[Edge[N]]:
    chain: list[Edge[N]] = []
    edge = came_by[goal]
    while edge is not None:
        chain.append(edge)
        edge = came_by[edge.one]
    return chain[::-1]


def _hop_sentence(hop: Hop) -> str:
    one, other = hop.one, hop.other
    if hop.key is None:
        return (
            f"{one.profile_id} and {other.profile_id} were joined by {hop.made_by} on {one.day}: "
            f"{hop.reason}"
        )
    words = (
        f"both used {hop.key.kind} {hop.key.value}: {one.profile_id} on {one.day} in {one.source}, "
        f"{other.profile_id} on {other.day} in {other.source}"
    )
    refusals = sorted({use.refused for use in (one, other) if use.refused is not None})
    if refusals:
        words += "; but it does not join them: "
        words += ", and ".join(REASONS.get(reason, reason) for reason in refusals)
    return words
