"""Twenty events, whatever happens to the page, the network or the collector: each stored once."""

import random
from collections import Counter

import pytest
from harness import Collector, Gate, Site, queued, wait_for, wait_for_empty_queue
from playwright.sync_api import BrowserContext, Page

TWENTY = "for (let n = 0; n < 20; n++) onetrail.track('click', {n})"


def open_page(page: Page, site: Site, gate: Gate, path: str = "/") -> None:
    page.goto(site.page(path, gate.tag()))
    page.wait_for_function("window.onetrail")


def numbers(collector: Collector) -> list[int]:
    return sorted(event.properties["n"] for event in collector.wait_for_stored("click", 20))


def test_navigating_away_at_once_loses_nothing(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    elsewhere = site.page("/elsewhere")
    gate.delay_s = 0.2
    open_page(page, site, gate)
    page.evaluate(TWENTY + f"; location.href = '{elsewhere}'")
    page.wait_for_url(elsewhere)
    assert numbers(collector) == list(range(20))


def test_closing_the_tab_at_once_loses_nothing(
    page: Page, context: BrowserContext, site: Site, gate: Gate, collector: Collector
) -> None:
    gate.delay_s = 0.2
    other = context.new_page()
    open_page(other, site, gate)
    other.evaluate(TWENTY)
    with other.expect_event("close"):
        other.close(run_before_unload=True)
    assert numbers(collector) == list(range(20))


def test_a_collector_that_is_down_costs_nothing_when_the_page_is_loaded_again(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate)
    wait_for(lambda: collector.stored("page-view") and queued(page) == 0, "a stored page view")
    gate.down = True
    page.evaluate(TWENTY)
    assert queued(page) == 1
    page.goto(site.page("/elsewhere"))
    gate.down = False
    open_page(page, site, gate)
    assert numbers(collector) == list(range(20))
    wait_for_empty_queue(page)


def test_a_real_stop_of_the_collector_costs_nothing(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """The tracker comes out of the browser's cache while the collector is down."""
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 1)
    collector.stop()
    page.evaluate(TWENTY)
    page.goto(site.page("/again", gate.tag()))
    page.wait_for_function("window.onetrail")
    collector.start()
    assert numbers(collector) == list(range(20))
    collector.wait_for_stored("page-view", 2)


def test_an_answer_that_is_cut_off_after_the_commit_counts_nothing_twice(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate)
    gate.wait_for_types("page-view")
    wait_for_empty_queue(page)
    gate.script = ["drop", "drop"]
    page.evaluate(TWENTY)
    wait_for_empty_queue(page)
    assert numbers(collector) == list(range(20))
    assert gate.types.count("click") == 60


def test_503_then_503_then_200(page: Page, site: Site, gate: Gate, collector: Collector) -> None:
    open_page(page, site, gate)
    gate.wait_for_types("page-view")
    wait_for_empty_queue(page)
    gate.script = [503, 503]
    page.evaluate(TWENTY)
    assert numbers(collector) == list(range(20))


@pytest.mark.parametrize("locks", ["", "Object.defineProperty(navigator, 'locks', {value: null})"])
def test_two_tabs_lose_nothing_of_each_other_and_send_nothing_twice(
    context: BrowserContext, site: Site, gate: Gate, collector: Collector, locks: str
) -> None:
    """With the browser's locks, and with the lease where it has none."""
    context.add_init_script(locks)
    gate.delay_s = 0.05
    tabs = [context.new_page(), context.new_page()]
    for tab in tabs:
        open_page(tab, site, gate)
    for tab in tabs:
        tab.evaluate(
            """async () => {
                for (let n = 0; n < 50; n++) {
                    onetrail.track('click', {n});
                    await new Promise(resolve => setTimeout(resolve, 1));
                }
            }"""
        )
    stored = collector.wait_for_stored("click", 100)
    wait_for_empty_queue(tabs[0])
    assert sorted(event.properties["n"] for event in stored) == sorted([*range(50)] * 2)
    assert len({event.session for event in stored}) == 1
    assert gate.types.count("click") == 100


def test_offline_then_online(
    page: Page, context: BrowserContext, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 1)
    context.set_offline(True)
    page.evaluate(TWENTY)
    context.set_offline(False)
    assert numbers(collector) == list(range(20))


def test_offline_then_closed_then_back(
    page: Page, context: BrowserContext, site: Site, gate: Gate, collector: Collector
) -> None:
    """What was tracked keeps the session in which it happened."""
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 1)
    session = page.evaluate("onetrail.sessionId()")
    context.set_offline(True)
    page.evaluate(TWENTY)
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    context.clear_cookies()  # as the end of the browser does
    context.set_offline(False)
    back = context.new_page()
    open_page(back, site, gate)
    assert numbers(collector) == list(range(20))
    assert {event.session for event in collector.stored("click")} == {session}
    assert back.evaluate("onetrail.sessionId()") != session
    assert len({event.profile for event in collector.stored()}) == 1


def test_tabs_closed_at_any_moment_under_load_lose_nothing(
    context: BrowserContext, site: Site, gate: Gate, collector: Collector
) -> None:
    """Each tab tracks without end and says how far it got; what it said is stored, once."""
    gate.delay_s = 0.03
    moments = random.Random(7)  # noqa: S311  # the same moments in each run
    keeper = context.new_page()
    keeper.goto(site.page("/keeper"))
    load = """number => {
        let n = 0;
        setInterval(() => {
            onetrail.track('click', {n: number * 1e6 + n++});
            setTimeout(() => localStorage.setItem('tab' + number, n));
        }, 3);
    }"""
    for number in range(12):
        tab = context.new_page()
        open_page(tab, site, gate)
        tab.evaluate(load, number)
        keeper.wait_for_timeout(moments.randrange(10, 200))
        tab.close()
    wait_for(lambda: queued(keeper) >= 0, "the keeper")
    said = keeper.evaluate("Array.from({length: 12}, (_, n) => +localStorage['tab' + n] || 0)")
    back = context.new_page()
    open_page(back, site, gate)
    wait_for_empty_queue(back)
    stored = Counter(event.properties["n"] for event in collector.stored("click"))
    expected = {tab * 10**6 + n for tab in range(12) for n in range(said[tab])}
    assert sum(said) > 100
    assert expected - stored.keys() == set()
    assert max(stored.values()) == 1
