"""One scenario for all clients at once: two devices of one user, and a collector that goes down.

The first device: two anonymous events, identify, more; one while the collector is down, one when
it is back. The second: the same, without an outage.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from gate import Gate
from install import HERE, INSTALLED, MODULES, PACKAGES
from playwright.sync_api import Browser, BrowserContext

DRIVERS = HERE / "drivers"


class Program:
    """A client in a process of its own."""

    def __init__(self, name: str, gate: Gate, folder: Path) -> None:
        self.name = name
        self.gate = gate
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None

    def open(self, device: int) -> None:
        command = [*self._command(), self.gate.url, self.name, user_of(self.name), str(device)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        )

    def _command(self) -> list[str]:
        if self.name.endswith("python"):
            return [sys.executable, str(DRIVERS / f"{self.name}.py")]
        return ["node", str(INSTALLED / "js" / "drivers" / f"{self.name}.mjs")]

    def ask(self, step: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(step + "\n")
        self._process.stdin.flush()

    def wait(self, step: str) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == step + "\n", f"{self.name} ended in {step}"

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate(timeout=30)


class Page:
    """A client in a browser."""

    def __init__(self, name: str, gate: Gate, site: Any, browser: Browser) -> None:
        self.name = name
        self.gate = gate
        self._site = site
        self._browser = browser
        self._context: BrowserContext | None = None

    def open(self, device: int) -> None:
        self._context = self._browser.new_context()
        page = self._context.new_page()
        query = {"url": self.gate.url, "key": self.name, "user": user_of(self.name)}
        tag = f'<script src="/{self.name}.js"></script>'
        if self.name == "onetrail_js":
            tag = f'<script src="{self.gate.url}/t.js" data-source="{self.name}"></script>' + tag
        address = self._site.page(f"/{self.name}", tag)
        page.goto(f"{address}?{urlencode({**query, 'device': device})}")
        page.wait_for_function("window.steps")

    def ask(self, step: str) -> None:
        assert self._context is not None
        self._context.pages[0].evaluate(f"steps.{step}()")

    def wait(self, step: str) -> None:
        """Nothing tells when it has sent what it queued: the caller looks into the collector."""

    def close(self) -> None:
        if self._context is not None:
            self._context.close()


Client = Program | Page


def user_of(name: str) -> str:
    return f"{name}-17"


def bundle(name: str) -> str:
    """A browser client's program and the client, as one script."""
    driver = INSTALLED / "js" / "drivers" / f"{name}.js"
    esbuild = [str(MODULES / ".bin" / "esbuild"), "--bundle", "--log-level=error"]
    return subprocess.run(
        [*esbuild, str(driver)], check=True, capture_output=True, text=True, timeout=60
    ).stdout


Until = Callable[[Callable[[], bool], str], object]


def play(clients: list[Client], collector: Any, until: Until) -> None:
    """The whole scenario."""
    for client in clients:
        client.open(1)
    _all_do(clients, "begin")
    _all_stored(clients, collector, until, "bought", 1)
    collector.kill()
    before = {client.name: client.gate.found_nobody for client in clients}
    _all_do(clients, "down")
    for client in clients:
        tried = lambda c=client: c.gate.found_nobody > before[c.name]  # noqa: E731
        until(tried, f"{client.name} to try while the collector is down")
    collector.start()
    _all_do(clients, "up")
    _all_stored(clients, collector, until, "waited", 1)
    _all_stored(clients, collector, until, "returned", 1)
    for client in clients:
        client.close()
        client.open(2)
    _all_do(clients, "begin")
    _all_stored(clients, collector, until, "bought", 2)
    for client in clients:
        client.close()


def _all_do(clients: list[Client], step: str) -> None:
    for client in clients:
        client.ask(step)
    for client in clients:
        client.wait(step)


def _all_stored(
    clients: list[Client], collector: Any, until: Until, event_type: str, count: int
) -> None:
    def stored(name: str) -> bool:
        sql = (
            "SELECT count(*) FROM events JOIN sources ON sources.id = events.source"
            " WHERE sources.public_id = ? AND events.type = ?"
        )
        return bool(collector.rows(sql, name, event_type)[0][0] >= count)

    for client in clients:
        name = client.name
        until(lambda name=name: stored(name), f"{event_type} of {name}")
