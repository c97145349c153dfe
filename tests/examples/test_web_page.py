"""examples/web_page: the smallest page that a web developer would write."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from harness import Collector, Site, launch, running_collector, running_site  # noqa: E402


@pytest.fixture
def shop() -> Iterator[tuple[Site, str]]:
    """A web site, and the text of the example."""
    with running_site() as site:
        yield site, (ROOT / "examples" / "web_page" / "index.html").read_text()


@pytest.fixture
def page() -> Iterator[Page]:
    """A tab; when the test is over, no script error may have reached it."""
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        browser.close()
    assert errors == []


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    with running_collector(tmp_path) as collector:
        yield collector


def test_a_visitor_looks_buys_subscribes_and_signs_out(
    page: Page, shop: tuple[Site, str], collector: Collector
) -> None:
    site, text = shop
    assert "http://127.0.0.1:8000/t.js" in text
    site.pages["/"] = text.replace("http://127.0.0.1:8000", collector.url)
    page.goto(site.url)
    page.wait_for_function("window.onetrail")
    page.click("#buy")
    page.fill("[name=email]", "Ann@shop.test")
    page.click("#newsletter button")
    (identify,) = collector.wait_for_stored("identify", 1)
    (view,) = collector.stored("page-view")
    (bought,) = collector.stored("basket-add")
    assert view.properties == {"url": site.url + "/", "title": "Corner shop"}
    assert bought.properties == {"product": "blue lamp", "price": 29.9}
    assert identify.properties == {"email": "Ann@shop.test"}
    assert len({event.session for event in collector.stored()}) == 1
    page.click("#sign-out")
    page.click("#buy")
    _, after = collector.wait_for_stored("basket-add", 2)
    assert after.session != view.session
    assert after.profile != view.profile


def test_without_the_tracker_the_page_works_all_the_same(
    page: Page, shop: tuple[Site, str]
) -> None:
    """As with a browser that blocks it: no error reaches the page, which its fixture asserts."""
    site, text = shop
    site.pages["/"] = text.replace("http://127.0.0.1:8000", site.url)
    page.goto(site.url)
    page.click("#buy")
    page.fill("[name=email]", "ann@shop.test")
    page.click("#newsletter button")
    page.click("#sign-out")
    assert page.evaluate("typeof window.onetrail") == "undefined"
