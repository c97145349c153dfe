"""What the collector asks of a store, whichever database it is: the contract of each call."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

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
    BlockedValue,
    Change,
    CountRow,
    Counts,
    CountsAsked,
    DecisionRow,
    Erasure,
    EventAge,
    EventsPage,
    FoundProfile,
    ImportedRows,
    KeyState,
    Known,
    Leaving,
    LinkState,
    LiveEvent,
    LiveFilter,
    PageViews,
    ProfileRows,
    ProfileSize,
    Quarantined,
    Question,
    Referred,
    Region,
    Regrouping,
    Removal,
    SessionRow,
    Source,
    StoredEvent,
    Tally,
    Token,
    Writes,
)


class AlreadyStored(Exception):  # noqa: N818 - an answer to a guess
    """One of the events to be written is stored already; the transaction has written nothing."""


Referrable = Literal["sessions", "contexts"]
"""Tables to whose rows events refer, and nothing else does."""


class StoreTransaction(Protocol):
    """One commit: its look-ups see one state, and its writes make the next."""

    async def look_up(self, question: Question) -> Known:
        """What is stored of the sources, sessions, profile IDs and events of a commit."""

    async def exclusive_values(
        self, profile_ids: Iterable[int], kinds: Collection[str]
    ) -> dict[int, dict[str, str]]:
        """Which value of each of these kinds was used on these profile IDs."""

    @property
    def erasing(self) -> "ErasureSteps":
        """The steps of an erasure."""

    async def find_profile(self, public_id: str) -> int | None:
        """The profile that holds this profile ID."""

    async def suppressed(self, marks: Collection[str]) -> set[str]:
        """Which of these marks are of people who were erased."""

    async def count_values(self, profile_ids: Iterable[int]) -> dict[int, dict[str, int]]:
        """How many values of each kind were used on these profile IDs, of at most 1,000 each."""

    async def write(self, writes: Writes) -> list[tuple[int, int]]:
        """Add all of it; answers the links, as (profile ID, key), new or with earlier evidence.

        A profile ID keeps a bounded number of links; the rest is counted, and told in `writes`.
        Raises AlreadyStored where an event is; the transaction must then end, and begin anew.
        """

    @property
    def identity(self) -> "IdentityTransaction":
        """The part that identity resolution works on."""

    @property
    def imports(self) -> "ImportTransaction":
        """The part that an import of links works on."""

    @property
    def identity_reads(self) -> "IdentityReads":
        """Identity as this transaction leaves it so far."""


class IdentityTransaction(Protocol):
    """Links, keys, profiles, decisions and history, within one transaction.

    A profile is a number that its profile IDs and keys carry; it means nothing else.
    """

    async def link_states(
        self, links: Iterable[tuple[int, int]], *, count_to: int
    ) -> list[LinkState]:
        """These links, given as (profile ID, key), as they are stored."""

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

    async def merge(self, into: Mapping[int, int], keys: Mapping[int, int]) -> None:
        """Make each profile part of the one that `into` names, then give loose keys to theirs."""

    async def region(
        self, profiles: Collection[int], loose_keys: Collection[int], *, limit: int
    ) -> Region | None:
        """These profiles, and these keys that no profile holds, with all their links.

        What is at the far ends of refused links is in `links` alone. None where there are more
        than `limit` links or profile IDs.
        """

    async def apply(self, regrouping: Regrouping) -> None:
        """Store what identity resolution decided, but its history."""

    async def note(self, changes: Sequence[Change], *, now_ms: int) -> None:
        """Append to the history."""

    async def set_inactive(self, keys: Mapping[int, str | None]) -> None:
        """Say of keys why they join nobody, or None; either way they leave their profile."""

    async def users(self, key: int, *, limit: int) -> list[int]:
        """Profile IDs with a link to a key, at most so many."""

    async def unsettle_ids(self, profile_ids: Iterable[int]) -> None:
        """Leave to the background all within reach of these profile IDs."""

    async def unsettled(self, *, limit: int) -> list[tuple[int, int]]:
        """What is left to the background: (number, profile ID), the oldest first."""

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

    async def set_state(self, name: str, value: str | None) -> None:
        """Remember a value under this name; None forgets it."""

    async def unsettle(self, profiles: Iterable[int], keys: Iterable[int]) -> None:
        """Leave to the background all within reach of these profiles and of these keys."""

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


class RetentionStore(Protocol):
    """What retention reads and deletes; each deletion is one small commit."""

    async def position(self, source: int) -> int:
        """The event up to which all of a source's are gone."""

    async def count(self, source: int) -> int:
        """How many events of a source are kept."""

    async def oldest(self, after: int, limit: int) -> list[EventAge]:
        """The next events, of all sources, in the order of arrival."""

    async def forget(self, source: int, events: Sequence[int], position: int) -> int:
        """Delete these events and remember the position, in one commit; answers how many went."""

    async def referred(self, after: int, limit: int) -> Referred:
        """Which sessions and contexts the next events refer to."""

    async def leave(  # noqa: PLR0913, PLR0917 - one commit needs it all
        self,
        table: Referrable,
        after: int,
        limit: int,
        before_ms: int,
        seen_to: int,
        unused: Callable[[Iterable[int], Referred], list[int]],
    ) -> Leaving:
        """Delete those of the next rows that `unused` picks, told what came after `seen_to`.

        It is not asked about sessions that began at `before_ms` or later.
        """


