"""Twenty events, whatever happens to the page, the network or the collector: each stored once."""

from harness import Collector, Gate, Site, wait_for
from playwright.sync_api import BrowserContext, Page

TWENTY = "for (let n = 0; n < 20; n++) onetrail.track('click', {n})"


def open_page(page: Page, site: Site, gate: Gate, path: str = "/") -> None:
    page.goto(site.page(path, gate.tag()))
    page.wait_for_function("window.onetrail")


def numbers(collector: Collector) -> list[int]:
    return sorted(event.properties["n"] for event in collector.wait_for_stored("click", 20))


def queued(page: Page) -> int:
    count: int = page.evaluate(
        "Object.keys(localStorage).filter(key => key.includes('.event.')).length"
    )
    return count


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
    other.close(run_before_unload=True)
    assert numbers(collector) == list(range(20))


def test_a_collector_that_is_down_costs_nothing_when_the_page_is_loaded_again(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 1)
    gate.down = True
    page.evaluate(TWENTY)
    assert queued(page) == 1
    page.goto(site.page("/elsewhere"))
    gate.down = False
    open_page(page, site, gate)
    assert numbers(collector) == list(range(20))
    wait_for(lambda: queued(page) == 0, "an empty queue")


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
    gate.script = ["drop", "drop"]
    page.evaluate(TWENTY)
    wait_for(lambda: queued(page) == 0, "an empty queue")
    assert numbers(collector) == list(range(20))
    assert gate.types.count("click") == 60


def test_503_then_503_then_200(page: Page, site: Site, gate: Gate, collector: Collector) -> None:
    open_page(page, site, gate)
    gate.wait_for_types("page-view")
    gate.script = [503, 503]
    page.evaluate(TWENTY)
    assert numbers(collector) == list(range(20))


def test_two_tabs_lose_nothing_of_each_other_and_send_nothing_twice(
    context: BrowserContext, site: Site, gate: Gate, collector: Collector
) -> None:
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
    wait_for(lambda: queued(tabs[0]) == 0, "an empty queue")
    assert sorted(event.properties["n"] for event in stored) == sorted([*range(50)] * 2)
    assert len({event.session for event in stored}) == 1
    assert gate.types.count("click") == 100
