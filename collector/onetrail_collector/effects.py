"""What a decision changes, seen from outside: profiles before and after, and the links that turn.

It is read while the decision's transaction is open: `before` on a connection that sees only what
was committed, `after` on the transaction's own. So a preview and the deed are read the same way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onetrail_collector.identity.decisions import Decision, RefuseKey
from onetrail_collector.store.identity_rows import Evidence, Place
from onetrail_collector.store.protocol import IdentityReads
from onetrail_collector.store.rows import Change

MAX_LINKS = 1000  # listed; a value on many devices has more

Profiles = Mapping[str, Sequence[str]]
"""Profiles by public id, each with all of its profile IDs, the oldest first."""


@dataclass(frozen=True, slots=True)
class Effect:
    """before and after hold the profiles that change; links, each link whose verdict changes.

    more_links: there are more than those listed.
    """

    before: Profiles
    after: Profiles
    links: Sequence[tuple[Evidence, Evidence]]
    more_links: bool


async def effect_of(
    before: IdentityReads,
    after: IdentityReads,
    changes: Iterable[Change],
    decisions: Iterable[Decision],
) -> Effect:
    """The effect of decisions that were made or undone, from the history that they wrote."""
    changes = list(changes)
    moved = {
        profile_id
        for change in changes
        if change.what in {"merged", "split"}
        for profile_id in (change.profile, change.other)
    }
    places = [
        Place(change.other, change.key)
        for change in changes
        if change.what in {"refused", "accepted"} and change.key is not None
    ]
    for decision in decisions:
        if isinstance(decision, RefuseKey):
            links = await after.evidence_for(decision.key, limit=MAX_LINKS + 1)
            places += [link.place for link in links]
    places = list(dict.fromkeys(places))
    listed = places[:MAX_LINKS]
    was, now = await before.evidence(listed), await after.evidence(listed)
    return Effect(
        before=await _profiles(before, moved),
        after=await _profiles(after, moved),
        links=[
            (was[place], now[place])
            for place in listed
            if place in was and was[place].refused != now[place].refused
        ],
        more_links=len(places) > MAX_LINKS,
    )


async def _profiles(reads: IdentityReads, profile_ids: set[int]) -> Profiles:
    found: dict[int, list[str]] = {}
    for member in await reads.together(profile_ids):
        found.setdefault(member.profile, []).append(member.public_id)
    return {public_ids[0]: public_ids for public_ids in found.values()}
