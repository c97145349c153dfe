"""Firefox, and the engine of Safari: the same promises. Skipped where they are not installed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from harness import QUEUED, Collector, Gate, Site, wait_for
from webdriver import Driven, firefox, missing, webkit

NEEDS = {"firefox-esr": ["firefox-esr"], "webkit2gtk-driver xvfb": ["WebKitWebDriver", "Xvfb"]}
OPENS: dict[str, Callable[[Path], AbstractContextManager[Driven]]] = {
    "firefox-esr": firefox,
    "webkit2gtk-driver xvfb": webkit,
}
TWENTY = "(() => { for (let n = 0; n < 20; n++) onetrail.track('click', {n}) })()"


@pytest.fixture(scope="module", params=NEEDS)
def browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Driven]:
    packages = request.param
    if gone := missing(*NEEDS[packages]):
        pytest.skip(f"no {' and '.join(gone)} here: apt-get install {packages}")
    with OPENS[packages](tmp_path_factory.mktemp("browser")) as driven:
        yield driven


def open_page(browser: Driven, site: Site, gate: Gate, path: str = "/") -> None:
    browser.goto(site.page(path, gate.tag()))
    wait_for(lambda: browser.evaluate("!!window.onetrail"), "the tracker")


def numbers(collector: Collector) -> list[int]:
    return sorted(event.properties["n"] for event in collector.wait_for_stored("click", 20))


def test_two_pages_are_one_session_of_one_profile(
    browser: Driven, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(browser, site, gate)
    (first,) = collector.wait_for_stored("page-view", 1)
    wait_for(lambda: browser.evaluate("onetrail.profileId()") == first.profile, "the profile ID")
    open_page(browser, site, gate, "/second")
    first, second = collector.wait_for_stored("page-view", 2)
    assert (first.session, first.profile) == (second.session, second.profile)
    assert second.session == browser.evaluate("onetrail.sessionId()")
    assert [request.method for request in gate.requests] == ["POST", "POST"]


def test_a_page_that_goes_at_once_loses_nothing(
    browser: Driven, site: Site, gate: Gate, collector: Collector
) -> None:
    elsewhere = site.page("/elsewhere")
    open_page(browser, site, gate)
    browser.evaluate(f"{TWENTY}, location.href = '{elsewhere}'")
    assert numbers(collector) == list(range(20))


def test_a_tab_that_is_closed_with_events_waiting_loses_nothing(
    browser: Driven, site: Site, gate: Gate, collector: Collector
) -> None:
    """The collector is down as it closes; the next page brings them."""
    browser.open_window()
    open_page(browser, site, gate)
    collector.wait_for_stored("page-view", 1)
    gate.down = True
    browser.evaluate(TWENTY)
    browser.close_window()
    gate.down = False
    open_page(browser, site, gate, "/back")
    assert numbers(collector) == list(range(20))
    wait_for(lambda: browser.evaluate(QUEUED) == 0, "an empty queue")


def test_a_collector_that_is_down_and_comes_back(
    browser: Driven, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(browser, site, gate)
    collector.wait_for_stored("page-view", 1)
    gate.script = [503, "drop"]
    browser.evaluate(TWENTY)
    wait_for(lambda: browser.evaluate(QUEUED) == 0, "an empty queue")
    assert numbers(collector) == list(range(20))
    assert gate.types.count("click") == 60


def test_an_element_says_its_event_and_the_second_file_is_loaded(
    browser: Driven, site: Site, gate: Gate, collector: Collector
) -> None:
    body = """<form id=f onsubmit="return false"></form>
        <b id=b data-onetrail-event="sign-up" data-onetrail-seat-count="3">Sign up</b>"""
    browser.goto(site.page("/", gate.tag(attributes='data-auto="page-view forms"'), body))
    wait_for(lambda: "/t-more.js" in gate.loaded, "the second file")
    browser.evaluate("b.click()")
    (event,) = collector.wait_for_stored("sign-up", 1)
    assert event.properties == {"seatCount": "3"}

    def submitted() -> bool:
        browser.evaluate("f.requestSubmit()")
        return bool(collector.stored("form-submit"))

    wait_for(submitted, "a form that is reported")
