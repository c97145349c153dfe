"""Why are these two one, or why not? The chain of evidence between two profile IDs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from onetrail_collector.api.identity_views import (
    DecisionView,
    KeyRef,
    LinkView,
    decision_views,
    key_ref,
    link_view,
    unmoved,
)
from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.errors import wrong_shape
from onetrail_collector.identity.why import Edge, Hop, Use, best_chain, sentence
from onetrail_collector.store.identity_rows import DecisionMade, Evidence, Member
from onetrail_collector.store.protocol import IdentityReads

MAX_LINKS = 200_000  # of the two profiles: read and searched in about a second

Verdict = Literal["same", "one", "kept_apart", "unconnected"]


class WhyAsked(msgspec.Struct):
    """Two profile IDs, any of their profiles'."""

    a: str
    b: str


class HopView(msgspec.Struct):
    """Two profile IDs and what connects them: a key that both used, or an operator's decision."""

    profile_ids: tuple[str, str]
    key: KeyRef | None
    links: list[LinkView]
    decision: DecisionView | None


class HeldApart(msgspec.Struct):
    """Values of one exclusive kind: a profile may hold one of them."""

    kind: str
    values: list[str]


class Why(msgspec.Struct):
    """Why two profile IDs are one profile, or why they are not.

    verdict: same (one profile ID), one, kept_apart (by what is refused on the chain, or parted),
    unconnected. `chain` is the shortest, with the fewest refused links; `sentence` says it.
    """

    verdict: Verdict
    sentence: str
    profiles: list[str]
    chain: list[HopView] = []
    refused: list[LinkView] = []
    parted: list[DecisionView] = []
    exclusive: list[HeldApart] = []


async def why(call: Call[WhyAsked, Nothing]) -> Why:
    """Why two profile IDs are one profile, or what keeps them apart."""
    return await unmoved(call.store, (call.asked.a, call.asked.b), lambda pair: _why(call, *pair))


OPERATIONS = (Operation("GET", "/why", why, "read", Why, WhyAsked, errors=(404,)),)


async def _why(call: Call[WhyAsked, Nothing], one: Member, other: Member) -> Why:
    reads = call.store.identity
    public_ids = [
        (await reads.members_of(profile, limit=1))[0].public_id
        for profile in dict.fromkeys((one.profile, other.profile))
    ]
    if one.id == other.id:
        return Why("same", "They are one and the same profile ID.", public_ids)
    made = await _made(reads, {one.profile, other.profile})
    hops = await _hops(reads, one, other, made)
    if one.profile == other.profile:
        return Why("one", _in_words("They are one profile", hops), public_ids, _views(hops))
    parts = [
        row for row in made.rows if row.what == "part" and made.profiles(row) == set(made.sides)
    ]
    refused = [link for hop in hops for link in hop.links if link.refused]
    found = Why(
        "kept_apart" if parts or hops else "unconnected",
        _apart_in_words(hops, parts),
        public_ids,
        _views(hops),
        [link_view(link) for link in refused],
        decision_views(parts),
    )
    if any(link.refused == "exclusive" for link in refused):
        found.exclusive = await _exclusive(call, made.sides)
    return found


@dataclass(frozen=True, slots=True)
class _Made:
    """The decisions in force within and between some profiles, and the profile IDs they name."""

    sides: frozenset[int]
    rows: Sequence[DecisionMade]
    named: Mapping[str, Member]

    def ends(self, row: DecisionMade) -> tuple[Member, Member]:
        return self.named[row.profile_id or ""], self.named[row.other or ""]

    def profiles(self, row: DecisionMade) -> set[int]:
        return {member.profile for member in self.ends(row)}


@dataclass(frozen=True, slots=True)
class _Hop:
    """Two profile IDs, and the links that meet in a key, or the join between them."""

    profile_ids: tuple[str, str]
    links: tuple[Evidence, ...] = ()
    join: DecisionMade | None = None


