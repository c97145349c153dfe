"""What an operator does to profiles: join, split, refuse, undo; with a reason, and a preview."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from onetrail_collector.api.cursor import DEFAULT_PAGE, LAST, MAX_PAGE, from_cursor, to_cursor
from onetrail_collector.api.identity_views import (
    DecisionView,
    KeyRef,
    decision_views,
    members_named,
)
from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.api.profiles import parse_key
from onetrail_collector.deciding import Outcome, decide, undo
from onetrail_collector.effects import Profiles
from onetrail_collector.errors import not_found, wrong_shape
from onetrail_collector.identity.decisions import Decision, Join, Part, RefuseKey, RefuseLink
from onetrail_collector.store.identity_rows import Member

MAX_PAIRS = 10_000  # of a split: so many parts are made in one commit, in about a second

Reason = Annotated[str, Meta(min_length=1, max_length=500)]


class Asked(msgspec.Struct):
    """With `dry_run` nothing is changed: the answer says what would be."""

    dry_run: bool = False


class ProfileAsked(msgspec.Struct):
    """Any of a profile's IDs. With `dry_run` nothing is changed: the answer says what would be."""

    profile_id: str
    dry_run: bool = False


class DecisionAsked(msgspec.Struct):
    """A decision. With `dry_run` nothing is changed: the answer says what would be."""

    decision: Annotated[int, Meta(ge=1, le=LAST)]
    dry_run: bool = False


class DecisionsAsked(msgspec.Struct):
    """A page of all decisions; `cursor` is the next_cursor of the page before."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    cursor: str | None = None


class LinkRef(msgspec.Struct, forbid_unknown_fields=True):
    """The link of a profile ID to a key, as KIND:VALUE."""

    profile_id: str
    key: str


class SplitBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which profile IDs to part from the rest of the profile, or which one link to refuse."""

    reason: Reason
    profile_ids: list[str] = []
    link: LinkRef | None = None


class JoinBody(msgspec.Struct, forbid_unknown_fields=True):
    """Any profile ID of the profile that is the same person."""

    reason: Reason
    other: str


class RefuseKeyBody(msgspec.Struct, forbid_unknown_fields=True):
    """A key, as KIND:VALUE, that is to join nobody."""

    reason: Reason
    key: str


class UndoBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why a decision is undone."""

    reason: Reason


class Group(msgspec.Struct):
    """A profile: its public id and all of its profile IDs."""

    id: str
    profile_ids: list[str]


class LinkChange(msgspec.Struct):
    """A link that joins nobody before or after, and why; null: it joins."""

    profile_id: str
    key: KeyRef
    refused_before: str | None
    refused_after: str | None


class Decided(msgspec.Struct):
    """What a decision changed, or with dry_run would change.

    decision: its number, null in a preview of a new one. before and after: the profiles that
    change, with all of their profile IDs; `moved` are those that get another public id. more_links:
    more change than the 1,000 listed. settled is false where so much is concerned
    that the rest is done in the background.
    """

    dry_run: bool
    decision: int | None
    before: list[Group]
    after: list[Group]
    moved: list[str]
    links: list[LinkChange]
    more_links: bool
    settled: bool


class DecisionsPage(msgspec.Struct):
    """Decisions, the newest first; next_cursor is null on the last page."""

    decisions: list[DecisionView]
    next_cursor: str | None


async def split(call: Call[ProfileAsked, SplitBody]) -> Decided:
    """Part profile IDs from the rest of a profile, or refuse one link, for good."""
    body = call.body
    if bool(body.profile_ids) == (body.link is not None):
        raise wrong_shape("body: give either profile_ids, to be parted from the rest, or link")
    [member] = await members_named(call.store, call.asked.profile_id)
    if body.link is None:
        parts = await _parts(call, member, body.profile_ids)
        return await _decide(call, [*parts, *await _joins(call, parts)])
    [own] = await members_named(call.store, body.link.profile_id)
    key = parse_key(call.settings.policy, body.link.key)
    link = await call.store.identity.link(own.id, key)
    made_before = link is not None and link.refused == "link_refused"
    if link is None or not (own.profile == member.profile or made_before):
        raise not_found(
            f"link: {own.public_id} is no profile ID of this profile that has a link to "
            f"{body.link.key[:80]!r}; see GET /profiles/{{id}}/graph"
        )
    return await _decide(call, [RefuseLink(own.id, key)])


async def join(call: Call[ProfileAsked, JoinBody]) -> Decided:
    """Say that two profiles are one person."""
    one, other = await members_named(call.store, call.asked.profile_id, call.body.other)
    if one.id == other.id:
        raise wrong_shape("other: this is the same profile ID; give one of another profile")
    return await _decide(call, [Join(one.id, other.id)])


async def refuse_key(call: Call[Asked, RefuseKeyBody]) -> Decided:
    """Let a key join nobody, whoever uses it, now or later."""
    return await _decide(call, [RefuseKey(parse_key(call.settings.policy, call.body.key))])


async def undo_decision(call: Call[DecisionAsked, UndoBody]) -> Decided:
    """Let a decision hold no more: profiles are as if it had never been made."""
    number = call.asked.decision
    act = await call.store.identity.act_of(number)
    if act is None:
        raise not_found(f"there is no decision {number}; see GET /identity/decisions")
    dry_run = call.asked.dry_run
    outcome = await undo(
        call.store,
        act,
        call.settings.policy,
        reason=call.body.reason,
        undone_by=call.caller.name,
        now_ms=call.clock(),
        dry_run=dry_run,
    )
    if outcome is None:  # it was undone before: the same call twice is one
        return Decided(dry_run, act, [], [], [], [], more_links=False, settled=True)
    return _decided(outcome, act, dry_run=dry_run)


async def decisions(call: Call[DecisionsAsked, Nothing]) -> DecisionsPage:
    """All decisions, the newest first, with who, why and when; those undone too."""
    [before] = from_cursor(call.asked.cursor, first=(LAST,))
    limit = call.asked.limit
    rows = await call.store.identity.acts(limit=limit + 1, before=before)
    views = decision_views(rows)
    page = views[:limit]
    return DecisionsPage(page, to_cursor(page[-1].id) if len(views) > limit else None)


OPERATIONS = (
    Operation(
        "POST", "/profiles/{profile_id}/split", split, "write", Decided, ProfileAsked, SplitBody
    ),
    Operation(
        "POST", "/profiles/{profile_id}/join", join, "write", Decided, ProfileAsked, JoinBody
    ),
    Operation("POST", "/identity/refuse-key", refuse_key, "write", Decided, Asked, RefuseKeyBody),
    Operation("GET", "/identity/decisions", decisions, "read", DecisionsPage, DecisionsAsked),
    Operation(
        "POST",
        "/identity/decisions/{decision}/undo",
        undo_decision,
        "write",
        Decided,
        DecisionAsked,
        UndoBody,
    ),
)


async def _decide(call: Call[Any, Any], made: Sequence[Decision]) -> Decided:
    dry_run = call.asked.dry_run
    outcome = await _outcome(call, made, dry_run=dry_run)
    act = None if dry_run else await call.store.identity.act_of(outcome.numbers[0])
    return _decided(outcome, act, dry_run=dry_run)


async def _outcome(call: Call[Any, Any], made: Sequence[Decision], *, dry_run: bool) -> Outcome:
    return await decide(
        call.store,
        made,
        call.settings.policy,
        reason=call.body.reason,
        made_by=call.caller.name,
        now_ms=call.clock(),
        dry_run=dry_run,
    )


async def _joins(call: Call[ProfileAsked, SplitBody], parts: Sequence[Part]) -> list[Decision]:
    """What keeps each side whole where the parts alone would scatter it.

    Two devices that only a key of the third held together would come apart as well: the key stays
    with whoever used it first. An operator who says two people means two.
    """
    alone = await _outcome(call, parts, dry_run=True)
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
    names = list(dict.fromkeys(public_ids))
    parted = await members_named(call.store, *names)
    reads = call.store.identity
    made = await reads.split_in_force([one.id for one in parted], member.id)
    if made:
        return made
    for one in parted:
        if one.profile != member.profile:
            raise wrong_shape(f"profile_ids: {one.public_id} is not of this profile")
    rest = [
        one
        for one in await reads.members_of(member.profile, limit=MAX_PAIRS + 1)
        if one.public_id not in names
    ]
    if not rest:
        raise wrong_shape("profile_ids: all of the profile are named; at least one must stay")
    if len(parted) * len(rest) > MAX_PAIRS:
        raise wrong_shape(
            f"profile_ids: to part {len(parted)} from {len(rest)} others or more makes more than "
            f"{MAX_PAIRS} pairs; refuse the link or the key that holds them together instead"
        )
    return [Part(one.id, other.id) for one in parted for other in rest]


def _decided(outcome: Outcome, decision: int | None, *, dry_run: bool) -> Decided:
    effect = outcome.effect
    was = {member: public_id for public_id, members in effect.before.items() for member in members}
    return Decided(
        dry_run=dry_run,
        decision=decision,
        before=_groups(effect.before),
        after=_groups(effect.after),
        moved=[
            member
            for public_id, members in effect.after.items()
            for member in members
            if was.get(member) != public_id
        ],
        links=[
            LinkChange(now.profile_id, KeyRef(*now.key), before.refused, now.refused)
            for before, now in effect.links
        ],
        more_links=effect.more_links,
        settled=outcome.whole,
    )


def _groups(profiles: Profiles) -> list[Group]:
    return [Group(public_id, list(members)) for public_id, members in profiles.items()]
