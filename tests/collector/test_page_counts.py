"""Pages and referrers are counted once each, a moment after the commit, whatever happens then."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.conftest import wait_until

from onetrail_collector.page_counts import tally
from onetrail_collector.store.labels import NEW_A_DAY, Labels
from onetrail_collector.store.periods import DAY_MS, HOUR_MS
from onetrail_collector.store.rollups import MOST_LABELS
from onetrail_collector.store.rows import CountsAsked, PageView
from onetrail_collector.store.sqlite import SqliteStore

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z


def view(url: object, referrer: object = None) -> dict[str, Any]:
    return {"type": "page-view", "properties": {"url": url, "referrer": referrer}}


def counted(collector: Any, metric: str) -> dict[str, int]:
    sql = "SELECT label, count FROM counts WHERE metric = ? AND step_ms = 86400000"
    return dict(collector.rows(sql, metric))


def test_pages_are_told_by_address_and_sites_by_name(collector: Any) -> None:
    events = [
        view("https://shop.test/a?utm_source=x", "https://search.test/?q=secret"),
        view("https://shop.test/a", "https://shop.test/"),
        view("https://shop.test/b"),
        view("not an address"),
        view(17, ["https://search.test/"]),
        {"type": "click", "properties": {"url": "https://shop.test/c"}},
    ]
    assert collector.post({"source": {"id": "demo"}, "events": events}).status_code == 200
    wait_until(lambda: counted(collector, "pages"), "pages to be counted")
    assert counted(collector, "pages") == {"shop.test/a": 2, "shop.test/b": 1}
    assert counted(collector, "referrers") == {"search.test": 1}


def test_after_a_crash_it_goes_on_where_it_was(collector: Any) -> None:
    for round_ in range(5):
        events = [view(f"https://shop.test/{number % 3}") for number in range(30)]
        assert collector.post({"source": {"id": "demo"}, "events": events}).status_code == 200
        if round_ % 2:
            wait_until(lambda: counted(collector, "pages"), "pages to be counted")
        collector.kill()
        collector.start()
    wait_until(lambda: sum(counted(collector, "pages").values()) >= 150, "all pages to be counted")
    assert counted(collector, "pages") == {f"shop.test/{number}": 50 for number in range(3)}


def test_of_each_past_hour_and_day_the_most_frequent_labels_are_kept(tmp_path: Path) -> None:
    async def fold() -> list[list[tuple[str, int]]]:
        store = await SqliteStore.open(tmp_path / "a.db")
        await store.add_source("web", name="web", origins=[], now_ms=0)
        rows = [("pages", NOON_MS, 1, f"p{number:05}", number + 1) for number in range(1500)]
        await store.add_page_counts(rows, 1)
        for _ in range(2):  # a second time changes nothing
            await store.tidy(NOON_MS + DAY_MS)
        kept = [
            await store.read_counts(
                CountsAsked("label", "pages", step_ms, 0, NOON_MS + DAY_MS, None, 2000)
            )
            for step_ms in (HOUR_MS, DAY_MS)
        ]
        await store.close()
        return [sorted((row.line, row.happened) for row in rows) for rows in kept]

    for kept in asyncio.run(fold()):
        assert len(kept) == MOST_LABELS + 1
        lost = 1500 - MOST_LABELS
        assert kept[0] == ("(other)", sum(range(1, lost + 1)))
        assert kept[1] == (f"p{lost:05}", lost + 1)


def test_types_that_a_stranger_makes_up_fill_no_table(collector: Any) -> None:
    """Each was three rows for ever: of its minute, its hour, its day."""
    for part in range(NEW_A_DAY // 1_000 + 2):
        made_up = [{"type": f"made-up-{part}-{number}"} for number in range(1_000)]
        assert collector.post({"source": {"id": "demo"}, "events": made_up}).json()["accepted"]
    told = counted(collector, "events")
    assert len(told) == NEW_A_DAY + 1
    assert told["(other)"] == 2_000


def test_what_was_told_apart_yesterday_still_is_when_a_day_brings_too_much_that_is_new() -> None:
    labels = Labels(new_a_day=3, most_a_day=5)

    def told(day: int, names: str) -> str:
        rows = labels.bound(("pages", day * DAY_MS, 1, name, 1) for name in names)
        return "".join(label for *_, label, _ in rows).replace("(other)", ".")

    assert told(1, "abcdea") == "abc..a"
    assert told(2, "xyzwabx") == "xyz.abx"
    assert told(1, "x") == "x"  # an event that comes late is of today
    assert told(2, "c") == "."  # no more than so many in all
    assert told(4, "c") == "c"


def test_a_hostile_address_is_no_page() -> None:
    for properties in ('{"url": "http://[::1"}', '{"url": 3}', "{", '{"url": "http://\\u0000/"}'):
        assert len(tally([PageView(1, 0, properties)])) <= 1
    [(_, _, _, label, _)] = tally(
        [PageView(1, -5, json.dumps({"url": "https://a.b/" + "x" * 900}))]
    )
    assert len(label) == 300
