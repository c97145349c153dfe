"""Browsers that forbid, collectors that answer nonsense, strict pages: no error, no loss."""

from datetime import datetime

import pytest
from harness import Collector, Gate, Site, queued, wait_for, wait_for_empty_queue
from playwright.sync_api import BrowserContext, Page

from onetrail_collector.pages import integrity, pinned_name

# As if another tab were sending: it answers when the lock is held, which is until the page goes.
HOLD_LOCK = """() => new Promise((held) => {
    navigator.locks.request("onetrail.demo.", () => { held(); return new Promise(() => {}); });
})"""


def open_page(page: Page, site: Site, gate: Gate, attributes: str = "") -> None:
    page.goto(site.page("/", gate.tag(attributes=attributes)))
    page.wait_for_function("window.onetrail")


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Content-Type": "text/html"}, "<h1>Welcome to the hotel</h1>"),
        (200, {}, ""),
        (204, {}, ""),
        (302, {"Location": "/healthz"}, ""),
        (307, {"Location": "/healthz"}, ""),
        (200, {}, '{"status": "ok"}'),
        (500, {}, "{}"),
        (429, {"Retry-After": "0"}, "{}"),
    ],
)
def test_what_is_no_acknowledgement_costs_no_event(
    page: Page, site: Site, gate: Gate, collector: Collector, answer: tuple[int, dict, str]
) -> None:
    gate.script = [answer]
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 1)
    wait_for_empty_queue(page)
    assert gate.types == ["page-view", "page-view"]
    assert len(collector.stored()) == 1


@pytest.mark.parametrize(
    "profile", ['"text"', "null", "[]", '{"id": null}', '{"id": 7}', '{"id": "x"}']
)
def test_an_answer_of_a_strange_shape_hurts_nobody(
    page: Page, site: Site, gate: Gate, collector: Collector, profile: str
) -> None:
    gate.script = [(200, {}, f'{{"accepted": 1, "profile": {profile}, "rejected": "no"}}')]
    open_page(page, site, gate)
    wait_for(lambda: gate.requests and queued(page) == 0, "an empty queue")
    page.evaluate("onetrail.track('click')")
    collector.wait_for_stored("click", 1)


FULL_STORAGE = """Object.defineProperty(window, 'localStorage', {value: new Proxy({}, {
    set() { throw new DOMException('', 'QuotaExceededError') }
})})"""


@pytest.mark.parametrize(
    "forbid",
    [
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied') }})",
        "Object.defineProperty(window, 'localStorage', {get: () => null})",
        "Object.defineProperty(document, 'cookie', {get: () => '', set() {}})",
        "Object.defineProperty(document, 'cookie', {get() { throw 1 }, set() { throw 1 }})",
        FULL_STORAGE,
        "Object.defineProperty(navigator, 'locks', {get: () => undefined})",
        "delete AbortSignal.timeout",
    ],
)
def test_a_browser_that_forbids_is_tracked_as_well_as_can_be(
    page: Page, site: Site, gate: Gate, collector: Collector, forbid: str
) -> None:
    page.context.add_init_script(forbid)
    open_page(page, site, gate)
    page.evaluate("onetrail.track('one'); onetrail.identify({email: 'a@shop.test'})")
    collector.wait_for_stored("identify", 1)
    page.evaluate("onetrail.reset(); onetrail.track('two')")
    collector.wait_for_stored("two", 1)
    assert len(collector.stored()) == 4
    stored = {event.type: event for event in collector.stored()}
    assert stored["one"].session == stored["page-view"].session != stored["two"].session
    assert stored["one"].profile == stored["page-view"].profile != stored["two"].profile


