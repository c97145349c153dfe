"""Each page of HTML in docs/web.md is loaded, and tracked."""

import re
from pathlib import Path

import pytest
from harness import Collector, Site
from playwright.sync_api import Page

TEXT = (Path(__file__).parents[2] / "docs" / "web.md").read_text()
PAGES = re.findall(r"^```html\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("number", range(len(PAGES)))
def test_a_page_of_the_docs(page: Page, site: Site, collector: Collector, number: int) -> None:
    html = PAGES[number].replace("http://127.0.0.1:8000", collector.url)
    page.goto(site.page("/", body=html))
    if "optIn" in html:
        page.wait_for_function("window.onetrail")
        page.click("button")
    collector.wait_for_stored("page-view", 1)
    if "identify(" in html:
        (identify,) = collector.wait_for_stored("identify", 1)
        assert identify.properties["user_id"] == "42"
        assert [event.type for event in collector.stored()] == ["page-view", "sign-up", "identify"]
