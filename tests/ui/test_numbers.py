"""Every number on the pages is the one that SQL counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.conftest import wait_until


@pytest.fixture
def shop(collector: Any) -> str:
    """A day of two sources: views of pages from sites, and a person with two devices."""
    now = datetime.now(UTC)
    collector.run("sources", "add", "shop")
    owners: list[str] = []
    for number in range(12):
        views = [
            {
                "type": "page-view",
                "time": (now - timedelta(hours=number, minutes=place)).isoformat(),
                "properties": {
                    "url": f"https://shop.test/p{place}",
                    "referrer": f"https://site{number % 3}.test/" if place == 0 else None,
                },
            }
            for place in range(1 + number % 4)
        ]
        known = {"type": "identify", "properties": {"user_id": "17", "traits": {"plan": "pro"}}}
        source = ("demo", "shop")[number % 2]
        events = [*views, *([known] if number < 2 else [])]
        body = {"source": {"id": source}, "session": {"id": f"s{number}"}, "events": events}
        answer = collector.post(body)
        owners.append(str(answer.json()["profile"]["id"]))
    return owners[0]


def test_lists_of_the_overview_are_what_sql_counts(
    signed_in: Page, collector: Any, shop: str
) -> None:
    page_views = "FROM events WHERE type = 'page-view'"
    counted = {
        "#types": "SELECT type, count(*) FROM events",
        "#sources": "SELECT public_id, count(*) FROM events JOIN sources ON sources.id = source",
        "#pages": f"SELECT substr(properties ->> 'url', 9), count(*) {page_views}",
        "#referrers": "SELECT substr(rtrim(properties ->> 'referrer', '/'), 9), count(*)"
        f" {page_views} AND properties ->> 'referrer' IS NOT NULL",
    }
    [[views]] = collector.rows(f"SELECT count(*) {page_views}")
    wait_until(
        lambda: (
            collector.rows("SELECT number FROM positions")
            == collector.rows("SELECT max(id) FROM events")
        ),
        "pages to be counted",
    )
    signed_in.goto(f"{collector.url}/ui?span=week")
    for table, sql in counted.items():
        rows = collector.rows(f"{sql} GROUP BY 1")
        lines = signed_in.locator(f"{table} tbody tr")
        expect(lines).to_have_count(len(rows), timeout=10_000)
        assert {tuple(line.split()) for line in lines.all_inner_texts()} == {
            (name, str(count)) for name, count in rows
        }
    shown = signed_in.locator("#pages .number").all_inner_texts()[1:]
    assert sum(map(int, shown)) == views


def test_a_source_narrows_every_number(signed_in: Page, collector: Any, shop: str) -> None:
    signed_in.goto(f"{collector.url}/ui?span=week&source=shop&show=sessions")
    figures = signed_in.locator("#figures button")
    for name, table in [("Events", "events"), ("Sessions", "sessions")]:
        [[count]] = collector.rows(
            f"SELECT count(*) FROM {table} JOIN sources ON sources.id = source"  # noqa: S608
            " WHERE sources.public_id = 'shop'"
        )
        expect(figures.filter(has_text=name).locator("strong")).to_have_text(str(count))
    expect(figures.filter(has_text="Sessions")).to_have_attribute("aria-pressed", "true")
    expect(signed_in.locator("#sources tbody tr")).to_have_count(1)


def test_figures_of_a_profile_and_of_a_source_are_what_sql_counts(
    signed_in: Page, collector: Any, shop: str
) -> None:
    signed_in.goto(f"{collector.url}/ui/profiles/{shop}")
    own = "profile_id IN (SELECT id FROM profile_ids WHERE profile = 1)"
    for name, sql in [
        ("Devices", "SELECT count(*) FROM profile_ids WHERE profile = 1"),
        ("Sessions", f"SELECT count(*) FROM sessions WHERE {own}"),  # noqa: S608
        ("Events", f"SELECT count(*) FROM events WHERE {own}"),  # noqa: S608
    ]:
        [[count]] = collector.rows(sql)
        figure = signed_in.locator(".figures li").filter(has_text=name).locator("strong")
        expect(figure).to_have_text(str(count))
    expect(signed_in.locator("#events li")).to_have_count(count)
    listed = collector.rows(
        f"SELECT public_id FROM sessions WHERE {own} ORDER BY started_ms DESC"  # noqa: S608
    )
    heads = signed_in.locator("#events .session").evaluate_all("all => all.map(one => one.title)")
    assert set(heads) == {f"Session {session}" for (session,) in listed}
    signed_in.goto(f"{collector.url}/ui/sources")
    for source in ("demo", "shop"):
        [[count]] = collector.rows(
            "SELECT count(*) FROM events JOIN sources ON sources.id = source"
            " WHERE sources.public_id = ?",
            source,
        )
        card = signed_in.locator(f"[data-source={source}]")
        expect(card).to_contain_text(f"{count} events in the last day")
