"""What a page with the tag sends, and what it does not."""

from harness import Collector, Gate, Site, wait_for
from playwright.sync_api import Page


def open_page(page: Page, site: Site, gate: Gate, attributes: str = "") -> None:
    page.goto(site.page("/", gate.tag(attributes=attributes)))
    page.wait_for_function("window.onetrail")


def test_one_tag_sends_one_page_view(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate)
    (event,) = collector.wait_for_stored("page-view", 1)
    assert event.properties == {"url": site.url + "/", "title": "/"}
    assert event.session == page.evaluate("onetrail.sessionId()")
    wait_for(lambda: page.evaluate("onetrail.profileId()") == event.profile, "the profile ID")
    assert gate.types == ["page-view"]


def test_no_preflight_and_no_cookie_of_the_collector(page: Page, site: Site, gate: Gate) -> None:
    """text/plain without credentials: the browser asks nothing first, and sends nothing along."""
    open_page(page, site, gate)
    gate.wait_for_types("page-view")
    (request,) = gate.requests
    assert request.method == "POST"
    assert request.headers["Content-Type"].startswith("text/plain")
    assert "Cookie" not in request.headers


def test_identify_sends_the_words_of_the_wire(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate)
    page.evaluate("onetrail.identify({userId: 42, email: 'ann@shop.test', traits: {plan: 'pro'}})")
    (event,) = collector.wait_for_stored("identify", 1)
    assert event.properties == {
        "user_id": "42",
        "email": "ann@shop.test",
        "traits": {"plan": "pro"},
    }


def test_reset_makes_another_session_and_another_profile(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate)
    page.evaluate("onetrail.track('before')")
    collector.wait_for_stored("before", 1)
    page.evaluate("onetrail.track('last'); onetrail.reset(); onetrail.track('after')")
    (before,), (last,), (after,) = (
        collector.wait_for_stored(kind, 1) for kind in ("before", "last", "after")
    )
    assert (last.session, last.profile) == (before.session, before.profile)
    assert after.session != before.session
    assert after.profile != before.profile
    mixed = [request.types for request in gate.requests if {"last", "after"} <= {*request.types}]
    assert mixed == []


def test_calls_before_the_tracker_has_loaded_are_made_good(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    stub = """<script>
    window.onetrail = {q: [], track(...args) { this.q.push(["track", args]); }};
    onetrail.track("early", {n: 1});
    </script>"""
    page.goto(site.page("/", stub + gate.tag()))
    (event,) = collector.wait_for_stored("early", 1)
    assert event.properties == {"n": 1}
    assert gate.types == ["page-view", "early"]


def test_a_tag_without_a_source_says_what_is_missing(page: Page, site: Site, gate: Gate) -> None:
    with page.expect_console_message() as message:
        page.goto(site.page("/", f'<script async src="{gate.url}/t.js"></script>'))
    assert "tag needs data-source" in message.value.text
    assert gate.requests == []


def test_two_tabs_share_the_session_and_the_profile(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 1)
    other = page.context.new_page()
    open_page(other, site, gate)
    first, second = collector.wait_for_stored("page-view", 2)
    assert first.session == second.session
    assert first.profile == second.profile


def test_an_element_says_what_a_click_on_it_means(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """With the plain tag, and from the first click: also one that leaves the page at once."""
    page.goto(
        site.page(
            "/",
            gate.tag(),
            """<p data-onetrail-event="sign-up" data-onetrail-plan="pro" data-theirs="no"
            data-onetrail-seat-count="3"><button><b>Sign up</b></button></p> <i>nothing</i>
            <a href="/next" data-onetrail-event="go" data-onetrail="">Next</a>""",
        )
    )
    site.page("/next")
    page.wait_for_function("window.onetrail")
    page.click("i")
    page.evaluate("document.dispatchEvent(new Event('click'))")  # whose target is no element
    page.click("b")
    page.click("a")
    (event,) = collector.wait_for_stored("sign-up", 1)
    assert event.properties == {"plan": "pro", "seatCount": "3"}
    (gone,) = collector.wait_for_stored("go", 1)
    assert gone.properties == {}
    assert gate.types == ["page-view", "sign-up", "go"]
    assert gate.loaded == ["/t.js"]
