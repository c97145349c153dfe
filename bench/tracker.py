"""The web tracker beside others, in Chromium: who still has twenty events after hard times?

    python bench/tracker.py [NAME ...]

Twenty events each; counted are distinct arrivals, "at once→after a return to the page", and the
copies where they are more than twice as many. On a return one more event is tracked. The collector
is 200 ms away and of another origin; the back/forward cache is off. All trackers are built the same
way (their npm package, bundled and minified by esbuild; ours is the committed file), and bytes are
brotli of that. Peers come from npm at pinned versions, into a temporary folder.
"""

import argparse
import base64
import gzip
import json
import re
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
from argparse import RawDescriptionHelpFormatter as RawText
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "collector" / "onetrail_collector" / "static"
EVENTS = 20
DELAY_S = 0.2
PATIENCE_S = 15.0  # for what may still arrive
SETTLE_MS = 800  # for a tracker to start
UNTIL_LEFT_S = 2.0  # what a page that has gone was able to send is there by then
ROUNDS = 7  # of each time, of which the median counts
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
# One answer that each takes for success; rudderstack asks for its source's settings first.
ANSWER = {
    "status": 1,
    "code": 200,
    "success": True,
    "accepted": 1,
    "profile": {"id": "p"},
    "source": {
        "id": "s",
        "name": "s",
        "writeKey": "k" * 27,
        "enabled": True,
        "workspaceId": "w",
        "config": {
            "statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}
        },
        "dataplanes": {},
        "destinations": [],
    },
}

PACKAGES = {
    "segment": "@segment/analytics-next@1.84.3",
    "posthog": "posthog-js@1.449.2",
    "rudderstack": "@rudderstack/analytics-js@3.34.1",
    "amplitude": "@amplitude/analytics-browser@2.45.0",
    "snowplow": "@snowplow/browser-tracker@4.10.1",
    "mixpanel": "mixpanel-browser@2.83.0",
    "openpanel": "@openpanel/web@1.4.1",
    "plausible": "@plausible-analytics/tracker@0.4.6",
}
# How each is started and told of an event; what it does by itself beyond that is switched off.
ENTRIES = {
    "segment": """import { AnalyticsBrowser } from "@segment/analytics-next";
        let a;
        window.start = (host) => {
            const to = { apiKey: "k", apiHost: host.slice(7) + "/v1", protocol: "http" };
            const integrations = { "Segment.io": to };
            const settings = { writeKey: "k", cdnURL: host, cdnSettings: { integrations } };
            a = AnalyticsBrowser.load(settings, { integrations });
        };
        window.fire = (n) => a.track("evt-" + n + "-end");""",
    "posthog": """import posthog from "posthog-js";
        window.start = (host) => posthog.init("k", {
            api_host: host, autocapture: false, capture_pageview: false, capture_pageleave: false,
            disable_session_recording: true, advanced_disable_flags: true, disable_surveys: true,
            disable_external_dependency_loading: true, opt_out_useragent_filter: true,
        });
        window.fire = (n) => posthog.capture("evt-" + n + "-end");""",
    "rudderstack": """import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";
        const r = new RudderAnalytics();
        window.start = (host) => r.load("k".repeat(27), host, {
            configUrl: host, integrations: { All: false }, sessions: { autoTrack: false },
        });
        window.fire = (n) => r.track("evt-" + n + "-end");""",
    "amplitude": """import { init, track } from "@amplitude/analytics-browser";
        window.start = (host) => init("k", {
            serverUrl: host + "/2/httpapi", autocapture: false, fetchRemoteConfig: false,
        });
        window.fire = (n) => track("evt-" + n + "-end");""",
    "snowplow": """import { newTracker, trackStructEvent } from "@snowplow/browser-tracker";
        window.start = (host) => newTracker("sp", host, { appId: "a" });
        window.fire = (n) => trackStructEvent({ category: "c", action: "evt-" + n + "-end" });""",
    "mixpanel": """import mixpanel from "mixpanel-browser";
        const persistence = "localStorage";
        window.start = (host) => mixpanel.init("k", { api_host: host, persistence });
        window.fire = (n) => mixpanel.track("evt-" + n + "-end");""",
    "openpanel": """import { OpenPanel } from "@openpanel/web";
        let o;
        window.start = (host) => { o = new OpenPanel({ apiUrl: host, clientId: "k" }); };
        window.fire = (n) => o.track("evt-" + n + "-end");""",
    "plausible": """import { init, track } from "@plausible-analytics/tracker";
        window.start = (host) => init({
            domain: "d", endpoint: host + "/api/event", captureOnLocalhost: true,
            autoCapturePageviews: false, logging: false,
        });
        window.fire = (n) => track("evt-" + n + "-end", {});""",
}
OURS = """window.start = () => {}; window.fire = (n) => onetrail.track("evt-" + n + "-end");"""


