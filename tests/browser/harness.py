"""What tests in a real browser stand on: Chromium, a site, a collector, and a gate between them."""

import http.client
import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

from playwright.sync_api import Browser, BrowserType, Page

CHROMIUM = Path("/usr/bin/chromium")
STATIC = Path(__file__).parents[2] / "collector" / "onetrail_collector" / "static"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEADLINE_S = 20.0
T = TypeVar("T")


def browser_options() -> dict[str, Any]:
    """Debian's Chromium where there is one, else the browser that Playwright brought."""
    options: dict[str, Any] = {"headless": True, "args": FLAGS}
    return options | ({"executable_path": str(CHROMIUM)} if CHROMIUM.exists() else {})


def launch(kind: BrowserType, **options: Any) -> Browser:
    return kind.launch(**(browser_options() | options))


def wait_for(condition: Callable[[], T], what: str, deadline_s: float = DEADLINE_S) -> T:
    """Ask until the answer is true; fail with `what` when the deadline has passed."""
    ends = time.monotonic() + deadline_s
    while not (result := condition()):
        assert time.monotonic() < ends, f"not within {deadline_s:g} s: {what}"
        time.sleep(0.02)
    return result


QUEUED = "Object.keys(localStorage).filter(key => key.includes('.event.')).length"


def queued(page: Page) -> int:
    """How many events the page's site keeps that are not acknowledged."""
    count: int = page.evaluate(QUEUED)
    return count


def wait_for_empty_queue(page: Page) -> None:
    """Until the page has the answer too: what is stored only, its next page would send again."""
    wait_for(lambda: queued(page) == 0, "an empty queue")


class _Server(ThreadingHTTPServer):
    """A threading server that neither lingers nor prints."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser hangs up when its page goes; that is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing: the test tells what it saw."""

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving(handler: type[_Handler]) -> Iterator[int]:
    """Serve in a thread on a free port."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Site:
    """A web site: its pages by path, each a text of HTML."""

    url: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    together: threading.Barrier | None = None  # so many requests are answered at the same instant
    seen: list[str] = field(default_factory=list)  # what was asked for, with its query

    def page(self, path: str, head: str = "", body: str = "") -> str:
        """Put a page there, and return its URL."""
        self.pages[path] = (
            f"<!doctype html><html lang=en><title>{path}</title>{head}<body>{body}</body></html>"
        )
        return self.url + path


@contextmanager
def running_site() -> Iterator[Site]:
    site = Site()

    class Handler(_Handler):
        def do_GET(self) -> None:
            site.seen.append(self.path)
            page = site.pages.get(self.path.partition("?")[0])
            if site.together:
                site.together.wait(DEADLINE_S)
            kind = "text/javascript" if self.path.endswith(".js") else "text/html; charset=utf-8"
            self.reply(
                200 if page else 404, {"Content-Type": kind, **site.headers}, (page or "").encode()
            )

    with serving(Handler) as port:
        site.url = f"http://127.0.0.1:{port}"
        yield site


@dataclass(frozen=True)
class Request:
    """One request that came to the gate's /track."""

    method: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.body.get("events", [])]


@dataclass
class Gate:
    """Stands before the collector: records what comes to /track, and can be slow, down or hostile.

    `script` holds what the next requests get instead of the collector's answer, in order: a status,
    or (status, headers, body), or "drop" to hang up after the collector has stored them.
    """

    url: str = ""
    upstream: str = ""
    delay_s: float = 0.0
    down: bool = False
    script: list[Any] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)  # the scripts that were asked for

    def tag(self, source: str = "demo", attributes: str = "") -> str:
        return f'<script async src="{self.url}/t.js" data-source="{source}" {attributes}></script>'

    @property
    def types(self) -> list[str]:
        return [kind for request in self.requests for kind in request.types]

    def wait_for_types(self, *expected: str) -> None:
        wait_for(lambda: set(expected) <= set(self.types), f"{expected} in {self.types}")


CORS = {"Access-Control-Allow-Origin": "*"}
HOP = {"host", "connection", "content-length", "transfer-encoding", "date", "server"}