class ErasureSteps(Protocol):
    """The steps of erasures, within one transaction.

    The first makes a profile unknown; the others, a few rows each, remove what is left of it.
    """

    async def begin(  # noqa: PLR0913 - a receipt says who, why and when
        self, profile: int, *, public_id: str, made_by: str, reason: str, now_ms: int, count_to: int
    ) -> tuple[Erasure, list[int]]:
        """Let no ID find a profile; suppress its profile IDs and the keys that nobody else uses.

        Its links, traits, own keys and refused events are removed at once. Also answers the profile
        IDs of others that shared a key with it, as far as that key is seen on at most `count_to`
        of them: who those are must be resolved again.
        """

    async def suppress_sessions(self, erasure: int, after: int) -> int | None:
        """Suppress some sessions after the number `after`, and let no id find them.

        Answers the number of the last; None at the end.
        """

    async def remove_events(self, erasure: int) -> int | None:
        """Remove some events; answers how many, None at the end."""

    async def remove_sessions(self, erasure: int) -> int | None:
        """Remove some sessions, when their events are gone; answers how many, None at the end."""

    async def end(self, erasure: int, used: Iterable[int], walked_to: int, *, now_ms: int) -> bool:
        """Remove the contexts that nobody else uses and the profile IDs, and call it done.

        `used` are the contexts that other events up to the number `walked_to` use. False, and
        nothing is done, where an event or a session came in the meantime.
        """

    async def lift(self, public_id: str, *, lifted_by: str, now_ms: int) -> bool:
        """Let the people of an erasure be stored again; False where it does not suppress them."""


class ImportTransaction(Protocol):
    """What an import of links needs, within one transaction."""

    async def source(self, *, now_ms: int) -> int:
        """The number of the source of imported links; it is disabled: nobody sends as it."""

    async def find_keys(
        self, keys: Sequence[Key], source: int
    ) -> dict[Key, tuple[int, int | None]]:
        """Of those keys that are known: their number, and the imported profile ID linked to them.

        Where there are several, the oldest; none where a key is seen on more than 1,000.
        """

    async def highest_numbers(self) -> tuple[int, int]:
        """The highest profile ID and the highest key in use."""

    async def add(self, rows: ImportedRows) -> list[tuple[int, int]]:
        """Add all of it; answers the links, of those that might be there already, that were not."""


