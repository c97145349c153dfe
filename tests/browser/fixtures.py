"""The fixtures of every test that drives a real browser; a conftest names those it wants."""

from collections.abc import Iterator

import pytest
from harness import (
    Collector,
    Gate,
    Site,
    launch,
    running_collector,
    running_gate,
    running_site,
)
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser of its own: cookies, storage and cache are empty."""
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab; when the test is over, no script error may have reached it."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


@pytest.fixture(scope="module")
def collector_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with running_collector(tmp_path_factory.mktemp("collector")) as collector:
        yield collector


@pytest.fixture
def collector(collector_process: Collector) -> Collector:
    """The real collector; it remembers nothing of earlier tests."""
    collector_process.forget()
    return collector_process


@pytest.fixture
def gate(collector: Collector) -> Iterator[Gate]:
    with running_gate(collector.address) as gate:
        yield gate


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as site:
        yield site
