"""A page asks for little: its files once for each version, its counts once, and early."""

import re
from typing import Any

import httpx
from playwright.sync_api import Page, expect


def test_the_overview_opened_again_takes_two_requests_beside_the_page(
    signed_in: Page, collector: Any
) -> None:
    """Also with a source whose name must be escaped: what was begun early is what is asked for."""
    asked: list[str] = []
    signed_in.on("request", lambda one: asked.append(one.url.removeprefix(collector.url)))
    for path in ("/ui", "/ui?span=year", "/ui?span=week&source=a+b%26c%C3%A4%27%3D"):
        asked.clear()
        signed_in.goto(collector.url + path)
        expect(signed_in.locator("#chart canvas")).to_be_visible()
        counts, status = sorted(url for url in asked if not url.startswith("/ui"))
        assert counts.startswith("/counts/overview?span=")
        assert status == "/status"
        sizes = signed_in.evaluate(
            "performance.getEntriesByType('resource').map((one) => [one.name, one.transferSize])"
        )
        static = [size for name, size in sizes if "/ui/static/" in name]
        assert len(static) > 5
        assert sum(static) == 0


def test_files_of_the_pages_never_change_and_another_version_has_others(collector: Any) -> None:
    page = httpx.get(f"{collector.url}/ui/sign-in").text
    [path] = re.findall(r'href="(/ui/static/\w+/ui\.css)"', page)
    answer = httpx.get(collector.url + path)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert httpx.get(f"{collector.url}/ui/static/0123456789abcdef/ui.css").status_code == 404


def test_a_span_that_is_none_is_refused_and_the_page_shows_a_day(
    signed_in: Page, collector: Any
) -> None:
    answer = httpx.get(
        f"{collector.url}/counts/overview",
        params={"from": "2026-01-01T00:00:00Z"},
        headers={"authorization": f"Bearer {collector.token}"},
    )
    assert answer.status_code == 422
    assert "expected both" in answer.json()["detail"]
    signed_in.goto(f"{collector.url}/ui?span=%22%5D")
    expect(signed_in.locator("#span [data-span=day]")).to_have_attribute("aria-pressed", "true")
    expect(signed_in.locator("#chart canvas")).to_be_visible()
