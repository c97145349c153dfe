"""The store itself: one transaction at a time that writes, and what is read beside it."""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.protocol.identity import IdentityReads, IdentityTransaction
from onetrail_collector.store.protocol.imports import ImportTransaction
from onetrail_collector.store.protocol.upkeep import ErasureSteps, RetentionStore
from onetrail_collector.store.rows import (
    BlockedValue,
    CountRow,
    Counts,
    CountsAsked,
    Erasure,
    EventsPage,
    FoundProfile,
    Known,
    LinkState,
    LiveEvent,
    LiveFilter,
    PageViews,
    ProfileRows,
    Quarantined,
    Question,
    Removal,
    SessionRow,
    Source,
    StoredEvent,
    Tally,
    Token,
    Writes,
)

T = TypeVar("T")


class AlreadyStored(Exception):  # noqa: N818 - an answer to a guess
    """One of the events to be written is stored already; the transaction has written nothing."""


class StoreTransaction(Protocol):
    """One commit: its look-ups see one state, and its writes make the next."""

    async def look_up(self, question: Question) -> Known:
        """What is stored of the sources, sessions, profile IDs and events of a commit."""

    async def exclusive_values(
        self, profile_ids: Iterable[int], kinds: Collection[str]
    ) -> dict[int, dict[str, str]]:
        """Which value of each of these kinds was used on these profile IDs."""

    @property
    def erasing(self) -> ErasureSteps:
        """The steps of an erasure."""

    async def find_profile(self, public_id: str) -> int | None:
        """The profile that holds this profile ID."""

    async def suppression_salt(self) -> bytes | None:
        """The key of the marks of people who were erased; None where nobody was."""

    async def suppressed(self, marks: Collection[str]) -> set[str]:
        """Which of these marks are of people who were erased."""

    async def count_values(self, profile_ids: Iterable[int]) -> dict[int, dict[str, int]]:
        """How many values of each kind were used on these profile IDs, of at most 1,000 each."""

    async def write(self, writes: Writes) -> list[LinkState]:
        """Add all of it; answers the links that are new or have earlier evidence, as stored.

        A profile ID keeps a bounded number of links; the rest is counted, and told in `writes`.
        Raises AlreadyStored where an event is; the transaction must then end, and begin anew.
        """

    async def write_and_resolve(
        self,
        writes: Writes,
        resolve: Callable[[IdentityTransaction, list[LinkState]], Coroutine[Any, Any, T]],
    ) -> T | None:
        """The same, and resolve those links, off the event loop; None where there are none.

        `resolve` may wait for nothing but the tables that it is given.
        """

    @property
    def identity(self) -> IdentityTransaction:
        """The part that identity resolution works on."""

    async def at_once(self, work: Callable[[IdentityTransaction], Coroutine[Any, Any, T]]) -> T:
        """The same part, for work that waits for nothing else; off the event loop, as one whole."""

    @property
    def imports(self) -> ImportTransaction:
        """The part that an import of links works on."""

    @property
    def identity_reads(self) -> IdentityReads:
        """Identity as this transaction leaves it so far."""


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

    async def check_key_form(self, fingerprint: str) -> None:
        """Likewise, but begin with nothing: for who only reads."""

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

    async def sum_up_month(self, now_ms: int) -> bool:
        """Sum up the counts of the next month that is past; False where none is left."""

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
