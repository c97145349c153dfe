"""Carrying out a decision with its reason, or a preview of it; and the answer: what it changed."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from onetrail_collector.api.identity_views import DecisionView, KeyRef
from onetrail_collector.api.operation import Call
from onetrail_collector.api.wrong_shape import NOT_BLANK
from onetrail_collector.deciding import Outcome, decide
from onetrail_collector.effects import Profiles
from onetrail_collector.identity.decisions import Decision

Reason = Annotated[str, Meta(min_length=1, max_length=500, pattern=NOT_BLANK)]


class ProfileAsked(msgspec.Struct):
    """Any of a profile's IDs. With `dry_run` nothing is changed: the answer says what would be."""

    profile_id: str
    dry_run: bool = False


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
    that the rest is done in the background. undone_before: the decision that was to be undone and
    had been already, with who did it, when and why.
    """

    dry_run: bool
    decision: int | None
    before: list[Group]
    after: list[Group]
    moved: list[str]
    links: list[LinkChange]
    more_links: bool
    settled: bool
    undone_before: DecisionView | None = None


async def carry_out(call: Call[Any, Any], made: Sequence[Decision]) -> Decided:
    """Make decisions, all at once, and say what changed; in a dry run what would."""
    dry_run = call.asked.dry_run
    outcome = await outcome_of(call, made, dry_run=dry_run)
    act = None if dry_run else await call.store.identity.act_of(outcome.numbers[0])
    return told(outcome, act, dry_run=dry_run)


async def outcome_of(call: Call[Any, Any], made: Sequence[Decision], *, dry_run: bool) -> Outcome:
    """What becomes of decisions, which in a dry run are not made."""
    return await decide(
        call.store,
        made,
        call.settings.policy,
        reason=call.body.reason,
        made_by=call.caller.name,
        now_ms=call.clock(),
        dry_run=dry_run,
    )


def told(outcome: Outcome, decision: int | None, *, dry_run: bool) -> Decided:
    """An outcome, as it is answered."""
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
