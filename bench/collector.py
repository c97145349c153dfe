"""What the collector's way in costs, beside floors measured in the same run.

    python bench/collector.py                        rates, identify, latency, memory, start
    python bench/collector.py --growth 10000000      the same with that many events in the file
    python bench/collector.py --growth 10000000 --keep large.db    and that file is left there
    python bench/collector.py --reads large.db       only the reads while events come in

Each figure is a median of rounds in which all sides take turns. Load comes from wrk (Debian: wrk).
"""

import argparse
import asyncio
import contextlib
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from uuid import uuid4

import starlette
import uvicorn
import uvloop
from processes import Server, body, collector, floor, wrk, wrk_at

from onetrail_collector.auth import hash_token

TOKEN = "bench"  # noqa: S105 - of a file that lives for a minute


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--growth", type=int, default=0, metavar="EVENTS")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="of --growth; filled if need be")
    parser.add_argument("--reads", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.reads:
        reads(options.reads)
        return
    print(
        f"Python {platform.python_version()}, Starlette {starlette.__version__}, "
        f"uvicorn {uvicorn.__version__}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores, "
        f"median of {options.rounds} rounds of {options.seconds} s"
    )
    with tempfile.TemporaryDirectory() as folder:
        rates = one_event(Path(folder), options.rounds, options.seconds)
        hundred_events(Path(folder), options.rounds, options.seconds)
        latency(Path(folder), rates)
        if options.growth:
            db = options.keep or Path(folder) / "large.db"
            growth(Path(folder), db, options.growth, options.rounds, options.seconds)


def one_event(folder: Path, rounds: int, seconds: int) -> float:
    """Requests of one event; answers the collector's rate."""
    sides: dict[str, Callable[[], float]] = {
        "bare": lambda: on_floor("bare", folder, seconds),
        "decode": lambda: on_floor("decode", folder, seconds),
        "naive, NORMAL": lambda: on_floor("naive", folder, seconds, synchronous="NORMAL"),
        "naive, FULL": lambda: on_floor("naive", folder, seconds),
        "onetrail": lambda: on_collector(folder, seconds),
        "onetrail, 20% identify": lambda: on_collector(folder, seconds, identify=20),
    }
    rates = take_turns(sides, rounds)
    print("\none event a request           requests/s   of bare")
    for name, rate in rates.items():
        print(f"  {name:<26} {rate:>11,.0f} {rate / rates['bare']:>9.2f}")
    cost = rates["onetrail"] / rates["onetrail, 20% identify"]
    print(f"  20% identify costs {cost:.2f} times the load without")
    return rates["onetrail"]


def hundred_events(folder: Path, rounds: int, seconds: int) -> None:
    sides: dict[str, Callable[[], float]] = {
        "decode": lambda: 100 * on_floor("decode", folder, seconds, events=100),
        "naive, FULL": lambda: 100 * on_floor("naive", folder, seconds, events=100),
        "onetrail": lambda: 100 * on_collector(folder, seconds, events=100),
        "onetrail, Segment's batch": lambda: (
            100 * on_collector(folder, seconds, events=100, protocol="segment")
        ),
    }
    rates = take_turns(sides, rounds)
    print("\n100 events a request            events/s   of naive")
    for name, rate in rates.items():
        print(f"  {name:<26} {rate:>11,.0f} {rate / rates['naive, FULL']:>10.2f}")
    share = rates["onetrail, Segment's batch"] / rates["onetrail"]
    print(f"  Segment's batch runs at {share:.2f} of our own protocol's events/s")


def latency(folder: Path, full_rate: float) -> None:
    """At half of the full load; memory before and at full load; the start."""
    db = folder / "latency.db"
    with collector(db) as server:
        idle_mb = server.rss_mb()
        half = wrk_at(server, full_rate / 2, connections=connections(1), seconds=6)
        wrk(server, events=100, connections=64, seconds=6)
        full_mb = server.rss_mb()
    print(
        f"\nat {half['rate']:,.0f} requests/s: p50 {half['p50_ms']:.1f} ms, "
        f"p99 {half['p99_ms']:.1f} ms"
    )
    print(f"memory: {idle_mb:.0f} MB idle, {full_mb:.0f} MB at full load")


def growth(folder: Path, db: Path, events: int, rounds: int, seconds: int) -> None:
    """The rate with many events in the file, beside the rate with none; size; reads meanwhile."""
    if not db.exists():
        fill(db, events)
    bytes_an_event = db.stat().st_size / events
    raw_bytes = raw_insert_bytes(folder)
    sides = {
        "none": lambda: on_collector(folder, seconds),
        "many": lambda: on_file(db, seconds),
        "none, 100": lambda: 100 * on_collector(folder, seconds, events=100),
        "many, 100": lambda: 100 * on_file(db, seconds, events=100),
    }
    rates = take_turns(sides, rounds)
    print(f"\nwith {events:,} events in the file ({db.stat().st_size / 1e9:.1f} GB)")
    print(f"  one event a request: {rates['many'] / rates['none']:.2f} of the rate with none")
    print(f"  100 events a request: {rates['many, 100'] / rates['none, 100']:.2f}")
    print(f"  {bytes_an_event:.0f} bytes an event; a raw insert with a unique id: {raw_bytes:.0f}")
    reads(db)


def reads(db: Path) -> None:
    with collector(db) as server:
        print(f"  ready {server.ready_s:.2f} s after its start")
        times_ms = uvloop.run(reads_while_ingesting(server, db))
    p50, p99 = (statistics.quantiles(times_ms, n=100)[cut] for cut in (49, 98))
    print(f"  a profile and its newest page while ingesting: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def fill(db: Path, events: int) -> None:
    with collector(db) as server:
        stored = 0
        while stored < events:
            stored += int(100 * 10 * wrk(server, events=100, connections=32, seconds=10))
            print(f"\r  filling: {stored:,}", end="", file=sys.stderr)
    print(file=sys.stderr)


def raw_insert_bytes(folder: Path, events: int = 200_000) -> float:
    """Bytes on disk for each event that is only a unique id, a type and its properties."""
    path = folder / "raw.db"
    properties = '{"url":"https://shop.example/p/123456","title":"A page","referrer":""}'
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE events (id TEXT UNIQUE, type TEXT, properties TEXT)")
        rows = (
            (f"{number:08x}-7000-8000-abcdef", "page-view", properties) for number in range(events)
        )
        connection.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)
    return path.stat().st_size / events


async def reads_while_ingesting(server: Server, db: Path, reads: int = 1000) -> list[float]:
    """Milliseconds of each read of a profile and its newest page, at a steady 1,000 requests/s."""
    with contextlib.closing(sqlite3.connect(db)) as connection, connection:
        connection.execute(
            "INSERT OR IGNORE INTO tokens (name, sha256, created_ms) VALUES ('bench', ?, 0)",
            (hash_token(TOKEN),),
        )
        query = "SELECT public_id FROM profile_ids ORDER BY random() LIMIT ?"
        ids = [row[0] for row in connection.execute(query, (reads,))]

    load = asyncio.create_task(paced(server, 1000, seconds=8))
    # A process of its own: beside the load, in one interpreter, it would wait for that as well.
    with ProcessPoolExecutor(1) as reader:
        read = partial(read_each, server.url, ids)
        times_ms = await asyncio.get_running_loop().run_in_executor(reader, read)
    await load
    return times_ms


def read_each(url: str, public_ids: list[str]) -> list[float]:
    """Milliseconds that a profile and its newest page took, one after the other."""
    times_ms = []
    for public_id in public_ids:
        began = time.perf_counter()
        for path in (f"/profiles/{public_id}", f"/profiles/{public_id}/events?limit=50"):
            request = urllib.request.Request(  # noqa: S310 - our own server
                url + path, headers={"authorization": f"Bearer {TOKEN}"}
            )
            urllib.request.urlopen(request).read()  # noqa: S310
        times_ms.append(1000 * (time.perf_counter() - began))
    return times_ms


async def paced(server: Server, rate: float, seconds: float, connections: int = 32) -> list[float]:
    """Milliseconds from when each request was due to its answer: a late start counts as waiting."""
    times_ms: list[float] = []
    requests = int(rate * seconds / connections)
    # Written before the clock runs: the client must be cheaper than the server.
    written = [list(_written(requests)) for _ in range(connections)]
    begin = time.perf_counter() + 0.2

    async def client(place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for number, request in enumerate(written[place]):
            due = begin + (number * connections + place) / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            times_ms.append(1000 * (time.perf_counter() - due))
        writer.close()

    await asyncio.gather(*(client(place) for place in range(connections)))
    return times_ms


def _written(requests: int) -> Iterator[bytes]:
    session = str(uuid4())
    for number in range(requests):
        content = body(1, session, f"{session}-{number}")
        head = f"POST /track HTTP/1.1\r\nhost: x\r\ncontent-length: {len(content)}\r\n\r\n"
        yield head.encode() + content


def on_floor(
    name: str, folder: Path, seconds: int, *, events: int = 1, synchronous: str = "FULL"
) -> float:
    with floor(name, folder, synchronous) as server:
        return wrk(server, events=events, seconds=seconds, connections=connections(events))


def on_collector(
    folder: Path, seconds: int, *, events: int = 1, identify: int = 0, protocol: str = ""
) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        db = Path(fresh) / "collector.db"
        return on_file(db, seconds, events=events, identify=identify, protocol=protocol)


def on_file(
    db: Path, seconds: int, *, events: int = 1, identify: int = 0, protocol: str = ""
) -> float:
    with collector(db) as server:
        return wrk(
            server,
            events=events,
            identify=identify,
            seconds=seconds,
            connections=connections(events),
            protocol=protocol,
        )


def connections(events: int) -> int:
    return 256 if events == 1 else 32


def take_turns(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            rates[name].append(measure())
    return {name: statistics.median(found) for name, found in rates.items()}


if __name__ == "__main__":
    main()
