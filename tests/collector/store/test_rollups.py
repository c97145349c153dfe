"""Months that are summed up say what their days say, whatever comes late."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.store.periods import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    MONTH_MS,
    pieces,
    start_of,
)
from onetrail_collector.store.rollups import MOST_LABELS
from onetrail_collector.store.rows import CountsAsked, Tally
from onetrail_collector.store.sqlite import SqliteStore

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
YEARS_MS = 4 * 365 * DAY_MS
STEPS_MS = (MINUTE_MS, HOUR_MS, DAY_MS, MONTH_MS)


@given(
    st.integers(0, YEARS_MS),
    st.integers(0, YEARS_MS),
    st.sampled_from([STEPS_MS[first:] for first in range(4)]),
    st.integers(0, 48),
)
def test_pieces_hold_each_moment_of_a_span_once(
    from_ms: int, length_ms: int, steps_ms: tuple[int, ...], months: int
) -> None:
    from_ms = start_of(NOON_MS + from_ms, steps_ms[0])
    to_ms = from_ms + length_ms
    months_to_ms = start_of(NOON_MS + months * MONTH_MS, MONTH_MS)
    found = pieces(from_ms, to_ms, steps_ms, months_to_ms=months_to_ms)
    ends = [from_ms, *(piece.to_ms for piece in found)]
    assert [piece.from_ms for piece in found] == ends[:-1]
    assert ends[-1] == to_ms
    for piece in found:
        if piece.step_ms != steps_ms[0]:
            assert start_of(piece.from_ms, piece.step_ms) == piece.from_ms
            assert start_of(piece.to_ms, piece.step_ms) == piece.to_ms
        if piece.step_ms == MONTH_MS and len(steps_ms) > 1:
            assert piece.to_ms <= months_to_ms


def test_a_year_is_in_few_pieces_and_mostly_in_months() -> None:
    to_ms = NOON_MS + 17 * DAY_MS
    found = pieces(
        start_of(to_ms - 365 * DAY_MS, DAY_MS), to_ms, (DAY_MS, MONTH_MS), months_to_ms=NOON_MS
    )
    spans = [(piece.step_ms, (piece.to_ms - piece.from_ms) // DAY_MS) for piece in found]
    assert spans == [(DAY_MS, 14), (MONTH_MS, 334), (DAY_MS, 17)]


@pytest.mark.parametrize("time", ["2024-02-29T23:59", "2026-12-31T00:00", "1970-01-01T00:00"])
def test_a_month_is_of_the_calendar(time: str) -> None:
    moment = datetime.fromisoformat(time).replace(tzinfo=UTC)
    start = datetime.fromtimestamp(start_of(int(moment.timestamp()) * 1000, MONTH_MS) / 1000, UTC)
    assert start == datetime(moment.year, moment.month, 1, tzinfo=UTC)


async def counted(store: SqliteStore, **asked: Any) -> dict[tuple[str, int], int]:
    usual: dict[str, Any] = {
        "by": "label",
        "metric": "pages",
        "step_ms": DAY_MS,
        "from_ms": start_of(NOON_MS, MONTH_MS),
        "to_ms": NOON_MS + 500 * DAY_MS,
        "source": None,
        "most": 10_000,
        "whole": True,
    }
    rows = await store.read_counts(CountsAsked(**usual | asked))
    found: Counter[tuple[str, int]] = Counter()
    for row in rows:
        at_ms = start_of(row.start_ms, MONTH_MS) if asked.get("step_ms") == MONTH_MS else 0
        found[row.line, at_ms] += row.happened
    return dict(found)


def with_store(path: Path, work: Callable[[SqliteStore], Awaitable[None]]) -> None:
    async def run() -> None:
        store = await SqliteStore.open(path)
        for source in ("web", "app"):
            await store.add_source(source, name=source, origins=[], now_ms=0)
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(run())


def views(day: int, labels: int, *, of: int = 1) -> list[Tally]:
    at_ms = NOON_MS + day * DAY_MS
    return [("pages", at_ms, of, f"p{(day * 7 + n) % 60}", n + 1) for n in range(labels)]


async def sum_up(store: SqliteStore, day: int) -> int:
    """How many months were summed up."""
    months = 0
    while await store.sum_up_month(NOON_MS + day * DAY_MS):
        months += 1
    return months


def test_months_that_are_summed_up_say_what_their_days_say(tmp_path: Path) -> None:
    """Before and after, by source, of any span, and with what comes late to such a month."""

    async def work(store: SqliteStore) -> None:
        rows = [row for day in range(0, 420, 3) for row in views(day, 30, of=1 + day % 2)]
        await store.add_page_counts(rows, 1)
        asked: list[dict[str, Any]] = [
            {},
            {"source": "app"},
            {"by": "source"},
            {"from_ms": NOON_MS - NOON_MS % DAY_MS + 40 * DAY_MS},
            {"to_ms": NOON_MS + 200 * DAY_MS},
            {"step_ms": MONTH_MS, "whole": False},
        ]
        before = [await counted(store, **each) for each in asked]
        assert await sum_up(store, 420) == 13
        assert await sum_up(store, 420) == 0
        assert [await counted(store, **each) for each in asked] == before
        late = [("pages", NOON_MS + day * DAY_MS, 1, "late", 1) for day in (0, 10, 100, 419)]
        await store.add_page_counts(late, 2)
        after = [await counted(store, **each) for each in asked]
        assert after[0] == before[0] | {("late", 0): 4}
        assert after[1] == before[1]
        assert sum(after[5].values()) == sum(before[5].values()) + 4
        assert await sum_up(store, 451) == 1
        assert [await counted(store, **each) for each in asked] == after

    with_store(tmp_path / "a.db", work)


def test_a_month_waits_for_what_comes_late_and_an_empty_file_has_none(tmp_path: Path) -> None:
    async def work(store: SqliteStore) -> None:
        assert await sum_up(store, 900) == 0
        await store.add_page_counts(views(0, 3), 1)
        assert await sum_up(store, 35) == 0
        assert await sum_up(store, 38) == 1
        await store.add_page_counts(views(400, 3), 2)
        assert await sum_up(store, 460) == 1

    with_store(tmp_path / "a.db", work)


def test_of_a_month_the_most_frequent_labels_are_kept_and_the_sum_is_whole(tmp_path: Path) -> None:
    async def work(store: SqliteStore) -> None:
        rows: list[Tally] = [
            ("pages", NOON_MS + day * DAY_MS, 1, f"{day}-{n}", 1)
            for day in (1, 2)
            for n in range(90)
        ]
        often: Tally = ("pages", NOON_MS + DAY_MS, 1, "often", 5)
        await store.add_page_counts([*rows, often], 1)
        assert await sum_up(store, 60) == 1
        kept = await counted(store)
        assert len(kept) == MOST_LABELS + 1
        assert kept["often", 0] == 5
        assert kept["(other)", 0] == len(rows) - MOST_LABELS + 1

    with_store(tmp_path / "a.db", work)
