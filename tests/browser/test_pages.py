"""Page views: in sites of one document, after the back button, of pages prepared ahead."""

import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from harness import (
    CHROMIUM,
    FLAGS,
    Collector,
    Gate,
    Site,
    launch,
    wait_for,
    wait_for_empty_queue,
)
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


def test_a_tag_that_is_there_twice_tracks_once(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    page.goto(site.page("/", gate.tag() + gate.tag()))
    page.wait_for_load_state()
    page.evaluate("history.pushState({}, '', '/shop')")
    assert urls(collector, site, 2) == ["/", "/shop"]
    wait_for_empty_queue(page)
    page.goto(site.page("/end", gate.tag()))
    assert urls(collector, site, 3) == ["/", "/shop", "/end"]


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
    page.goto(site.url + "/?token=secret&q=a%20b&email=ann@shop.test#part")
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
    site: Site, gate: Gate, collector: Collector, tmp_path: Path
) -> None:
    """A Chromium that nobody drives, as one under a debugger prepares no page."""
    rules = '{"prerender": [{"source": "list", "urls": ["/next"], "eagerness": "immediate"}]}'
    go = "setTimeout(() => { location.href = '/next' }, 2000)"
    start = f'<script type="speculationrules">{rules}</script><script>{go}</script>'
    tell = """<script>
        if (document.prerendering) fetch("/prepared");
        document.addEventListener("prerenderingchange", () => fetch("/activated?" + Date.now()));
    </script>"""
    site.page("/next", tell + gate.tag())
    url = site.page("/", start)
    options = [*FLAGS, "--headless=new", f"--user-data-dir={tmp_path}", "--remote-debugging-port=0"]
    browser = subprocess.Popen(
        [str(CHROMIUM), *options, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        collector.wait_for_stored("page-view", 1)
        wait_for(lambda: any("/activated" in path for path in site.seen), "the visit")
    finally:
        browser.terminate()
        browser.wait()
    assert site.seen.index("/prepared") < len(site.seen) - 1
    assert gate.loaded.count("/t.js") == 1
    (activated,) = (path for path in site.seen if path.startswith("/activated"))
    (request,) = gate.requests
    (view,) = request.body["events"]
    viewed_ms = datetime.fromisoformat(view["time"]).timestamp() * 1000
    assert viewed_ms >= int(activated.partition("?")[2])
    assert view["properties"]["url"] == site.url + "/next"


def test_the_first_and_the_latest_campaign_stay_with_the_visitor(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    addresses = ["/", "/?utm_source=mail&utm_campaign=spring", "/", "/?gclid=7&q=lamp", "/"]
    site.page("/", gate.tag())
    for count, address in enumerate(addresses, start=1):
        page.goto(site.url + address)
        collector.wait_for_stored("page-view", count)
        wait_for_empty_queue(page)
    touches = [
        tuple(request.body["context"].get(name, "").removeprefix(site.url) for name in TOUCHES)
        for request in gate.requests
    ]
    mail, ad = addresses[1], addresses[3]
    assert touches == [("", ""), (mail, mail), (mail, mail), (mail, ad), (mail, ad)]


TOUCHES = ("first_touch", "last_touch")


def test_the_context_of_a_request(page: Page, site: Site, gate: Gate, collector: Collector) -> None:
    open_page(page, site, gate)
    context = gate.requests[0].body["context"]
    hints = context.pop("client_hints")
    assert set(hints) == {"brands", "mobile", "platform"}
    assert context.pop("library")["name"] == "onetrail-js"
    assert context.pop("timezone") == page.evaluate(
        "Intl.DateTimeFormat().resolvedOptions().timeZone"
    )
    assert context == {"screen": "1280x720", "viewport": "1280x720", "locale": "en-US"}
