"""Both clients of somebody erased, coming back: their outboxes empty, and nothing is stored."""

import sys
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

from onetrail import Tracker

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from harness import launch, running_site, wait_for


def erase(collector: Any, profile_id: str) -> None:
    answer = httpx.post(
        f"{collector.url}/profiles/{profile_id}/erase",
        json={},
        headers={"authorization": f"Bearer {collector.token}"},
        timeout=30,
    )
    assert answer.json()["erasure"]["done"], answer.text


def test_an_app_that_was_offline_while_its_person_was_erased(
    collector: Any, tmp_path: Path
) -> None:
    with Tracker(collector.url, source="demo", data_dir=tmp_path) as tracker:
        tracker.identify(email="ann@shop.test")
        assert tracker.flush(timeout_s=20) == 0
        before = tracker.profile_id
        assert before is not None
        collector.stop()
        tracker.track("while-offline")
        collector.start()
        erase(collector, before)
        tracker.track("after", {"email": "ann@shop.test"})
        tracker.identify(email="ann@shop.test")
        assert tracker.flush(timeout_s=40) == 0
    for table in ("events", "sessions", "profile_ids", "keys", "quarantine"):
        assert collector.rows("SELECT count(*) FROM " + table) == [(0,)], table  # noqa: S608


def test_a_page_whose_visitor_was_erased(collector: Any) -> None:
    with running_site() as site, sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        page = browser.new_page()
        tag = f'<script async src="{collector.url}/t.js" data-source="demo"></script>'
        page.goto(site.page("/", tag))
        page.wait_for_function("window.onetrail?.profileId()")
        erase(collector, page.evaluate("onetrail.profileId()"))
        with page.expect_response("**/track") as answered:
            page.evaluate("onetrail.track('late')")
        assert answered.value.json()["rejected"][0]["error"] == "suppressed"
        page.reload()
        wait_for(
            lambda: page.evaluate(
                "Object.keys(localStorage).filter(key => key.includes('late')).length === 0"
            ),
            "the queue to be empty",
        )
        browser.close()
    assert collector.rows("SELECT count(*) FROM events") == [(0,)]
