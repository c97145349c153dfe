"""What is too old goes, oldest first, in steps so small that ingest never waits for long.

What to delete is decided by `plan`, a function of values; `Retention` walks and rests. Each step is
one commit that also remembers how far it came, so that a kill between two steps loses nothing and
repeats nothing. Profile IDs, keys, links and traits stay: they say who somebody is, not what
somebody did. A session or context to which no event refers goes too.
"""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterable
from typing import NamedTuple

from onetrail_collector.clock import Clock
from onetrail_collector.metrics import Metrics
from onetrail_collector.settings.sections import Keep
from onetrail_collector.settings.sections import Retention as RetentionSettings
from onetrail_collector.store.protocol import Referrable, Store
from onetrail_collector.store.rows import EventAge, Referred, Source

ROWS_A_STEP = 500  # about 10 ms of the write lock
ROWS_A_LOOK = 5_000  # that are only read
REST = 2.0  # times as long as a step took: ingest has the file for two thirds of the time
DAY_MS = 86_400_000
LOOK_FOR_UNUSED_S = 86_400.0  # it reads all events, once a day at most

log = logging.getLogger("onetrail_collector")


class Limits(NamedTuple):
    """What is kept of a source: days, and rows; 0 is without limit."""

    days: int
    rows: int


class Step(NamedTuple):
    """Which events go now, the position after that, and whether that was all."""

    doomed: list[int]
    position: int
    done: bool


def limits(settings: RetentionSettings, public_id: str) -> Limits:
    """The limits of a source: its own, where it has some, else those of all."""
    own = settings.sources.get(public_id, Keep())
    return Limits(
        settings.days if own.days is None else own.days,
        settings.rows if own.rows is None else own.rows,
    )


def plan(
    events: Iterable[EventAge],
    source: int,
    position: int,
    *,
    older_than_ms: int,
    excess: int,
) -> Step:
    """What of the next events goes: those of `source` that are too old, or `excess` too many."""
    doomed: list[int] = []
    for event in events:
        if event.source == source:
            if event.received_ms >= older_than_ms and len(doomed) >= excess:
                return Step(doomed, position, done=True)
            if len(doomed) == ROWS_A_STEP:
                return Step(doomed, position, done=False)
            doomed.append(event.id)
        position = event.id
    return Step(doomed, position, done=False)


class Marks:
    """Which row numbers are in use; a byte each, so that ten million take ten megabytes."""

    def __init__(self) -> None:
        self._marks = bytearray()

    def add(self, numbers: Iterable[int]) -> None:
        """These are in use."""
        for number in numbers:
            if number >= len(self._marks):
                self._marks.extend(bytes(number + 1 - len(self._marks)))
            self._marks[number] = 1

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Those of these that are not in use."""
        known = len(self._marks)
        return [number for number in numbers if number >= known or not self._marks[number]]


class InUse:
    """The sessions and contexts to which the events that were seen refer."""

    def __init__(self) -> None:
        self.seen_to = 0
        self._marks: dict[Referrable, Marks] = {"sessions": Marks(), "contexts": Marks()}

    def see(self, referred: Referred) -> None:
        """Some events more, the next ones."""
        if referred.last is not None:
            self.seen_to = referred.last
            self._marks["sessions"].add(referred.sessions)
            self._marks["contexts"].add(referred.contexts)

    def missing(self, table: Referrable, numbers: Iterable[int]) -> list[int]:
        """Those of these rows of `table` to which no event refers that was seen."""
        return self._marks[table].missing(numbers)


class Retention:
    """The task that looks for what is too old; start it, and close it."""

    def __init__(
        self, store: Store, settings: RetentionSettings, clock: Clock, metrics: Metrics
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._looked_s: float | None = None
        self._warned_of: set[str] = set()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, where anything has a limit."""
        settings = self._settings
        if settings.days or settings.rows or settings.sources:
            self._task = asyncio.create_task(self._run(), name="onetrail-retention")

    async def close(self) -> None:
        """Finish the step under way, then stop."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.look()
            except sqlite3.Error as error:  # disk full, file locked: the next look finds it all
                log.warning("retention: cannot delete now: %s", error)
            except Exception:
                log.exception("retention: a look has failed; the next is in a while")
            await self._rest(self._settings.interval_s)

    async def look(self) -> None:
        """Delete all that is too old or too many, then what nothing refers to."""
        gone = 0
        sources = await self._store.sources()
        self._warn_of_unknown({source.public_id for source in sources})
        for source in sources:
            gone += await self._shorten(source)
        now_s = time.monotonic()
        due = self._looked_s is None or now_s - self._looked_s > LOOK_FOR_UNUSED_S
        if gone and due and not self._stopping.is_set():
            self._looked_s = now_s
            await self._drop_unused()

    def _warn_of_unknown(self, known: set[str]) -> None:
        """A misspelt source would be kept for ever without a word; one may also be added later."""
        for public_id in self._settings.sources.keys() - known - self._warned_of:
            self._warned_of.add(public_id)
            log.warning("retention.sources.%s: there is no such source yet", public_id)

    async def _shorten(self, source: Source) -> int:
        days, rows = limits(self._settings, source.public_id)
        if not days and not rows:
            return 0
        tables = self._store.retention
        older_than_ms = self._clock() - days * DAY_MS if days else 0
        excess = max(0, await tables.count(source.id) - rows) if rows else 0
        position = remembered = await tables.position(source.id)
        gone, done = 0, False
        while not done and not self._stopping.is_set():
            began_s = time.perf_counter()
            events = await tables.oldest(position, 2 * ROWS_A_STEP)
            step = plan(
                events, source.id, position, older_than_ms=older_than_ms, excess=excess - gone
            )
            done = step.done or not events
            position = step.position
            if step.doomed or (done and position != remembered):
                gone += await tables.forget(source.id, step.doomed, position)
                self._metrics.deleted("events", len(step.doomed))
                remembered = position
            await self._rest((time.perf_counter() - began_s) * REST)
        if gone:
            log.info("retention: %d events of source %s are gone", gone, source.public_id)
        return gone

    async def _drop_unused(self) -> None:
        """Mark what events refer to, then delete the rest, told in each step what came since."""
        in_use = InUse()
        await self._drop("sessions", in_use)
        await self._drop("contexts", in_use)

    async def _drop(self, table: Referrable, in_use: InUse) -> None:
        # A session may begin before its first event is here.
        before_ms = self._clock() - DAY_MS
        gone, after = 0, 0

        def unused(numbers: Iterable[int], late: Referred) -> list[int]:
            in_use.see(late)
            return in_use.missing(table, numbers)

        while not self._stopping.is_set():
            await self._see_all(in_use)
            if self._stopping.is_set():
                return
            began_s = time.perf_counter()
            leaving = await self._store.retention.leave(
                table, after, ROWS_A_STEP, before_ms, in_use.seen_to, unused
            )
            gone += leaving.gone
            self._metrics.deleted(table, leaving.gone)
            await self._rest((time.perf_counter() - began_s) * REST)
            if leaving.next is None:
                break
            after = leaving.next
        if gone:
            log.info("retention: %d %s to which nothing refers are gone", gone, table)

    async def _see_all(self, in_use: InUse) -> None:
        """Look at the events that came since; all of them at the first time."""
        while not self._stopping.is_set():
            referred = await self._store.retention.referred(in_use.seen_to, ROWS_A_LOOK)
            in_use.see(referred)
            if referred.last is None:
                return

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
