"""Identity resolution at size: from scratch, through the commit path, look-ups, beside peers.

A million profile IDs and half as many links again, with Zipf-distributed households and shared
values. Run: python bench/identity.py [--ids 1000000]; peers are those of scipy and networkx that
can be imported, on the same graph without any rule (the floor: nothing is checked there).
"""

import argparse
import asyncio
import gc
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link, resolve
from onetrail_collector.ingest import Ingest
from onetrail_collector.resolution import settle
from onetrail_collector.server import GC_THRESHOLD
from onetrail_collector.store.rows import NewProfileId, SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.wire.envelope import Envelope, Event

T = TypeVar("T")
POLICY = Policy()
BATCH = 2_000


def people(ids: int, seed: int = 1) -> list[Link]:
    """1.5 links a profile ID: one of the person, every second one of its household, by time."""
    draw = random.Random(seed)
    links = []
    for number in range(1, ids + 1):
        person = int(ids * draw.random() ** 1.3)  # some have many devices, most have one or two
        kind = "user_id" if number % 3 == 0 else "email"
        links.append(Link(number, Key(kind, f"p{person}@x.org"), number, f"e{number}"))
        if number % 2:
            household = int(draw.paretovariate(0.9)) % ids  # a few values on very many devices
            if draw.random() < 0.8:
                household = draw.randrange(ids)
            links.append(Link(number, Key("phone", f"+{household}"), number, f"f{number}"))
    return links


def report(what: str, count: int, seconds: float, floor_s: float | None = None) -> None:
    ratio = "" if floor_s is None else f"{seconds / floor_s:.1f}"
    print(f"| {what} | {count / seconds:,.0f} | {seconds:.1f} | {ratio} |", flush=True)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of this process: others on the machine do not count."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def peers(links: list[Link]) -> float | None:
    """Connected components of the same graph, without rules; answers scipy's seconds."""
    floor_s = None
    try:
        import numpy as np  # noqa: PLC0415 - peers may be missing
        from scipy.sparse import coo_matrix  # noqa: PLC0415
        from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

        def by_scipy() -> int:
            keys: dict[Key, int] = {}
            last = max(link.profile_id for link in links) + 1
            rows = np.fromiter((link.profile_id for link in links), dtype=np.int64)
            columns = np.fromiter(
                (last + keys.setdefault(link.key, len(keys)) for link in links), dtype=np.int64
            )
            size = last + len(keys)
            graph = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), (size, size))
            return connected_components(graph, directed=False)[0]

        floor_s, _ = timed(by_scipy)
        report("scipy connected_components, no rules", len(links), floor_s, floor_s)
    except ImportError:
        print("| scipy: not installed | | | |")
    try:
        import networkx as nx  # noqa: PLC0415

        def by_networkx() -> int:
            graph = nx.Graph()
            graph.add_edges_from((link.profile_id, link.key) for link in links)
            return nx.number_connected_components(graph)

        seconds, _ = timed(by_networkx)
        report("networkx, no rules", len(links), seconds, floor_s)
    except ImportError:
        print("| networkx: not installed | | | |")
    return floor_s


async def through_the_commit(path: Path, links: list[Link], ids: int) -> None:
    """Links through the transaction that ingest runs: write, then settle."""
    store = await SqliteStore.open(path, synchronous="full")
    await store.add_source("bench", name="bench", origins=[], now_ms=0)
    marks: list[tuple[int, float]] = []
    began, began_cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(links), BATCH):
        some = links[start : start + BATCH]
        numbers = sorted({link.profile_id for link in some})
        if start:  # both links of a profile ID may fall into two batches
            numbers = [number for number in numbers if number > links[start - 1].profile_id]
        new = [NewProfileId(n, f"{n:032x}", 1, 0, n) for n in numbers]
        batch_began = time.process_time()
        async with store.transaction() as transaction:
            writes = Writes(profile_ids=new, links=[SourcedLink(link, 1) for link in some])
            touched = await transaction.write(writes)
            await settle(transaction.identity, touched, POLICY, now_ms=0)
        marks.append((start, (time.process_time() - batch_began) / len(some) * 1e6))
    seconds = time.perf_counter() - began
    report("through the commit path, batches of 2,000", len(links), seconds)
    report("the same, seconds of this process", len(links), time.process_time() - began_cpu)
    early = statistics.median(us for start, us in marks if start < 20_000)
    late = statistics.median(us for start, us in marks[-10:])
    ratio = late / early
    print(f"time per link: first 20,000 {early:.1f} us, last 20,000 {late:.1f} us: {ratio:.2f}x")
    await look_ups(store, links, ids)
    await store.close()


async def look_ups(store: SqliteStore, links: list[Link], ids: int) -> None:
    draw = random.Random(2)
    times = []
    for _ in range(1000):
        began = time.perf_counter()
        await store.find_profile(f"{draw.randint(1, ids):032x}")
        times.append(time.perf_counter() - began)
    by_key = []
    for _ in range(1000):
        key = draw.choice(links).key
        began = time.perf_counter()
        await store.find_profiles_by_key(key)
        by_key.append(time.perf_counter() - began)
    print(
        f"look-up by ID p50 {statistics.median(times) * 1e3:.2f} ms, "
        f"by key p50 {statistics.median(by_key) * 1e3:.2f} ms"
    )


async def merge_of_histories(path: Path, events: int) -> float:
    """Milliseconds to merge two people with so many events each."""
    store = await SqliteStore.open(path, synchronous="full")
    await store.add_source("bench", name="bench", origins=[], now_ms=0)
    ingest = Ingest(store, POLICY, lambda: 10**12)
    ingest.start()
    for session in ("a", "b"):
        for start in range(0, events, 1000):
            listed = [
                Event(at, f"{session}{start + at}", "click", "{}")
                for at in range(min(1000, events - start))
            ]
            await ingest.submit(Envelope("bench", listed, session=session))
    times = []
    for session in ("a", "b"):
        listed = [Event(0, f"{session}-i", "identify", '{"email": "ann@shop.test"}')]
        began = time.perf_counter()
        await ingest.submit(Envelope("bench", listed, session=session))
        times.append(time.perf_counter() - began)
    await ingest.close()
    if (await store.counts()).profiles != 1:
        raise SystemExit("the two were not merged")
    await store.close()
    return times[1] * 1e3


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--ids", type=int, default=1_000_000)
    ids = options.parse_args().ids
    links = people(ids)
    gc.freeze()  # as the collector does when it has started
    gc.set_threshold(GC_THRESHOLD)
    print(f"{ids:,} profile IDs, {len(links):,} links")
    print("| what | links/s | s | of scipy |\n|---|---:|---:|---:|")
    floor_s = peers(links)
    seconds, resolution = timed(lambda: resolve(links, (), POLICY))
    report("**resolve() from scratch**, all rules", len(links), seconds, floor_s)
    print(
        f"{len(set(resolution.profiles.values())):,} profiles, {len(resolution.refused):,} refused"
    )
    del resolution
    with TemporaryDirectory() as folder:
        asyncio.run(through_the_commit(Path(folder) / "a.db", links, ids))
        few = [asyncio.run(merge_of_histories(Path(folder) / f"f{n}.db", 10)) for n in range(5)]
        many = [
            asyncio.run(merge_of_histories(Path(folder) / f"m{n}.db", 100_000)) for n in range(2)
        ]
    few_ms, many_ms = statistics.median(few), statistics.median(many)
    print(f"merge of two people: 10 events each {few_ms:.1f} ms, 100,000 each {many_ms:.1f} ms")


if __name__ == "__main__":
    main()
