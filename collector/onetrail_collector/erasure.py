"""Erasing a person: unknown at once, gone in steps, not stored again until that is lifted.

Each step is a commit of its own, so that ingest goes on meanwhile, and what was begun is finished
after a crash: by the collector's next start, or by the next `erase`.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from uuid import uuid4

from onetrail_collector.clock import Clock
from onetrail_collector.identity.policy import Policy
from onetrail_collector.regions import Settled
from onetrail_collector.regrouping import Cause
from onetrail_collector.resolution import reconsider
from onetrail_collector.store.protocol import ErasureSteps, Store
from onetrail_collector.store.rows import Erasure

WAIT_S = 5  # for the whole of it, in a request that asks for an erasure; then it goes on by itself
PAUSE_S = 0.005  # between two steps, for another process that waits for the file
RETRY_S = 10  # the disk is full, or the file is locked

log = logging.getLogger("onetrail_collector")


class Eraser:
    """Begins erasures and sees that they end. One for each store; start it, and close it."""

    def __init__(self, store: Store, policy: Policy, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._finishing: dict[int, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Go on with what was begun before."""
        for erasure in await self._store.erasures(pending=True):
            self._finish_soon(erasure.id)

    async def close(self) -> None:
        """Stop between two steps; the rest is done at the next start."""
        for task in self._finishing.values():
            task.cancel()
        for task in list(self._finishing.values()):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def erase(self, profile_id: str, *, reason: str, made_by: str) -> Erasure | None:
        """Erase the profile that holds a profile ID; None where there is none.

        When this returns they are unknown and suppressed; `done_ms` is set where all is gone too,
        which for a person with very much data happens a little later.
        """
        erasure = await self.begin(profile_id, reason=reason, made_by=made_by)
        if erasure is None:
            return None
        await asyncio.wait([self._finish_soon(erasure.id)], timeout=WAIT_S)
        return await self._store.find_erasure(erasure.public_id)

    async def begin(self, profile_id: str, *, reason: str, made_by: str) -> Erasure | None:
        """The first step: from now on they are unknown and suppressed."""
        count_to = max(kind.max_profile_ids for kind in self._policy.kinds.values())
        async with self._store.transaction() as transaction:
            profile = await transaction.find_profile(profile_id)
            if profile is None:
                return None
            tables = transaction.identity
            theirs, keys = await tables.members(profile)
            erasure, neighbours = await transaction.erasing.begin(
                profile,
                public_id=str(uuid4()),
                made_by=made_by,
                reason=reason,
                now_ms=self._clock(),
                count_to=count_to,
            )
            await tables.delete_decisions(theirs, keys)
            await reconsider(
                tables,
                [*theirs, *neighbours],
                keys,
                self._policy,
                Settled(),
                cause=Cause(kind="erasure"),
                now_ms=self._clock(),
            )
        return erasure

    async def finish(self, erasure: int) -> None:
        """All other steps, until nothing of it is left."""
        while True:
            await self._repeat(lambda steps, place: steps.suppress_sessions(erasure, place))
            await self._repeat(lambda steps, _: steps.remove_events(erasure))
            await self._repeat(lambda steps, _: steps.remove_sessions(erasure))
            used, walked_to = await self._contexts_in_use(erasure)
            async with self._store.transaction() as transaction:
                if await transaction.erasing.end(erasure, used, walked_to, now_ms=self._clock()):
                    break
        await self._store.checkpoint()

    async def _repeat(self, step: Callable[[ErasureSteps, int], Awaitable[int | None]]) -> None:
        """Do a step, given where the one before ended, until it answers None; each is a commit."""
        place: int | None = 0
        while place is not None:
            async with self._store.transaction() as transaction:
                place = await step(transaction.erasing, place)
            await asyncio.sleep(PAUSE_S)

    async def _contexts_in_use(self, erasure: int) -> tuple[set[int], int]:
        """The contexts of an erasure that other events use, and the last event looked at."""
        used: set[int] = set()
        walked_to = 0
        while True:
            found, place = await self._store.walk_contexts(erasure, walked_to)
            if place == walked_to:
                return used, walked_to
            used |= found
            walked_to = place

    def _finish_soon(self, erasure: int) -> asyncio.Task[None]:
        task = asyncio.create_task(self._finish_at_last(erasure), name="onetrail-eraser")
        self._finishing[erasure] = task
        task.add_done_callback(lambda _: self._finishing.pop(erasure, None))
        return task

    async def _finish_at_last(self, erasure: int) -> None:
        while True:
            try:
                await self.finish(erasure)
            except sqlite3.OperationalError as error:
                log.error("cannot go on with an erasure: %s", error)  # noqa: TRY400
                await asyncio.sleep(RETRY_S)
            else:
                return
