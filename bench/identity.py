"""Identity resolution at size: from scratch, through the commit path, look-ups, beside peers.

A million profile IDs and half as many links again, with Zipf-distributed households and shared
values. Run: python bench/identity.py [--ids 1000000]; peers are those of scipy, networkx and splink
(with pandas) that can be imported, on the same graph without any rule (the floor: nothing is
checked there). The floor of the commit path is the same rows written as safely, and nothing
resolved.
"""

import argparse
import asyncio
import gc
import random
import statistics
import time
from collections.abc import Callable
from functools import partial
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
PAIRS = 5


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


Ends = tuple[list[int], list[int], int]
"""Of each link the nodes of its profile ID and its key, and how many nodes there are."""


def ends(links: list[Link]) -> Ends:
    """The graph without any rule, as numbers, which is what peers are given."""
    keys: dict[Key, int] = {}
    last = max(link.profile_id for link in links) + 1
    ones = [link.profile_id for link in links]
    others = [last + keys.setdefault(link.key, len(keys)) for link in links]
    return ones, others, last + len(keys)


def by_scipy(graph: Ends) -> int:
    import numpy as np  # noqa: PLC0415 - peers may be missing
    from scipy.sparse import coo_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    ones, others, size = graph
    matrix = coo_matrix((np.ones(len(ones), dtype=np.int8), (ones, others)), (size, size))
    return int(connected_components(matrix, directed=False)[0])


def by_networkx(graph: Ends) -> int:
    import networkx as nx  # noqa: PLC0415

    whole = nx.Graph()
    whole.add_edges_from(zip(*graph[:2], strict=True))
    return int(nx.number_connected_components(whole))


def by_splink(graph: Ends) -> int:
    """As it clusters pairs that it holds to be one: in DuckDB, on all cores."""
    import pandas as pd  # noqa: PLC0415
    from splink import DuckDBAPI  # noqa: PLC0415
    from splink.clustering import cluster_pairwise_predictions_at_threshold  # noqa: PLC0415

    ones, others, size = graph
    clusters = cluster_pairwise_predictions_at_threshold(
        pd.DataFrame({"id": range(size)}),
        pd.DataFrame({"one": ones, "other": others}),
        db_api=DuckDBAPI(),
        node_id_column_name="id",
        edge_id_column_name_left="one",
        edge_id_column_name_right="other",
    )
    return int(clusters.as_pandas_dataframe().cluster_id.nunique())


def peers(links: list[Link]) -> float | None:
    """Connected components of the same graph, without rules; answers scipy's seconds."""
    floor_s = None
    graph = ends(links)
    for name, peer in (
        ("scipy connected_components", by_scipy),
        ("networkx connected_components", by_networkx),
        ("splink clustering (DuckDB)", by_splink),
    ):
        try:
            seconds, _ = timed(lambda peer=peer: peer(graph))  # type: ignore[misc]
        except ImportError:
            print(f"| {name}: not installed | | | |")
            continue
        floor_s = floor_s or (seconds if peer is by_scipy else None)
        report(f"{name}, no rules", len(links), seconds, floor_s)
    return floor_s


async def commit_all(
    store: SqliteStore, links: list[Link], last: int = 0, *, resolving: bool = True
) -> list[float]:
    """Links through the transaction that ingest runs: write, then settle; us a link, by batch."""
    marks = []
    for start in range(0, len(links), BATCH):
        some = links[start : start + BATCH]
        numbers = {link.profile_id for link in some if link.profile_id > last}
        last = some[-1].profile_id  # both links of a profile ID may fall into two batches
        new = [NewProfileId(n, f"{n:032x}", 1, 0, n) for n in sorted(numbers)]
        began = time.process_time()
        async with store.transaction() as transaction:
            writes = Writes(profile_ids=new, links=[SourcedLink(link, 1) for link in some])
            if resolving:
                resolve_them = partial(settle, policy=POLICY, new_ids=numbers, now_ms=0)
                await transaction.write_and_resolve(writes, resolve_them)
            else:
                await transaction.write(writes)
        marks.append((time.process_time() - began) / len(some) * 1e6)
    return marks


