"""What became of profiles: of one, and of all in order, so that another system can follow."""

from typing import Annotated

import msgspec
from msgspec import Meta

from onetrail_collector.api.cursor import DEFAULT_PAGE, LAST, MAX_PAGE, from_cursor, to_cursor
from onetrail_collector.api.identity_views import KeyRef, key_ref, unmoved
from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.errors import wrong_shape
from onetrail_collector.store.identity_rows import HistoryRow
from onetrail_collector.store.rows import ChangeCause


class HistoryAsked(msgspec.Struct):
    """A page of a profile's history; `cursor` is the next_cursor of the page before."""

    profile_id: str
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    cursor: str | None = None


class ChangesAsked(msgspec.Struct):
    """The changes after number `since`, which is `next` of the answer before; at first 0."""

    since: Annotated[int, Meta(ge=0, le=LAST)] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE


class HistoryView(msgspec.Struct):
    """One thing that became of a profile, and its cause.

    what: merged (`other` is found in `profile` from then on), split (`other` is a profile of its
    own), refused and accepted (the link of the profile ID `other` to `key`; `refused` says why),
    exported (all of it was given to made_by).
    cause: event, decision, undo (of that decision; made_by and reason are of who undid it), policy
    (another is applied), erasure (of somebody else), export, background (what an event or a
    decision left to it). event_id, of a link that is refused or accepted, is its evidence.
    """

    number: int
    time: str
    what: str
    profile: str
    other: str
    key: KeyRef | None
    refused: str | None
    cause: ChangeCause
    event_id: str | None
    decision: int | None
    made_by: str | None
    reason: str | None


class HistoryPage(msgspec.Struct):
    """A profile's history, the newest first; next_cursor is null on the last page."""

    history: list[HistoryView]
    next_cursor: str | None


class ChangeView(msgspec.Struct):
    """A change of profiles' public ids, or an erasure.

    what: merged (`other` is no public id any more; it finds `profile`, which has all of its IDs),
    split (`other` is the public id of a profile of its own, which was part of `profile`), erased
    (the profile ID `other`, and `profile` is the same; told for 30 days). cause: as in a history.
    """

    number: int
    time: str
    what: str
    profile: str
    other: str
    cause: ChangeCause
    event_id: str | None
    decision: int | None


class Changes(msgspec.Struct):
    """Changes in the order in which they were committed; ask again with since=next."""

    changes: list[ChangeView]
    next: int
    more: bool


async def history(call: Call[HistoryAsked, Nothing]) -> HistoryPage:
    """Every merge, split and refusal of a profile, the newest first."""
    [before] = from_cursor(call.asked.cursor, first=(LAST,))
    limit, reads = call.asked.limit, call.store.identity
    rows = await unmoved(
        call.store,
        (call.asked.profile_id,),
        lambda found: reads.history(found[0].profile, limit=limit + 1, before=before),
    )
    page = rows[:limit]
    return HistoryPage(
        [_history(row) for row in page],
        to_cursor(page[-1].id) if len(rows) > limit else None,
    )


async def changes(call: Call[ChangesAsked, Nothing]) -> Changes:
    """Which profiles were merged, split and erased since a change: for a CRM that follows."""
    since, limit = call.asked.since, call.asked.limit
    reads = call.store.identity
    last = await reads.last_change()
    if since > last:
        raise wrong_shape(
            f"since: expected at most {last}, the number of the last change, got {since}; "
            "was an older copy of the file restored? begin again with since=0"
        )
    rows = await reads.changes(since, limit=limit + 1)
    page = rows[:limit]
    more = len(rows) > limit
    read_to = page[-1].id if page else 0
    following = read_to if more else max(last, read_to)  # `last` was read before them
    return Changes([_change(row) for row in page], following, more)


OPERATIONS = (  # before GET /profiles/{profile_id}, which would take "changes" for a profile ID
    Operation("GET", "/profiles/changes", changes, "read", Changes, ChangesAsked),
    Operation("GET", "/profiles/{profile_id}/history", history, "read", HistoryPage, HistoryAsked),
)


def _history(row: HistoryRow) -> HistoryView:
    return HistoryView(
        number=row.id,
        time=to_rfc3339(row.time_ms),
        what=row.what,
        profile=row.profile,
        other=row.other,
        key=key_ref(row.key),
        refused=row.refused,
        cause=row.cause,
        event_id=row.event_id,
        decision=row.decision,
        made_by=row.made_by,
        reason=row.reason,
    )


def _change(row: HistoryRow) -> ChangeView:
    return ChangeView(
        row.id,
        to_rfc3339(row.time_ms),
        row.what,
        row.profile,
        row.other,
        row.cause,
        row.event_id,
        row.decision,
    )