class Store(Protocol):
    """Durable events, profile IDs and links; profiles go by the number of their oldest ID."""

    @property
    def identity(self) -> IdentityReads:
        """Identity as it was last committed, also while a transaction is open."""

    @property
    def retention(self) -> RetentionStore:
        """What retention needs."""

    def transaction(self) -> AbstractAsyncContextManager[StoreTransaction]:
        """All that happens inside is on disk when it ends, or nothing of it where that fails."""

    async def find_profile(self, public_id: str) -> int | None:
        """The profile that holds this profile ID."""

    async def find_profiles_by_key(self, key: Key) -> list[int]:
        """The profiles with a link to this key, at most 100; those it joins come first."""

    async def search(self, prefixes: Iterable[Key], text: str, *, limit: int) -> list[FoundProfile]:
        """Profiles by keys that begin with a prefix, then by traits with a word that does so."""

    async def read_profile(self, profile: int, *, limit: int, count_to: int) -> ProfileRows:
        """A profile's traits, and at most `limit` of its oldest profile IDs and of their links.

        The events and sessions of each profile ID are counted as far as `count_to`.
        """

    async def read_events(
        self, profile: int, *, limit: int, before: tuple[int, int] | None
    ) -> EventsPage:
        """A page of a profile's events, the newest first, older than the place `before`."""

    async def counts(self) -> Counts:
        """How many rows of each kind there are."""

    async def sources(self) -> list[Source]:
        """All sources, the oldest first."""

    async def add_source(
        self, public_id: str, *, name: str, origins: list[str], now_ms: int
    ) -> bool:
        """Add a source that may send events; False where there is one of this ID already."""

    async def change_source(self, public_id: str, changes: Mapping[str, Any]) -> bool:
        """Set fields of a source, by the names of rows.Source; False where there is none."""

    async def tokens(self) -> list[Token]:
        """All admin tokens, the oldest first."""

    async def add_token(
        self, sha256: bytes, *, name: str, now_ms: int, scopes: Collection[str]
    ) -> bool:
        """Let the admin token of this hash in from now on; False where the name is taken."""

    async def revoke_token(self, name: str) -> bool:
        """Let the token of this name in no more; False where there is none."""

    async def removal(self, profile: int) -> Removal:
        """How much an erasure of this profile would remove."""

    async def erasures(self, *, pending: bool = False) -> list[Erasure]:
        """All erasures, or those under way; the newest first."""

    async def find_erasure(self, public_id: str) -> Erasure | None:
        """One erasure by the id of its receipt."""

    async def find_suppression(
        self, *, profile_id: str | None = None, key: Key | None = None
    ) -> Erasure | None:
        """The erasure by which this profile ID or this key is suppressed."""

    async def walk_contexts(self, erasure: int, after: int) -> tuple[set[int], int]:
        """Which contexts of an erasure other events use, among some after the number `after`.

        Also the last event looked at, which is `after` itself at the end.
        """

    async def checkpoint(self) -> None:
        """Bring the log of changes into the file, and empty it, as far as readers let it."""

    async def quarantined(
        self, source: str | None, *, limit: int, after: int | None = None
    ) -> list[Quarantined]:
        """Refused events of one source or all: the newest first, or the oldest after a number."""

    async def drop_quarantined(self, numbers: Sequence[int]) -> int:
        """Forget refused events; answers how many there were."""

    async def find_events(self, event_id: str) -> list[StoredEvent]:
        """The events of this id: one a source at most."""

    async def newest_events(self, source: str | None, *, limit: int) -> list[StoredEvent]:
        """The newest events of one source or all, among the newest 50,000 of the file."""

    async def sessions_page(
        self, profile: int, *, limit: int, after: int
    ) -> list[tuple[int, SessionRow]]:
        """Sessions of a profile, each with its number, after the number `after`."""

    async def settle_key_form(self, fingerprint: str) -> None:
        """Keep to the form of the stored keys, or begin with this: "" for clear, or a secret's.

        Raises UnusableDatabase where keys of another form are stored.
        """

    async def set_signing_secret(self, public_id: str, secret: str) -> bool:
        """Give a source its only signing secret; False where there is no such source."""

    async def require_signature(self, public_id: str, *, require: bool) -> bool:
        """Demand signatures, or no more; False where there is no source with a secret."""

    async def blocked_values(self) -> list[BlockedValue]:
        """Which entries of the lists of blocked values were met; the most frequent first."""

    async def read_counts(self, asked: CountsAsked) -> list[CountRow]:
        """The counts of the steps that begin in [from_ms, to_ms), by line and time."""

    async def read_page_views(self, *, limit: int) -> PageViews:
        """The page views among the next `limit` events whose pages are not counted yet."""

    async def add_page_counts(self, rows: list[Tally], last: int) -> None:
        """Count pages up to the event of this number, and keep that number with them."""

    async def tidy(self, now_ms: int) -> None:
        """Forget what is past its time: fine and rare counts, refused events, sign-ins."""

    async def newest_number(self) -> int:
        """The number of the event that was committed last; 0 where there is none."""

    async def read_committed(
        self,
        *,
        after: int,
        limit: int,
        filter_by: LiveFilter,
    ) -> list[LiveEvent]:
        """At most `limit` events committed after this one, the newest of them, in their order."""

    async def add_sign_in(
        self, sha256: bytes, *, token: bytes, expires_ms: int, now_ms: int
    ) -> None:
        """Remember who signed in at /ui with the token of this hash."""

    async def find_sign_in(self, sha256: bytes, *, now_ms: int) -> Token | None:
        """The token with which somebody signed in; None where that is over or was revoked."""

    async def remove_sign_in(self, sha256: bytes) -> None:
        """Sign out."""

    async def probe(self) -> None:
        """Commit a write that changes nothing; raises sqlite3.Error where that cannot be done."""

    async def close(self) -> None:
        """Wait for the transaction under way, then close."""
