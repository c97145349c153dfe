"""Can the collector commit now? A real small write answers, once a second however many ask."""

import asyncio
import sqlite3
import time

from onetrail_collector.ingest import Ingest
from onetrail_collector.store.protocol import Store

FRESH_S = 1.0  # as long an answer holds
PATIENCE_S = 2.0  # a commit that takes longer is none that clients should wait for


class Readiness:
    """Probes a store; one probe at a time, however many ask."""

    def __init__(self, store: Store, ingest: Ingest) -> None:
        self._store = store
        self._ingest = ingest
        self._probe: asyncio.Task[str | None] | None = None
        self._probed_s = -FRESH_S

    async def reason(self) -> str | None:
        """Why the collector cannot commit; None where it can. Answers within PATIENCE_S."""
        if self._ingest.closing:
            return "the collector is stopping"
        stale = time.monotonic() - self._probed_s > FRESH_S
        if self._probe is None or (self._probe.done() and stale):
            self._probe = asyncio.create_task(self._commit())
        # Never cancelled: a BEGIN under way would be left open on the connection that writes.
        done, _ = await asyncio.wait({self._probe}, timeout=PATIENCE_S)
        return self._probe.result() if done else f"a commit takes longer than {PATIENCE_S:g} s"

    async def _commit(self) -> str | None:
        try:
            await self._store.probe()
        except (sqlite3.Error, ValueError) as error:  # aiosqlite: ValueError where it is closed
            return f"cannot store events now: {error}"
        finally:
            self._probed_s = time.monotonic()
        return None
