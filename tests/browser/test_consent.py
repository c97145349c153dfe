"""Who does not want to be tracked is not: nothing is stored here, nothing is sent."""

import pytest
from harness import Collector, Gate, Site, wait_for
from playwright.sync_api import Page

STORED = "[document.cookie, Object.keys(localStorage)]"


def open_page(page: Page, site: Site, gate: Gate, attributes: str = "") -> None:
    page.goto(site.page("/", gate.tag(attributes=attributes)))
    page.wait_for_function("window.onetrail")


@pytest.mark.parametrize(
    "signal",
    [
        "Object.defineProperty(navigator, 'doNotTrack', {value: '1'})",
        "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})",
    ],
)
def test_what_the_browser_says_for_its_user_counts(
    page: Page, site: Site, gate: Gate, collector: Collector, signal: str
) -> None:
    page.context.add_init_script(signal)
    open_page(page, site, gate)
    page.evaluate("onetrail.track('click'); onetrail.identify({email: 'a@shop.test'})")
    assert page.evaluate("onetrail.flush()") is True
    assert page.evaluate(STORED) == ["", []]
    assert gate.requests == []
    open_page(page, site, gate, 'data-respect-dnt="false"')
    collector.wait_for_stored("page-view", 1)


def test_where_consent_is_required_it_comes_first(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate, 'data-consent="required"')
    page.evaluate("onetrail.track('too early')")
    assert page.evaluate("onetrail.flush()") is True
    assert page.evaluate(STORED) == ["", []]
    assert gate.requests == []
    page.evaluate("onetrail.optIn(); onetrail.track('welcome')")
    collector.wait_for_stored("welcome", 1)
    assert gate.types == ["page-view", "welcome"]
    page.reload()
    collector.wait_for_stored("page-view", 2)


def test_an_opt_out_forgets_and_lasts(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 1)
    wait_for(lambda: page.evaluate("onetrail.profileId()"), "the profile ID")
    page.evaluate("onetrail.optOut(); onetrail.track('click')")
    assert page.evaluate(STORED) == ["", ["onetrail.demo.consent"]]
    page.reload()
    page.wait_for_function("window.onetrail")
    page.evaluate("onetrail.track('click')")
    assert page.evaluate("onetrail.flush()") is True
    assert gate.types == ["page-view"]


def test_without_locks_too_nothing_is_stored_before_consent(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """The lease that stands in for them is a cookie."""
    page.context.add_init_script("Object.defineProperty(navigator, 'locks', {value: undefined})")
    page.context.add_init_script(
        """const real = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
        window.put = [];
        Object.defineProperty(document, 'cookie', {
            get: () => real.get.call(document),
            set: (text) => { put.push(text); real.set.call(document, text); },
        })"""
    )
    open_page(page, site, gate, 'data-consent="required"')
    page.evaluate("onetrail.track('too early')")
    assert page.evaluate("onetrail.flush()") is True
    assert page.evaluate("put") == []
    page.evaluate("onetrail.optIn()")
    collector.wait_for_stored("page-view", 1)
    assert any("lease" in text for text in page.evaluate("put"))
