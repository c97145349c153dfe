"""Servers and load as processes of their own, for the benches."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Server:
    """A server process on a port of 127.0.0.1."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, ready_s: float) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.ready_s = ready_s

    def rss_mb(self) -> float:
        """Memory that it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024


@contextmanager
def floor(name: str, folder: Path, synchronous: str = "FULL") -> Iterator[Server]:
    """One of the applications in floors.py, on uvicorn."""
    port = free_port()
    db = folder / "naive.db"
    db.unlink(missing_ok=True)
    command = [sys.executable, "-m", "uvicorn", f"floors:{name}", "--port", str(port)]
    environment = {**os.environ, "NAIVE_DB": str(db), "NAIVE_SYNCHRONOUS": synchronous}
    with running(
        [*command, "--log-level", "error", "--no-access-log"], port, env=environment
    ) as server:
        yield server


@contextmanager
def collector(db: Path) -> Iterator[Server]:
    """The collector on a file, with the source `demo`."""
    port = free_port()
    config = db.with_suffix(".toml")  # limits that are looked at, and beyond what one machine does
    config.write_text("[limits]\nevents_per_second = 10_000_000\n")
    command = [sys.executable, "-m", "onetrail_collector", "serve", "--db", str(db), "--demo"]
    command += ["--config", str(config)]
    with running([*command, "--port", str(port)], port, env=dict(os.environ)) as server:
        yield server


@contextmanager
def running(command: list[str], port: int, *, env: dict[str, str]) -> Iterator[Server]:
    """A server, from when it takes connections until the end of the block."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=HERE, env=env, stdout=subprocess.DEVNULL)
    try:
        while not _listens(port):
            if process.poll() is not None or time.perf_counter() - began > 60:
                raise RuntimeError(f"{command} does not listen")
            time.sleep(0.005)
        yield Server(process, port, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    """Whether it answers, not only whether its socket is open."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def wrk(server: Server, **load: Any) -> float:
    """Requests per second that the server answers with 2xx; `load` is as for `run_wrk`."""
    return _number(run_wrk(server, **load), r"Requests/sec:\s+([\d.]+)")


def wrk_at(server: Server, rate: float, *, connections: int, seconds: int) -> dict[str, float]:
    """At about this rate, from connections that pause at random: rate, p50_ms, p99_ms."""
    pause_ms = 1000 * connections / rate
    trial = _latency(server, connections=connections, seconds=1, delay_ms=round(pause_ms))
    pause_ms -= trial["p50_ms"]  # an answer takes a part of the time between two requests
    return _latency(server, connections=connections, seconds=seconds, delay_ms=round(pause_ms))


def _latency(server: Server, **load: Any) -> dict[str, float]:
    said = run_wrk(server, **load)
    found = {"rate": _number(said, r"Requests/sec:\s+([\d.]+)")}
    for name in ("50", "99"):
        amount, unit = re.findall(rf"{name}%\s+([\d.]+)(us|ms|s)", said)[0]
        found[f"p{name}_ms"] = float(amount) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    return found


def run_wrk(  # noqa: PLR0913 - what load.lua can be told
    server: Server,
    *,
    events: int = 1,
    identify: int = 0,
    connections: int = 64,
    seconds: int = 4,
    protocol: str = "",
    delay_ms: int = 0,
) -> str:
    """What wrk says of a load; ends the program where a request was refused."""
    if shutil.which("wrk") is None:
        sys.exit("the load comes from wrk: apt-get install wrk")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", "load.lua"]
    said = subprocess.run(
        [*command, f"{server.url}/track"],
        cwd=HERE,
        env={
            **os.environ,
            "EVENTS": str(events),
            "IDENTIFY": str(identify),
            "PROTOCOL": protocol,
            "DELAY_MS": str(delay_ms),
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "Non-2xx" in said:
        sys.exit(f"refused under load:\n{said}")
    return said


def _number(said: str, pattern: str) -> float:
    return float(re.findall(pattern, said)[0])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def body(events: int, session: str, prefix: str) -> bytes:
    """A request like those of load.lua."""
    listed = [
        {
            "id": f"{prefix}-{number}",
            "type": "page-view",
            "time": "2026-11-23T14:05:06.000Z",
            "properties": {"url": f"https://shop.example/p/{number}", "title": "A page"},
        }
        for number in range(events)
    ]
    return json.dumps(
        {
            "source": {"id": "demo"},
            "session": {"id": session},
            "sent_at": "2026-11-23T14:05:06.789Z",
            "context": {"library": {"name": "onetrail-js", "version": "0.1.0"}},
            "events": listed,
        }
    ).encode()
