"""Many devices, one trail: a browser and an app, each with an ID of its own, are one profile."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from onetrail import Tracker

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from harness import launch, running_site, wait_for


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        yield browser.new_page()
        browser.close()


def history(collector: Any, profile_id: str) -> list[tuple[str, str]]:
    """The profile's events, oldest first: type, and the profile ID that each is stored under."""
    events = collector.get(f"/profiles/{profile_id}/events")["events"]
    return sorted((event["type"], event["profile_id"]) for event in events)


def test_a_web_page_and_an_app_become_one_profile_by_an_address_in_two_spellings(
    page: Page, collector: Any, tmp_path: Path
) -> None:
    """Issue 2, point 7."""
    with running_site() as site:
        tag = f'<script async src="{collector.url}/t.js" data-source="demo"></script>'
        page.goto(site.page("/", tag))
        page.wait_for_function("window.onetrail?.profileId()")
        page.evaluate("onetrail.identify({email: 'Ann@shop.test'})")
        wait_for(
            lambda: collector.rows("SELECT 1 FROM events WHERE type = 'identify'"),
            "the browser's identify",
        )
        on_web = page.evaluate("onetrail.profileId()")

    with Tracker(collector.url, source="web", data_dir=tmp_path / "app") as tracker:
        tracker.track("app-start")
        tracker.identify(email="  Ann@SHOP.test")
        assert tracker.flush(timeout_s=20) == 0
        in_app = tracker.profile_id

    assert on_web != in_app
    (profile,) = collector.get("/profiles", key="email:ann@shop.test")["profiles"]
    assert {known["id"] for known in profile["profile_ids"]} == {on_web, in_app}
    expected = sorted(
        [("page-view", on_web), ("identify", on_web), ("app-start", in_app), ("identify", in_app)]
    )
    assert history(collector, on_web) == history(collector, in_app) == expected