async def _made(reads: IdentityReads, profiles: set[int]) -> _Made:
    rows = await reads.decisions_within(profiles, limit=MAX_LINKS)
    rows = [row for row in rows if row.what in {"join", "part"}]
    names = {name for row in rows for name in (row.profile_id, row.other) if name}
    return _Made(frozenset(profiles), rows, await reads.members(names))


async def _hops(reads: IdentityReads, one: Member, other: Member, made: _Made) -> list[_Hop]:
    """The best chain; within one profile only of what joins."""
    places = await reads.places(made.sides, limit=MAX_LINKS + 1)
    if len(places) > MAX_LINKS:
        raise wrong_shape(
            f"a, b: their profiles have more than {MAX_LINKS} links, too many to search; "
            "look at GET /profiles/{id}/graph"
        )
    joins = [row for row in made.rows if row.what == "join"]
    edges = [_join_edge(made, row, number) for number, row in enumerate(joins)]
    edges += [
        Edge(place.profile_id, -place.key, len(joins) + number, refused)  # a key's node is negative
        for number, (place, refused) in enumerate(places)
    ]
    if one.profile == other.profile:
        edges = [edge for edge in edges if not edge.refused]
    chain = best_chain(one.id, other.id, edges) or []
    used = [places[edge.number - len(joins)][0] for edge in chain if edge.number >= len(joins)]
    evidence = await reads.evidence(used)
    links = iter([evidence[place] for place in used])
    hops = []
    for edge in chain:
        if edge.number < len(joins):
            ends = {member.id: member.public_id for member in made.ends(joins[edge.number])}
            hops.append(_Hop((ends[edge.one], ends[edge.other]), join=joins[edge.number]))
        elif edge.one > 0:  # into a key; the next edge leads out of it again
            first, second = next(links), next(links)
            hops.append(_Hop((first.profile_id, second.profile_id), (first, second)))
    return hops


def _join_edge(made: _Made, row: DecisionMade, number: int) -> Edge[int]:
    """A join; one between two profiles is without effect, because a newer decision parted them."""
    one, other = made.ends(row)
    return Edge(one.id, other.id, number, one.profile != other.profile)


async def _exclusive(call: Call[WhyAsked, Nothing], profiles: Collection[int]) -> list[HeldApart]:
    """The exclusive kinds of which the profiles hold different values."""
    kinds = call.settings.policy.exclusive_kinds
    values: dict[str, list[str]] = {}
    for key in await call.store.identity.held(profiles, kinds):
        values.setdefault(key.kind, []).append(key.value)
    return [HeldApart(kind, found) for kind, found in sorted(values.items()) if len(found) > 1]


def _views(hops: Sequence[_Hop]) -> list[HopView]:
    return [
        HopView(
            hop.profile_ids,
            key_ref(hop.links[0].key) if hop.links else None,
            [link_view(link) for link in hop.links],
            decision_views([hop.join])[0] if hop.join else None,
        )
        for hop in hops
    ]


def _apart_in_words(hops: Sequence[_Hop], parts: Sequence[DecisionMade]) -> str:
    if parts:
        row = parts[0]
        return (
            f"They are two profiles: {row.made_by} parted {row.profile_id} and {row.other} "
            f"on {_day(row.made_ms)}: {row.reason}"
        )
    if hops:
        return _in_words("They are two profiles", hops)
    return "Nothing connects them: no key was used on both, nor on other devices of their profiles."


def _in_words(verdict: str, hops: Sequence[_Hop]) -> str:
    if not hops:
        return f"{verdict}; the background has yet to settle it."
    return f"{verdict}: {sentence([_words(hop) for hop in hops])}."


def _words(hop: _Hop) -> Hop:
    if hop.join is not None:
        day = _day(hop.join.made_ms)
        uses = [Use(name, "", day) for name in hop.profile_ids]
        return Hop(uses[0], uses[1], None, hop.join.made_by, hop.join.reason)
    one, other = (
        Use(link.profile_id, link.source, _day(link.time_ms), link.refused) for link in hop.links
    )
    return Hop(one, other, hop.links[0].key)


def _day(time_ms: int) -> str:
    return to_rfc3339(time_ms)[:10]
