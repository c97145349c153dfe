"""A real collector for any test: its own process, a free port, a SQLite file of its own."""

import gc
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiosqlite
import httpx
import pytest

WIRE = Path(__file__).parent / "wire"


def pytest_unconfigure() -> None:
    """End the threads of connections that failed tests left open: they would keep this process."""
    for thing in gc.get_objects():
        if type(thing) is aiosqlite.Connection:  # not isinstance: some objects import for it
            thing.stop()


def wait_until(condition: Callable[[], object], what: str, *, deadline_s: float = 20) -> None:
    """Poll until it holds; fail, saying what was waited for, at the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"waited {deadline_s} s for {what}"
        time.sleep(0.01)


class Collector:
    """A collector process. `start` and `kill` may be called in turn: the file stays."""

    def __init__(self, db: Path, *options: str) -> None:
        self.db = db
        self.port = 0
        self.token = ""
        self.log = db.with_suffix(".log")
        self._options = options
        self._said_before = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Collector":
        """Return when it answers; the port of the first start is kept."""
        with self.log.open("a") as log:
            self._said_before = log.tell()
            self._process = subprocess.Popen(
                [*self.command("serve"), "--port", str(self.port), *self._options],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        wait_until(self._answers, "the collector to answer")
        token = re.search(r"admin token: (\S+)", self.said())
        self.token = token[1] if token else self.token
        return self

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.said()
        listening = re.search(r"http://[^:]+:(\d+)", self.said())
        if listening is None:
            return False
        self.port = int(listening[1])
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def said(self) -> str:
        """What it printed since its last start."""
        return self.log.read_text()[self._said_before :]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; answers the exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(how)
        return process.wait(timeout=20)

    def kill(self) -> None:
        """As a power cut ends it."""
        self.stop(signal.SIGKILL)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "onetrail_collector", *words, "--db", str(self.db)]

    def run(self, *words: str) -> str:
        """Another command on the same file, while it runs or not."""
        return subprocess.run(
            self.command(*words), check=True, capture_output=True, text=True
        ).stdout

    def run_plain(self, *words: str) -> str:
        """A command that has nothing to do with the file."""
        command = [sys.executable, "-m", "onetrail_collector", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def post(self, body: Any, path: str = "/track", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(self.url + path, content=content, headers=headers, timeout=20)

    def identify(self, session: str, **properties: Any) -> str:
        """One identify event of a session at `demo`; answers the profile ID."""
        event = {"id": str(uuid4()), "type": "identify", "properties": properties}
        answer = self.post(
            {"source": {"id": "demo"}, "session": {"id": session}, "events": [event]}
        )
        profile_id: str = answer.json()["profile"]["id"]
        return profile_id

    def get(self, path: str, **params: str) -> Any:
        """What the admin API answers."""
        answer = httpx.get(
            self.url + path, params=params, headers={"authorization": f"Bearer {self.token}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Straight from the file."""
        connection = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()


@pytest.fixture
def new_collector(tmp_path: Path) -> Iterator[Callable[..., Collector]]:
    """Makes collectors that are not started yet; all of them end with the test."""
    made: list[Collector] = []

    def make(*options: str, db: Path | None = None) -> Collector:
        made.append(Collector(db or tmp_path / f"collector-{len(made)}.db", *options))
        return made[-1]

    yield make
    for collector in made:
        collector.kill()


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """A collector that has run once: its file has the sources `demo` and `web`, and a token."""
    made = Collector(tmp_path_factory.mktemp("begun") / "collector.db", "--demo")
    made.run("sources", "add", "web")
    made.start()
    made.stop()
    return made


@pytest.fixture
def collector(new_collector: Callable[..., Collector], begun: Collector) -> Collector:
    """A running collector of the test's own, with the sources `demo` and `web`."""
    made = new_collector("--demo")
    shutil.copy(begun.db, made.db)
    made.token = begun.token
    return made.start()


@pytest.fixture(scope="module")
def module_collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector for all tests of a module, not started yet, without sources."""
    made = Collector(tmp_path_factory.mktemp("module") / "collector.db")
    yield made
    made.kill()


@pytest.fixture(scope="session")
def standing_collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """One collector with the source `demo` for all tests that ask and do not count."""
    made = Collector(tmp_path_factory.mktemp("standing") / "collector.db", "--demo")
    yield made.start()
    made.kill()


@pytest.fixture
def golden() -> Callable[[str], dict[str, Any]]:
    """Reads an exchange from tests/wire."""

    def read(name: str) -> dict[str, Any]:
        exchange: dict[str, Any] = json.loads((WIRE / f"{name}.json").read_text())
        return exchange

    return read