@dataclass
class World:
    """A site and a collector of any protocol; both in threads of this process."""

    site: str = ""
    collector: str = ""
    scripts: dict[str, bytes] = field(default_factory=dict)
    down: bool = False
    statuses: list[int] = field(default_factory=list)
    arrived: Counter[int] = field(default_factory=Counter)
    wire_bytes: int = 0

    def forget(self) -> None:
        """Begin the next measurement."""
        self.down, self.statuses, self.wire_bytes = False, [], 0
        self.arrived = Counter()


def texts(body: bytes, query: str) -> str:
    """A request as readable text, however it was packed."""
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    text = urllib.parse.unquote(query) + urllib.parse.unquote_plus(body.decode(errors="replace"))
    packed = re.search(r"data=([A-Za-z0-9+/=_-]{24,})", text)
    if packed:
        raw = packed[1] + "=" * (-len(packed[1]) % 4)
        text += base64.b64decode(raw, altchars=b"-_").decode(errors="replace")
    return text


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: ClassVar[World]

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Site(_Handler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.endswith(".js"):
            self.reply(200, {"Content-Type": "text/javascript"}, self.world.scripts[path[1:]])
        elif path == "/elsewhere":
            self.reply(200, {"Content-Type": "text/html"}, b"<title>elsewhere</title>")
        else:
            page = page_of(self.world, path[1:])
            self.reply(200, {"Content-Type": "text/html"}, page.encode())


class _Collector(_Handler):
    def cors(self) -> dict[str, str]:
        asked = self.headers.get("Access-Control-Request-Headers", "*")
        return {
            "Access-Control-Allow-Origin": self.headers.get("Origin", "*"),
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Headers": asked,
            "Content-Type": "application/json",
        }

    def do_OPTIONS(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def answer(self, body: bytes) -> None:
        world = self.world
        if world.down:
            self.close_connection = True
            return
        numbers = re.findall(r"evt-(\d+)-end", texts(body, self.path))
        status = 200
        if numbers and self.command != "OPTIONS" and world.statuses:
            status = world.statuses.pop(0)
        if status == 200 and numbers:
            world.arrived.update({int(number) for number in numbers} & set(range(EVENTS)))
            world.wire_bytes += len(body) + len(self.path)
        time.sleep(DELAY_S)
        self.reply(status, self.cors(), json.dumps(ANSWER).encode())


def serve(world: World) -> list[ThreadingHTTPServer]:
    servers = []
    for kind in (_Site, _Collector):
        handler = type(kind.__name__, (kind,), {"world": world})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # browsers hang up
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
    world.site, world.collector = (f"http://127.0.0.1:{s.server_address[1]}" for s in servers)
    return servers


def page_of(world: World, name: str) -> str:
    if name == "onetrail":
        options = f'data-source="web" data-auto="" data-host="{world.collector}"'
        tag = f'<script src="t.js" {options}></script>'
        return f"<!doctype html><title>{name}</title>{tag}<script>{OURS}</script>"
    return (
        f'<!doctype html><title>{name}</title><script src="{name}.js"></script>'
        f'<script>start("{world.collector}")</script>'
    )


def build(names: list[str], folder: Path, world: World) -> None:
    """Install the peers at their versions, and bundle each."""
    (folder / "package.json").write_text("{}")
    packages = [PACKAGES[name] for name in names]
    if packages:
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", *packages]
        subprocess.run(install, cwd=folder, check=True)
    esbuild = ROOT / "js" / "node_modules" / ".bin" / "esbuild"
    for name in names:
        entry = folder / f"{name}-entry.js"
        entry.write_text(ENTRIES[name])
        options = ["--bundle", "--minify", "--format=iife", "--target=es2020", "--log-level=error"]
        done = subprocess.run(
            [esbuild, entry, *options], cwd=folder, check=True, capture_output=True
        )
        world.scripts[f"{name}.js"] = done.stdout
    world.scripts["t.js"] = (STATIC / "t.js").read_bytes()


def brotli_bytes(script: bytes) -> int:
    code = "const z = require('zlib'), f = require('fs').readFileSync(0);"
    code += "process.stdout.write('' + z.brotliCompressSync(f).length)"
    done = subprocess.run(["node", "-e", code], input=script, capture_output=True, check=True)
    return int(done.stdout)


@dataclass
class Visit:
    """One tracker in one fresh browser profile."""

    world: World
    context: BrowserContext
    name: str

    def open(self) -> Page:
        """Open the page, and let its tracker start."""
        page = self.context.new_page()
        page.goto(f"{self.world.site}/{self.name}")
        page.wait_for_timeout(SETTLE_MS)
        return page

    def come_back(self, page: Page | None = None) -> Page:
        """Open the page again, where the visitor does one thing more: some send only then."""
        if page:
            page.reload()
            page.wait_for_timeout(SETTLE_MS)
        page = page or self.open()
        page.evaluate("fire(999)")
        return page

    def fire(self, page: Page, then: str = "") -> None:
        """Track all events in one task, and go on with `then` in the same."""
        page.evaluate(f"() => {{ for (let n = 0; n < {EVENTS}; n++) fire(n); {then} }}")

    def wait(self, seconds: float = PATIENCE_S) -> None:
        """Until all events are there, or patience ends."""
        ends = time.monotonic() + seconds
        while len(self.world.arrived) < EVENTS and time.monotonic() < ends:
            time.sleep(0.05)

    def result(self) -> str:
        """What has arrived."""
        distinct, copies = len(self.world.arrived), self.world.arrived.total()
        more = f" ({copies} copies)" if copies > 2 * distinct else ""
        return f"{distinct}{more}"

    def after_return(self) -> str:
        """What has arrived of a page that has gone, before and after a return."""
        self.wait(UNTIL_LEFT_S)
        at_once = self.result()
        page = self.come_back()
        self.wait()
        page.close()
        return at_once if at_once == self.result() else f"{at_once}→{self.result()}"


def navigate_away(visit: Visit) -> str:
    page = visit.open()
    visit.fire(page, "location.href = '/elsewhere'")
    page.wait_for_url("**/elsewhere")
    return visit.after_return()


def close_the_tab(visit: Visit) -> str:
    page = visit.open()
    visit.fire(page)
    page.close(run_before_unload=True)
    return visit.after_return()


def down_and_reload(visit: Visit) -> str:
    page = visit.open()
    visit.world.down = True
    visit.fire(page)
    page.wait_for_timeout(SETTLE_MS)
    visit.come_back(page)
    visit.world.down = False
    visit.wait()
    return visit.result()


def offline_then_online(visit: Visit) -> str:
    page = visit.open()
    visit.context.set_offline(True)
    visit.fire(page)
    page.wait_for_timeout(SETTLE_MS)
    visit.context.set_offline(False)
    visit.wait()
    return visit.result()


def offline_close_return(visit: Visit) -> str:
    page = visit.open()
    visit.context.set_offline(True)
    visit.fire(page)
    page.wait_for_timeout(SETTLE_MS)
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    visit.context.set_offline(False)
    visit.come_back()
    visit.wait()
    return visit.result()


def refused_twice(visit: Visit) -> str:
    page = visit.open()
    visit.world.statuses = [503, 503]
    visit.fire(page)
    visit.wait()
    return visit.result()


COLUMNS: dict[str, Callable[[Visit], str]] = {
    "navigate away": navigate_away,
    "close the tab": close_the_tab,
    "down, reload": down_and_reload,
    "offline, online": offline_then_online,
    "offline, close, return": offline_close_return,
    "503, 503, 200": refused_twice,
}

# Ours reads its tag, which a script that is evaluated does not have.
TAG = """(host) => {
    const tag = document.createElement("script");
    Object.assign(tag.dataset, { source: "web", host });
    Object.defineProperty(document, "currentScript", { value: tag });
}"""
LOAD = """async ([code, host, after]) => {
    const began = performance.now();
    (0, eval)(code + ";" + after); start(host);
    await null; // what it put off to the end of its task is part of it
    return performance.now() - began;
}"""
HUNDRED = """async () => {
    const began = performance.now();
    for (let n = 100; n < 200; n++) fire(n);
    await new Promise((resolve) => { const { port1, port2 } = new MessageChannel();
        port1.onmessage = resolve; port2.postMessage(0); });
    return performance.now() - began;
}"""


def times(world: World, browser: Browser, name: str) -> tuple[float, float]:
    """Milliseconds of the main thread to load, and for 100 events until it is free again."""
    loads, hundreds = [], []
    for _ in range(ROUNDS):
        with browser.new_context(user_agent=USER_AGENT) as context:
            page = context.new_page()
            page.goto(world.site + "/elsewhere")
            code = world.scripts["t.js" if name == "onetrail" else f"{name}.js"].decode()
            if name == "onetrail":
                page.evaluate(TAG, world.collector)
            then = OURS if name == "onetrail" else ""
            loads.append(page.evaluate(LOAD, [code, world.collector, then]))
            page.wait_for_timeout(SETTLE_MS)
            hundreds.append(page.evaluate(HUNDRED))
    return statistics.median(loads), statistics.median(hundreds)


def bytes_per_event(world: World, browser: Browser, name: str) -> str:
    """What twenty events at once weigh, packed as they come."""
    world.forget()
    with browser.new_context(user_agent=USER_AGENT) as context:
        visit = Visit(world, context, name)
        visit.fire(visit.open())
        visit.wait()
    return f"{world.wire_bytes / EVENTS:.0f}"


def main() -> None:
    known = ["onetrail", *PACKAGES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RawText)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all if none: {', '.join(known)}")
    names: list[str] = parser.parse_args().names or known
    if strangers := sorted({*names} - {*known}):
        parser.error(f"there is no {', '.join(strangers)} here; there are {', '.join(known)}")
    world = World()
    servers = serve(world)
    heads = ["tracker", "bytes", *COLUMNS, "load ms", "100 events ms", "bytes/event"]
    print(" | ".join(heads), flush=True)
    chromium = Path("/usr/bin/chromium")
    options: dict[str, Any] = {"executable_path": str(chromium)} if chromium.exists() else {}
    flags = ["--no-sandbox", "--disable-gpu", "--disable-blink-features=AutomationControlled"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        build([name for name in names if name in PACKAGES], Path(folder), world)
        browser = playwright.chromium.launch(
            args=flags, ignore_default_args=["--enable-automation"], **options
        )
        for name in names:
            script = world.scripts["t.js" if name == "onetrail" else f"{name}.js"]
            row = [name, str(brotli_bytes(script))]
            for column in COLUMNS.values():
                world.forget()
                with browser.new_context(user_agent=USER_AGENT) as context:
                    row.append(column(Visit(world, context, name)))
            load, hundred = times(world, browser, name)
            row += [f"{load:.1f}", f"{hundred:.1f}", bytes_per_event(world, browser, name)]
            print(" | ".join(row), flush=True)
        browser.close()
    for server in servers:
        server.shutdown()


if __name__ == "__main__":
    main()
