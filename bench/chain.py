"""An adversary's chain: device, value, device, value... cut where a profile has twenty values.

    python bench/chain.py [--length 1000000] [--whole]

All of it hangs together, so that a conflict in it must be resolved again with everything. Prints
how long that takes in the background, and a stranger's commits meanwhile and alone, each counted
from when it was due. With --whole the chain is stored as one profile, as under a policy that
allowed it, and is cut by the new one.
"""

import argparse
import asyncio
import gc
import resource
import sqlite3
import statistics
import sys
import time
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link
from onetrail_collector.rebuild import rebuild, settle_rest
from onetrail_collector.resolution import settle
from onetrail_collector.server import GC_THRESHOLD, SWITCH_INTERVAL_S
from onetrail_collector.store.rows import NewProfileId, SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore

POLICY = Policy()
PAUSE_S = 0.01

# Value n stands in profile (n + 19) / 20, and so does device n + 1.
CHAIN = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {length})
INSERT INTO profile_ids (id, public_id, source, issued_ms, profile)
SELECT n, printf('%032x', n), 1, 0, max((n + 18) / 20, 1) FROM numbers;
INSERT INTO keys (id, kind, value, profile)
SELECT id, 'email', 'k' || id || '@b.c', (id + 19) / 20 FROM profile_ids WHERE id < {length};
INSERT INTO links (profile_id, key, time_ms, event_id, source, refused)
SELECT keys.id + place.value, keys.id, 2 * keys.id + place.value, 'e', 1,
       iif(place.value = 0 AND keys.id > 1 AND keys.id % 20 = 1, 'limit', NULL)
FROM keys CROSS JOIN json_each('[0, 1]') AS place;
"""
WHOLE = """
UPDATE profile_ids SET profile = 1;
UPDATE keys SET profile = 1;
UPDATE links SET refused = NULL;
"""


async def stranger(store: SqliteStore, number: int) -> float:
    """Seconds until somebody who has nothing to do with the chain has committed."""
    due = time.perf_counter() + PAUSE_S
    await asyncio.sleep(PAUSE_S)
    async with store.transaction() as transaction:
        new = NewProfileId(number, f"{number:032x}", 1, 0, number)
        link = Link(number, Key("email", f"s{number}@b.c"), number, "s")
        states = await transaction.write(Writes(profile_ids=[new], links=[SourcedLink(link, 1)]))
        await settle(transaction.identity, states, POLICY, now_ms=0)
    return time.perf_counter() - due


async def again(store: SqliteStore, *, whole: bool) -> int:
    """Resolve the chain again; answers how many changes that makes."""
    if whole:
        return (await rebuild(store, POLICY, now_ms=0)).total()
    async with store.transaction() as transaction:
        await transaction.identity.unsettle_ids([1])
    return (await settle_rest(store, POLICY, now_ms=0)).total()


async def run(path: Path, length: int, *, whole: bool) -> None:
    store = await SqliteStore.open(path, synchronous="full")
    await store.add_source("bench", name="bench", origins=[], now_ms=0)
    await store.close()
    connection = sqlite3.connect(path)
    with connection:
        connection.executescript(CHAIN.format(length=length) + (WHOLE if whole else ""))
    connection.close()
    store = await SqliteStore.open(path, synchronous="full")
    numbers = count(length + 1)
    alone = [await stranger(store, next(numbers)) for _ in range(200)]
    began, began_cpu = time.perf_counter(), time.process_time()
    background = asyncio.create_task(again(store, whole=whole))
    meanwhile = []
    while not background.done():
        meanwhile.append(await stranger(store, next(numbers)))
    changes = await background
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    profiles = (await store.counts()).profiles
    await store.close()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{length:,} devices: {changes:,} changes, {profiles:,} profiles")
    print(f"resolved in {seconds:.0f} s ({cpu_s:.0f} s of CPU), memory {peak_mb:,.0f} MB at most")
    for what, times in (("alone", alone), ("meanwhile", meanwhile)):
        ordered = sorted(times)
        print(
            f"a stranger's commit {what}: {len(times):,} of them, "
            f"p50 {statistics.median(times) * 1e3:.1f} ms, "
            f"p99 {ordered[len(ordered) * 99 // 100] * 1e3:.0f} ms, max {ordered[-1] * 1e3:.0f} ms"
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--length", type=int, default=1_000_000)
    options.add_argument("--whole", action="store_true")
    asked = options.parse_args()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "a.db", asked.length, whole=asked.whole))


if __name__ == "__main__":
    main()
