"""What the pages at /ui cost with ten events in the file, and with ten million.

    python bench/pages.py                            with ten and with 10,000,000 events
    python bench/pages.py --events 100000            the same on a small scale
    python bench/pages.py --keep large.db            makes the large file once, and uses it again

Both sides take turns: in each round every page of both collectors is opened once in Chromium, and
every request that it made is repeated alone. Times are medians, in milliseconds.
"""

import argparse
import asyncio
import contextlib
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import httpx
from playwright.sync_api import Page, sync_playwright
from processes import collector

from onetrail_collector.auth import hash_token
from onetrail_collector.store.counts import PAGE_STEPS_MS, STEPS_MS
from onetrail_collector.store.periods import DAY_MS, HOUR_MS, MONTH_MS
from onetrail_collector.store.rollups import FOLD, FORGET, KEPT_DAYS, LABELLED, MOST_LABELS
from onetrail_collector.store.rows import OTHER
from onetrail_collector.store.sqlite import SqliteStore

TOKEN = "bench"  # noqa: S105 - of a file that lives for a minute
EVENTS_A_DEVICE, EVENTS_A_SESSION = 50, 10
SHOWN = {  # a page, and what stands there when all of it is shown
    **{
        f"overview, {name}": (f"/ui?span={span}", "#chart canvas")
        for name, span in [
            ("an hour", "hour"),
            ("a day", "day"),
            ("a week", "week"),
            ("a month", "month"),
            ("a year", "year"),
            ("five years", "years"),
        ]
    },
    "live": ("/ui/live", "#events li"),
    "profiles, typing": ("/ui/profiles", "#search"),
    "a profile": ("/ui/profiles/{profile}", ".graph svg"),
    "sources": ("/ui/sources", "#sources .card"),
    "identity": ("/ui/identity", "#policy table"),
}


class Seen(NamedTuple):
    """Milliseconds until a page was whole in the browser, and of its slowest request alone."""

    whole_ms: float
    slowest_ms: float
    slowest: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.db", options.keep or Path(folder) / "large.db"
        make(small, 10)
        make(large, options.events)
        with collector(small) as few, collector(large) as many:
            sides = {"10": (few.url, small), f"{options.events:,}": (many.url, large)}
            seen = look(sides, options.rounds)
    say(seen, list(sides))


def make(db: Path, events: int) -> None:
    """A file with so many events of the last year, unless it is there."""
    if db.exists():
        return
    with collector(db):
        pass
    began = time.perf_counter()
    with contextlib.closing(sqlite3.connect(db)) as connection, connection:
        connection.execute(
            "INSERT INTO tokens (name, sha256, created_ms, scopes) VALUES ('bench', ?, 0, 'read')",
            (hash_token(TOKEN),),
        )
        connection.executemany(
            "INSERT INTO sources (public_id, name, created_ms) VALUES (?1, ?1, 0)",
            [("shop",), ("app",)],
        )
        fill(connection, events)
        count(connection)
    asyncio.run(sum_up(db))
    print(f"{events:,} events made in {time.perf_counter() - began:.0f} s", file=sys.stderr)


