"""Splitting a profile: which pairs of profile IDs are parted, and what must be joined beside."""

from collections.abc import Sequence

import msgspec

from onetrail_collector.api.identity_decided import (
    Decided,
    ProfileAsked,
    Reason,
    carry_out,
    outcome_of,
)
from onetrail_collector.api.identity_views import members_named
from onetrail_collector.api.operation import Call
from onetrail_collector.api.profiles import parse_keys
from onetrail_collector.errors import not_found, wrong_shape
from onetrail_collector.identity.decisions import Decision, Join, Part, RefuseLink
from onetrail_collector.store.identity_rows import Member

MAX_PAIRS = 10_000  # of a split: so many parts are made in one commit, in about a second


class LinkRef(msgspec.Struct, forbid_unknown_fields=True):
    """The link of a profile ID to a key, as KIND:VALUE."""

    profile_id: str
    key: str


class SplitBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which profile IDs to part from the rest of the profile, or which one link to refuse."""

    reason: Reason
    profile_ids: list[str] = []
    link: LinkRef | None = None


async def split(call: Call[ProfileAsked, SplitBody]) -> Decided:
    """Part profile IDs from the rest of a profile, or refuse one link, for good."""
    body = call.body
    if bool(body.profile_ids) == (body.link is not None):
        raise wrong_shape("body: give either profile_ids, to be parted from the rest, or link")
    [member] = await members_named(call.store, call.asked.profile_id)
    if body.link is None:
        parts = await _parts(call, member, body.profile_ids)
        return await carry_out(call, [*parts, *await _joins(call, parts)])
    [own] = await members_named(call.store, body.link.profile_id)
    keys = parse_keys(call.settings.policy, body.link.key)
    links = [await call.store.identity.link(own.id, key) for key in keys]
    link = next(filter(None, links), None)
    made_before = link is not None and link.refused == "link_refused"
    if link is None or not (own.profile == member.profile or made_before):
        raise not_found(
            f"link: {own.public_id} is no profile ID of this profile that has a link to "
            f"{body.link.key[:80]!r}; see GET /profiles/{{id}}/graph"
        )
    return await carry_out(call, [RefuseLink(own.id, link.key)])


async def _joins(call: Call[ProfileAsked, SplitBody], parts: Sequence[Part]) -> list[Decision]:
    """What keeps each side whole where the parts alone would scatter it.

    Two devices that only a key of the third held together would come apart as well: the key stays
    with whoever used it first. An operator who says two people means two.
    """
    alone = await outcome_of(call, parts, dry_run=True)
    groups = alone.effect.after.values()
    numbers = await call.store.identity.members(name for group in groups for name in group)
    sides = {part.profile_id for part in parts}, {part.other for part in parts}
    joins: list[Decision] = []
    for side in sides:
        pieces = [
            [numbers[name].id for name in group if numbers[name].id in side] for group in groups
        ]
        first, *others = [piece[0] for piece in pieces if piece] or [0]
        joins += [Join(first, other) for other in others]
    return joins


async def _parts(
    call: Call[ProfileAsked, SplitBody], member: Member, public_ids: Sequence[str]
) -> Sequence[Part]:
    """Each of these profile IDs with each of the rest; or the same split as it was made before."""
    parted = list(dict.fromkeys(await members_named(call.store, *public_ids)))
    named, reads = set(parted), call.store.identity
    made = await reads.split_in_force([one.id for one in parted], member.id)
    if made:
        return made
    for one in parted:
        if one.profile != member.profile:
            raise wrong_shape(f"profile_ids: {one.public_id} is not of this profile")
    rest = [
        one
        for one in await reads.members_of(member.profile, limit=MAX_PAIRS + 1)
        if one not in named
    ]
    if not rest:
        raise wrong_shape("profile_ids: all of the profile are named; at least one must stay")
    if len(parted) * len(rest) > MAX_PAIRS:
        raise wrong_shape(
            f"profile_ids: to part {len(parted)} from {len(rest)} others or more makes more than "
            f"{MAX_PAIRS} pairs; refuse the link or the key that holds them together instead"
        )
    return [Part(one.id, other.id) for one in parted for other in rest]
