"""What the identity calls share: evidence and decisions as they are answered."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

import msgspec

from onetrail_collector.clock import to_rfc3339
from onetrail_collector.errors import busy, not_found
from onetrail_collector.identity.keys import Key
from onetrail_collector.store.identity_rows import DecisionMade, Evidence, Member
from onetrail_collector.store.protocol import Store

T = TypeVar("T")
F = TypeVar("F", bound=Hashable)

ATTEMPTS = 5


class KeyRef(msgspec.Struct):
    """A key in its normal form."""

    kind: str
    value: str


class LinkView(msgspec.Struct):
    """That a profile ID used a key, the event that is its evidence, and why it joins nobody."""

    profile_id: str
    key: KeyRef
    event_id: str
    source: str
    time: str
    refused: str | None


class DecisionView(msgspec.Struct):
    """What an operator decided at once.

    what: join (profile_ids are one with others), part (never one with others), refuse_link (what
    profile_ids say by `key`), refuse_key (for everyone).
    """

    id: int
    what: str
    profile_ids: list[str]
    others: list[str]
    key: KeyRef | None
    reason: str
    made_by: str
    made_at: str
    undone_reason: str | None
    undone_by: str | None
    undone_at: str | None


def key_ref(key: Key | None) -> KeyRef | None:
    """A key as it is answered."""
    return None if key is None else KeyRef(key.kind, key.value)


def link_view(link: Evidence) -> LinkView:
    """A link as it is answered."""
    return LinkView(
        profile_id=link.profile_id,
        key=KeyRef(link.key.kind, link.key.value),
        event_id=link.event_id,
        source=link.source,
        time=to_rfc3339(link.time_ms),
        refused=link.refused,
    )


def decision_views(rows: Sequence[DecisionMade]) -> list[DecisionView]:
    """Rows as acts: what was decided at once is one, in the order of its first row."""
    acts: dict[int, list[DecisionMade]] = {}
    for row in rows:
        acts.setdefault(row.act, []).append(row)
    return [_decision_view(act) for act in acts.values()]


async def members_named(store: Store, *public_ids: str) -> list[Member]:
    """The profile IDs of these public ids, in their order. Raises Refused (404).

    Spaces around a pasted one, and upper case where there is none like that, are not its own.
    """
    spellings = [(one, one.strip(), one.strip().lower()) for one in public_ids]
    found = await store.identity.members({text for texts in spellings for text in texts})
    members = [next((found[text] for text in texts if text in found), None) for texts in spellings]
    for public_id, member in zip(public_ids, members, strict=True):
        if member is None:
            hint = "; a key is looked up with GET /profiles?key=KIND:VALUE" * (":" in public_id)
            raise not_found(f"no profile has the profile ID {public_id[:80]!r}{hint}")
    return [member for member in members if member is not None]


async def unmoved(
    store: Store, public_ids: Sequence[str], read: Callable[[list[Member]], Awaitable[T]]
) -> T:
    """What `read` answers of profile IDs that belong to the same profiles before and after it.

    Raises Refused (404, or 503 where they move each time).
    """
    return await still_there(lambda: members_named(store, *public_ids), read)


async def still_there(
    find: Callable[[], Awaitable[list[F]]], read: Callable[[list[F]], Awaitable[T]]
) -> T:
    """What `read` answers of what `find` finds before it and still finds after it.

    A merge between two statements gives profile IDs another profile, and `read` would look where
    they were; then it is done again. What others join meanwhile may be in one part of the answer
    and not yet in another. Raises Refused (503 where they move each time).
    """
    for _ in range(ATTEMPTS):
        found = await find()
        answer = None
        try:
            answer = await read(found)
        except LookupError:
            if set(found) <= set(await find()):
                raise
        if answer is not None and set(found) <= set(await find()):
            return answer
    raise busy("the profile is being merged again and again; ask again", retry_after_s=1)


def _decision_view(act: Sequence[DecisionMade]) -> DecisionView:
    first = act[0]
    act = [row for row in act if row.what == first.what]  # joins that keep a split's sides whole
    return DecisionView(
        id=first.act,
        what=first.what,
        profile_ids=list(dict.fromkeys(row.profile_id for row in act if row.profile_id)),
        others=list(dict.fromkeys(row.other for row in act if row.other)),
        key=key_ref(first.key),
        reason=first.reason,
        made_by=first.made_by,
        made_at=to_rfc3339(first.made_ms),
        undone_reason=first.undone_reason,
        undone_by=first.undone_by,
        undone_at=None if first.undone_ms is None else to_rfc3339(first.undone_ms),
    )
