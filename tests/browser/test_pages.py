"""Page views: in sites of one document, after the back button, of pages prepared ahead."""

from collections.abc import Iterator

import pytest
from harness import Collector, Gate, Site, launch, wait_for
from playwright.sync_api import Browser, Page


def urls(collector: Collector, site: Site, count: int) -> list[str]:
    stored = collector.wait_for_stored("page-view", count)
    return [event.properties["url"].removeprefix(site.url) for event in stored]


def open_page(page: Page, site: Site, gate: Gate, path: str = "/", attributes: str = "") -> None:
    page.goto(site.page(path, gate.tag(attributes=attributes)))
    page.wait_for_function("window.onetrail?.profileId?.()")


def test_a_site_of_one_document(page: Page, site: Site, gate: Gate, collector: Collector) -> None:
    """A view for each address, with the title that the framework sets after it, and no double."""
    open_page(page, site, gate)
    page.evaluate(
        """async () => {
            const turn = () => new Promise(resolve => setTimeout(resolve, 20));
            history.pushState({}, "", "/shop"); document.title = "Shop"; await turn();
            history.replaceState({}, "", "/shop"); await turn();
            history.pushState({}, "", "/shop#reviews"); await turn();
            history.pushState({}, "", "/shop?page=2"); await turn();
            history.go(-2); await turn();
            onetrail.track("end");
        }"""
    )
    collector.wait_for_stored("end", 1)
    stored = collector.stored("page-view")
    seen = [(event.properties["url"], event.properties.get("referrer")) for event in stored]
    assert [(url.removeprefix(site.url), (r or "").removeprefix(site.url)) for url, r in seen] == [
        ("/", ""),
        ("/shop", "/"),
        ("/shop?page=2", "/shop"),
        ("/shop", "/shop?page=2"),
    ]
    assert stored[1].properties["title"] == "Shop"


def test_fragments_are_pages_where_the_tag_says_so(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate, attributes='data-hash="true"')
    page.evaluate("location.hash = 'about'")
    assert urls(collector, site, 2) == ["/", "/#about"]


def test_secret_parameters_are_never_reported(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    site.page("/", gate.tag(attributes='data-scrub="token,email"'))
    page.goto(site.url + "/?token=secret&q=a%20b&email=ann@example.com#part")
    assert urls(collector, site, 1) == ["/?q=a+b"]
    assert "secret" not in str(gate.requests)


def test_page_views_can_be_switched_off(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    page.goto(site.page("/", gate.tag(attributes='data-auto=""')))
    page.wait_for_function("window.onetrail")
    page.evaluate("history.pushState({}, '', '/shop'); onetrail.page({section: 'lamps'})")
    (view,) = collector.wait_for_stored("page-view", 1)
    assert view.properties["section"] == "lamps"
    assert view.properties["url"] == site.url + "/shop"


@pytest.fixture
def returning(chromium: Browser) -> Iterator[Page]:
    """A tab that keeps pages for the back button, which automated browsers do not."""
    kind = chromium.browser_type
    browser = launch(kind, ignore_default_args=["--disable-back-forward-cache"])
    yield browser.new_page()
    browser.close()


def test_a_page_out_of_the_back_forward_cache(
    returning: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """The tracker does not keep a page out of the cache, and its return is a view."""
    page = returning
    open_page(page, site, gate, "/first")
    page.evaluate("window.kept = true; onetrail.track('before')")
    collector.wait_for_stored("before", 1)
    idle = "async () => (await onetrail.flush()) && !(await navigator.locks.query()).held.length"
    wait_for(lambda: page.evaluate(idle), "no request under way, which keeps a page out")
    page.goto(site.page("/second", gate.tag()))
    page.wait_for_function("window.onetrail?.profileId?.()")
    page.go_back(wait_until="commit")
    wait_for(lambda: page.evaluate("window.kept"), "the page as it was left")
    assert urls(collector, site, 3) == ["/first", "/second", "/first"]
    page.evaluate("onetrail.track('after')")
    (after,) = collector.wait_for_stored("after", 1)
    assert len({event.session for event in collector.stored()}) == 1
    assert after.profile == page.evaluate("onetrail.profileId()")


def test_a_page_prepared_ahead_is_no_view_until_the_visitor_comes(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """An automated Chromium prepares no page, so what it says of itself is changed here."""
    page.add_init_script(
        "Object.defineProperty(document, 'prerendering', {value: true, configurable: true})"
    )
    with page.expect_response("**/t.js"):
        page.goto(site.page("/", gate.tag()))
    assert page.evaluate("[typeof onetrail, document.cookie]") == ["undefined", ""]
    assert gate.requests == []
    page.evaluate(
        """delete document.prerendering;
        document.dispatchEvent(new Event('prerenderingchange'));"""
    )
    assert urls(collector, site, 1) == ["/"]
