"""What an operator does to profiles, with a reason: join, split, refuse, undo; and their list."""

from typing import Annotated

import msgspec
from msgspec import Meta

from onetrail_collector.api.cursor import DEFAULT_PAGE, LAST, MAX_PAGE, from_cursor, to_cursor
from onetrail_collector.api.identity_decided import (
    Decided,
    ProfileAsked,
    Reason,
    carry_out,
    told,
)
from onetrail_collector.api.identity_splits import SplitBody, split
from onetrail_collector.api.identity_views import (
    DecisionView,
    decision_views,
    members_named,
)
from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.api.profiles import parse_keys
from onetrail_collector.deciding import undo
from onetrail_collector.errors import not_found, wrong_shape
from onetrail_collector.identity.decisions import Join, RefuseKey


class Asked(msgspec.Struct):
    """With `dry_run` nothing is changed: the answer says what would be."""

    dry_run: bool = False


class DecisionAsked(msgspec.Struct):
    """A decision. With `dry_run` nothing is changed: the answer says what would be."""

    decision: Annotated[int, Meta(ge=1, le=LAST)]
    dry_run: bool = False


class DecisionsAsked(msgspec.Struct):
    """A page of all decisions; `cursor` is the next_cursor of the page before."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    cursor: str | None = None


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


class DecisionsPage(msgspec.Struct):
    """Decisions, the newest first; next_cursor is null on the last page."""

    decisions: list[DecisionView]
    next_cursor: str | None


async def join(call: Call[ProfileAsked, JoinBody]) -> Decided:
    """Say that two profiles are one person."""
    one, other = await members_named(call.store, call.asked.profile_id, call.body.other)
    if one.id == other.id:
        raise wrong_shape("other: this is the same profile ID; give one of another profile")
    return await carry_out(call, [Join(one.id, other.id)])


async def refuse_key(call: Call[Asked, RefuseKeyBody]) -> Decided:
    """Let a key join nobody, whoever uses it, now or later."""
    *before, now = parse_keys(call.settings.policy, call.body.key)
    stored = [key for key in before if await call.store.identity.evidence_for(key, limit=1)]
    return await carry_out(call, [RefuseKey(key) for key in (*stored, now)])


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
        [view] = decision_views(await call.store.identity.acts(limit=1, before=act + 1))
        return Decided(
            dry_run, act, [], [], [], [], more_links=False, settled=True, undone_before=view
        )
    return told(outcome, act, dry_run=dry_run)


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
