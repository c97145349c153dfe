"""A first visit that opens two tabs at the same instant is one visitor."""

import threading

from harness import Collector, Gate, Site
from playwright.sync_api import Browser

RUNS = 20


def test_one_session_and_one_profile_in_twenty_of_twenty_runs(
    chromium: Browser, site: Site, gate: Gate, collector: Collector
) -> None:
    """The issue's measure: 7 of 9 trackers that store an ID split the visitor."""
    url = site.page("/", '<link rel="icon" href="data:,">' + gate.tag())
    visitors = []
    for run in range(RUNS):
        collector.forget()
        with chromium.new_context() as context:
            tabs = [context.new_page(), context.new_page()]
            site.together = threading.Barrier(2)
            for number, tab in enumerate(tabs):  # two addresses, as the cache would let one wait
                tab.evaluate(f"setTimeout(() => {{ location.href = '{url}?{number}' }})")
            views = collector.wait_for_stored("page-view", 2)
            site.together = None
            for tab in tabs:
                tab.wait_for_function("window.onetrail?.profileId()")
            seen = {tab.evaluate("onetrail.sessionId() + onetrail.profileId()") for tab in tabs}
            visitors.append((run, len({(v.session, v.profile) for v in views}), len(seen)))
    assert visitors == [(run, 1, 1) for run in range(RUNS)]