def test_a_local_storage_that_the_page_has_filled(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    fill = """<script>
    localStorage.clear();
    for (let size = 2 ** 22; size >= 1; size /= 2) {
        try { localStorage.setItem("page" + size, "x".repeat(size)); } catch {}
    }
    </script>"""
    page.goto(site.page("/", fill + gate.tag()))
    page.wait_for_function("window.onetrail")
    page.evaluate("for (let n = 0; n < 20; n++) onetrail.track('click', {n})")
    stored = collector.wait_for_stored("click", 20)
    assert sorted(event.properties["n"] for event in stored) == list(range(20))


def test_a_sandbox_in_which_the_browser_itself_forbids_all_storage(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """Nothing is faked: cookies, localStorage and locks throw, as the page has no origin."""
    site.headers = {"Content-Security-Policy": "sandbox allow-scripts"}
    open_page(page, site, gate)
    for refused in ("document.cookie", "localStorage.length"):
        assert page.evaluate(f"(() => {{ try {{ {refused} }} catch (e) {{ return e.name }} }})()")
    page.evaluate("onetrail.track('one')")
    collector.wait_for_stored("one", 1)
    wait_for(lambda: page.evaluate("onetrail.profileId()"), "the profile ID, in memory")
    page.evaluate("onetrail.track('two')")
    collector.wait_for_stored("two", 1)
    assert len({(event.session, event.profile) for event in collector.stored()}) == 1
    assert gate.types == ["page-view", "one", "two"]


def test_a_service_worker_that_answers_with_its_offline_page_costs_no_event(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """It is asked for the collector's requests too, and 200 is what it says."""
    site.pages["/worker.js"] = """
        let offline = true;
        self.addEventListener("activate", event => event.waitUntil(clients.claim()));
        self.addEventListener("message", () => { offline = false; });
        self.addEventListener("fetch", event => {
            if (offline && event.request.url.endsWith("/track"))
                event.respondWith(new Response("<h1>You are offline</h1>", {status: 200}));
        });"""
    page.goto(site.page("/bare"))
    page.evaluate(
        "navigator.serviceWorker.register('/worker.js');"
        "navigator.serviceWorker.controller || new Promise(done =>"
        " navigator.serviceWorker.addEventListener('controllerchange', () => done()))"
    )
    open_page(page, site, gate)
    page.evaluate("onetrail.track('one')")
    assert page.evaluate("onetrail.flush()") is False
    assert gate.requests == []
    page.evaluate("navigator.serviceWorker.controller.postMessage('back')")
    collector.wait_for_stored("one", 1)
    collector.wait_for_stored("page-view", 1)


STRICT = (
    "default-src 'none'; script-src {0}; connect-src {0};"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)


@pytest.fixture
def refused(page: Page) -> list[str]:
    """What the console says."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    return said


def test_a_strict_content_security_policy(
    page: Page, site: Site, gate: Gate, collector: Collector, refused: list[str]
) -> None:
    """No eval, no inline script or style; the policy names the collector and nothing else.

    What the tag asks for beyond t.js is loaded too, also where scripts are trusted types.
    """
    site.headers = {"Content-Security-Policy": STRICT.format(gate.url)}
    tag = gate.tag(attributes='data-auto="page-view forms vitals"')
    page.goto(site.page("/", tag, "<form id=f></form>"))
    collector.wait_for_stored("page-view", 1)
    wait_for(lambda: "/t-vitals.js" in gate.loaded, "the third file, which the second one asks for")
    page.evaluate("f.dispatchEvent(new Event('submit'))")
    collector.wait_for_stored("form-submit", 1)
    assert [text for text in refused if gate.url in text or "eval" in text] == []


def pinned(gate: Gate, digest: str) -> str:
    """The tag with the URL that never changes, as docs/web.md has it."""
    return (
        f'<script async src="{gate.url}/{pinned_name()}" integrity="{digest}"'
        ' crossorigin="anonymous" data-source="demo"></script>'
    )


def test_the_versioned_url_with_its_integrity(
    page: Page, site: Site, gate: Gate, collector: Collector, refused: list[str]
) -> None:
    site.headers = {"Content-Security-Policy": STRICT.format(gate.url)}
    with page.expect_response(f"**/{pinned_name()}") as response:
        page.goto(site.page("/", pinned(gate, integrity())))
    assert "immutable" in response.value.headers["cache-control"]
    collector.wait_for_stored("page-view", 1)
    assert [text for text in refused if "favicon" not in text] == []


def test_another_script_than_the_tag_says_is_not_run(
    page: Page, site: Site, gate: Gate, refused: list[str]
) -> None:
    page.goto(site.page("/", pinned(gate, "sha384-" + "A" * 64)))
    wait_for(lambda: any("integrity" in text for text in refused), "the browser's refusal")
    assert page.evaluate("typeof onetrail") == "undefined"
    assert gate.requests == []


def test_a_script_that_is_blocked_is_no_error_on_the_page(
    context: BrowserContext, page: Page, site: Site, gate: Gate
) -> None:
    """As an ad blocker does it. The stub takes the page's calls, and nobody hears them."""
    context.route("**/t*.js", lambda route: route.abort("blockedbyclient"))
    stub = """<script>window.onetrail ??= new Proxy({ q: [] }, { get: (stub, name) =>
        stub[name] ?? ((...args) => void stub.q.push([name, args])) });</script>"""
    page.goto(site.page("/", stub + gate.tag(attributes='data-auto="page-view reading"')))
    page.evaluate("onetrail.track('click'); onetrail.identify({userId: 1}); onetrail.reset()")
    assert gate.requests == []


def test_a_4xx_that_is_no_word_about_the_events_sets_them_aside(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """A proxy's 404: this page does not try again and again, and the next one brings them."""
    gate.script = [404]
    open_page(page, site, gate)
    wait_for(lambda: gate.requests, "the first request")
    page.evaluate("onetrail.track('later')")
    collector.wait_for_stored("later", 1)
    wait_for(lambda: queued(page) == 1, "the event that is set aside, alone")
    assert gate.types == ["page-view", "later"]
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 2)
    wait_for_empty_queue(page)
    assert gate.types.count("page-view") == 3


def test_without_keepalive_what_is_left_goes_as_a_beacon_and_counts_once(
    context: BrowserContext, page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """Firefox before 133: a beacon brings no answer, so the next page sends the events again."""
    context.add_init_script(
        "delete Request.prototype.keepalive; const real = fetch;"
        "window.fetch = (url, options) => real(url, {...options, keepalive: false});"
    )
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 1)
    wait_for_empty_queue(page)
    page.evaluate(HOLD_LOCK)  # else the event may be stored before the page goes
    page.evaluate("onetrail.track('last')")
    page.goto(site.page("/elsewhere"))
    collector.wait_for_stored("last", 1)
    sent_before = gate.types.count("last")
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 2)
    wait_for_empty_queue(page)
    assert sent_before == 1
    assert gate.types.count("last") == 2
    assert all(r.headers["Content-Type"].startswith("text/plain") for r in gate.requests)
    assert len(collector.stored("last")) == 1


def test_a_clock_that_is_a_year_off(
    context: BrowserContext, page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    """The collector corrects by what the request says of its own time."""
    context.add_init_script("const now = Date.now; Date.now = () => now() - 365 * 864e5;")
    context.add_init_script(
        "const Real = Date; Date = class extends Real"
        " { constructor(...args) { super(...(args.length ? args : [Real.now()])) } };"
    )
    open_page(page, site, gate)
    collector.wait_for_stored("page-view", 1)
    (request,) = gate.requests
    assert request.body["sent_at"].startswith(request.body["events"][0]["time"][:4])
    (view,) = collector.get(f"/profiles/{collector.stored()[0].profile}/events")["events"]
    assert abs(_ms(view["time"]) - _ms(view["received"])) < 60_000


def _ms(time: str) -> float:
    return datetime.fromisoformat(time).timestamp() * 1000


def test_a_collector_that_is_blocked_is_no_error_on_the_page(
    context: BrowserContext, page: Page, site: Site, gate: Gate
) -> None:
    """As an ad blocker does it: the script loads, what it sends is refused."""
    context.route("**/track", lambda route: route.abort("blockedbyclient"))
    open_page(page, site, gate)
    page.evaluate("onetrail.track('click'); onetrail.reset(); onetrail.track('click')")
    assert page.evaluate("onetrail.flush()") is False
    assert queued(page) >= 2


def test_hundreds_of_events_at_once_arrive_in_requests_that_may_outlive_the_page(
    page: Page, site: Site, gate: Gate, collector: Collector
) -> None:
    open_page(page, site, gate)
    text = "é" * 99
    page.evaluate(f"for (let n = 0; n < 400; n++) onetrail.track('click', {{n, text: '{text}'}})")
    stored = collector.wait_for_stored("click", 400)
    assert sorted(event.properties["n"] for event in stored) == list(range(400))
    assert all(int(request.headers["Content-Length"]) < 64 * 1024 for request in gate.requests)
