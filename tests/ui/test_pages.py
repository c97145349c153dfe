"""What the pages show is what is stored, as text, for every reader."""

import gzip
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

AXE = Path(__file__).parent.parent.parent / "js" / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = '"><img src=x onerror="document.title=1"><script>document.title=2</script>'
MAX_PAGE_BYTES = 150_000
OTHERS = ("/ui/sources", "/ui/identity", "/ui/sign-in")


def send(collector: Any, *events: dict[str, Any], session: str = "s", **headers: str) -> str:
    body = {"source": {"id": "demo"}, "session": {"id": session}, "events": list(events)}
    answer = collector.post(body, **headers)
    assert answer.status_code == 200, answer.text
    profile_id: str = answer.json()["profile"]["id"]
    return profile_id


def identify(**properties: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "type": "identify", "properties": properties}


@pytest.fixture
def history(collector: Any) -> Iterator[None]:
    """Events of three types over two days, in twenty sessions."""
    now = datetime.now(UTC)
    for number in range(20):
        happened = [
            {
                "type": ["page-view", "click", "order"][place % 3],
                "time": (now - timedelta(hours=2 * number, minutes=place)).isoformat(),
            }
            for place in range(number + 1)
        ]
        send(collector, *happened, session=f"s{number}")
    return


@pytest.mark.usefixtures("history")
def test_the_overview_counts_what_sql_counts(signed_in: Page, collector: Any) -> None:
    since = (time.time() - 30 * 86_400) * 1000
    signed_in.get_by_role("button", name="Month").click()
    for name, table, column in [
        ("Events", "events", "time_ms"),
        ("Sessions", "sessions", "started_ms"),
        ("New devices", "profile_ids", "issued_ms"),
    ]:
        [[count]] = collector.rows(f"SELECT count(*) FROM {table} WHERE {column} >= ?", since)  # noqa: S608
        figure = signed_in.locator("#figures button").filter(has_text=name).locator("strong")
        expect(figure).to_have_text(str(count))
    by_type = collector.rows("SELECT type, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC, 1")
    rows = signed_in.locator("#types tbody tr")
    shown = {tuple(row.split()) for row in rows.all_inner_texts()}
    assert shown == {(name, str(count)) for name, count in by_type}


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("step", ["minute", "hour", "day", "month"])
def test_every_step_of_the_series_holds_what_sql_holds(collector: Any, step: str) -> None:
    now = datetime.now(UTC)
    start = now - timedelta(hours=20)
    series = collector.get(
        "/counts/series", **{"from": start.isoformat(), "to": now.isoformat(), "step": step}
    )
    form = {"minute": "%Y-%m-%dT%H:%M", "hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}
    stored = dict(
        collector.rows(
            "SELECT strftime(?, time_ms / 1000, 'unixepoch'), count(*) FROM events GROUP BY 1",
            form[step],
        )
    )
    [line] = series["lines"]
    starts = [text[: len(now.strftime(form[step]))] for text in series["starts"]]
    assert dict(zip(starts, line["counts"], strict=True)) == {
        start: stored.get(start, 0) for start in starts
    }


def test_a_duplicate_counts_once(collector: Any) -> None:
    event = {"id": str(uuid4()), "type": "a"}
    for _ in range(3):
        send(collector, event)
    rows = collector.rows("SELECT sum(count) FROM counts WHERE metric = 'events' GROUP BY step_ms")
    assert rows == [(1,), (1,), (1,)]


def test_an_event_is_seen_as_it_arrives_and_opens_to_its_json(
    signed_in: Page, collector: Any
) -> None:
    signed_in.goto(f"{collector.url}/ui/live")
    expect(signed_in.locator("#onboarding")).to_contain_text('data-source="demo"')
    expect(signed_in.locator("#state")).to_have_text("live")
    send(collector, {"type": "sign-up", "properties": {"plan": "pro"}})
    expect(signed_in.locator("#onboarding")).to_contain_text("The first event is here.")
    line = signed_in.locator("#events li").first
    expect(line).to_contain_text("sign-up")
    line.locator("summary strong").click()
    assert json.loads(line.locator("pre").inner_text())["properties"] == {"plan": "pro"}


def test_the_stream_goes_on_over_a_restart_and_brings_each_event_once(
    signed_in: Page, collector: Any
) -> None:
    signed_in.goto(f"{collector.url}/ui/live")
    expect(signed_in.locator("#state")).to_have_text("live")
    send(collector, {"type": "before"})
    expect(signed_in.locator("#events li")).to_have_count(1)
    collector.stop()
    assert "everything accepted is stored" in collector.said()  # the open stream let it stop
    expect(signed_in.locator("#state")).to_contain_text("trying again")
    collector.start()
    send(collector, {"type": "after"})
    expect(signed_in.locator("#events li")).to_have_count(2)
    expect(signed_in.locator("#events li strong").first).to_have_text("after")


def test_the_stream_shows_what_the_filters_let_through(signed_in: Page, collector: Any) -> None:
    wanted = send(collector, {"type": "a"}, {"type": "b"}, session="1")
    send(collector, {"type": "a"}, session="2")
    signed_in.goto(f"{collector.url}/ui/live?type=a&profile_id={wanted}")
    lines = signed_in.locator("#events li")
    expect(lines).to_have_count(1)
    send(collector, {"type": "a"}, {"type": "b"}, session="1")
    expect(lines).to_have_count(2)
    assert set(signed_in.locator("#events li strong").all_inner_texts()) == {"a"}


def test_a_profile_is_found_by_any_of_its_names(signed_in: Page, collector: Any) -> None:
    public_id = send(collector, identify(email="ann@acme-shop.ch", traits={"name": "Ann"}))
    other = send(collector, identify(email="ann@acme-shop.ch", user_id="17"), session="2")
    for words in (public_id, other, "Ann@Acme-Shop.ch", "user_id:17", "17"):
        signed_in.goto(f"{collector.url}/ui/profiles")
        signed_in.get_by_label("A profile ID").fill(words)
        signed_in.get_by_role("button", name="Find").click()
        expect(signed_in.get_by_role("heading", name="Ann")).to_be_visible()
        expect(signed_in.locator(".title .id")).to_have_text(public_id)
    expect(signed_in.locator("#events li")).to_have_count(2)
    signed_in.goto(f"{collector.url}/ui/profiles")
    signed_in.get_by_label("A profile ID").fill("nobody@acme-shop.ch")
    signed_in.get_by_role("button", name="Find").click()
    expect(signed_in.get_by_text("Nobody is known by")).to_be_visible()


def test_what_a_stranger_sends_is_shown_as_text(signed_in: Page, collector: Any) -> None:
    page = {"url": f"https://a.test/{HOSTILE}", "referrer": f"https://{HOSTILE}.test/"}
    view = {"type": "page-view", "properties": page}
    event = {"type": HOSTILE, "properties": {HOSTILE: HOSTILE}, "context": {HOSTILE: HOSTILE}}
    event["id"] = HOSTILE
    traits = {"name": HOSTILE, HOSTILE: HOSTILE}
    who = identify(user_id=HOSTILE, email=f"{HOSTILE}@a.test", traits=traits)
    lost = {"type": HOSTILE, "properties": [HOSTILE]}
    phone = f"Mozilla/5.0 (Linux; Android 10; {HOSTILE}) AppleWebKit/537.36 Chrome/120.0 Mobile"
    agent = {"user-agent": phone}
    profile_id = send(collector, event, view, who, lost, session=HOSTILE, **agent)
    collector.post(
        {"key": f"user_id:{HOSTILE}", "reason": HOSTILE},
        "/identity/refuse-key",
        authorization=f"Bearer {collector.token}",
    ).raise_for_status()
    search = f"/ui/profiles?q={HOSTILE[:20]}"
    [(client,)] = collector.rows("SELECT client FROM sessions")
    assert json.loads(client)["device"] == HOSTILE
    for path in ("/ui", "/ui/live", f"/ui/profiles/{profile_id}", "/ui/identity", search):
        signed_in.goto(collector.url + path)
        expect(signed_in.get_by_text(HOSTILE, exact=True).first).to_be_visible()
        for summary in signed_in.locator("summary strong").all():
            summary.click()
        for place in signed_in.locator(".node, .line").all():
            place.press("Enter")
        assert signed_in.evaluate("document.title") not in {"1", "2"}
        assert signed_in.locator("img[src=x]").count() == 0


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_every_page_is_for_every_reader(
    signed_in: Page, collector: Any, scheme: Any, width: int
) -> None:
    """axe-core finds no serious fault, nothing is wider than the screen, and no page is heavy."""
    profile_id = send(collector, identify(email="ann@acme-shop.ch", traits={"name": "Ann"}))
    signed_in.set_viewport_size({"width": width, "height": 800})
    signed_in.emulate_media(color_scheme=scheme)
    for path in ("/ui", "/ui/live", "/ui/profiles", f"/ui/profiles/{profile_id}", *OTHERS):
        signed_in.goto(collector.url + path)
        expect(signed_in.get_by_role("heading", level=1)).to_be_visible()
        if path == "/ui":
            expect(signed_in.locator("#chart canvas")).to_be_visible()
        assert signed_in.evaluate("document.documentElement.scrollWidth") <= width, path
        faults = signed_in.evaluate(
            AXE.read_text() + "; axe.run().then((found) => found.violations)"
        )
        serious = [fault for fault in faults if fault["impact"] in {"serious", "critical"}]
        assert not serious, (path, json.dumps(serious, indent=1)[:2000])
        assert 0 < packed_bytes(signed_in) < MAX_PAGE_BYTES, path


def packed_bytes(page: Page) -> int:
    """All that the page has loaded, each file packed."""
    loaded = page.evaluate("performance.getEntriesByType('resource').map((file) => file.name)")
    files = [httpx.get(name).content for name in loaded if "/ui/static/" in name]
    return sum(len(gzip.compress(body)) for body in [page.content().encode(), *files])