class _GateHandler(_Handler):
    gate: ClassVar[Gate]

    def do_GET(self) -> None:
        self.gate.loaded.append(self.path)
        self.forward()

    def do_OPTIONS(self) -> None:
        self.gate.requests.append(Request("OPTIONS", dict(self.headers), {}))
        self.forward()

    def do_POST(self) -> None:
        gate = self.gate
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if gate.down:
            self.close_connection = True
            return
        gate.requests.append(Request("POST", dict(self.headers), json.loads(body)))
        time.sleep(gate.delay_s)
        order = gate.script.pop(0) if gate.script else None
        if order is None or order == "drop":
            self.forward(body, drop=order == "drop")
        elif isinstance(order, int):
            self.reply(order, CORS, b'{"error":"scripted","detail":"as the test asked"}')
        else:
            status, headers, text = order
            self.reply(status, CORS | headers, text.encode())

    def forward(self, body: bytes | None = None, *, drop: bool = False) -> None:
        connection = http.client.HTTPConnection(self.gate.upstream, timeout=DEADLINE_S)
        kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
        try:
            connection.request(self.command, self.path, body, kept)
            answer = connection.getresponse()
            content = answer.read()
        except OSError:
            drop = True
        finally:
            connection.close()
        if drop:
            self.close_connection = True
            return
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in HOP}
        self.reply(answer.status, headers, content)


@contextmanager
def running_gate(upstream: str) -> Iterator[Gate]:
    gate = Gate(upstream=upstream)
    with serving(type("Handler", (_GateHandler,), {"gate": gate})) as port:
        gate.url = f"http://127.0.0.1:{port}"
        yield gate


class Stored(NamedTuple):
    """An event as it stands in the collector's database."""

    type: str
    properties: dict[str, Any]
    session: str
    profile: str


@dataclass
class Collector:
    """The real collector, as an operator starts it, and what is in its database."""

    database: Path
    port: int
    token: str = ""
    process: subprocess.Popen[str] | None = None
    first: int = 0  # the events before this one belong to earlier tests

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def start(self) -> None:
        command = [sys.executable, "-m", "onetrail_collector"]
        serve = [*command, "serve", "--db", str(self.database), "--port", str(self.port), "--demo"]
        log = self.database.with_suffix(".log")
        with log.open("a") as output:
            self.process = subprocess.Popen(serve, stdout=output, stderr=output, text=True)
        wait_for(self._healthy, f"the collector's start; its log is {log}")
        for line in log.read_text().splitlines():
            if line.startswith("admin token:"):
                self.token = line.partition(":")[2].strip()

    def _healthy(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.database.with_suffix(".log").read_text()
        try:
            return self.get("/healthz") is not None
        except OSError:
            return False

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(DEADLINE_S)
            self.process = None

    def get(self, path: str) -> Any:
        connection = http.client.HTTPConnection(self.address, timeout=DEADLINE_S)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status < 400, f"{path}: {answer.status} {text}"
            return json.loads(text or "{}")
        finally:
            connection.close()

    def stored(self, kind: str | None = None) -> list[Stored]:
        """What the database holds, one row an event: type, properties, session ID, profile ID."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            rows = connection.execute(
                """SELECT events.type, events.properties, sessions.public_id, profile_ids.public_id
                FROM events
                JOIN sessions ON sessions.id = events.session
                JOIN profile_ids ON profile_ids.id = events.profile_id
                WHERE events.id > ?
                ORDER BY events.id""",
                (self.first,),
            )
            stored = [Stored(row[0], json.loads(row[1]), *row[2:]) for row in rows]
            return [event for event in stored if kind in {None, event.type}]
        finally:
            connection.close()

    def forget(self) -> None:
        """Look only at what is stored from now on."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            (self.first,) = connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
        finally:
            connection.close()

    def wait_for_stored(self, kind: str, count: int) -> list[Stored]:
        wait_for(
            lambda: len(self.stored(kind)) >= count,
            f"{count} stored events of type {kind}; there are {len(self.stored(kind))}",
        )
        return self.stored(kind)


@contextmanager
def running_collector(folder: Path) -> Iterator[Collector]:
    collector = Collector(folder / "onetrail.db", free_port())
    collector.start()
    try:
        yield collector
    finally:
        collector.stop()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