def strangers(start: int, seed: int) -> list[Link]:
    """20,000 links of people who have nothing to do with anybody before."""
    return [
        Link(start + number, Key(kind, f"{seed}{value}"), time_ms, f"{seed}{event_id}")
        for number, (kind, value), time_ms, event_id in people(13_333, seed)
    ]


async def written_only(path: Path, links: list[Link]) -> float:
    """Seconds to write the links, and resolve nothing."""
    store = await SqliteStore.open(path, synchronous="full")
    await store.add_source("bench", name="bench", origins=[], now_ms=0)
    began = time.perf_counter()
    await commit_all(store, links, resolving=False)
    seconds = time.perf_counter() - began
    await store.close()
    report("floor: the same written as safely, nothing resolved", len(links), seconds)
    return seconds


async def through_the_commit(path: Path, links: list[Link], ids: int, floor_s: float) -> None:
    """All links; and the same work, on people of their own, at 10,000 links and at the end."""
    store = await SqliteStore.open(path, synchronous="full")
    await store.add_source("bench", name="bench", origins=[], now_ms=0)
    first = await commit_all(store, links[:10_000])
    early = statistics.median(await commit_all(store, strangers(ids + 10**6, 7)))
    began, began_cpu = time.perf_counter(), time.process_time()
    marks = first + await commit_all(store, links[10_000:], links[9_999].profile_id)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    report("**through the commit path**, batches of 2,000", len(links) - 10_000, seconds)
    report("the same, seconds of this process", len(links) - 10_000, cpu_s)
    print(f"the commit path takes {seconds / floor_s:.1f} times what writing alone takes")
    late = statistics.median(await commit_all(store, strangers(ids + 2 * 10**6, 8)))
    print(
        f"time per link of strangers: at 10,000 links {early:.1f} us, "
        f"at {len(links):,} {late:.1f} us: {late / early:.2f}x; "
        f"of the graph itself: first 10,000 {statistics.median(first):.1f} us, "
        f"last 20,000 {statistics.median(marks[-10:]):.1f} us"
    )
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


async def merges(path: Path, sizes: tuple[int, ...]) -> dict[int, float]:
    """Milliseconds of the process to merge two people with so many events each, in one file.

    The medians of PAIRS merges of each size, which take turns.
    """
    store = await SqliteStore.open(path, synchronous="full")
    await store.add_source("bench", name="bench", origins=[], now_ms=0)
    ingest = Ingest(store, POLICY, lambda: 10**12)
    ingest.start()
    pairs = [(f"{size}-{number}", size) for number in range(PAIRS) for size in sizes]
    for name, events in pairs:
        for session in (f"{name}-a", f"{name}-b"):
            for start in range(0, events, 1000):
                listed = [
                    Event(at, f"{session}-{start + at}", "click", "{}")
                    for at in range(min(1000, events - start))
                ]
                await ingest.submit(Envelope("bench", listed, session=session))
    times: dict[int, list[float]] = {size: [] for size in sizes}
    for name, events in pairs:
        for session in (f"{name}-a", f"{name}-b"):
            identity = Event(0, f"{session}-i", "identify", f'{{"email": "{name}@shop.test"}}')
            began = time.process_time()
            await ingest.submit(Envelope("bench", [identity], session=session))
            seconds = time.process_time() - began
        times[events].append(seconds * 1e3)
    await ingest.close()
    if (await store.counts()).profiles != len(pairs):
        raise SystemExit("the pairs were not merged")
    await store.close()
    return {size: statistics.median(some) for size, some in times.items()}


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
        floor_s = asyncio.run(written_only(Path(folder) / "w.db", links))
        asyncio.run(through_the_commit(Path(folder) / "a.db", links, ids, floor_s))
        found = asyncio.run(merges(Path(folder) / "m.db", (10, 100_000)))
    said = ", ".join(f"{events:,} events each {ms:.2f} ms" for events, ms in found.items())
    print(f"merge of two people, in one file: {said}")


if __name__ == "__main__":
    main()
