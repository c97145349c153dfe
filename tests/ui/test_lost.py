"""What was not stored is seen where people look: live, with what to do, and counted by reason."""

import time
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

HOSTILE = '"><img src=x onerror="document.title=1">'


def send(collector: Any, *events: Any, source: str = "demo", session: str = "s") -> Any:
    body = {"source": {"id": source}, "session": {"id": session}, "events": list(events)}
    return collector.post(body)


def test_rejected_events_are_seen_live_with_what_to_do(signed_in: Page, collector: Any) -> None:
    send(collector, {"type": "before"}, {"type": "", "properties": {"a": HOSTILE}})
    signed_in.goto(f"{collector.url}/ui/live")
    lost = signed_in.locator("#events .lost")
    expect(lost).to_have_count(1)
    expect(lost).to_contain_text("rejected: wrong_shape")
    expect(lost).to_contain_text("events[1].type")
    send(collector, {"type": "good"}, {"type": HOSTILE, "properties": [1]})
    expect(lost).to_have_count(2)
    expect(lost.first.locator("strong")).to_have_text(HOSTILE)
    lost.first.locator("summary strong").click()
    expect(lost.first.locator("pre")).to_contain_text(HOSTILE.replace('"', '\\"'))
    expect(lost.first.get_by_role("link")).to_have_attribute("href", "/errors#wrong_shape")
    assert signed_in.locator("img[src=x]").count() == 0
    send(collector, {"type": "a"}, source="nobody")
    expect(lost).to_have_count(3)
    expect(lost.first).to_contain_text("refused: unknown_source")


def test_after_a_break_nothing_rejected_is_missed_or_shown_twice(
    signed_in: Page, collector: Any
) -> None:
    signed_in.goto(f"{collector.url}/ui/live")
    send(collector, {"type": "good"}, {"type": "one", "properties": 1})
    lost = signed_in.locator("#events .lost strong")
    expect(lost).to_have_text(["one"])
    collector.stop()
    expect(signed_in.locator("#state")).to_contain_text("trying again")
    collector.start()
    send(collector, {"type": "two", "properties": 1})
    expect(lost).to_have_text(["two", "one"])
    expect(signed_in.locator("#events li")).to_have_count(3)


def test_a_filter_by_type_shows_only_what_is_of_the_type(signed_in: Page, collector: Any) -> None:
    send(collector, {"type": "a"}, {"type": "a", "properties": 1})
    signed_in.goto(f"{collector.url}/ui/live?type=a")
    expect(signed_in.locator("#events li")).to_have_count(1)


def test_the_overview_counts_merges_and_rejected_as_sql_does(
    signed_in: Page, collector: Any
) -> None:
    for number in range(4):
        event = {"id": str(uuid4()), "type": "identify", "properties": {"user_id": "17"}}
        send(collector, event, {"type": "a", "properties": 1}, session=f"s{number}")
    [[merges]] = collector.rows("SELECT count(*) FROM history WHERE what = 'merged'")
    by_code = collector.rows("SELECT code, count(*) FROM quarantine GROUP BY 1")
    assert (merges, by_code) == (3, [("wrong_shape", 4)])
    signed_in.reload()
    figures = signed_in.locator("#figures button")
    expect(figures.filter(has_text="Merges").locator("strong")).to_have_text(str(merges))
    expect(figures.filter(has_text="Rejected").locator("strong")).to_have_text("4")
    expect(signed_in.locator("#rejected tbody tr")).to_have_text("wrong_shape4")
    figures.filter(has_text="Merges").click()
    expect(signed_in.locator("#chart .u-legend")).to_contain_text("merges")
    rows = collector.rows(
        "SELECT metric, step_ms, sum(count) FROM counts WHERE metric IN ('merges', 'rejected')"
        " GROUP BY 1, 2"
    )
    assert {(metric, count) for metric, _, count in rows} == {("merges", 3), ("rejected", 4)}
    assert len(rows) == 6  # each by minute, hour and day


def test_the_overview_says_how_the_collector_is_doing(signed_in: Page, collector: Any) -> None:
    assert collector.get("/status")["last_commit"] is None
    before_ms = time.time() * 1000
    send(collector, {"type": "a"})
    status = collector.get("/status")
    [[received_ms]] = collector.rows("SELECT max(received_ms) FROM events")
    assert received_ms >= before_ms - 1
    [[text]] = collector.rows(
        "SELECT strftime('%Y-%m-%dT%H:%M:%S', received_ms / 1000, 'unixepoch') FROM events"
    )
    assert status["last_commit"].startswith(text)
    assert status["not_ready"] is None
    assert status["database_bytes"] == collector.db.stat().st_size
    assert (status["queue_requests"], status["queue_bytes"]) == (0, 0)
    signed_in.reload()
    expect(signed_in.locator("#status")).to_contain_text("ready")
    expect(signed_in.locator("#status time")).to_have_attribute("datetime", status["last_commit"])
