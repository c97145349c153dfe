"""What a tag asks for beyond page views: a second file, which other pages do not load."""

import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from harness import Collector, Gate, Site, wait_for
from playwright.sync_api import Page

JS = Path(__file__).parents[2] / "js"


def open_page(page: Page, site: Site, gate: Gate, attributes: str, body: str = "") -> None:
    page.goto(site.page("/", gate.tag(attributes=attributes), body))
    wait_for(lambda: "/t-more.js" in gate.loaded, "the second file")
    page.evaluate(f"import('{gate.url}/t-more.js').then(() => 0)")  # until it has run


def test_a_page_that_asks_for_nothing_loads_one_file(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(site.page("/", f'<link rel="icon" href="data:,">{gate.tag()}'))
    collector.wait_for_stored("page-view", 1)
    scripts = [url for url in loaded if url.endswith(".js")]
    assert scripts == [gate.url + "/t.js"]


def test_the_module_of_an_app_loads_it_too(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """What npm packs, imported as it is: its options are the tag's attributes."""
    text = "import('./bundle.js').then(({ moduleText }) => process.stdout.write(moduleText()))"
    built = subprocess.run(["node", "-e", text], cwd=JS, capture_output=True, text=True, check=True)
    site.pages["/onetrail.js"] = built.stdout
    site.pages["/app.js"] = f"""import {{ init }} from "/onetrail.js";
        init({{ source: "demo", host: "{gate.url}", auto: "page-view forms" }}).track("begun");"""
    app = '<script type="module" src="/app.js"></script><form id=f onsubmit="return false"></form>'
    page.goto(site.page("/", body=app))
    wait_for(lambda: "/t-more.js" in gate.loaded, "the second file")
    page.evaluate(f"import('{gate.url}/t-more.js').then(() => f.requestSubmit())")
    collector.wait_for_stored("form-submit", 1)
    assert gate.types == ["page-view", "begun", "form-submit"]
    assert "/t.js" not in gate.loaded


def test_links_that_lead_away_and_downloads(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """A click that navigates at once; the query, which may hold anything, is not reported."""
    away = site.url.replace("127.0.0.1", "localhost")
    body = f"""<a id=here href="/here">here</a>
        <a id=file href="/price-list.pdf?token=1" download>prices</a>
        <a id=away href="{away}/there?token=1">away</a>"""
    open_page(page, site, gate, 'data-auto="page-view outbound downloads"', body)
    site.page("/there")
    page.evaluate("here.addEventListener('click', event => event.preventDefault())")
    page.click("#here")
    with page.expect_download():
        page.click("#file")
    page.click("#away")
    (file,) = collector.wait_for_stored("download", 1)
    (left,) = collector.wait_for_stored("outbound-click", 1)
    assert file.properties == {"url": f"{site.url}/price-list.pdf"}
    assert left.properties == {"url": f"{away}/there"}
    assert {event.type for event in collector.stored()} == {
        "page-view",
        "download",
        "outbound-click",
    }


def test_a_form_is_reported_by_its_names_only(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    body = """<form id=newsletter action="/thanks"><input name=email type=email>
        <input name=id value=7><button>Subscribe</button></form>"""
    open_page(page, site, gate, 'data-auto="page-view forms"', body)
    site.page("/thanks")
    page.fill("[name=email]", "ann@shop.test")
    page.click("button")
    (event,) = collector.wait_for_stored("form-submit", 1)
    assert event.properties == {"form": "newsletter", "fields": ["email", "id"]}
    assert "ann@shop.test" not in str(gate.requests)


def test_how_long_and_how_far_a_page_was_read(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate, 'data-auto="page-view reading"', "<p style='height: 5000px'>")
    collector.wait_for_stored("page-view", 1)
    page.evaluate("scrollTo(0, 1780)")
    page.wait_for_function("scrollY > 1700")
    page.goto(site.page("/elsewhere"))
    page.goto(site.page("/", gate.tag()))
    (event,) = collector.wait_for_stored("page-leave", 1)
    assert 45 <= event.properties["scroll_percent"] <= 55
    assert 0 <= event.properties["engaged_s"] < 10


def test_errors_are_reported_by_message_and_place_and_not_without_end(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate, 'data-auto="page-view errors"')
    page.evaluate(
        """for (let n = 0; n < 20; n++) window.dispatchEvent(new ErrorEvent("error", {
            message: "no lamp", filename: "https://shop.example/a.js?token=1", lineno: 3, colno: 9
        }));
        onetrail.track("end")"""
    )
    collector.wait_for_stored("end", 1)
    errors = collector.stored("error")
    assert len(errors) == 5
    place = {"file": "https://shop.example/a.js", "line": 3, "column": 9}
    assert errors[0].properties == {"message": "no lamp", **place}


def test_web_vitals_are_a_third_file_for_who_asks(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    with page.expect_response("**/t-vitals.js"):
        open_page(page, site, gate, 'data-auto="page-view vitals"', "<h1>Lamps</h1>")
    page.click("h1")
    page.wait_for_timeout(200)  # the largest paint is known once the page was used
    page.goto(site.page("/elsewhere"))
    page.goto(site.page("/", gate.tag()))
    collector.wait_for_stored("page-view", 2)
    wait_for(lambda: {"TTFB", "FCP", "LCP"} <= _vitals(collector).keys(), "the vitals")
    for name, vital in _vitals(collector).items():
        assert vital["rating"] in {"good", "needs-improvement", "poor"}, name
        assert vital["value"] >= 0
        assert vital["navigation"] == "navigate"


def _vitals(collector: Collector) -> dict[str, dict[str, Any]]:
    return {e.properties["name"]: e.properties for e in collector.stored("web-vital")}


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_the_profile_id_is_passed_on_to_the_company_s_other_domains_only(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """Part of t.js: the second file is not loaded for it."""
    other = site.url.replace("127.0.0.1", "localhost")
    domains = 'data-domains="localhost,127.0.0.1"'
    away = f'<a id=mail href="mailto:a@shop.test">x</a> <a id=else href="{site.url}/else">y</a>'
    to = f'<a id=to href="{other}/shop?q=1#l">z</a>'
    page.goto(site.page("/", gate.tag(attributes=domains), to + away))
    wait_for(lambda: page.evaluate("window.onetrail?.profileId()"), "the profile ID")
    here = page.evaluate("onetrail.profileId()")
    page.evaluate(
        "for (const id of ['mail', 'else']) { const link = document.getElementById(id);"
        " link.addEventListener('click', event => event.preventDefault()); link.click(); }"
    )
    assert "onetrail=" not in page.evaluate("mail.href + document.getElementById('else').href")
    site.page("/shop", gate.tag(attributes=domains))
    page.click("#to")
    (arrival,) = collector.wait_for_stored("arrival", 1)
    assert arrival.properties["profile_id"] == here
    assert abs(_seconds(arrival.properties["left_at"]) - time.time()) < 60
    collector.wait_for_stored("page-view", 2)
    assert page.evaluate("location.href") == f"{other}/shop?q=1#l"
    views = [event.properties["url"] for event in collector.stored("page-view")]
    assert views == [site.url + "/", other + "/shop?q=1"]
    assert arrival.profile != here
    one = collector.get(f"/profiles/{here}")
    assert {here, arrival.profile} <= {device["id"] for device in one["profile_ids"]}
    assert "/t-more.js" not in gate.loaded


def test_who_comes_without_the_parameter_has_not_arrived_from_anywhere(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    page.goto(site.page("/", gate.tag(attributes='data-domains="localhost"')) + "?onetrail=")
    collector.wait_for_stored("page-view", 1)
    assert collector.stored("arrival") == []
