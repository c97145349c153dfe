"""data-cookie-domain: the hosts of a company share the session; without it, each has its own."""

from collections.abc import Iterator

import pytest
from harness import FLAGS, Collector, Gate, Site, launch
from playwright.sync_api import Browser, Page


@pytest.fixture
def company(chromium: Browser) -> Iterator[Page]:
    """A tab in which every name under example.test is this machine."""
    rule = "--host-resolver-rules=MAP *.example.test 127.0.0.1"
    browser = launch(chromium.browser_type, args=[*FLAGS, rule])
    yield browser.new_page()
    browser.close()


@pytest.mark.parametrize("case", [('data-cookie-domain="example.test"', 1), ("", 2)])
def test_subdomains(
    company: Page, site: Site, gate: Gate, collector: Collector, case: tuple[str, int]
) -> None:
    attributes, sessions = case
    site.page("/", gate.tag(attributes=attributes))
    for count, host in enumerate(["shop.example.test", "blog.example.test"], start=1):
        company.goto(site.url.replace("127.0.0.1", host))
        collector.wait_for_stored("page-view", count)
    assert len({event.session for event in collector.stored()}) == sessions
    assert len({event.profile for event in collector.stored()}) == sessions
