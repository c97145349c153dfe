"""Tracking SDKs side by side: what a call costs, how fast events arrive, what it takes of the CPU.

    python bench/sdk.py [--events 20000] [--runs 3] [--venv FOLDER]

Installs the peers from PyPI into a throw-away venv (or FOLDER, kept), starts one local sink that
takes every request, and runs each SDK in a process of its own, `--runs` times in turn. A row is the
median of its runs. The floor is SQLite itself: one autocommit INSERT (WAL, synchronous=NORMAL) of
the same event through json.dumps; onetrail's events are as durable as that, the peers' are in
memory.
"""

# ruff: noqa: ANN001, ANN201, D102, PLC0415, S310  each SDK is imported only in its own process
from __future__ import annotations

import argparse
import asyncio
import gzip
import importlib.metadata
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

PEERS = {
    "segment": "segment-analytics-python",
    "posthog": "posthog",
    "rudder": "rudder-sdk-python",
    "snowplow": "snowplow-tracker",
    "amplitude": "amplitude-analytics",
    "mixpanel": "mixpanel",
}
MARK = "markxyzmark"  # once in each event: the sink counts these
EVENT = {
    "url": "https://shop.example/products/17",
    "title": "A fine thing",
    "price": 12.5,
    "tags": ["a", "b"],
    "mark": MARK,
}
ROOMY = 10_000_000  # queues are made so large that no peer drops an event
ANSWER = b'{"status":1,"error":null,"code":200,"profile":{"id":"p-1"}}'
DEADLINE_S = 120


class Sink(asyncio.Protocol):
    """Takes any POST and counts the events in it; GET says how many."""

    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        while b"\r\n\r\n" in self.data:
            head, _, rest = self.data.partition(b"\r\n\r\n")
            headers = dict(
                line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
            )
            length = int(headers.get(b"content-length", 0))
            if len(rest) < length:
                return
            body, self.data = rest[:length], rest[length:]
            self.answer(head, headers, body)

    def answer(self, head: bytes, headers: dict[bytes, bytes], body: bytes) -> None:
        if headers.get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        said = ANSWER
        if head.startswith(b"POST"):
            Sink.count += body.count(MARK.encode())
        elif head.startswith(b"DELETE"):
            Sink.count = 0
        else:
            said = str(Sink.count).encode()
        top = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n"
        )
        self.transport.write(top.encode() + b"\r\n" + said)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def onetrail(url):
    from onetrail import Tracker

    tracker = Tracker(url, source="demo", data_dir=tempfile.mkdtemp())
    return lambda: tracker.track("page-view", EVENT), lambda: tracker.flush(timeout_s=DEADLINE_S)


def segment(url):
    from segment.analytics.client import Client

    client = Client("key", host=url, max_queue_size=ROOMY)
    return lambda: client.track("user-1", "page-view", EVENT), client.flush


def posthog(url):
    from posthog import Posthog

    client = Posthog("key", host=url, max_queue_size=ROOMY)
    return (
        lambda: client.capture("page-view", distinct_id="user-1", properties=EVENT),
        client.flush,
    )


def rudder(url):
    from rudderstack.analytics.client import Client

    client = Client("key", host=url, max_queue_size=ROOMY)
    return lambda: client.track("user-1", "page-view", EVENT), client.flush


def snowplow(url):
    from snowplow_tracker import AsyncEmitter, SelfDescribing, SelfDescribingJson, Tracker

    host, port = url.removeprefix("http://").split(":")
    emitter = AsyncEmitter(host, protocol="http", port=int(port), batch_size=100)
    tracker = Tracker("bench", emitters=emitter, encode_base64=False)  # the sink reads bodies
    schema = "iglu:com.example/page_view/jsonschema/1-0-0"

    def track() -> None:  # the event with properties of this protocol, made JSON in each call
        tracker.track(SelfDescribing(SelfDescribingJson(schema, EVENT)))

    return track, tracker.flush


def amplitude(url):
    from amplitude import Amplitude, BaseEvent

    client = Amplitude("key")
    client.configuration.server_url = f"{url}/2/httpapi"
    return (
        lambda: client.track(BaseEvent("page-view", user_id="user-1", event_properties=EVENT)),
        client.flush,
    )


def mixpanel(url):
    from mixpanel import BufferedConsumer, Mixpanel

    consumer = BufferedConsumer(max_size=50, events_url=f"{url}/track")
    client = Mixpanel("token", consumer=consumer)
    return lambda: client.track("user-1", "page-view", EVENT), consumer.flush


def floor(_url):
    """SQLite itself; delivers nothing."""
    path = Path(tempfile.mkdtemp()) / "floor.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE event(seq INTEGER PRIMARY KEY, body TEXT)")
    sql = "INSERT INTO event(body) VALUES (?)"
    return lambda: connection.execute(sql, (json.dumps(EVENT),)), None


