"""What identity resolution asks of a store."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from onetrail_collector.identity.decisions import Decision, Part
from onetrail_collector.identity.keys import Key
from onetrail_collector.store.identity_rows import (
    DecisionMade,
    Evidence,
    HistoryRow,
    InactiveKey,
    Member,
    Place,
    ProfileExtent,
    ProfileTotals,
    RecentSession,
)
from onetrail_collector.store.rows import (
    Change,
    ChangeCause,
    DecisionRow,
    KeyState,
    LinkState,
    Moment,
    ProfileSize,
    Region,
    Regrouping,
)


class IdentityTransaction(Protocol):
    """Links, keys, profiles, decisions and history, within one transaction.

    A profile is a number that its profile IDs and keys carry; it means nothing else.
    """

    async def link_states(self, links: Iterable[tuple[int, int]]) -> list[LinkState]:
        """These links, given as (profile ID, key), as they are stored."""

    async def seen_on(self, keys: Iterable[int], *, count_to: int) -> dict[int, int]:
        """On how many profile IDs each of these keys is seen; counted no further than that."""

    async def key_states(self, keys: Iterable[int], *, count_to: int) -> list[KeyState]:
        """These keys as they are stored."""

    async def profiles(self, profile_ids: Iterable[int]) -> dict[int, int]:
        """The profile of each of these profile IDs."""

    async def values(self, profiles: Iterable[int]) -> dict[int, dict[str, int]]:
        """How many keys of each kind these profiles hold."""

    async def sizes(self, profiles: Iterable[int]) -> dict[int, ProfileSize]:
        """Of each profile its oldest profile ID, and how many it has; counting ends at 10,000."""

    async def parted(self, profiles: Iterable[int]) -> list[tuple[int, int]]:
        """Pairs of profiles, one of them among these, that a decision keeps apart."""

    async def merge(
        self, into: Mapping[int, int], keys: Mapping[int, int], *, new_ids: AbstractSet[int]
    ) -> None:
        """Make each profile part of the one that `into` names, then give loose keys to theirs.

        `new_ids` are profile IDs that hold no key yet, each a profile of its own.
        """

    async def region(
        self, profiles: Collection[int], loose_keys: Collection[int], *, limit: int
    ) -> Region | None:
        """These profiles, and these keys that no profile holds, with all their links.

        What is at the far ends of refused links is in `links` alone. None where there are more
        than `limit` links or profile IDs, or four times as many with those to inactive keys.
        """

    async def page_of_members(
        self, profiles: Sequence[int], *, after: int, limit: int
    ) -> list[tuple[int, int]]:
        """(profile, profile ID), in the order of these profiles and then by number.

        But not the IDs by whose numbers the profiles go: see namesakes().
        As many as `limit` at most; of the first profile only those after the number `after`.
        """

    async def namesakes(self, profiles: Sequence[int]) -> list[int]:
        """The profile IDs whose numbers are those of the profiles that hold them, one of each."""

    async def page_of_links(
        self, profile_ids: Sequence[int], *, after: int, limit: int
    ) -> list[tuple[int, int, int, str, str | None]]:
        """Likewise (profile ID, key, time_ms, event id, why it is refused) of these profile IDs."""

    async def page_of_users(
        self, keys: Sequence[int], *, after: int, limit: int
    ) -> list[tuple[int, int, int]]:
        """Likewise (key, a profile ID with a link to it, that one's profile) of these keys."""

    async def active_keys(self, keys: Sequence[int]) -> list[tuple[int, str, str, int | None]]:
        """(key, kind, value, the profile that holds it) of those that may join somebody."""

    async def latest(
        self, profiles: Sequence[int], *, besides: Collection[tuple[int, int]], limit: int
    ) -> list[tuple[int, str, Moment, int]] | None:
        """Of each profile and kind of key its latest link's moment, and how many were read.

        Links that touch it, but those to inactive keys, and `besides`, as (profile ID, key). None
        where more than `limit` links would have to be read.
        """

    async def oldest(self, profiles: Iterable[int]) -> dict[int, int]:
        """Of each profile its oldest profile ID."""

    async def oldest_besides(
        self, profiles: Iterable[int], profile_ids: Collection[int]
    ) -> dict[int, int]:
        """Of each profile that has others than these profile IDs, the oldest of the others."""

    async def apply(self, regrouping: Regrouping) -> None:
        """Store what identity resolution decided, but its history; no number is used again."""

    async def note(
        self, changes: Sequence[Change], *, now_ms: int, cause: ChangeCause = "event"
    ) -> None:
        """Append to the history what has one cause."""

    async def set_inactive(self, keys: Mapping[int, str | None]) -> None:
        """Say of keys why they join nobody, or None; either way they leave their profile."""

    async def users(self, key: int, *, limit: int) -> list[int]:
        """Profile IDs with a link to a key, at most so many."""

    async def unsettle_ids(self, profile_ids: Iterable[int]) -> None:
        """Leave to the background all within reach of these profile IDs."""

    async def unsettled_since(self, word: int, profile_ids: Collection[int]) -> set[int]:
        """Which of these profile IDs were left to the background after a number."""

    async def begin_settling(self, profile_id: int) -> int:
        """Leave the reach of a profile ID to the background, which begins with it; its number.

        As long as that number is left, and no other has begun, settling() says so.
        """

    async def leave_settling(self, word: int, *, before: tuple[int, int] | None) -> None:
        """Go on with it no more, and leave one word of it: settling() says what it said before."""

    async def settling(self) -> tuple[int, int] | None:
        """What the background has begun last and not ended: (number, profile ID)."""

    async def unsettled(self, *, after: int = 0, limit: int) -> list[tuple[int, int]]:
        """What is left to the background: (number, profile ID), the oldest after a number first."""

    async def last_unsettled(self) -> int:
        """The highest number in what is left."""

    async def settled(self, profile_ids: Collection[int], *, up_to: int) -> None:
        """These, as far as they were left up to this number, are left no more."""

    async def delete_links(self, profile_ids: Collection[int]) -> list[int]:
        """Delete all links of these profile IDs; answers their keys. One unused holds nothing."""

    async def members(self, profile: int) -> tuple[list[int], list[int]]:
        """The profile IDs of a profile, and all keys that they have links to."""

    async def delete_decisions(self, profile_ids: Collection[int], keys: Collection[int]) -> None:
        """Delete what was decided about these profile IDs, and about the keys that are no more."""

    async def last_numbers(self) -> tuple[int, int]:
        """The highest numbers of a key and of a profile ID."""

    async def state(self, name: str) -> str | None:
        """What identity resolution remembers under this name."""

    async def set_state(self, name: str, value: str) -> None:
        """Remember a value under this name."""

    async def unsettle(self, profiles: Iterable[int], keys: Iterable[int]) -> None:
        """Leave to the background all within reach of these profiles and of these keys."""

    async def reserve_numbers(self, count: int) -> int:
        """Keep so many numbers that no profile has, this one and those below, from all others."""

    async def decisions_about(self, profile_ids: Collection[int]) -> list[DecisionRow]:
        """The decisions in force about these profile IDs and all that those name, oldest first.

        Refused keys are not among them: they are inactive.
        """

    async def act(self, number: int) -> list[DecisionRow]:
        """What was decided at once with this decision, itself among it, as far as in force."""

    async def in_force(self, decision: Decision) -> int | None:
        """The number of the newest such decision in force; None where there is none."""

    async def add_decision(
        self, decision: Decision, *, act: int | None, reason: str, made_by: str, now_ms: int
    ) -> int:
        """Record a decision; answers its number. A key never seen before is made known.

        `act` is the number of the first that was made at once with it; None for the first.
        """

    async def key(self, key: Key) -> int:
        """The number of a key, known or made known."""

    async def undo_act(self, number: int, *, reason: str, undone_by: str, now_ms: int) -> bool:
        """Record that it, and what was decided with it, holds no more; False where it did not."""


class IdentityReads(Protocol):
    """What people ask of identity resolution. `limit` bounds the rows, `after` is a cursor."""

    async def members(self, public_ids: Iterable[str]) -> dict[str, Member]:
        """The profile IDs of these public ids, as far as they exist."""

    async def together(self, profile_ids: Collection[int]) -> list[Member]:
        """All profile IDs of the profiles that hold these, the oldest first."""

    async def members_of(self, profile: int, *, limit: int) -> list[Member]:
        """The profile IDs of a profile, the oldest first."""

    async def places(self, profiles: Collection[int], *, limit: int) -> list[tuple[Place, bool]]:
        """The links of these profiles, the earliest evidence first, and whether each is refused."""

    async def evidence(self, places: Collection[Place]) -> dict[Place, Evidence]:
        """These links, as far as they exist."""

    async def evidence_of(self, profile: int, *, limit: int) -> list[Evidence]:
        """The links of a profile, those of its oldest profile IDs first."""

    async def evidence_for(self, key: Key, *, limit: int) -> list[Evidence]:
        """The links to a key."""

    async def foreign_evidence(self, profile: int, *, limit: int) -> list[Evidence]:
        """Refused links of other profiles' profile IDs to keys that this profile holds."""

    async def link(self, profile_id: int, key: Key) -> Evidence | None:
        """The link of a profile ID to a key."""

    async def extent(self, profile: int) -> ProfileExtent:
        """How many profile IDs a profile has, and how many links those have."""

    async def held(self, profiles: Collection[int], kinds: Collection[str]) -> list[Key]:
        """The keys of these kinds that these profiles hold."""

    async def decisions_within(
        self, profiles: Collection[int], *, limit: int
    ) -> list[DecisionMade]:
        """The decisions in force about profile IDs of these profiles, the oldest first."""

    async def acts(self, *, limit: int, before: int) -> list[DecisionMade]:
        """The decisions of so many acts below the number `before`, the newest act first."""

    async def act_of(self, decision: int) -> int | None:
        """The act that a decision, in force or undone, belongs to."""

    async def split_in_force(self, profile_ids: Sequence[int], member: int) -> list[Part]:
        """The parts of an act that parted exactly these profile IDs from others, `member` named."""

    async def history(self, profile: int, *, limit: int, before: int) -> list[HistoryRow]:
        """What became of a profile's profile IDs below the number `before`, the newest first."""

    async def changes(self, since: int, *, limit: int) -> list[HistoryRow]:
        """History above the number `since`, the oldest first, without the verdicts on links."""

    async def last_change(self) -> int:
        """The highest number in the history."""

    async def inactive(
        self, reason: str, *, limit: int, after: int, count_to: int
    ) -> list[InactiveKey]:
        """Keys that join nobody for a reason, by number; users are counted as far as `count_to`."""

    async def refused(self, reason: str, *, limit: int, after: Place) -> list[Evidence]:
        """Links refused for a reason, by the numbers of their ends."""

    async def count_refused(self, reasons: Collection[str], *, count_to: int) -> dict[str, int]:
        """How many links are refused for each reason, counted as far as `count_to`."""

    async def recent_sessions(self, profile: int, *, limit: int) -> list[RecentSession]:
        """A profile's sessions, the newest first."""

    async def totals(self, profile: int, *, count_to: int) -> ProfileTotals:
        """How much there is of a profile, each counted as far as `count_to`."""
