"""The store on one SQLite file: one connection that writes, one that reads for those who wait.

Another reads for the work in the background, so that nobody waits for its long steps.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from onetrail_collector.identity.keys import Key
from onetrail_collector.store import (
    counts,
    database,
    erasure,
    erasure_reach,
    erasure_receipts,
    key_form,
    live,
    quarantine,
    reads,
    rollups,
    search,
    sign_ins,
    signing,
    sources,
)
from onetrail_collector.store.database import open_reader, open_writer
from onetrail_collector.store.identity_reads import IdentityReads
from onetrail_collector.store.insert import Writer
from onetrail_collector.store.labels import Labels
from onetrail_collector.store.retention import RetentionTables
from onetrail_collector.store.rows import (
    BlockedValue,
    CountRow,
    Counts,
    CountsAsked,
    Erasure,
    EventsPage,
    FoundProfile,
    LiveEvent,
    LiveFilter,
    PageViews,
    ProfileRows,
    Quarantined,
    Removal,
    SessionRow,
    Source,
    StoredEvent,
    Tally,
    Token,
)
from onetrail_collector.store.transaction import Transaction


class SqliteStore:
    """A Store in one file; store/protocol/ says what each call does."""

    def __init__(
        self, writer: Writer, reader: aiosqlite.Connection, background: aiosqlite.Connection
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._background = background
        self._writing = asyncio.Lock()
        self._labels = Labels()
        self.identity = IdentityReads(reader)
        self.retention = RetentionTables(background, self.transaction)

    @classmethod
    async def open(cls, path: Path, *, synchronous: str = "full") -> "SqliteStore":
        """Open the file, made and migrated where needed. Raises UnusableDatabase.

        synchronous is SQLite's: "full" syncs each commit, "normal" only now and then.
        """
        async with AsyncExitStack() as opened:
            writer = await open_writer(path, synchronous=synchronous)
            opened.push_async_callback(writer.close)
            reader = await open_reader(path)
            opened.push_async_callback(reader.close)
            store = cls(writer, reader, await open_reader(path))
            opened.pop_all()
        return store

    async def probe(self) -> None:
        """The schema's number, written again, dirties a page: the disk must take it."""
        async with self.transaction() as transaction:
            await transaction.touch()

    async def close(self) -> None:
        async with self._writing:
            await self._reader.close()
            await self._background.close()
            await self._writer.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._all_or_nothing():
            yield Transaction(self._writer, self._labels)

    @asynccontextmanager
    async def _all_or_nothing(self) -> AsyncIterator[None]:
        """Who is cancelled leaves a statement that runs all the same, and behind it a rollback.

        The thread takes both before what the next holder of the lock asks for, even where the wait
        for the rollback is cancelled too.
        """
        async with self._writing:
            try:
                await database.begin(self._writer)
                yield
                await self._writer.execute("COMMIT")
            except BaseException:
                await self._writer.rollback()  # nothing, where no transaction is open by then
                raise

    async def find_profile(self, public_id: str) -> int | None:
        return await reads.find_profile(self._reader, public_id)

    async def find_profiles_by_key(self, key: Key) -> list[int]:
        return await reads.find_profiles_by_key(self._reader, key)

    async def search(self, prefixes: Iterable[Key], text: str, *, limit: int) -> list[FoundProfile]:
        return await search.search(self._reader, prefixes, text, limit=limit)

    async def read_profile(self, profile: int, *, limit: int, count_to: int) -> ProfileRows:
        return await reads.read_profile(self._reader, profile, limit=limit, count_to=count_to)

    async def read_events(
        self, profile: int, *, limit: int, before: tuple[int, int] | None
    ) -> EventsPage:
        return await reads.read_events(self._reader, profile, limit=limit, before=before)

    async def counts(self) -> Counts:
        return await reads.read_counts(self._reader)

    async def removal(self, profile: int) -> Removal:
        return await erasure_reach.removal(self._reader, profile)

    async def erasures(self, *, pending: bool = False) -> list[Erasure]:
        return await erasure_receipts.list_erasures(self._reader, pending=pending)

    async def find_erasure(self, public_id: str) -> Erasure | None:
        return await erasure_receipts.find_erasure(self._reader, public_id)

    async def find_suppression(
        self, *, profile_id: str | None = None, key: Key | None = None
    ) -> Erasure | None:
        return await erasure_receipts.find_by_mark(self._reader, profile_id=profile_id, key=key)

    async def walk_contexts(self, erasure_id: int, after: int) -> tuple[set[int], int]:
        return await erasure.walk_contexts(self._background, erasure_id, after)

    async def checkpoint(self) -> None:
        async with self._writing:
            await database.checkpoint(self._writer)

    async def quarantined(
        self, source: str | None, *, limit: int, after: int | None = None
    ) -> list[Quarantined]:
        if after is None:
            return await quarantine.read_newest(self._reader, source, limit=limit)
        return await quarantine.read(self._reader, source, limit=limit, after=after)

    async def drop_quarantined(self, numbers: Sequence[int]) -> int:
        async with self._all_or_nothing():
            return await quarantine.drop(self._writer, numbers)

    async def find_events(self, event_id: str) -> list[StoredEvent]:
        return await reads.find_events(self._reader, event_id)

    async def newest_events(self, source: str | None, *, limit: int) -> list[StoredEvent]:
        return await reads.newest_events(self._reader, source, limit=limit)

    async def sessions_page(
        self, profile: int, *, limit: int, after: int
    ) -> list[tuple[int, SessionRow]]:
        return await reads.sessions_page(self._reader, profile, limit=limit, after=after)

    async def sources(self) -> list[Source]:
        return await sources.list_sources(self._reader)

    async def add_source(
        self, public_id: str, *, name: str, origins: list[str], now_ms: int
    ) -> bool:
        async with self._all_or_nothing():
            return await sources.add_source(
                self._writer, public_id, name=name, origins=origins, now_ms=now_ms
            )

    async def change_source(self, public_id: str, changes: Mapping[str, Any]) -> bool:
        async with self._all_or_nothing():
            return await sources.change_source(self._writer, public_id, changes)

    async def tokens(self) -> list[Token]:
        return await sources.list_tokens(self._reader)

    async def add_token(
        self, sha256: bytes, *, name: str, now_ms: int, scopes: Collection[str]
    ) -> bool:
        async with self._all_or_nothing():
            return await sources.add_token(
                self._writer, sha256, name=name, now_ms=now_ms, scopes=scopes
            )

    async def revoke_token(self, name: str) -> bool:
        async with self._all_or_nothing():
            return await sources.revoke_token(self._writer, name)

    async def settle_key_form(self, fingerprint: str) -> None:
        if await key_form.check_key_form(self._reader, fingerprint):
            return  # and nobody waits for another process's transaction
        async with self._all_or_nothing():
            await key_form.settle_key_form(self._writer, fingerprint)

    async def check_key_form(self, fingerprint: str) -> None:
        await key_form.check_key_form(self._reader, fingerprint)

    async def set_signing_secret(self, public_id: str, secret: str) -> bool:
        async with self._all_or_nothing():
            return await signing.set_signing_secret(self._writer, public_id, secret)

    async def require_signature(self, public_id: str, *, require: bool) -> bool:
        async with self._all_or_nothing():
            return await signing.require_signature(self._writer, public_id, require=require)

    async def blocked_values(self) -> list[BlockedValue]:
        return await reads.blocked_values(self._reader)

    async def read_counts(self, asked: CountsAsked) -> list[CountRow]:
        return await counts.read_counts(self._reader, asked)

    async def read_page_views(self, *, limit: int) -> PageViews:
        return await counts.read_page_views(self._background, limit=limit)

    async def add_page_counts(self, rows: list[Tally], last: int) -> None:
        async with self._all_or_nothing():
            await counts.add_page_counts(self._writer, self._labels.bound(rows), last)

    async def tidy(self, now_ms: int) -> None:
        async with self._all_or_nothing():
            await rollups.tidy_counts(self._writer, now_ms)
            await quarantine.expire(self._writer, now_ms=now_ms)
            await sign_ins.expire(self._writer, now_ms=now_ms)
            await erasure_receipts.expire(self._writer, now_ms=now_ms)

    async def sum_up_month(self, now_ms: int) -> bool:
        async with self._all_or_nothing():
            return await rollups.sum_up_month(self._writer, now_ms)

    async def newest_number(self) -> int:
        return await live.newest_number(self._reader)

    async def read_committed(
        self,
        *,
        after: int,
        limit: int,
        filter_by: LiveFilter,
    ) -> list[LiveEvent]:
        return await live.read_committed(
            self._reader, after=after, limit=limit, filter_by=filter_by
        )

    async def add_sign_in(
        self, sha256: bytes, *, token: bytes, expires_ms: int, now_ms: int
    ) -> None:
        async with self._all_or_nothing():
            await sign_ins.add_sign_in(
                self._writer, sha256, token=token, expires_ms=expires_ms, now_ms=now_ms
            )

    async def find_sign_in(self, sha256: bytes, *, now_ms: int) -> Token | None:
        return await sign_ins.find_sign_in(self._reader, sha256, now_ms=now_ms)

    async def remove_sign_in(self, sha256: bytes) -> None:
        async with self._all_or_nothing():
            await sign_ins.remove_sign_in(self._writer, sha256)
