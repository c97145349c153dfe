"""A real collector for any test: its own process, a free port, a SQLite file of its own."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

WIRE = Path(__file__).parent / "wire"


class Collector:
    """A collector process. `start` and `kill` may be called in turn: the file stays."""

    def __init__(self, db: Path, *options: str) -> None:
        self.db = db
        self.port = 0
        self.token = ""
        self.printed = ""
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Collector":
        """Return when it listens; the port of the first start is kept."""
        self._process = subprocess.Popen(
            [*self.command("serve"), "--port", str(self.port), *self._options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        line = self._read_line()
        match = re.search(r"http://[^:]+:(\d+)", line)
        assert match, line + self._read_rest()
        self.port = int(match[1])
        if not self.token:
            found = re.search(r"admin token: (\S+)", self._read_line())
            self.token = found[1] if found else ""
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
            assert client.get(f"{self.url}/healthz").status_code == 200
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; answers the exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(how)
        self.printed += process.communicate(timeout=20)[0]
        return process.returncode

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

    def post(self, body: Any, path: str = "/track", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(self.url + path, content=content, headers=headers, timeout=20)

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

    def _read_line(self) -> str:
        assert self._process
        assert self._process.stdout
        line = self._process.stdout.readline()
        self.printed += line
        return line

    def _read_rest(self) -> str:
        assert self._process
        assert self._process.stdout
        return self._process.stdout.read()


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


@pytest.fixture
def collector(new_collector: Callable[..., Collector]) -> Collector:
    """A running collector with the sources `demo` and `web`."""
    started = new_collector("--demo").start()
    started.run("sources", "add", "web")
    return started


@pytest.fixture
def golden() -> Callable[[str], dict[str, Any]]:
    """Reads an exchange from tests/wire."""

    def read(name: str) -> dict[str, Any]:
        exchange: dict[str, Any] = json.loads((WIRE / f"{name}.json").read_text())
        return exchange

    return read