def fill(connection: sqlite3.Connection, events: int) -> None:
    """Devices with their sessions, keys and names, and events of ten types on many pages."""
    now_ms = int(time.time() * 1000)
    given = {
        "n": events,
        "devices": max(events // EVENTS_A_DEVICE, 1),
        "sessions": max(events // EVENTS_A_SESSION, 1),
        "from": now_ms - 365 * DAY_MS,
        "step": 365 * DAY_MS // events or 1,
        "event_type": "CASE WHEN n % 10 < 7 THEN 'page-view' ELSE 'type-' || (n % 10) END",
    }
    connection.execute("DROP INDEX events_by_profile_id")  # made at once afterwards: it is sorted
    for statement in FILL.split(";"):
        connection.execute(statement.format(**given))


FILL = """
INSERT INTO profile_ids (id, public_id, source, issued_ms, profile)
WITH RECURSIVE every(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM every WHERE n < {devices})
SELECT n, printf('%08x-0000-4000-8000-%012x', n, n), 1 + n % 3, {from} + n * {step} * 50, n
FROM every;
INSERT INTO keys (id, kind, value, profile)
SELECT id, 'email', 'user' || id || '@acme-shop.ch', id FROM profile_ids;
INSERT INTO links SELECT id, id, issued_ms, 'e' || id, source, NULL FROM profile_ids;
INSERT INTO traits
SELECT id, 'name', '"Name' || id || ' Surname"', issued_ms, 'e' || id FROM profile_ids;
INSERT INTO sessions (id, source, public_id, profile_id, started_ms)
WITH RECURSIVE every(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM every WHERE n < {sessions})
SELECT n, 1 + n % 3, 's' || n, 1 + n % {devices}, {from} + n * {step} * 10 FROM every;
INSERT INTO events (source, event_id, type, profile_id, session, time_ms, received_ms, properties)
WITH RECURSIVE every(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM every WHERE n < {n})
SELECT 1 + n % 3, printf('%08x-7000-8000-abcdef', n), {event_type}, 1 + n / 10 % {devices},
       1 + n / 10 % {sessions}, {from} + n * {step}, {from} + n * {step},
       '{{"url":"https://shop.example/p/' || (abs(random() % 150) * abs(random() % 150))
       || '","referrer":"https://site' || abs(random() % 200) || '.example/"}}'
FROM every;
CREATE INDEX events_by_profile_id ON events (profile_id, time_ms)
"""


def count(connection: sqlite3.Connection) -> None:
    """The roll-ups of what was made, as the collector would have kept them."""
    labels = {
        "events": "type",
        "pages": "substr(properties ->> 'url', 9)",
        "referrers": "rtrim(substr(properties ->> 'referrer', 9), '/')",
    }
    [now_ms] = connection.execute("SELECT max(time_ms) FROM events").fetchone()
    for step_ms in (step_ms for step_ms in STEPS_MS if step_ms < MONTH_MS):
        since_ms = now_ms - KEPT_DAYS.get(step_ms, 10_000) * DAY_MS
        tables = [
            *(("events", metric, "time_ms", label) for metric, label in labels.items()),
            ("sessions", "sessions", "started_ms", "''"),
            ("profile_ids", "profile_ids", "issued_ms", "''"),
        ]
        for table, metric, at, label in tables:
            of_pages = metric in {"pages", "referrers"}
            if of_pages and step_ms not in PAGE_STEPS_MS:
                continue
            views = "AND type = 'page-view'" if of_pages else ""
            connection.execute(
                f"INSERT INTO counts SELECT ?1, ?2, {at} / ?2 * ?2, source, {label}, count(*)"  # noqa: S608
                f" FROM {table} WHERE {at} >= ?3 {views} GROUP BY 3, 4, 5",
                (metric, step_ms, since_ms),
            )
    for metric in LABELLED:
        for step_ms in (HOUR_MS, DAY_MS):
            span = (metric, step_ms, 0, now_ms - HOUR_MS, OTHER, MOST_LABELS)
            connection.execute(FOLD, span)
            connection.execute(FORGET, span)
    connection.execute("INSERT INTO positions SELECT 'pages', max(id) FROM events")


async def sum_up(db: Path) -> None:
    """The months of what was made, as the collector sums them up by and by."""
    store = await SqliteStore.open(db)
    while await store.sum_up_month(int(time.time() * 1000)):
        pass
    await store.close()


def look(sides: dict[str, tuple[str, Path]], rounds: int) -> dict[tuple[str, str], Seen]:
    """Every page of every side."""
    found: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        pages = {side: signed_in(browser.new_page(), url) for side, (url, _) in sides.items()}
        for _ in range(rounds + 1):
            for side, page in pages.items():
                for name in SHOWN:
                    found[side, name].append(open_page(page, *sides[side], name))
        browser.close()
    return {place: median(seen[1:]) for place, seen in found.items()}


def signed_in(page: Page, url: str) -> Page:
    page.goto(f"{url}/ui")
    page.get_by_label("Admin token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/ui")
    return page


def open_page(page: Page, url: str, db: Path, name: str) -> Seen:
    """Open it, wait until all is there, and repeat its requests one by one."""
    path, whole = SHOWN[name]
    asked: list[str] = []
    listen = lambda request: asked.append(request.url)  # noqa: E731
    page.on("request", listen)
    page.goto(url + path.format(profile=a_profile(db)))
    page.locator(whole).first.wait_for()
    whole_ms = page.evaluate("performance.now()")
    if "typing" in name:
        began_ms = whole_ms
        page.locator("[name=q]").fill("user1")
        page.locator("#found .hit").first.wait_for()
        whole_ms = page.evaluate("performance.now()") - began_ms
    page.remove_listener("request", listen)
    calls = [call for call in asked if "/ui" not in call and "/events/live" not in call]
    slowest_ms, slowest = max((alone(call) for call in calls), default=(0.0, ""))
    return Seen(whole_ms, slowest_ms, slowest.removeprefix(url))


def a_profile(db: Path) -> str:
    with contextlib.closing(sqlite3.connect(db)) as connection:
        [public_id] = connection.execute(
            "SELECT public_id FROM profile_ids ORDER BY id LIMIT 1 OFFSET"
            " (SELECT max(id) / 2 FROM profile_ids)"
        ).fetchone()
    return str(public_id)


_client = httpx.Client(headers={"authorization": f"Bearer {TOKEN}"}, timeout=60)


def alone(call: str) -> tuple[float, str]:
    began = time.perf_counter()
    _client.get(call).raise_for_status()
    return (time.perf_counter() - began) * 1000, call


def median(seen: list[Seen]) -> Seen:
    slowest = max(seen, key=lambda one: one.slowest_ms).slowest
    return Seen(*(statistics.median(one[place] for one in seen) for place in (0, 1)), slowest)


def say(seen: dict[tuple[str, str], Seen], sides: list[str]) -> None:
    print(f"{'ms until the page is whole':<28}" + "".join(f"{side:>14}" for side in sides))
    for name in SHOWN:
        print(f"{name:<28}" + "".join(f"{seen[side, name].whole_ms:>14.0f}" for side in sides))
    print("\nof its requests alone, the slowest")
    for name in SHOWN:
        last = seen[sides[-1], name]
        times = "".join(f"{seen[side, name].slowest_ms:>14.1f}" for side in sides)
        print(f"{name:<28}{times}   {last.slowest[:60]}")


if __name__ == "__main__":
    main()