def measure(name: str, url: str, events: int) -> dict[str, float]:
    """One run in this process: microseconds a call, events a second, CPU seconds."""
    track, flush = globals()[name](url)
    if flush is not None:  # warm: the first request loads modules and connects
        track()
        flush()
        wait_for(url, 1)
        ask(url, "DELETE")
    calls = []
    tick = time.perf_counter_ns
    before, start = resource.getrusage(resource.RUSAGE_SELF), tick()
    for _ in range(events):
        begin = tick()
        track()
        calls.append(tick() - begin)
    if flush is not None:
        flush()
        wait_for(url, events)
    seconds = (tick() - start) / 1e9
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    calls.sort()
    return {
        "p50_us": calls[events // 2] / 1000,
        "p99_us": calls[events * 99 // 100] / 1000,
        "per_s": events / seconds if flush else 0.0,
        "cpu_s_per_10k": cpu_s / events * 10_000,
    }


def wait_for(url: str, events: int) -> None:
    end = time.monotonic() + DEADLINE_S
    while (count := int(ask(url))) < events:
        if time.monotonic() > end:
            sys.exit(f"only {count} of {events} arrived in {DEADLINE_S} s")
        time.sleep(0.005)


def ask(url: str, method: str = "GET") -> bytes:
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def waiting_rss_mb(events: int = 100_000) -> float:
    """By how much the process grows while so many events wait, the collector being down."""
    from onetrail import Tracker

    tracker = Tracker("http://127.0.0.1:9", source="demo", data_dir=tempfile.mkdtemp())
    for _ in range(1000):
        tracker.track("page-view", EVENT)
    tracker.flush(timeout_s=2)  # so that the modules for sending are loaded before
    before = rss_mb()
    for _ in range(events):
        tracker.track("page-view", EVENT)
    return rss_mb() - before


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def import_ms(statement: str, runs: int = 15) -> float:
    """Above a bare interpreter, medians of runs in turn."""
    seconds: dict[str, list[float]] = {"pass": [], statement: []}
    for _ in range(runs):
        for code, taken in seconds.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            taken.append(time.perf_counter() - start)
    bare, ours = (statistics.median(taken) for taken in seconds.values())
    return (ours - bare) * 1000


def run(python: str, name: str, url: str, events: int) -> dict[str, float] | None:
    ask(url, "DELETE")
    command = [python, __file__, "--measure", name, "--url", url, "--events", str(events)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}: {(done.stdout + done.stderr).strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def compare(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as throw_away:
        folder = Path(options.venv or throw_away) / "peers"
        python = str(folder / "bin" / "python")
        if not folder.exists():
            venv.create(folder, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "-q", *PEERS.values()], check=True)
        sink = subprocess.Popen([sys.executable, __file__, "--sink"], stdout=subprocess.PIPE)
        try:
            url = f"http://127.0.0.1:{int(sink.stdout.readline())}"
            table(options, python, url)
        finally:
            sink.terminate()


def table(options: argparse.Namespace, peers_python: str, url: str) -> None:
    names = ["floor", "onetrail", *PEERS]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(options.runs):
        for name in names:
            python = peers_python if name in PEERS else sys.executable
            if result := run(python, name, url, options.events):
                results[name].append(result)
    code = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
    command = [peers_python, "-c", code, *PEERS.values()]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    versions = dict(zip(PEERS, found, strict=True)) | {
        "onetrail": importlib.metadata.version("onetrail"),
        "floor": sqlite3.sqlite_version,
    }
    python = sys.version.split()[0]
    print(f"{options.events} events, medians of {options.runs} runs, Python {python}\n")
    print("| SDK | version | call p50 µs | call p99 µs | delivered/s | CPU s per 10k events |")
    print("|---|---|---:|---:|---:|---:|")
    for name, runs in results.items():
        if not runs:
            print(f"| {name} | {versions[name]} | failed | | | |")
            continue
        row = {key: statistics.median(one[key] for one in runs) for key in runs[0]}
        delivered = f"{row['per_s']:,.0f}" if row["per_s"] else "-"
        print(
            f"| {name} | {versions[name]} | {row['p50_us']:.1f} | {row['p99_us']:.1f} "
            f"| {delivered} | {row['cpu_s_per_10k']:.3f} |"
        )
    print(f"\nimport onetrail: {import_ms('import onetrail'):.1f} ms above a bare interpreter")
    tracker = import_ms("from onetrail import Tracker")
    print(f"from onetrail import Tracker: {tracker:.1f} ms")
    rss = subprocess.run(
        [sys.executable, __file__, "--rss"], capture_output=True, text=True, check=True
    )
    print(f"memory while 100,000 events wait: {float(rss.stdout):+.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare tracking SDKs.")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--venv", help="keep the peers' venv here")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--sink", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rss", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sink:
        asyncio.run(serve())
    elif options.rss:
        print(waiting_rss_mb(), flush=True)
        os._exit(0)
    elif options.measure:
        print(json.dumps(measure(options.measure, options.url, options.events)), flush=True)
        os._exit(0)  # a peer's exit hooks are not what is measured
    else:
        compare(options)


if __name__ == "__main__":
    main()
