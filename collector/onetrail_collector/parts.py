"""What lives while the collector runs: started in this order, ended in the other.

Whatever fails to start, or to end, those before it are ended all the same.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypedDict

from onetrail_collector.body import Room
from onetrail_collector.buckets import Buckets
from onetrail_collector.clock import Clock
from onetrail_collector.dry_run import DryRun
from onetrail_collector.enrichment import Enrichment
from onetrail_collector.erasure import Eraser
from onetrail_collector.ingest import Ingest
from onetrail_collector.metrics import Metrics
from onetrail_collector.page_counts import PageCounts
from onetrail_collector.readiness import Readiness
from onetrail_collector.rebuild import keep_settled
from onetrail_collector.refusals import Refusals
from onetrail_collector.retention import Retention
from onetrail_collector.settings import Settings
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.sqlite import SqliteStore

FAILURES_BURST_S = 60  # a minute's worth of wrong tokens


class State(TypedDict):
    """What every request can reach."""

    store: Store
    ingest: Ingest
    settings: Settings
    clock: Clock
    eraser: Eraser
    refusals: Refusals
    room: Room
    failures: Buckets  # of admin tokens, by client address
    stopping: Callable[[], bool]
    metrics: Metrics
    readiness: Readiness
    streams: set[object]  # of events, that are open
    dry_run: DryRun


@asynccontextmanager
async def running(
    settings: Settings,
    clock: Clock,
    metrics: Metrics,
    *,
    config: Path | None,
    stopping: Callable[[], bool],
) -> AsyncIterator[State]:
    """All parts of one collector; at the end what was accepted is stored, and the file closed."""
    async with AsyncExitStack() as ending:
        store = await SqliteStore.open(settings.db, synchronous=settings.durability)
        ending.push_async_callback(store.close)
        enrichment = Enrichment(settings.privacy)
        ending.callback(enrichment.close)
        _watch(metrics, enrichment)
        ingest = Ingest(
            store,
            settings.policy,
            clock,
            metrics=metrics,
            enrichment=enrichment,
            limits=settings.limits,
        )
        ingest.start()
        ending.push_async_callback(ingest.close)
        page_counts = PageCounts(store, ingest.committed, clock)
        page_counts.start()
        ending.push_async_callback(page_counts.close)
        eraser = Eraser(store, settings.policy, clock)
        await eraser.start()
        ending.push_async_callback(eraser.close)
        settling = asyncio.create_task(
            keep_settled(store, settings.policy, clock), name="onetrail-settling"
        )
        ending.push_async_callback(_cancel, settling)
        retention = Retention(store, settings.retention, clock, metrics)
        retention.start()
        ending.push_async_callback(retention.close)
        dry_run = DryRun(settings.db, config, clock)
        ending.push_async_callback(dry_run.close)
        yield {
            "store": store,
            "ingest": ingest,
            "settings": settings,
            "clock": clock,
            "eraser": eraser,
            "refusals": Refusals(clock),
            "room": Room(),
            "failures": Buckets(settings.limits.failed_tokens_per_minute / 60, FAILURES_BURST_S),
            "stopping": stopping,
            "metrics": metrics,
            "readiness": Readiness(store, ingest),
            "streams": set(),
            "dry_run": dry_run,
        }


def _watch(metrics: Metrics, enrichment: Enrichment) -> None:
    for what in ("marked", "refused"):
        metrics.watch(
            f"bots_{what}",
            f"Sessions or requests of known crawlers, {what}.",
            partial(enrichment.counts.__getitem__, what),
        )


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
