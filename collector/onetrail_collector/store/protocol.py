"""What the collector asks of a store, whichever database it is: the contract of each call."""

from collections.abc import Collection, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.rows import (
    Cluster,
    CountRow,
    Counts,
    EventsPage,
    Known,
    LiveEvent,
    LiveFilter,
    PageViews,
    ProfileRows,
    Question,
    Regrouping,
    Source,
    Tally,
    Token,
    Writes,
)


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

    async def write(self, writes: Writes) -> bool:
        """Add all of it; True where a link is new or has earlier evidence than before.

        Raises AlreadyStored where an event is; the transaction must then end, and begin anew.
        """

    async def cluster(self, profile_ids: Iterable[int], *, count_to: int) -> Cluster:
        """All links within reach of these profile IDs; a shared key is not passed through.

        A key that was shared before is counted on at most `count_to` profile IDs.
        """

    async def regroup(self, regrouping: Regrouping) -> None:
        """Store what identity resolution decided."""


class Store(Protocol):
    """Durable events, profile IDs and links; profiles go by the number of their oldest ID."""

    def transaction(self) -> AbstractAsyncContextManager[StoreTransaction]:
        """All that happens inside is on disk when it ends, or nothing of it where that fails."""

    async def find_profile(self, public_id: str) -> int | None:
        """The profile that holds this profile ID."""

    async def find_profiles_by_key(self, key: Key) -> list[int]:
        """The profiles with a link to this key, at most 100; those it joins come first."""

    async def read_profile(self, profile: int) -> ProfileRows:
        """All that is stored about a profile, but its events."""

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
        """Add a source, or enable it again under this name and these origins; True if new."""

    async def disable_source(self, public_id: str) -> bool:
        """Refuse a source's events from now on; False where there is none."""

    async def tokens(self) -> list[Token]:
        """All admin tokens, the oldest first."""

    async def add_token(self, sha256: bytes, *, name: str, now_ms: int) -> None:
        """Let the admin token of this hash in from now on."""

    async def read_counts(
        self, *, metrics: list[str], step_ms: int, from_ms: int, to_ms: int
    ) -> list[CountRow]:
        """The counts of these metrics in the steps of this length that begin in [from, to)."""

    async def read_page_views(self, *, limit: int) -> PageViews:
        """The page views among the next `limit` events whose pages are not counted yet."""

    async def add_page_counts(self, rows: list[Tally], last: int) -> None:
        """Count pages up to the event of this number, and keep that number with them."""

    async def tidy_counts(self, now_ms: int) -> None:
        """Forget fine steps of long ago, and rare labels of past days."""

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
