"""The queue in front of the writer: bounded, fair, and no request takes its neighbours along."""

import asyncio
import itertools
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

import pytest

from onetrail_collector import ingest as ingest_module
from onetrail_collector.assignment import Request
from onetrail_collector.errors import Refused
from onetrail_collector.identity.policy import Policy
from onetrail_collector.ingest import Ingest
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.store.transaction import Transaction
from onetrail_collector.wire.envelope import Envelope, Event, Receipt

T = TypeVar("T")


def with_ingest(path: Path, work: Callable[[Ingest, SqliteStore], Awaitable[T]]) -> T:
    async def run() -> T:
        store = await SqliteStore.open(path / "a.db")
        await store.add_source("demo", name="demo", origins=[], now_ms=0)
        ingest = Ingest(store, Policy(), clock=lambda: 1000)
        ingest.start()
        try:
            return await work(ingest, store)
        finally:
            await ingest.close()
            await store.close()

    return asyncio.run(run())


def envelope(number: int, *, events: int = 1, size_bytes: int = 0) -> Envelope:
    listed = [Event(i, f"{number}-{i}", "click", "{}") for i in range(events)]
    return Envelope("demo", listed, session=f"s{number}", size_bytes=size_bytes)


@pytest.mark.parametrize(("limit", "value"), [("MAX_WAITING", 5), ("MAX_WAITING_BYTES", 450)])
def test_a_full_queue_says_so_and_empties(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(ingest_module, limit, value)

    async def work(ingest: Ingest, store: SqliteStore) -> int:
        sent = [ingest.submit(envelope(n, size_bytes=100)) for n in range(20)]
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        assert {(one.status, one.code) for one in refused} == {(503, "busy")}
        assert (await ingest.submit(envelope(99, size_bytes=100))).accepted == 1
        assert (await store.counts()).events == 20 - len(refused) + 1
        return len(refused)

    assert with_ingest(tmp_path, work) == 15


def test_a_commit_holds_a_bounded_number_of_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "MAX_COMMIT_EVENTS", 25)

    async def work(ingest: Ingest, store: SqliteStore) -> int:
        await asyncio.gather(*(ingest.submit(envelope(n, events=10)) for n in range(30)))
        return (await store.counts()).events

    assert with_ingest(tmp_path, work) == 300


@pytest.mark.parametrize(("events", "size"), [(ingest_module.MANY_EVENTS, 8), (1, 16)])
def test_while_one_half_is_written_the_other_half_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: int, size: int
) -> None:
    """Clients that send again once they are answered come to stand in two halves, by themselves.

    Where their requests are small all of them are one commit.
    """
    monkeypatch.setattr(ingest_module, "MAX_COMMIT_EVENTS", 10 * events)
    sizes: list[int] = []

    async def client(ingest: Ingest, number: int) -> None:
        for turn in range(12):
            await ingest.submit(envelope(100 * number + turn, events=events))

    async def work(ingest: Ingest, _: SqliteStore) -> None:
        commit = ingest._commit

        async def counted(requests: list[Request]) -> list[Receipt | Refused]:
            sizes.append(len(requests))
            if len(sizes) == 3:  # uneven ones, to begin with
                monkeypatch.setattr(ingest_module, "MAX_COMMIT_EVENTS", 2_000)
            return await commit(requests)

        monkeypatch.setattr(ingest, "_commit", counted)
        await asyncio.gather(*(client(ingest, number) for number in range(16)))

    with_ingest(tmp_path, work)
    assert sizes[0] == 10
    assert sum(sizes) == 16 * 12
    assert set(sizes[6:12]) == {size}, sizes


def test_a_request_that_breaks_the_commit_takes_no_other_along(tmp_path: Path) -> None:
    async def work(ingest: Ingest, store: SqliteStore) -> None:
        broken = envelope(1)
        broken.events[0].properties = object()  # type: ignore[assignment]  # what SQLite cannot hold
        first, second, third = await asyncio.gather(
            ingest.submit(envelope(0)),
            ingest.submit(broken),
            ingest.submit(envelope(2)),
            return_exceptions=True,
        )
        assert not isinstance(first, BaseException)
        assert not isinstance(third, BaseException)
        assert isinstance(second, Refused)
        assert second.status == 500
        assert (await store.counts()).events == 2

    with_ingest(tmp_path, work)


def test_a_commit_that_fails_keeps_no_answer_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers wait until the next commit is being written, which this one never is."""
    monkeypatch.setattr(ingest_module, "MAX_COMMIT_EVENTS", 2)

    async def work(ingest: Ingest, store: SqliteStore) -> None:
        begin, begun = store.transaction, itertools.count()

        def transaction() -> AbstractAsyncContextManager[Transaction]:
            if next(begun):
                raise sqlite3.OperationalError("database is locked")
            return begin()

        monkeypatch.setattr(store, "transaction", transaction)
        sent = [ingest.submit(envelope(n)) for n in range(4)]
        async with asyncio.timeout(10):
            stored, last, *refused = await asyncio.gather(*sent, return_exceptions=True)
        assert [one.accepted for one in (stored, last) if isinstance(one, Receipt)] == [1, 1]
        assert [one.status for one in refused if isinstance(one, Refused)] == [503, 503]

    with_ingest(tmp_path, work)


def test_of_each_trait_the_newest_five_values_are_kept(tmp_path: Path) -> None:
    """An app that counts in a trait fills no disk."""

    def stating(number: int) -> Envelope:
        traits = f'{{"traits":{{"visits":{number},"plan":"pro"}}}}'
        event = Event(0, str(number), "identify", traits, time_ms=number)
        return Envelope("demo", [event], session="s")

    async def work(ingest: Ingest, _: SqliteStore) -> None:
        await asyncio.gather(*(ingest.submit(stating(number)) for number in range(4)))
        for number in range(4, 9):
            await ingest.submit(stating(number))

    with_ingest(tmp_path, work)
    with sqlite3.connect(tmp_path / "a.db") as connection:
        kept = connection.execute("SELECT value FROM traits WHERE name = 'visits'").fetchall()
    assert sorted(row[0] for row in kept) == ["4", "5", "6", "7", "8"]


def test_what_comes_after_the_close_is_told_to_come_back(tmp_path: Path) -> None:
    async def work(ingest: Ingest, _: SqliteStore) -> None:
        taken = asyncio.create_task(ingest.submit(envelope(1)))
        await asyncio.sleep(0)
        await ingest.close()
        assert (await taken).accepted == 1
        with pytest.raises(Refused, match="stopping"):
            await ingest.submit(envelope(2))

    with_ingest(tmp_path, work)
