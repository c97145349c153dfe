"""What identity resolution did not join: shared values and refused links, listed and counted."""

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from onetrail_collector.api.cursor import DEFAULT_PAGE, MAX_PAGE, from_cursor, to_cursor
from onetrail_collector.api.identity_views import KeyRef, LinkView, link_view
from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.store.identity_rows import Place

COUNT_TO = 10_000  # a count stops here: "10000" says that it is as much, or more

Inactive = Literal["shared", "key_refused", "blocked", "unknown_kind"]
Conflict = Literal["exclusive", "limit", "apart", "link_refused", "unsettled"]


class SharedAsked(msgspec.Struct):
    """Keys that join nobody for this reason; `cursor` is the next_cursor of the page before."""

    reason: Inactive = "shared"
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    cursor: str | None = None


class ConflictsAsked(msgspec.Struct):
    """Links refused for this reason; `cursor` is the next_cursor of the page before."""

    reason: Conflict = "exclusive"
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    cursor: str | None = None


class SharedView(msgspec.Struct):
    """A key that joins nobody, and on how many profile IDs it is seen: 10,000 or more is 10,000."""

    key: KeyRef
    profile_ids: int


class SharedPage(msgspec.Struct):
    """Keys that join nobody, the first seen first; next_cursor is null on the last page."""

    keys: list[SharedView]
    next_cursor: str | None


class ConflictsPage(msgspec.Struct):
    """Links that join nobody, by the age of their profile ID; next_cursor is null on the last page.

    counts: how many there are for each reason; 10,000 means so many or more.
    """

    counts: dict[str, int]
    links: list[LinkView]
    next_cursor: str | None


async def shared(call: Call[SharedAsked, Nothing]) -> SharedPage:
    """Values that join nobody because too many use them, or for another reason."""
    [after] = from_cursor(call.asked.cursor, first=(0,))
    limit = call.asked.limit
    rows = await call.store.identity.inactive(
        call.asked.reason, limit=limit + 1, after=after, count_to=COUNT_TO
    )
    page = rows[:limit]
    return SharedPage(
        [SharedView(KeyRef(*row.key), row.profile_ids) for row in page],
        to_cursor(page[-1].id) if len(rows) > limit else None,
    )


async def conflicts(call: Call[ConflictsAsked, Nothing]) -> ConflictsPage:
    """Links that were refused, by reason."""
    profile_id, key = from_cursor(call.asked.cursor, first=(0, 0))
    limit, reads = call.asked.limit, call.store.identity
    rows = await reads.refused(call.asked.reason, limit=limit + 1, after=Place(profile_id, key))
    page = rows[:limit]
    counts = await reads.count_refused(get_args(Conflict), count_to=COUNT_TO)
    return ConflictsPage(
        counts,
        [link_view(row) for row in page],
        to_cursor(*page[-1].place) if len(rows) > limit else None,
    )


OPERATIONS = (
    Operation("GET", "/identity/shared", shared, "read", SharedPage, SharedAsked),
    Operation("GET", "/identity/conflicts", conflicts, "read", ConflictsPage, ConflictsAsked),
)
